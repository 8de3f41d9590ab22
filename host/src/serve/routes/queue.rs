//! `/prompt`, `/queue` and `/interrupt`.

use super::{
    super::{
        job::{Body, Job, now, plain},
        prompt::{self, Refusal},
        server::Server,
    },
    answer::{Answer, Failure, Object, in_background},
};
use axum::{
    Json as JsonBody,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

pub(super) async fn status(State(server): State<Arc<Server>>) -> JsonBody<Json> {
    JsonBody(server.queue_status())
}

/// Takes a prompt into the queue.
pub(super) async fn prompt(
    State(server): State<Arc<Server>>,
    axum::extract::Query(query): axum::extract::Query<HashMap<String, String>>,
    Object(body): Object,
) -> Response {
    let asked = match Asked::read(body, query.get("clientId")) {
        Ok(asked) => asked,
        Err(refusal) => return refusal.into_response(),
    };
    let done = in_background(move || {
        let Asked { mut body, targets, place, id } = asked;
        let nodes = match prompt::check(&server, &mut body, targets.as_deref()) {
            Ok(nodes) => nodes,
            Err(refusal) => return Ok(Err(refusal)),
        };
        add(&server, id, place, body).map(|added| Ok(JsonBody(with_errors(added, nodes))))
    });
    match done.await {
        Ok(Ok(answer)) => answer.into_response(),
        Ok(Err(failure)) | Err(failure) => failure.into_response(),
    }
}

fn with_errors(added: Json, nodes: Map<String, Json>) -> Json {
    let mut added = added;
    if let Json::Object(answer) = &mut added {
        answer.insert("node_errors".to_owned(), nodes.into());
    }
    added
}

/// Where a job goes in the queue.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Back,
    Front,
    Number(f64),
}

/// A job that somebody asks for with a prompt.
struct Asked {
    body: Body,
    targets: Option<Vec<String>>,
    place: Place,
    id: Option<String>,
}

impl Asked {
    fn read(mut body: Map<String, Json>, client: Option<&String>) -> Result<Self, Refusal> {
        let wrong = |key: &str, expected: &str, got: &Json| {
            Refusal::new("invalid_prompt", &format!("`{key}`: expected {expected}, got {}", kind(got)), "")
        };
        let graph = body.remove("prompt");
        let graph = graph.ok_or_else(|| Refusal::new("no_prompt", "expected the key `prompt`, got none", ""))?;
        if !graph.is_object() {
            return Err(wrong("prompt", "an object of nodes", &graph));
        }
        let extra = match body.remove("extra_data") {
            None | Some(Json::Null) => Map::new(),
            Some(Json::Object(extra)) => extra,
            Some(other) => return Err(wrong("extra_data", "an object", &other)),
        };
        let text = |key: &str| match body.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong(key, "a text", other)),
        };
        let client = text("client_id")?.or_else(|| client.cloned());
        let id = text("prompt_id")?;
        if let Some(id) = &id
            && Uuid::try_parse(id).map(|uuid| uuid.hyphenated().to_string()).ok().as_ref() != Some(id)
        {
            return Err(Refusal::new("invalid_prompt_id", "`prompt_id`: expected a UUID in lower case", ""));
        }
        let place = match (body.get("number"), body.get("front")) {
            (None | Some(Json::Null), front) if front.and_then(Json::as_bool) == Some(true) => Place::Front,
            (None | Some(Json::Null), _) => Place::Back,
            (Some(number), _) => Place::Number(number.as_f64().ok_or_else(|| wrong("number", "a number", number))?),
        };
        let targets = match body.get("partial_execution_targets") {
            None | Some(Json::Null) => None,
            Some(Json::Array(ids)) => {
                let as_text =
                    |id: &Json| id.as_str().map(str::to_owned).or_else(|| id.as_u64().map(|id| id.to_string()));
                let ids = ids.iter().map(as_text).collect::<Option<Vec<String>>>();
                Some(ids.ok_or_else(|| {
                    Refusal::new("invalid_prompt", "`partial_execution_targets`: expected ids of nodes", "")
                })?)
            }
            Some(other) => return Err(wrong("partial_execution_targets", "a list of ids of nodes", other)),
        };
        let unlisted = match body.get("unlisted") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(unlisted)) => *unlisted,
            Some(other) => return Err(wrong("unlisted", "true or false", other)),
        };
        let body = Body { graph, is_prompt: true, client, extra, unlisted, ..Body::default() };
        Ok(Self { body, targets, place, id })
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// Adds a job to the database, unless it is unlisted, and then to the queue.
pub(super) fn add(server: &Server, id: Option<String>, place: Place, body: Body) -> Answer<Json> {
    let number = match place {
        Place::Back => server.queue.number(false),
        Place::Front => server.queue.number(true),
        Place::Number(number) => number,
    };
    let id = id.unwrap_or_else(|| Uuid::new_v4().hyphenated().to_string());
    let job = Job { id: id.clone(), number, created: now(), body };
    let unlisted = job.body.unlisted;
    if !unlisted && !server.store.add(&job)? {
        return Err(Failure::conflict(format!("`prompt_id`: expected a new id, got that of another job: {id}")));
    }
    server.queue.add(job);
    if !unlisted {
        server.tell_queue();
    }
    Ok(json!({ "prompt_id": id, "number": plain(number) }))
}

pub(super) async fn list(State(server): State<Arc<Server>>) -> JsonBody<Json> {
    let (running, waiting) = server.queue.list();
    let items = |jobs: Vec<Arc<Job>>| jobs.iter().map(|job| job.to_queue_item()).collect::<Vec<_>>();
    JsonBody(json!({ "queue_running": items(running), "queue_pending": items(waiting) }))
}

/// Takes jobs that wait out of the queue: `{"clear": true}` or `{"delete": [ids]}`.
pub(super) async fn change(State(server): State<Arc<Server>>, body: Object) -> Answer<StatusCode> {
    let mut jobs = Vec::new();
    let ids = body.texts("delete")?.unwrap_or_default();
    if body.is_set("clear") {
        jobs = server.queue.clear();
    }
    for id in ids {
        if let Some(job) = server.queue.take_waiting(&id) {
            jobs.push(job);
        }
    }
    for job in jobs {
        server.store.remove_waiting(&job.id)?;
        server.tell_stopped(&job);
    }
    server.tell_queue();
    Ok(StatusCode::OK)
}

/// Stops the job with the id under `prompt_id`, or without one all that run.
pub(super) async fn interrupt(State(server): State<Arc<Server>>, body: Object) -> Answer<StatusCode> {
    match body.0.get("prompt_id") {
        None | Some(Json::Null) => server.queue.cancel_running(|_| true),
        Some(Json::String(id)) => server.queue.cancel_running(|job| job.id == *id),
        Some(_) => return Err(Failure::bad("`prompt_id`: expected a text")),
    }
    Ok(StatusCode::OK)
}

/// Gives back the memory of results and models that no job needs now.
pub(super) async fn free(State(server): State<Arc<Server>>) -> Answer<StatusCode> {
    in_background(move || server.runner.forget()).await?;
    Ok(StatusCode::OK)
}
