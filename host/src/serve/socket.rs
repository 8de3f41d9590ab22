//! The web socket of a client.

use super::{
    clients::{Features, event},
    server::Server,
};
use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use serde_json::{Value as Json, json};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The longest message of a client, in bytes.
const LONGEST: usize = 1 << 20;
/// The longest id that a client may have, in bytes.
const LONGEST_ID: usize = 200;
/// How long the server waits for a client that does not take a message.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a client is asked whether it is still there.
const ALIVE: Duration = Duration::from_secs(30);

pub(super) async fn open(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let asked = query.get("clientId").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
    let id = asked.cloned().unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    upgrade.max_message_size(LONGEST).on_upgrade(move |socket| talk(server, id, socket))
}

/// What this server can do, as the front end asks.
pub(super) fn features() -> Json {
    json!({
        "supports_preview_metadata": true,
        "max_upload_size": super::routes::LARGEST_UPLOAD,
        "node_replacements": true,
        "splatgraph": true,
    })
}

async fn talk(server: Arc<Server>, id: String, mut socket: WebSocket) {
    let first = event("status", &json!({ "status": server.queue_status(), "sid": id }));
    let (number, mut messages) = server.clients.connect(&id, first);
    let mut alive = tokio::time::interval(ALIVE);
    loop {
        let sent = tokio::select! {
            message = messages.recv() => match message {
                Some(message) => message,
                // The client did not read, or has a newer connection.
                None => break,
            },
            read = socket.recv() => match read {
                Some(Ok(Message::Text(text))) => match understood(&text) {
                    Some(understood) => {
                        server.clients.set_features(&id, number, understood);
                        event("feature_flags", &features())
                    }
                    None => continue,
                },
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            _ = alive.tick() => Message::Ping(Default::default()),
        };
        if !matches!(tokio::time::timeout(PATIENCE, socket.send(sent)).await, Ok(Ok(()))) {
            break;
        }
    }
    server.clients.disconnect(&id, number);
}

/// What a client says that it understands.
fn understood(text: &str) -> Option<Features> {
    let message: Json = serde_json::from_str(text).ok()?;
    let flags = message.get("data").filter(|_| message["type"] == "feature_flags")?;
    let has = |name: &str| flags[name].as_bool().unwrap_or(false);
    Some(Features { previews: has("supports_preview_metadata"), ours: has("splatgraph") })
}
