//! Checks a prompt that a client wants to run, and tells its problems as the protocol has them.

use super::{job::Body, server::Server};
use crate::{
    graph::{self, File, Kind, Origin, Problem, Problems},
    words::some_of,
};
use serde_json::{Map, Value as Json, json};
use std::collections::{HashMap, HashSet};

/// A prompt that does not run.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    /// The problem of the whole prompt.
    pub(super) error: Json,
    /// For each node with problems, all of them.
    pub(super) nodes: Map<String, Json>,
}

impl Refusal {
    pub(super) fn new(kind: &str, message: &str, details: impl Into<String>) -> Self {
        let error = json!({ "type": kind, "message": message, "details": details.into(), "extra_info": {} });
        Self { error, nodes: Map::new() }
    }

    pub(super) fn to_json(&self) -> Json {
        json!({ "error": self.error, "node_errors": self.nodes })
    }
}

/// Checks the prompt of a job, and sets the output nodes that it can run for. `targets` are those that are asked for; `None` means
/// all. An unlisted job can run for any nodes. Returns the problems of the others.
///
/// # Errors
/// The prompt has no output node without problems.
pub(super) fn check(
    server: &Server,
    body: &mut Body,
    targets: Option<&[String]>,
) -> Result<Map<String, Json>, Refusal> {
    let invalid = |message: &str, details: String| Refusal::new("invalid_prompt", message, details);
    let file = File::parse(&body.graph.to_string(), Origin::Text)
        .map_err(|problems| invalid("the prompt is not a graph", problems.to_string()))?;
    let text: Vec<&Problem> = file.problems.iter().filter(|problem| problem.node.is_none()).collect();
    if let Some(problem) = text.first() {
        return Err(invalid("the prompt is not a graph", problem.to_string()));
    }
    // Classes of ComfyUI become those that stand in for them.
    let file = file.adapted(&server.registry);
    let mut outputs = Vec::new();
    for node in &file.nodes {
        let Some(class) = server.registry.class(&node.class_type) else {
            let problem = graph::unknown_class(&server.registry, &node.class_type);
            let mut refusal = invalid("a node has an unknown class", format!("Node ID '#{}': {problem}", node.id));
            if let Json::Object(error) = &mut refusal.error {
                let about = json!({ "node_id": node.id, "class_type": node.class_type, "node_title": node.class_type });
                error.insert("extra_info".to_owned(), about);
            }
            return Err(refusal);
        };
        let can_run = class.spec.output || (body.unlisted && !class.spec.outputs.is_empty());
        if can_run && targets.is_none_or(|targets| targets.contains(&node.id)) {
            outputs.push(node.id.clone());
        }
    }
    if outputs.is_empty() {
        let known = server.registry.packs().iter().flat_map(|pack| &pack.manifest.nodes);
        let known = some_of(known.filter(|spec| spec.output).map(|spec| spec.name.as_str()));
        let details = format!("expected a node that writes or shows something, such as {known}; got none");
        return Err(Refusal::new("prompt_no_outputs", "the prompt has nothing to run for", details));
    }
    body.outputs.clone_from(&outputs);
    let Err(problems) = checked(server, body, &file) else { return Ok(Map::new()) };
    let needs: Vec<(String, HashSet<String>)> = outputs
        .into_iter()
        .map(|output| {
            let needed = needed(&file, std::slice::from_ref(&output)).into_iter().map(str::to_owned).collect();
            (output, needed)
        })
        .collect();
    let is_bad = |needed: &HashSet<String>| {
        problems.problems.iter().any(|problem| problem.node.as_ref().is_none_or(|node| needed.contains(node)))
    };
    let good = needs.iter().filter(|(_, needed)| !is_bad(needed)).map(|(output, _)| output.clone());
    body.outputs = good.collect();
    let nodes = node_errors(&problems, &file, &needs);
    if !body.outputs.is_empty() && checked(server, body, &file).is_ok() {
        return Ok(nodes);
    }
    // The client did not write the text in which lines and columns are.
    let plain = |problem: &Problem| Problem { place: None, ..problem.clone() }.to_string();
    let details: Vec<String> = problems.problems.iter().map(plain).collect();
    let refusal = Refusal::new("prompt_outputs_failed_validation", "the prompt has problems", details.join("\n"));
    Err(Refusal { nodes, ..refusal })
}

fn checked(server: &Server, body: &Body, file: &File) -> Result<(), Problems> {
    graph::check_with_files(server.narrowed(file.clone(), body), &server.registry, &server.given()).map(|_| ())
}

/// The ids of the nodes that these nodes need, with themselves.
pub(super) fn needed<'a>(file: &'a File, outputs: &[String]) -> HashSet<&'a str> {
    let by_id: HashMap<&str, &graph::Node> = file.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut needed = HashSet::new();
    let mut stack: Vec<&str> = by_id.keys().copied().filter(|id| outputs.iter().any(|output| output == id)).collect();
    while let Some(id) = stack.pop() {
        let Some(node) = by_id.get(id) else { continue };
        if needed.insert(id) {
            stack.extend(node.inputs.iter().flat_map(|input| input.source.links()).map(|link| link.node.as_str()));
        }
    }
    needed
}

/// For each node its problems, its class and the output nodes that need it.
fn node_errors(problems: &Problems, file: &File, needs: &[(String, HashSet<String>)]) -> Map<String, Json> {
    let mut nodes = Map::new();
    for problem in &problems.problems {
        let Some(id) = &problem.node else { continue };
        let entry = nodes.entry(id.clone()).or_insert_with(|| {
            let class = file.node(id).map_or("", |node| node.class_type.as_str());
            let outputs = needs.iter().filter(|(_, needed)| needed.contains(id)).map(|(output, _)| output.as_str());
            json!({ "errors": [], "dependent_outputs": outputs.collect::<Vec<_>>(), "class_type": class })
        });
        if let Some(Json::Array(errors)) = entry.get_mut("errors") {
            errors.push(error(problem, file));
        }
    }
    nodes
}

fn error(problem: &Problem, file: &File) -> Json {
    let kind = match problem.kind {
        Kind::MissingInput => "required_input_missing",
        Kind::DanglingLink | Kind::UnknownOutput | Kind::Cycle | Kind::ListLink | Kind::Format => "bad_linked_input",
        Kind::LinkType => "return_type_mismatch",
        Kind::WrongType => "invalid_input_type",
        Kind::TooSmall => "value_smaller_than_min",
        Kind::TooLarge => "value_bigger_than_max",
        Kind::NotAChoice => "value_not_in_list",
        _ => "custom_validation_failed",
    };
    // The node and the input stand beside the text.
    let plain = Problem { node: None, class: None, input: None, place: None, ..problem.clone() };
    let mut about = Map::new();
    if let Some(input) = &problem.input {
        about.insert("input_name".to_owned(), input.as_str().into());
        let node = problem.node.as_ref().and_then(|node| file.node(node));
        if let Some(graph::Source::Literal(value)) = node.and_then(|node| node.input(input)) {
            about.insert("received_value".to_owned(), value.clone());
        }
    }
    let input = problem.input.clone().unwrap_or_default();
    json!({ "type": kind, "message": plain.to_string(), "details": input, "extra_info": about })
}
