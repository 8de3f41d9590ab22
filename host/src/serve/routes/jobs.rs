//! `/jobs`: all jobs, as the front end asks for them, and `/explain`.

use super::{
    super::{
        job::{Listed, Stage, Stored, plain},
        server::Server,
        store::Filter,
    },
    answer::{Answer, Failure, Object, in_database},
};
use axum::{
    Json as JsonBody,
    extract::{Path, Query, State},
};
use serde_json::{Map, Value as Json, json};
use std::{collections::HashMap, sync::Arc};

/// How many jobs a client gets that does not ask for a number, and the most that it gets.
const SHOWN: u64 = 200;
const MOST: u64 = 1000;

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer<JsonBody<Json>> {
    let filter = filter(&query)?;
    let (offset, limit) = (filter.offset, filter.limit);
    let (jobs, total) = in_database(move || server.store.listed(&filter)).await?;
    let has_more = offset + (jobs.len() as u64) < total;
    let jobs: Vec<Json> = jobs.iter().map(|job| summary(job).into()).collect();
    let pagination = json!({ "offset": offset, "limit": limit, "total": total, "has_more": has_more });
    Ok(JsonBody(json!({ "jobs": jobs, "pagination": pagination })))
}

fn filter(query: &HashMap<String, String>) -> Answer<Filter> {
    let given = |key: &str| query.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let number = |key: &str, default: u64| match given(key) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| Failure::bad(format!("`{key}`: expected a whole number, got {text:?}"))),
    };
    let stages =
        given("status").unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(|name| {
            Stage::named(name).ok_or_else(|| Failure::bad(format!("`status`: there is no status {name:?}")))
        });
    Ok(Filter {
        stages: stages.collect::<Answer<_>>()?,
        oldest_first: given("sort_order") == Some("asc"),
        offset: number("offset", 0)?.min(i64::MAX.unsigned_abs()),
        limit: number("limit", SHOWN)?.clamp(1, MOST),
        workflow: given("workflow_id").map(str::to_owned),
    })
}

/// What a list says of a job.
fn summary(job: &Listed) -> Map<String, Json> {
    let shown = job.shown.outputs.iter().flat_map(|(node, kinds)| {
        let kinds = kinds.as_object().into_iter().flatten();
        kinds.flat_map(move |(kind, files)| files.as_array().into_iter().flatten().map(move |file| (node, kind, file)))
    });
    let shown: Vec<_> = shown.filter(|(_, _, file)| file.is_object()).collect();
    let first = shown.iter().find(|(_, kind, _)| *kind == "images").or(shown.first());
    let preview = first.map(|(node, kind, file)| {
        json!({
            "filename": file["filename"], "subfolder": file["subfolder"], "type": file["type"], "nodeId": node,
            "mediaType": kind,
        })
    });
    let summary = json!({
        "id": job.id,
        "status": job.stage.name(),
        "priority": plain(job.number),
        "create_time": job.created,
        "execution_start_time": job.started,
        "execution_end_time": job.ended,
        "preview_output": preview,
        "outputs_count": shown.len(),
        "execution_error": job.shown.error,
        "workflow_id": job.workflow,
    });
    match summary {
        // A list with nulls would not be read.
        Json::Object(summary) => summary.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

pub(super) async fn one(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer<JsonBody<Json>> {
    let job = stored(server, id).await?;
    let mut summary = summary(&Listed::from(&job));
    let ended = job.ending.unwrap_or_default();
    summary.insert("outputs".to_owned(), ended.outputs.into());
    summary.insert("results".to_owned(), ended.results.into());
    let body = job.job.body;
    let workflow = json!({ "prompt": body.graph, "extra_data": body.extra });
    summary.insert("workflow".to_owned(), workflow);
    let status = json!({
        "status_str": if job.stage == Stage::Completed { "success" } else { "error" },
        "completed": job.stage == Stage::Completed,
        "messages": ended.messages,
    });
    summary.insert("execution_status".to_owned(), status);
    Ok(JsonBody(summary.into()))
}

/// For each node of a job that ended, whether it ran and why.
pub(super) async fn explain(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer<JsonBody<Json>> {
    let job = stored(server, id).await?;
    let nodes = job.ending.map(|ended| ended.nodes);
    Ok(JsonBody(json!({ "id": job.job.id, "status": job.stage.name(), "nodes": nodes.unwrap_or_default() })))
}

async fn stored(server: Arc<Server>, id: String) -> Answer<Stored> {
    let asked = id.clone();
    let job = in_database(move || server.store.job(&asked)).await?;
    job.ok_or_else(|| Failure::missing(format!("there is no job {id:?}")))
}

pub(super) async fn cancel(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer<JsonBody<Json>> {
    stored(server.clone(), id.clone()).await?;
    Ok(JsonBody(json!({ "cancelled": server.cancel(&[id])? })))
}

/// Cancels the jobs with the ids under `job_ids`.
pub(super) async fn cancel_many(State(server): State<Arc<Server>>, body: Object) -> Answer<JsonBody<Json>> {
    let ids = body.texts("job_ids")?.ok_or_else(|| Failure::bad("expected the key `job_ids`, got none"))?;
    Ok(JsonBody(json!({ "cancelled": server.cancel(&ids)? })))
}
