//! `splatgraph serve`, over HTTP and web sockets.

mod contained;
mod files;
mod hostile;
mod jobs;
mod many;
mod page;
mod restart;
mod server;
mod sockets;
mod speed;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value as Json, json};

/// A node of the pack `stub`, as a prompt has it.
fn node(class: &str, inputs: Json) -> Json {
    json!({"class_type": format!("stub.{class}"), "inputs": inputs})
}

/// A prompt that writes a number into a file.
fn writes(number: i64, file: &str) -> Json {
    json!({
        "1": node("Constant", json!({"value": number})),
        "2": node("WriteText", json!({"text": ["1", 0], "path": file})),
    })
}

/// A prompt that takes a time, in milliseconds.
fn sleeps(ms: u64, file: &str) -> Json {
    json!({
        "1": node("Sleep", json!({"ms": ms})),
        "2": node("WriteText", json!({"text": ["1", 0], "path": file})),
    })
}
