//! The classes of nodes that repeat a graph.

use super::{
    file::{File, Node, OutputName},
    repeat::Repeat,
};
use crate::registry::{Class, Instance, NodeSource, Pack, Registry};
use splatgraph_sdk::{
    Error,
    spec::{InputSpec, Manifest, NodeSpec, OutputSpec, scalar},
};
use std::{collections::HashMap, sync::Arc};

/// The source of the class of repeating nodes: the runner runs their graph itself.
struct NoNodes;

impl NodeSource for NoNodes {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        Err(Error::new(format!("`{node}` is no node that runs")))
    }
}

/// A pack whose nodes only the runner understands.
pub(super) fn pack(id: &str, nodes: Vec<NodeSpec>) -> Pack {
    let (id, version) = (id.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Pack { manifest: Manifest { id, version, nodes, ..Manifest::default() }, path: "".into(), nodes: Arc::new(NoNodes) }
}

/// The class of a node of an expanded graph; `None` if no loaded pack has it. For a node that repeats a graph, the named inputs and
/// outputs of the graph.
#[must_use]
pub fn class_of(node: &Node, registry: &Registry) -> Option<Class> {
    match &node.repeat {
        Some(repeat) => repeating(node, repeat, repeat.graph.as_ref()?, registry),
        None => registry.class(&node.class_type),
    }
}

fn repeating(node: &Node, repeat: &Repeat, graph: &File, registry: &Registry) -> Option<Class> {
    // Once for each node, as a graph that repeats others at every level would take very long otherwise.
    let classes = graph.nodes.iter().filter_map(|inner| Some((inner.id.as_str(), (inner, class_of(inner, registry)?))));
    let classes: HashMap<&str, (&Node, Class)> = classes.collect();
    let inputs = graph.inputs.iter().filter_map(|named| {
        let targets = named.targets.iter();
        let mut specs = targets.filter_map(|target| {
            let (inner, class) = classes.get(target.node.as_str())?;
            let spec = class.spec.inputs.iter().find(|spec| spec.name == target.input)?.clone();
            Some((spec, inner.input(&target.input).is_some()))
        });
        let (spec, is_given) = specs.next()?;
        let over = repeat.goes_over(&named.name);
        let carried =
            !over && repeat.varying().any(|name| name == named.name) && repeat.index.as_ref() != Some(&named.name);
        // The graph has its own value, or its class a default. What a pass takes has to come from outside.
        let optional =
            !over && !carried && (is_given || !spec.required() || repeat.index.as_ref() == Some(&named.name));
        Some(InputSpec {
            name: named.name.clone(),
            list: over || spec.list,
            optional,
            default: None,
            counts_from: None,
            chosen_by: None,
            chosen_when: None,
            ..spec
        })
    });
    let outputs = graph.outputs.iter().map(|output| {
        let class = classes.get(output.link.node.as_str());
        let spec = class.and_then(|(_, class)| {
            let outputs = &class.spec.outputs;
            match &output.link.output {
                OutputName::Name(name) => outputs.iter().find(|spec| spec.name == *name),
                OutputName::Index(index) => outputs.get(usize::try_from(*index).ok()?),
            }
        });
        let (socket, list) = spec.map_or((scalar::ANY.to_owned(), false), |spec| (spec.socket.clone(), spec.list));
        let list = list || repeat.lists(&output.name);
        OutputSpec {
            name: output.name.clone(),
            socket,
            list,
            help: spec.map(|spec| spec.help.clone()).unwrap_or_default(),
        }
    });
    let writes = classes.values().any(|(_, class)| class.spec.output);
    let spec = NodeSpec {
        name: node.class_type.clone(),
        version: 1,
        help: graph.title.clone(),
        output: writes,
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        ..NodeSpec::default()
    };
    let pack = Arc::new(pack(repeat.key(), Vec::new()));
    Some(Class { pack, spec: Arc::new(spec), full_name: node.class_type.clone() })
}
