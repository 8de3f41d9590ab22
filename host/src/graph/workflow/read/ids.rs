//! What a workflow keeps of the graph that it was made of: ids, names, and which inputs were left out.

use super::scopes::{NodeJson, id_of};
use crate::{
    graph::{
        changes::is_earlier,
        file::{Base, File, Input, Link, NamedInput, NamedOutput, Node, OutputName, Source, Target},
        workflow::{
            keys::{EXTRA, GIVEN, ID, VALUES},
            replacements::sort_inputs,
            write::field,
        },
    },
    registry::Registry,
};
use serde_json::Value as Json;
use splatgraph_sdk::spec::InputSpec;
use std::collections::{HashMap, HashSet};

/// For each node of the workflow that came from a graph: its number and its old id. A copy of a node has its id too, so only the first
/// keeps it.
fn old_ids(workflow: &Json) -> HashMap<String, (String, NodeJson<'_>)> {
    let nodes = workflow.get("nodes").and_then(Json::as_array).map_or(&[] as &[Json], Vec::as_slice);
    let mut nodes: Vec<NodeJson<'_>> = nodes.iter().filter_map(NodeJson::of).collect();
    nodes.sort_by_key(|node| node.id.parse::<u64>().unwrap_or(u64::MAX));
    let mut seen = HashSet::new();
    let mut old = HashMap::new();
    for node in nodes {
        let Some(id) = node.property(ID).and_then(Json::as_str).filter(|id| !id.is_empty()) else { continue };
        if seen.insert(id.to_owned()) {
            old.insert(node.id.clone(), (id.to_owned(), node));
        }
    }
    old
}

/// Gives nodes their old ids, leaves out what their graph left out, and drops the names of nodes that are gone.
pub(super) fn restore(file: &mut File, workflow: &Json, registry: &Registry) {
    let mut old = old_ids(workflow);
    let mut seen = HashSet::new();
    let new = |node: &Node| old.get(&node.id).map_or_else(|| node.id.clone(), |(id, _)| id.clone());
    // An old id may be the number of a node that somebody added. Then all have their numbers.
    if !file.nodes.iter().all(|node| seen.insert(new(node))) {
        old.clear();
    }
    for node in &mut file.nodes {
        let Some((id, json)) = old.get(&node.id) else { continue };
        match registry.class(&node.class_type) {
            // Its class may have had other inputs, with other defaults.
            _ if is_earlier(&node.class_type, node.version.as_ref(), registry) => {
                leave_out(&mut node.inputs, json, &[])
            }
            Some(class) => {
                leave_out(&mut node.inputs, json, &class.spec.inputs);
                sort_inputs(node, &class);
            }
            None => leave_out(&mut node.inputs, json, &[]),
        }
        node.id.clone_from(id);
    }
    for link in file.nodes.iter_mut().flat_map(|node| &mut node.inputs).flat_map(|input| input.source.links_mut()) {
        if let Some((id, json)) = old.get(&link.node) {
            // Only the workflow knows the outputs of an unknown class.
            if let OutputName::Index(index) = link.output
                && registry.class(json.class_type).is_none()
                && let Some(name) = usize::try_from(index).ok().and_then(|index| json.output_name(index))
            {
                link.output = OutputName::Name(name.to_owned());
            }
            link.node.clone_from(id);
        }
    }
    let ids: HashSet<&str> = file.nodes.iter().map(|node| node.id.as_str()).collect();
    for input in &mut file.inputs {
        input.targets.retain(|target| ids.contains(target.node.as_str()));
    }
    file.inputs.retain(|input| !input.targets.is_empty());
    file.outputs.retain(|output| ids.contains(output.link.node.as_str()));
}

/// Removes the values that the graph did not give and nobody changed, and adds those that no field can hold.
fn leave_out(inputs: &mut Vec<Input>, node: &NodeJson<'_>, specs: &[InputSpec]) {
    let Some(given) = node.property(GIVEN).and_then(Json::as_array) else { return };
    inputs.retain(|input| {
        let Source::Literal(value) = &input.source else { return true };
        let Some(spec) = specs.iter().find(|spec| spec.name == input.name) else { return true };
        given.iter().any(|name| name.as_str() == Some(&input.name)) || *value != field(spec)
    });
    let kept = node.property(VALUES).and_then(Json::as_object);
    for (name, value) in kept.into_iter().flatten() {
        if !inputs.iter().any(|input| input.name == *name) {
            let source = Source::Literal(value.clone());
            inputs.push(Input { name: name.clone(), source, place: None, base: Base::Graph });
        }
    }
}

/// Adds the names of inputs and results that a workflow keeps to the bare prompt that the front end made of it.
pub fn add_names(file: &mut File, workflow: &Json) {
    let kept = workflow.get("extra").and_then(|extra| extra.get(EXTRA));
    let numbers: HashMap<String, String> =
        old_ids(workflow).into_iter().map(|(number, (id, _))| (id, number)).collect();
    let number = |id: &str| numbers.get(id).filter(|number| file.node(number).is_some()).cloned();
    let object = |key: &str| kept.and_then(|kept| kept.get(key)?.as_object()).into_iter().flatten();
    let inputs = object("inputs").filter_map(|(name, targets)| {
        let targets = targets.as_array().map_or_else(|| vec![targets], |targets| targets.iter().collect());
        let target = |target: &Json| {
            let Target { node, input } = Target::parse(target.as_str()?)?;
            Some(Target { node: number(&node)?, input })
        };
        let targets: Vec<Target> = targets.into_iter().filter_map(target).collect();
        (!targets.is_empty()).then(|| NamedInput { name: name.clone(), targets, place: None })
    });
    let outputs = object("outputs").filter_map(|(name, link)| {
        let (node, output) = (link.get(0)?.as_str()?, link.get(1)?);
        let output = match output.as_u64() {
            Some(index) => OutputName::Index(index),
            None => OutputName::Name(id_of(output)?),
        };
        Some(NamedOutput { name: name.clone(), link: Link { node: number(node)?, output }, place: None })
    });
    let (inputs, outputs): (Vec<_>, Vec<_>) = (inputs.collect(), outputs.collect());
    file.inputs.extend(inputs);
    file.outputs.extend(outputs);
}
