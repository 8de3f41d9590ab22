//! Classes of ComfyUI for which nodes of packs stand in.

use crate::{
    graph::file::{Base, File, Input, Node, OutputName, Source},
    registry::{Class, Registry},
};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::Replacement;
use std::collections::HashMap;

/// The classes that the front end may replace in a workflow, each with its new class.
#[must_use]
pub fn replacements(registry: &Registry) -> Json {
    let mut all = Map::new();
    for (pack, replacement) in declared(registry) {
        let input = |(new, old): (&String, &String)| json!({ "new_id": new, "old_id": old });
        let mut inputs: Vec<Json> = replacement.inputs.iter().map(input).collect();
        let values = replacement.values.iter().filter(|(name, _)| !replacement.inputs.contains_key(*name));
        inputs.extend(values.map(|(name, value)| json!({ "new_id": name, "set_value": value })));
        let outputs = replacement.outputs.iter().enumerate();
        let outputs: Vec<Json> = outputs.map(|(old, new)| json!({ "new_idx": new, "old_idx": old })).collect();
        all.entry(&replacement.class).or_insert_with(|| {
            json!([{
                "new_node_id": format!("{pack}.{}", replacement.node), "old_node_id": replacement.class,
                "old_widget_ids": replacement.fields, "input_mapping": inputs, "output_mapping": outputs,
            }])
        });
    }
    all.into()
}

/// All replacements, with the ids of their packs.
fn declared(registry: &Registry) -> impl Iterator<Item = (&str, &Replacement)> {
    let packs = registry.packs().iter().map(|pack| &pack.manifest);
    packs.flat_map(|manifest| manifest.replaces.iter().map(|replacement| (manifest.id.as_str(), replacement)))
}

/// The replacement of a class of ComfyUI.
pub(super) fn of_class<'a>(class_type: &str, registry: &'a Registry) -> Option<(Class, &'a Replacement)> {
    let (pack, found) = declared(registry).find(|(_, replacement)| replacement.class == class_type)?;
    Some((registry.class(&format!("{pack}.{}", found.node))?, found))
}

/// The word of a choice that a class of ComfyUI has another word for, which the front end keeps when it replaces a node.
pub(super) fn word<'a>(class: &Class, input: &str, text: &str, registry: &'a Registry) -> Option<&'a str> {
    let of_class = declared(registry)
        .filter(|(pack, replacement)| *pack == class.pack.manifest.id && replacement.node == class.spec.name);
    of_class.filter_map(|(_, replacement)| replacement.words.get(input)?.get(text)).map(String::as_str).next()
}

impl File {
    /// This graph with nodes of packs in the place of classes of ComfyUI.
    #[must_use]
    pub(in crate::graph) fn with_replacements(mut self, registry: &Registry) -> Self {
        let mut outputs: HashMap<String, &[usize]> = HashMap::new();
        for node in self.nodes.iter_mut().filter(|node| node.bare && !node.adapted) {
            if let Some((class, replacement)) = of_class(&node.class_type, registry)
                && !is_already(node, registry)
            {
                replace(node, &class, replacement);
                outputs.insert(node.id.clone(), &replacement.outputs);
            }
        }
        if outputs.is_empty() {
            return self;
        }
        let links = self.nodes.iter_mut().flat_map(|node| &mut node.inputs).flat_map(|input| input.source.links_mut());
        for link in links {
            let Some(outputs) = outputs.get(&link.node) else { continue };
            if let OutputName::Index(index) = &mut link.output
                && let Some(new) = usize::try_from(*index).ok().and_then(|index| outputs.get(index))
            {
                *index = *new as u64;
            }
        }
        self
    }
}

/// Whether a node means the class of a pack that has the same name: all of its inputs are inputs of that class.
fn is_already(node: &Node, registry: &Registry) -> bool {
    let Some(class) = registry.class(&node.class_type) else { return false };
    let is_own = |input: &Input| class.spec.inputs.iter().any(|spec| spec.name == input.name);
    node.inputs.iter().all(is_own)
}

fn replace(node: &mut Node, class: &Class, replacement: &Replacement) {
    node.class_type.clone_from(&class.full_name);
    let mut old = std::mem::take(&mut node.inputs);
    for (new, name) in &replacement.inputs {
        let Some(position) = old.iter().position(|input| input.name == *name) else { continue };
        let mut input = Input { name: new.clone(), ..old.remove(position) };
        let words = replacement.words.get(new);
        if let Source::Literal(value) = &mut input.source
            && let Some(word) = words.and_then(|words| words.get(value.as_str()?))
        {
            *value = word.as_str().into();
        }
        node.inputs.push(input);
    }
    // Fields without a counterpart have no meaning here. Other inputs are told as unknown ones.
    node.inputs.extend(old.into_iter().filter(|input| !replacement.fields.contains(&input.name)));
    for (name, value) in &replacement.values {
        if !node.inputs.iter().any(|input| input.name == *name) {
            let source = Source::Literal(value.clone());
            node.inputs.push(Input { name: name.clone(), source, place: None, base: Base::Graph });
        }
    }
    sort_inputs(node, class);
}

/// Puts the inputs of a node in the order of its class.
pub(super) fn sort_inputs(node: &mut Node, class: &Class) {
    let position = |name: &str| class.spec.inputs.iter().position(|spec| spec.name == name);
    node.inputs.sort_by_key(|input| position(input.name.split('.').next().unwrap_or_default()));
}
