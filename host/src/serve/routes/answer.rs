//! Forms of answers and requests.

use super::super::{prompt::Refusal, store};
use axum::{
    Json as JsonBody,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};

/// The end of a request that can't be served.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

pub(super) type Answer<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "bad_request", message: message.into() }
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, kind: "not_found", message: message.into() }
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, kind: "conflict", message: message.into() }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "server_error", message: message.into() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = json!({ "type": self.kind, "message": self.message, "details": "", "extra_info": {} });
        (self.status, JsonBody(json!({ "error": error, "node_errors": {} }))).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, JsonBody(self.to_json())).into_response()
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::failed(format!("the database cannot be used: {error}"))
    }
}

/// Runs a call of the database where it holds up no other request.
pub(super) async fn in_database<T: Send + 'static>(
    call: impl FnOnce() -> store::Result<T> + Send + 'static,
) -> Answer<T> {
    in_background(call).await?.map_err(Failure::from)
}

/// Runs a call that takes long where it holds up no other request.
pub(super) async fn in_background<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(call).await.map_err(|_| Failure::failed("the request failed inside the server"))
}

/// A body that is a JSON object, whatever its content type says. An empty body counts as an empty object.
pub(super) struct Object(pub(super) Map<String, Json>);

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        let refused = |message: String| Err(Refusal::new("invalid_prompt", &message, "").into_response());
        match serde_json::from_slice(&bytes) {
            Ok(Json::Object(object)) => Ok(Self(object)),
            Ok(_) => refused("expected a JSON object in the body, got another value".to_owned()),
            Err(error) => refused(format!("expected a JSON object in the body: {error}")),
        }
    }
}

impl Object {
    /// The texts of an array under a key; `None` if the key is missing.
    pub(super) fn texts(&self, key: &str) -> Answer<Option<Vec<String>>> {
        let wrong = || Failure::bad(format!("`{key}`: expected a list of texts"));
        match self.0.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Whether the value under a key is true.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.0.get(key).and_then(Json::as_bool).unwrap_or(false)
    }
}

pub(super) async fn no_list() -> JsonBody<Json> {
    JsonBody(json!([]))
}

pub(super) async fn no_object() -> JsonBody<Json> {
    JsonBody(json!({}))
}
