//! Reads workflows of the front end, versions 0.4 and 1.
//!
//! A subgraph is put in the place of its node, and ids become paths: `14:4` is the node 4 in the subgraph of the node 14. Notes, reroutes
//! and primitive values are gone, and so are muted nodes. A link through a bypassed node starts at what goes into it.

mod ids;
mod scopes;
mod values;
mod wires;

use super::replacements::of_class;
use crate::{
    graph::{
        changes::is_earlier,
        file::{Base, File, Input, Link, Node, Origin, OutputName, Source},
        problem::{Kind, Problem, Problems},
    },
    registry::Registry,
};
use scopes::Scopes;
use serde_json::Value as Json;
use values::Fields;
use wires::{Found, Known};

pub use ids::add_names;

/// The bare prompt that the front end would send for a workflow.
///
/// # Errors
/// The workflow is not complete, or too large.
pub fn to_prompt(workflow: &Json, registry: &Registry) -> Result<Json, Problems> {
    let (nodes, problems) = nodes(workflow, registry);
    if !problems.is_empty() {
        return Err(Problems::new(problems, "the workflow".to_owned()));
    }
    let mut file = File::empty(Origin::Text);
    file.nodes = nodes;
    Ok(file.with_changes(registry).to_prompt(registry))
}

impl File {
    /// This graph with the nodes of its workflow, if it was read from one. Their ids are paths of numbers.
    #[must_use]
    pub(in crate::graph) fn with_nodes_of_workflow(self, registry: &Registry) -> Self {
        match self.workflow.clone() {
            Some(workflow) => {
                let mut file = Self { inputs: Vec::new(), outputs: Vec::new(), ..self };
                file.take_nodes(registry);
                add_names(&mut file, &workflow);
                file
            }
            None => self,
        }
    }

    fn take_nodes(&mut self, registry: &Registry) {
        if let Some(workflow) = self.workflow.take() {
            let (nodes, problems) = nodes(&workflow, registry);
            if nodes.is_empty() && problems.is_empty() {
                let problem = Problem::new(Kind::NothingToDo, "the workflow, the canvas of ComfyUI's front end,")
                    .expected("nodes that run")
                    .received("none");
                let hint = "export the workflow in the API format: Workflow > Export (API)".to_owned();
                self.problems.push(problem.hint(hint));
            }
            self.nodes = nodes;
            self.problems.extend(problems);
        }
    }

    /// This graph with the nodes of its workflow, if it was read from one. Nodes that came from a graph have their old ids.
    #[must_use]
    pub(super) fn of_workflow(mut self, registry: &Registry) -> Self {
        if let Some(workflow) = self.workflow.clone() {
            self.take_nodes(registry);
            ids::restore(&mut self, &workflow, registry);
        }
        self
    }
}

/// The numbers and classes of the nodes of a workflow and of its subgraphs, as far as packs may have them.
pub(in crate::graph) fn classes(workflow: &Json) -> Vec<(String, String)> {
    scopes::all_nodes(workflow)
        .filter(|node| !node.is_virtual())
        .map(|node| (node.id, node.class_type.to_owned()))
        .collect()
}

/// The nodes that run, in the order of the workflow.
fn nodes(workflow: &Json, registry: &Registry) -> (Vec<Node>, Vec<Problem>) {
    let (scopes, mut problems) = scopes::read(workflow);
    let mut out = Vec::new();
    if problems.is_empty() {
        add_nodes(&scopes, 0, registry, &mut Known::new(), &mut out, &mut problems);
    } else {
        // Without its subgraphs, the rest of a workflow has problems that are none.
        out.extend(problems.first().map(|problem| unreadable(problem.node.as_deref().unwrap_or_default())));
    }
    (out, problems)
}

/// A node that could not be read. An empty class says so.
fn unreadable(id: &str) -> Node {
    let (id, class_type) = (id.to_owned(), String::new());
    Node { id, class_type, bare: true, adapted: false, version: None, repeat: None, inputs: Vec::new(), place: None }
}

/// Adds the nodes of a scope. Calls itself for subgraphs, whose depth is limited.
fn add_nodes<'a>(
    scopes: &Scopes<'a>,
    at: usize,
    registry: &Registry,
    known: &mut Known<'a>,
    out: &mut Vec<Node>,
    problems: &mut Vec<Problem>,
) {
    let scope = &scopes.all[at];
    for node in scope.nodes.iter().filter(|node| node.runs() && !node.is_virtual()) {
        match scope.children.get(&node.id) {
            Some(child) => add_nodes(scopes, *child, registry, known, out, problems),
            None => match read_node(scopes, at, node, registry, known) {
                Ok(node) => out.push(node),
                Err(problem) => {
                    out.push(unreadable(&scope.path(&node.id)));
                    problems.push(problem);
                }
            },
        }
    }
}

fn read_node<'a>(
    scopes: &Scopes<'a>,
    at: usize,
    node: &scopes::NodeJson<'a>,
    registry: &Registry,
    known: &mut Known<'a>,
) -> Result<Node, Problem> {
    let scope = &scopes.all[at];
    let id = scope.path(&node.id);
    let version = scopes.version(node);
    let fields = match (of_class(node.class_type, registry), registry.class(node.class_type)) {
        _ if is_earlier(node.class_type, version.as_ref(), registry) => Fields::Earlier,
        (Some((_, replacement)), _) => Fields::Replaced(replacement),
        (None, Some(class)) => Fields::Known(class.spec),
        (None, None) => Fields::Unknown,
    };
    let input = |name: &str, source| Input { name: name.to_owned(), source, place: None, base: Base::Graph };
    let mut inputs: Vec<Input> = Vec::new();
    for (name, value) in values::of_node(node, &fields) {
        // The front end writes an array in this way, as another array is a link.
        let value = match value.as_object().and_then(|object| object.get("__value__")) {
            Some(inner) => inner.clone(),
            None => value,
        };
        inputs.push(input(&name, Source::Literal(value)));
    }
    let promoted = scopes.promoted_values(scope, &node.id);
    for (name, value) in promoted {
        set(&mut inputs, input(&name, Source::Literal(value)));
    }
    for slot in node.inputs() {
        let (Some(name), Some(link)) = (slot.name(), slot.link()) else { continue };
        match scopes.origin(at, &link, known) {
            Ok(Found::Output(node, output)) => {
                let link = Link { node, output: OutputName::Index(output) };
                set(&mut inputs, input(name, Source::Link(link)));
            }
            Ok(Found::Value(value)) => set(&mut inputs, input(name, Source::Literal(value.clone()))),
            Ok(Found::Nothing) => {}
            Err(()) => {
                let message = format!("the links to `{name}` go round in a circle");
                let problem = Problem::new(Kind::Cycle, message).node(&id).class(node.class_type);
                return Err(problem.hint("remove one of the links in the front end".to_owned()));
            }
        }
    }
    let class_type = node.class_type.to_owned();
    Ok(Node { id, class_type, bare: true, adapted: false, version, repeat: None, inputs, place: None })
}

fn set(inputs: &mut Vec<Input>, new: Input) {
    match inputs.iter_mut().find(|input| input.name == new.name) {
        Some(input) => *input = new,
        None => inputs.push(new),
    }
}
