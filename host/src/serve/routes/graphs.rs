//! The server's own way to run graphs, which `/lite` uses: graphs with named inputs.

use super::{
    super::{
        gallery::{self, Graph},
        job::Body,
        server::Server,
    },
    about,
    answer::{Answer, Failure, Object, in_background},
    queue::{self, Place},
};
use crate::graph::{self, File, Input, NamedInput, Origin, Problem, Source, Target};
use axum::{
    Json as JsonBody,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::InputSpec;
use std::sync::Arc;

/// All graphs, each with its named inputs.
pub(super) async fn list(State(server): State<Arc<Server>>) -> Answer<JsonBody<Json>> {
    in_background(move || JsonBody(all(&server))).await
}

fn all(server: &Server) -> Json {
    gallery::graphs(server).iter().map(|graph| described(graph, server)).collect::<Vec<_>>().into()
}

/// What the page `/lite` needs at its start.
pub(super) async fn lite(State(server): State<Arc<Server>>) -> Answer<JsonBody<Json>> {
    in_background(move || {
        let scripts = about::scripts(&server).into_iter().filter(|path| path.ends_with(".lite.js"));
        JsonBody(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "graphs": all(&server),
            "extensions": scripts.collect::<Vec<_>>(),
        }))
    })
    .await
}

/// The graph with a name, in this program's own format.
pub(super) async fn one(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Answer<JsonBody<Json>> {
    in_background(move || {
        let graph = gallery::graph(&server, &name);
        let graph = graph.ok_or_else(|| Failure::missing(format!("there is no graph {name:?}")))?;
        Ok(JsonBody(graph.to_json(&server)))
    })
    .await?
}

fn described(graph: &Graph, server: &Server) -> Json {
    let inputs: Vec<Json> = graph.file.inputs.iter().filter_map(|named| input(graph, named, server)).collect();
    let outputs: Vec<&str> = graph.file.outputs.iter().map(|output| output.name.as_str()).collect();
    let picture = graph.picture().map(|_| format!("/templates/{}-1.png", graph.name));
    json!({
        "name": graph.name, "title": graph.file.title, "description": graph.file.description, "inputs": inputs,
        "outputs": outputs, "picture": picture,
    })
}

fn input(graph: &Graph, named: &NamedInput, server: &Server) -> Option<Json> {
    let target = named.targets.first()?;
    let spec = spec(&graph.file, target, server)?;
    let node = graph.file.node(&target.node)?;
    let value = match node.input(&target.input) {
        Some(Source::Literal(value)) => Some(value.clone()),
        _ => spec.default.clone(),
    };
    let mut about = match serde_json::to_value(&spec) {
        Ok(Json::Object(about)) => about,
        _ => Map::new(),
    };
    about.insert("name".to_owned(), named.name.as_str().into());
    let targets: Vec<String> = named.targets.iter().map(ToString::to_string).collect();
    about.insert("targets".to_owned(), targets.into());
    about.insert("value".to_owned(), value.unwrap_or_default());
    Some(about.into())
}

fn spec(file: &File, target: &Target, server: &Server) -> Option<InputSpec> {
    let class = server.registry.class(&file.node(&target.node)?.class_type)?;
    class.spec.inputs.iter().find(|input| input.name == target.input).cloned()
}

/// Takes a graph into the queue: `graph` (a name or a graph), `inputs`, `sets`, `client_id` and `extra_data`, the last
/// two as in `/prompt`.
pub(super) async fn run(State(server): State<Arc<Server>>, body: Object) -> Response {
    match in_background(move || add(&server, &body)).await {
        Ok(Ok(Ok(added))) => JsonBody(added).into_response(),
        Ok(Ok(Err(problems))) => (StatusCode::BAD_REQUEST, JsonBody(json!({ "problems": problems }))).into_response(),
        Ok(Err(failure)) | Err(failure) => failure.into_response(),
    }
}

/// Adds the job of a request, or returns the problems of its graph.
fn add(server: &Server, request: &Object) -> Answer<Result<Json, Vec<Problem>>> {
    let graph = match request.0.get("graph") {
        Some(Json::String(name)) => {
            let graph = gallery::graph(server, name);
            graph.ok_or_else(|| Failure::missing(format!("there is no graph {name:?}")))?.to_json(server)
        }
        Some(graph @ Json::Object(_)) => graph.clone(),
        _ => return Err(Failure::bad("`graph`: expected the name of a graph, or a graph")),
    };
    let client = match request.0.get("client_id") {
        None | Some(Json::Null) => None,
        Some(Json::String(client)) => Some(client.clone()),
        Some(_) => return Err(Failure::bad("`client_id`: expected a text")),
    };
    let extra = match request.0.get("extra_data") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(extra)) => extra.clone(),
        Some(_) => return Err(Failure::bad("`extra_data`: expected an object")),
    };
    let mut file = match File::parse(&graph.to_string(), Origin::Text) {
        Ok(file) => file,
        Err(problems) => return Ok(Err(problems.problems)),
    };
    let unknown = put_in(&mut file, request.0.get("inputs"), request.0.get("sets"))?;
    let body = Body { graph: file.to_json(), is_prompt: false, client, extra, ..Body::default() };
    let given = server.given();
    let checked = graph::check_with_files(graph::expand(file), &server.registry, &given);
    match (checked, unknown) {
        (Err(problems), _) => Ok(Err(problems.problems)),
        (Ok(_), Some(name)) => Err(Failure::bad(format!("the graph has no input {name:?}"))),
        (Ok(checked), None) => queue::add(server, None, Place::Back, body).map(|mut added| {
            if !checked.warnings.is_empty() {
                added["warnings"] = json!(checked.warnings);
            }
            Ok(added)
        }),
    }
}

/// Puts values of named inputs and of inputs of nodes into a graph. Returns the first name that it does not have.
fn put_in(file: &mut File, inputs: Option<&Json>, sets: Option<&Json>) -> Answer<Option<String>> {
    let object = |value: Option<&Json>, key: &str| match value {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(object)) => Ok(object.clone()),
        Some(_) => Err(Failure::bad(format!("`{key}`: expected an object"))),
    };
    let mut unknown = None;
    let mut values: Vec<(Target, Json)> = Vec::new();
    for (name, value) in object(inputs, "inputs")? {
        match file.named_input(&name) {
            Some(named) => values.extend(named.targets.iter().map(|target| (target.clone(), value.clone()))),
            None => unknown = unknown.or(Some(name)),
        }
    }
    for (name, value) in object(sets, "sets")? {
        match Target::parse(&name).filter(|target| file.node(&target.node).is_some()) {
            Some(target) => values.push((target, value)),
            None => unknown = unknown.or(Some(name)),
        }
    }
    for (target, value) in values {
        let Some(node) = file.nodes.iter_mut().find(|node| node.id == target.node) else { continue };
        let new = Input { source: Source::Literal(value), name: target.input, place: None, base: graph::Base::Graph };
        match node.inputs.iter_mut().find(|input| input.name == new.name) {
            Some(input) => *input = new,
            None => node.inputs.push(new),
        }
    }
    Ok(unknown)
}

/// Converts a graph or a workflow: `{"graph": .., "to": "graph" | "api" | "workflow"}`.
pub(super) async fn convert(State(server): State<Arc<Server>>, body: Object) -> Response {
    let done = in_background(move || {
        let graph = body.0.get("graph").filter(|graph| graph.is_object());
        let graph = graph.ok_or_else(|| Failure::bad("`graph`: expected a graph, a prompt or a workflow"))?;
        let file = match File::parse(&graph.to_string(), Origin::Text) {
            Ok(file) => file,
            Err(problems) => return Ok(Err(problems.problems)),
        };
        let folder = std::path::Path::new("");
        let converted = match body.0.get("to").and_then(Json::as_str) {
            Some("graph") | None => graph::to_own_format(&file, folder, &server.registry),
            Some("api") => graph::to_bare_prompt(file, folder, &server.registry),
            Some("workflow") => graph::to_workflow(file, folder, &server.registry),
            Some(other) => return Err(Failure::bad(format!("`to`: expected graph, api or workflow, got {other:?}"))),
        };
        Ok(converted.map_err(|problems| problems.problems))
    });
    match done.await {
        Ok(Ok(Ok(converted))) => JsonBody(json!({ "graph": converted.json, "lost": converted.lost })).into_response(),
        Ok(Ok(Err(problems))) => (StatusCode::BAD_REQUEST, JsonBody(json!({ "problems": problems }))).into_response(),
        Ok(Err(failure)) | Err(failure) => failure.into_response(),
    }
}
