//! `/values`: outputs of nodes of a client's last job.

use super::{
    super::server::Server,
    answer::{Answer, Failure, in_background},
};
use crate::record_png::Pictures;
use axum::{
    Json as JsonBody,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::{Record, Value};
use std::{collections::HashMap, sync::Arc};

/// The most numbers of a record that become JSON.
const MOST_NUMBERS: usize = 1 << 20;

/// The output of a node, as JSON or with `as=png` as a picture. `fields=a,b` leaves out a record's other fields.
pub(super) async fn value(
    State(server): State<Arc<Server>>,
    Path((id, node, output)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer<Response> {
    in_background(move || {
        let gone = || Failure::missing(format!("the output `{node}.{output}` of the job {id} is not kept any more"));
        let job = server.last_job(&id).ok_or_else(gone)?;
        let position = job.checked.nodes.iter().position(|at| *at.id == *node).ok_or_else(gone)?;
        let outputs = &job.checked.nodes[position].class.spec.outputs;
        let index = outputs.iter().position(|spec| spec.name == output).ok_or_else(gone)?;
        let mut kept = server.runner.cached(&job.checked, &job.settings, position).ok_or_else(gone)?;
        let value = kept.swap_remove(index);
        match query.get("as").map_or("json", String::as_str) {
            "json" => {
                json(&value, query.get("fields").map_or("", String::as_str)).map(|json| JsonBody(json).into_response())
            }
            "png" => {
                let wanted = query.get("index").and_then(|index| index.parse().ok()).unwrap_or(0);
                let png = picture(&value, wanted)?;
                Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
            }
            other => Err(Failure::bad(format!("`as`: expected json or png, got {other:?}"))),
        }
    })
    .await?
}

fn record(value: &Value) -> Answer<Record> {
    Record::from_value(value).map_err(|error| Failure::bad(format!("the output cannot be shown: {}", error.message)))
}

fn picture(value: &Value, index: usize) -> Answer<Vec<u8>> {
    let record = record(value)?;
    let pictures = Pictures::of(&record).map_err(|error| Failure::bad(error.message))?;
    let count = pictures.len();
    let missing = || Failure::missing(format!("expected one of {count} pictures, got the index {index}"));
    pictures.png(index).ok_or_else(missing)?.map_err(|error| Failure::bad(error.message))
}

fn json(value: &Value, fields: &str) -> Answer<Json> {
    if let Some(json) = value.to_json() {
        return Ok(json);
    }
    let mut record = record(value)?;
    if !fields.is_empty() {
        record.fields.retain(|(name, _)| fields.split(',').any(|field| field == name));
    }
    let numbers: usize = record.fields.iter().map(|(_, tensor)| tensor.len()).sum();
    if numbers > MOST_NUMBERS {
        return Err(Failure::bad(format!("expected a record with at most {MOST_NUMBERS} numbers, got {numbers}")));
    }
    let tensor = |(name, tensor): &(String, splatgraph_sdk::Tensor)| {
        let about = json!({ "dtype": "F32", "shape": tensor.shape(), "data": tensor.to_f32() });
        (name.clone(), about)
    };
    let tensors: Map<String, Json> = record.fields.iter().map(tensor).collect();
    Ok(json!({ "type": record.type_name, "header": record.header, "tensors": tensors }))
}
