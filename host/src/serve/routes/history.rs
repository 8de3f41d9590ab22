//! `/history`: the jobs that ended, as older clients ask for them.

use super::{
    super::{
        job::{Stage, Stored},
        server::Server,
        store::Filter,
    },
    answer::{Answer, Failure, Object, in_database},
};
use axum::{
    Json as JsonBody,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde_json::{Map, Value as Json, json};
use std::{collections::HashMap, sync::Arc};

/// How many jobs a client gets that does not ask for a number.
const SHOWN: u64 = 1000;

/// The newest jobs, the oldest of them first.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer<JsonBody<Json>> {
    let number = |key: &str| match query.get(key).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            let wrong = || Failure::bad(format!("`{key}`: expected a whole number, got {text:?}"));
            text.parse::<i64>().map_err(|_| wrong()).map(|number| u64::try_from(number).ok())
        }
    };
    let limit = number("max_items")?.filter(|limit| *limit > 0).unwrap_or(SHOWN);
    let offset = number("offset")?.unwrap_or(0);
    let (mut jobs, _) = in_database(move || {
        let filter = Filter { stages: Stage::ENDED.to_vec(), offset, limit, ..Filter::default() };
        server.store.jobs(&filter)
    })
    .await?;
    jobs.reverse();
    Ok(JsonBody(jobs.into_iter().map(|job| (job.job.id.clone(), entry(&job))).collect::<Map<_, _>>().into()))
}

/// The job with an id, under this id; an empty object if it has not ended.
pub(super) async fn one(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer<JsonBody<Json>> {
    let job = in_database(move || server.store.job(&id)).await?.filter(|job| job.ended.is_some());
    Ok(JsonBody(job.map_or_else(|| json!({}), |job| json!({ job.job.id.clone(): entry(&job) }))))
}

/// Forgets jobs that ended: `{"clear": true}` or `{"delete": [ids]}`.
pub(super) async fn change(State(server): State<Arc<Server>>, body: Object) -> Answer<StatusCode> {
    let ids = body.texts("delete")?;
    let all = body.is_set("clear");
    in_database(move || {
        if all {
            server.store.forget(None)?;
        } else {
            server.store.forget(Some(&ids.unwrap_or_default()))?;
        }
        Ok(())
    })
    .await?;
    Ok(StatusCode::OK)
}

fn entry(job: &Stored) -> Json {
    let ended = job.ending.clone().unwrap_or_default();
    let status = if job.stage == Stage::Completed { "success" } else { "error" };
    let about = |node: &String| {
        let about = json!({ "node_id": node, "display_node": node, "parent_node": null, "real_node_id": node });
        (node.clone(), about)
    };
    json!({
        "prompt": job.job.to_queue_item(),
        "meta": ended.outputs.keys().map(about).collect::<Map<_, _>>(),
        "outputs": ended.outputs,
        "status": { "status_str": status, "completed": job.stage == Stage::Completed, "messages": ended.messages },
    })
}
