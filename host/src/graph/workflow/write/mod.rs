//! Writes graphs as workflows of the front end, version 0.4.

mod blueprint;
mod layout;
mod node;
mod unknown;

use super::keys::EXTRA;
use crate::{
    graph::{
        expand,
        file::{File, Target},
    },
    registry::{Class, Registry},
    sha256,
};
use layout::Area;
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::InputSpec;
use std::collections::{BTreeMap, HashMap};

pub use blueprint::to_blueprint;

/// Makes a workflow of a graph. Graph nodes are replaced by the nodes of their graphs. Nodes stand from left to right in the order of the
/// links, with room for pictures in them. Names, placeholders and what graphs leave out survive the way back.
#[must_use]
pub fn to_workflow(file: &File, registry: &Registry) -> Json {
    let file = expand(file.clone()).adapted(registry);
    let drawn = Drawn::new(&file, registry, &|_| None);
    let mut extra = Map::new();
    extra.insert(EXTRA.to_owned(), about(&file));
    extra.insert("linearData".to_owned(), drawn.app(&file));
    json!({
        "id": uuid_of(&json!([drawn.nodes, extra])),
        "revision": 0,
        "last_node_id": drawn.nodes.len(),
        "last_link_id": drawn.links.len(),
        "nodes": drawn.nodes,
        "links": drawn.links.iter().map(Wire::as_array).collect::<Vec<_>>(),
        "groups": [],
        "config": {},
        "extra": extra,
        "version": 0.4,
    })
}

/// The value that the front end has for an input that a graph leaves out.
pub(super) fn field(spec: &InputSpec) -> Json {
    node::field(spec)
}

/// A link between two nodes, by their numbers.
struct Wire {
    id: u64,
    from: i64,
    output: usize,
    to: i64,
    input: usize,
    socket: String,
}

impl Wire {
    fn as_array(&self) -> Json {
        json!([self.id, self.from, self.output, self.to, self.input, self.socket])
    }

    fn as_object(&self) -> Json {
        json!({
            "id": self.id, "origin_id": self.from, "origin_slot": self.output, "target_id": self.to,
            "target_slot": self.input, "type": self.socket,
        })
    }
}

/// The nodes and links of a graph in the form of a workflow.
struct Drawn {
    nodes: Vec<Json>,
    links: Vec<Wire>,
    classes: Vec<Option<Class>>,
    /// The names and types of the outputs of each node.
    outputs: Vec<Vec<(String, String)>>,
    numbers: HashMap<String, i64>,
}

impl Drawn {
    /// Draws a graph. `outside` is the input of a blueprint that sets an input of a node.
    fn new(file: &File, registry: &Registry, outside: &dyn Fn(&Target) -> Option<usize>) -> Self {
        let classes: Vec<Option<Class>> = file.nodes.iter().map(|node| registry.class(&node.class_type)).collect();
        let numbers: HashMap<String, i64> =
            (1..).zip(&file.nodes).map(|(number, node)| (node.id.clone(), number)).collect();
        let outputs = unknown::outputs(file, &classes);
        let mut drawn = Self { nodes: Vec::new(), links: Vec::new(), classes, outputs, numbers };
        let names = named(file);
        let boxes: Vec<Area> = layout::place(file, &drawn.classes);
        for (position, node) in file.nodes.iter().enumerate() {
            let names = names.get(node.id.as_str()).map_or(&[] as &[(&str, &str)], Vec::as_slice);
            let json = drawn.node(position, node, names, boxes[position], outside);
            drawn.nodes.push(json);
        }
        drawn.add_links_to_outputs();
        drawn
    }

    /// Tells each output the links from it.
    fn add_links_to_outputs(&mut self) {
        let mut from: BTreeMap<(i64, usize), Vec<u64>> = BTreeMap::new();
        for link in &self.links {
            from.entry((link.from, link.output)).or_default().push(link.id);
        }
        for ((node, output), links) in from {
            let node = usize::try_from(node - 1).ok().and_then(|position| self.nodes.get_mut(position));
            if let Some(output) = node.and_then(|node| node.get_mut("outputs")?.get_mut(output)) {
                output["links"] = links.into();
            }
        }
    }

    /// The form of App mode: the fields of the named inputs, and the nodes that write something.
    fn app(&self, file: &File) -> Json {
        let field = |target: &Target| {
            let number = self.numbers.get(&target.node)?;
            let node = &self.nodes[usize::try_from(number - 1).ok()?];
            let mut inputs = node["inputs"].as_array()?.iter();
            let is_field = |input: &&Json| input["name"] == target.input && input.get("widget").is_some();
            inputs.find(is_field).map(|_| json!([number, target.input]))
        };
        let inputs: Vec<Json> = file.inputs.iter().filter_map(|input| input.targets.iter().find_map(field)).collect();
        let writes = self.classes.iter().map(|class| class.as_ref().is_some_and(|class| class.spec.output));
        let outputs: Vec<u64> = (1..).zip(writes).filter(|(_, writes)| *writes).map(|(number, _)| number).collect();
        json!({ "inputs": inputs, "outputs": outputs })
    }
}

/// What the front end has no place for: all of the graph but its nodes.
fn about(file: &File) -> Json {
    let without = File { nodes: Vec::new(), ..file.clone() };
    let mut about = without.to_json();
    if let Some(about) = about.as_object_mut() {
        about.remove("nodes");
        about.remove("version");
    }
    about
}

/// For each node, its inputs that a named input sets, each with the name.
fn named(file: &File) -> HashMap<&str, Vec<(&str, &str)>> {
    let mut named: HashMap<&str, Vec<(&str, &str)>> = HashMap::new();
    for input in &file.inputs {
        for target in &input.targets {
            named.entry(&target.node).or_default().push((&target.input, &input.name));
        }
    }
    named
}

/// An id that only depends on the graph.
fn uuid_of(graph: &Json) -> String {
    let hex = sha256::hex(&sha256::of_bytes(graph.to_string().as_bytes()));
    // A UUID says in these two places that its form is free (version 8).
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
