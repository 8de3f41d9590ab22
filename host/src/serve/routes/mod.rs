//! The requests that the server answers. Each is there under `/` and under `/api`.

mod about;
mod answer;
mod gallery;
mod graphs;
mod history;
mod jobs;
mod pages;
mod queue;
mod user;
mod values;
mod view;

use super::{guard, server::Server, socket};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode},
    middleware,
    response::IntoResponse,
    routing::{get, post},
};
use std::sync::Arc;
use tower_http::limit::RequestBodyLimitLayer;

/// The largest body of a request that is not an upload, in bytes.
const LARGEST_BODY: usize = 64 << 20;
/// The largest upload, in bytes.
pub(super) const LARGEST_UPLOAD: usize = 256 << 20;

pub(super) fn router(server: Arc<Server>) -> Router {
    let protocol = protocol();
    Router::new()
        .merge(protocol.clone())
        .nest("/api", protocol)
        .route("/api/lite", get(graphs::lite))
        .merge(pages::router())
        .fallback(pages::front_end)
        .method_not_allowed_fallback(|| async {
            (StatusCode::METHOD_NOT_ALLOWED, "405: this address takes another method")
        })
        .layer(middleware::from_fn_with_state(server.clone(), guard::guard))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(RequestBodyLimitLayer::new(LARGEST_UPLOAD))
        .with_state(server)
}

fn protocol() -> Router<Arc<Server>> {
    Router::new()
        .route("/ws", get(socket::open))
        .route("/prompt", get(queue::status).post(queue::prompt))
        .route("/queue", get(queue::list).post(queue::change))
        .route("/interrupt", post(queue::interrupt))
        .route("/free", post(queue::free))
        .route("/history", get(history::list).post(history::change))
        .route("/history/{id}", get(history::one))
        .route("/jobs", get(jobs::list))
        .route("/jobs/cancel", post(jobs::cancel_many))
        .route("/jobs/{id}", get(jobs::one))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/explain/{id}", get(jobs::explain))
        .route("/view", get(view::view))
        .route("/upload/image", post(view::upload).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/upload/mask", post(view::upload).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/object_info", get(about::classes))
        .route("/object_info/{class}", get(about::class))
        .route("/system_stats", get(about::system))
        .route("/features", get(about::features).post(about::set_features))
        .route("/extensions", get(about::extensions))
        .route("/embeddings", get(answer::no_list))
        .route("/models", get(answer::no_list))
        .route("/models/{folder}", get(answer::no_list))
        .route("/experiment/models", get(answer::no_list))
        .route("/i18n", get(answer::no_object))
        .route("/node_replacements", get(about::replacements))
        .route("/users", get(user::users))
        .route("/settings", get(user::settings).post(user::set_settings))
        .route("/settings/{key}", get(user::setting).post(user::set_setting))
        .route("/userdata", get(user::files))
        .route("/userdata/{*path}", get(user::file).post(user::save_or_move).delete(user::delete))
        // The gallery has them already, and would show them twice.
        .route("/workflow_templates", get(answer::no_object))
        .route("/workflow_templates/{source}/{file}", get(gallery::template))
        .route("/global_subgraphs", get(gallery::blueprints))
        .route("/global_subgraphs/{id}", get(gallery::blueprint))
        .route("/graphs", get(graphs::list))
        .route("/graphs/{name}", get(graphs::one))
        .route("/run", post(graphs::run))
        .route("/convert", post(graphs::convert))
        .route("/values/{id}/{node}/{output}", get(values::value))
}

/// The answer to a request for something that is not there.
async fn not_found(method: Method, path: String) -> impl IntoResponse {
    (StatusCode::NOT_FOUND, format!("404: {method} {path} is not there"))
}
