//! The nodes and links of a workflow and of its subgraphs. A subgraph that several nodes use is there once for each.

use crate::graph::{
    changes::version,
    problem::{Kind, Problem},
    workflow::keys::{EXTRA, ID},
};
use semver::Version;
use serde_json::Value as Json;
use std::collections::HashMap;

/// The largest depth of subgraphs in subgraphs.
const DEPTH: usize = 32;
/// The largest number of nodes and links. Without a limit, a few small subgraphs that use each other could fill the memory.
const PARTS: usize = 500_000;
/// The largest number of inputs, or of values that the node of a subgraph shows. All of them are looked through for each link.
const INPUTS_OF_ONE: usize = 4_096;

/// The id of what comes into a subgraph, and of what goes out of it.
pub(super) const INPUTS: &str = "-10";

/// A node as the workflow has it.
#[derive(Clone)]
pub(super) struct NodeJson<'a> {
    pub(super) id: String,
    pub(super) class_type: &'a str,
    pub(super) json: &'a Json,
}

/// A socket of a node.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a>(&'a Json);

/// The workflow, or a subgraph in the place of one node.
#[derive(Default)]
pub(super) struct Scope<'a> {
    /// The ids of the outer nodes, each with a colon behind it.
    prefix: String,
    /// The scope with its node and the id of the node; `None` for the workflow.
    pub(super) parent: Option<(usize, String)>,
    /// The definition of the subgraph.
    pub(super) definition: Option<&'a Json>,
    pub(super) nodes: Vec<NodeJson<'a>>,
    positions: HashMap<String, usize>,
    /// For each link, by its number: the node and the output that it comes from.
    pub(super) links: HashMap<String, (String, usize)>,
    /// The scopes of nodes that are subgraphs.
    pub(super) children: HashMap<String, usize>,
}

/// All scopes; the first is the workflow.
pub(super) struct Scopes<'a> {
    pub(super) all: Vec<Scope<'a>>,
    /// How many nodes and links there are.
    count: usize,
    /// The versions of packs, if the workflow was made of a graph that names them.
    packs: Option<&'a Json>,
}

/// The text of an id, which is a number or a text.
pub(super) fn id_of(json: &Json) -> Option<String> {
    match json {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn array<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

impl<'a> NodeJson<'a> {
    pub(super) fn of(json: &'a Json) -> Option<Self> {
        Some(Self { id: id_of(json.get("id")?)?, class_type: json.get("type")?.as_str()?, json })
    }

    /// Whether it is neither muted nor bypassed.
    pub(super) fn runs(&self) -> bool {
        !self.is_muted() && !self.is_bypassed()
    }

    pub(super) fn is_muted(&self) -> bool {
        self.json.get("mode").and_then(Json::as_u64) == Some(2)
    }

    pub(super) fn is_bypassed(&self) -> bool {
        self.json.get("mode").and_then(Json::as_u64) == Some(4)
    }

    /// Whether only the front end knows it.
    pub(super) fn is_virtual(&self) -> bool {
        matches!(self.class_type, "Note" | "MarkdownNote" | "Reroute" | "PrimitiveNode")
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = Slot<'a>> + use<'a> {
        array(self.json, "inputs").iter().map(Slot)
    }

    /// The number of its inputs, or of the values that it shows if it has more of them.
    fn size(&self) -> usize {
        let shown = self.property("proxyWidgets").and_then(Json::as_array).map_or(0, Vec::len);
        shown.max(array(self.json, "inputs").len())
    }

    pub(super) fn input(&self, slot: usize) -> Option<Slot<'a>> {
        array(self.json, "inputs").get(slot).map(Slot)
    }

    pub(super) fn output_type(&self, slot: usize) -> Option<&'a str> {
        array(self.json, "outputs").get(slot)?.get("type")?.as_str()
    }

    /// The name of an output; `None` if it has none.
    pub(super) fn output_name(&self, slot: usize) -> Option<&'a str> {
        array(self.json, "outputs").get(slot)?.get("name")?.as_str().filter(|name| !name.is_empty())
    }

    pub(super) fn property(&self, name: &str) -> Option<&'a Json> {
        self.json.get("properties")?.get(name)
    }
}

impl<'a> Slot<'a> {
    pub(super) fn name(self) -> Option<&'a str> {
        self.0.get("name")?.as_str()
    }

    pub(super) fn socket(self) -> Option<&'a str> {
        self.0.get("type")?.as_str()
    }

    /// The number of the link to it.
    pub(super) fn link(self) -> Option<String> {
        self.0.get("link").and_then(id_of)
    }

    pub(super) fn is_widget(self) -> bool {
        self.0.get("widget").is_some_and(|widget| !widget.is_null())
    }
}

impl<'a> Scope<'a> {
    /// The id of a node in the whole workflow.
    pub(super) fn path(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }

    pub(super) fn node(&self, id: &str) -> Option<&NodeJson<'a>> {
        self.nodes.get(*self.positions.get(id)?)
    }

    /// The names of what comes into the subgraph, or goes out of it.
    pub(super) fn name_at(&self, key: &str, slot: usize) -> Option<&'a str> {
        array(self.definition?, key).get(slot)?.get("name")?.as_str()
    }

    /// The number of the link to an output of the subgraph.
    pub(super) fn link_to_output(&self, slot: usize) -> Option<String> {
        let output = array(self.definition?, "outputs").get(slot)?;
        let known = |id: &String| self.links.contains_key(id);
        array(output, "linkIds").iter().filter_map(id_of).find(known)
    }

    fn of(json: &'a Json) -> Self {
        let nodes: Vec<NodeJson<'a>> = array(json, "nodes").iter().filter_map(NodeJson::of).collect();
        let positions = nodes.iter().enumerate().map(|(position, node)| (node.id.clone(), position)).collect();
        let links = array(json, "links").iter().filter_map(link).collect();
        Self { nodes, positions, links, ..Self::default() }
    }

    /// The number of its nodes and links. The border lists links once more.
    fn count(&self) -> usize {
        let outputs = self.definition.map_or(&[] as &[Json], |definition| array(definition, "outputs"));
        let at_border = outputs.iter().map(|output| array(output, "linkIds").len()).sum::<usize>();
        self.nodes.len() + self.links.len() + at_border
    }
}

/// A link: its number, and the node and the output that it comes from. Version 0.4 has arrays, version 1 and subgraphs have objects.
fn link(json: &Json) -> Option<(String, (String, usize))> {
    let (id, from, slot) = match json {
        Json::Array(items) => (items.first()?, items.get(1)?, items.get(2)?),
        _ => (json.get("id")?, json.get("origin_id")?, json.get("origin_slot")?),
    };
    Some((id_of(id)?, (id_of(from)?, usize::try_from(slot.as_u64()?).ok()?)))
}

/// The nodes of a workflow and of the definitions of its subgraphs. Nodes that are subgraphs or graphs are not among them.
pub(super) fn all_nodes(workflow: &Json) -> impl Iterator<Item = NodeJson<'_>> {
    let definitions = workflow.get("definitions").map_or(&[] as &[Json], |all| array(all, "subgraphs"));
    let nodes = std::iter::once(workflow).chain(definitions).flat_map(|graph| array(graph, "nodes"));
    let nodes = nodes.filter_map(NodeJson::of);
    nodes.filter(|node| !is_uuid(node.class_type) && !node.class_type.ends_with(".json"))
}

/// Reads all scopes of a workflow.
pub(super) fn read(workflow: &Json) -> (Scopes<'_>, Vec<Problem>) {
    let definitions = workflow.get("definitions").map_or(&[] as &[Json], |all| array(all, "subgraphs"));
    let id = |definition: &Json| definition.get("id").and_then(Json::as_str).map(str::to_owned);
    let definitions: HashMap<String, &Json> =
        definitions.iter().filter_map(|definition| Some((id(definition)?, definition))).collect();
    let root = Scope::of(workflow);
    let packs = workflow.get("extra").and_then(|extra| extra.get(EXTRA)?.get("packs"));
    let mut scopes = Scopes { count: root.count(), all: vec![root], packs };
    let mut problems = Vec::new();
    let mut next = 0;
    while next < scopes.all.len() {
        let nodes = scopes.all[next].nodes.clone();
        for node in nodes.iter().filter(|node| !node.is_muted()) {
            if node.size() > INPUTS_OF_ONE {
                let message = format!("expected at most {INPUTS_OF_ONE} inputs, got {}", node.size());
                problems.push(scopes.problem(next, node, &message).hint("use several nodes".to_owned()));
                continue;
            }
            let definition = definitions.get(node.class_type);
            if definition.is_none() && is_uuid(node.class_type) && node.runs() {
                problems.push(
                    scopes
                        .problem(next, node, "expected the definition of its subgraph in the workflow, got none")
                        .hint("save the workflow again in the front end".to_owned()),
                );
            }
            let Some(definition) = definition.filter(|_| node.runs()) else { continue };
            match scopes.refusal(next, node) {
                Some(problem) => problems.push(problem),
                None => scopes.add(next, node, definition),
            }
            if scopes.count > PARTS {
                let message = format!("expected at most {PARTS} nodes and links, got more");
                problems.push(scopes.problem(next, node, &message).hint("use fewer subgraphs".to_owned()));
                return (scopes, problems);
            }
        }
        next += 1;
    }
    (scopes, problems)
}

impl<'a> Scopes<'a> {
    fn add(&mut self, outer: usize, node: &NodeJson<'a>, definition: &'a Json) {
        let mut scope = Scope::of(definition);
        scope.prefix = format!("{}:", self.all[outer].path(&node.id));
        scope.parent = Some((outer, node.id.clone()));
        scope.definition = Some(definition);
        self.count += scope.count();
        let child = self.all.len();
        self.all[outer].children.insert(node.id.clone(), child);
        self.all.push(scope);
    }

    /// The version of the pack with which a node was made. A node that somebody added in the front end has none.
    pub(super) fn version(&self, node: &NodeJson<'_>) -> Option<Version> {
        node.property(ID)?;
        let (pack, _) = node.class_type.split_once('.')?;
        version(self.packs?.get(pack)?.as_str()?)
    }

    /// The reason why the subgraph of a node is not read.
    fn refusal(&self, outer: usize, node: &NodeJson<'_>) -> Option<Problem> {
        let mut depth = 1;
        let mut scope = &self.all[outer];
        while let Some((parent, _)) = &scope.parent {
            depth += 1;
            if scope.definition.and_then(|definition| definition.get("id")?.as_str()) == Some(node.class_type) {
                let name = scope.definition.and_then(|definition| definition.get("name")?.as_str()).unwrap_or_default();
                let message = format!("expected a subgraph that does not contain itself, got {name:?}");
                return Some(self.problem(outer, node, &message).hint("remove this node".to_owned()));
            }
            scope = &self.all[*parent];
        }
        let message = format!("expected at most {DEPTH} levels of subgraphs in subgraphs, got more");
        (depth > DEPTH).then(|| self.problem(outer, node, &message).hint("use fewer levels".to_owned()))
    }

    fn problem(&self, scope: usize, node: &NodeJson<'_>, message: &str) -> Problem {
        Problem::new(Kind::Part, message).node(&self.all[scope].path(&node.id))
    }
}

/// Whether the class of a node is the id of a subgraph.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
