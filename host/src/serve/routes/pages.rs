//! Pages and their files: the front end, the page `/lite`, and what packs bring.

use super::{
    super::{guard, server::Server},
    answer::{Answer, Failure, in_background},
    gallery, not_found,
};
use axum::{
    Json as JsonBody, Router,
    extract::{OriginalUri, Path, Request, State},
    http::{Method, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use std::sync::Arc;
use tower_http::services::ServeFile;

/// What the page `/lite` may do.
const LITE_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files of the page `/lite` besides the page itself, each with its type.
const LITE: [(&str, &str, &str); 12] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../lite/style.css")),
    ("app.js", SCRIPT, include_str!("../lite/app.js")),
    ("page.js", SCRIPT, include_str!("../lite/page.js")),
    ("form.js", SCRIPT, include_str!("../lite/form.js")),
    ("jobs.js", SCRIPT, include_str!("../lite/jobs.js")),
    ("editors.js", SCRIPT, include_str!("../lite/editors.js")),
    ("graph.js", SCRIPT, include_str!("../lite/graph.js")),
    // Packs use these for their editors.
    ("editor.js", SCRIPT, include_str!("../lite/editor.js")),
    ("surface.js", SCRIPT, include_str!("../lite/surface.js")),
    ("history.js", SCRIPT, include_str!("../lite/history.js")),
    ("front_end.js", SCRIPT, include_str!("../lite/front_end.js")),
    ("part.js", SCRIPT, include_str!("../lite/part.js")),
];
const SCRIPT: &str = "text/javascript";

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/", get(start))
        .route("/lite", get(lite_page))
        .route("/lite/{file}", get(lite_file))
        .route("/templates/{file}", get(gallery::of_gallery_page))
        .route("/extensions/{pack}/{*file}", get(extension))
        .route("/user.css", get(|| async { ([(header::CONTENT_TYPE, "text/css")], "") }))
        .route("/internal/folder_paths", get(super::answer::no_object))
        .route("/internal/logs", get(|| async { JsonBody("") }))
}

/// The front end, or without one the page `/lite`.
async fn start(State(server): State<Arc<Server>>) -> Answer<Response> {
    in_background(move || match server.front_end() {
        Some(front_end) => front_end.page(),
        None => Ok(Redirect::temporary("/lite").into_response()),
    })
    .await?
    .map_err(Failure::failed)
}

async fn lite_page() -> Response {
    guard::page(include_str!("../lite/index.html"), LITE_POLICY)
}

async fn lite_file(Path(file): Path<String>) -> Answer<Response> {
    let found = LITE.iter().find(|(name, ..)| *name == file);
    let (_, kind, content) = found.ok_or_else(|| Failure::missing(format!("there is no file {file:?}")))?;
    Ok(([(header::CONTENT_TYPE, *kind)], *content).into_response())
}

/// A file that a pack brings, the help of a class, or a file of the front end.
async fn extension(
    State(server): State<Arc<Server>>,
    Path((pack, file)): Path<(String, String)>,
    request: Request,
) -> Answer<Response> {
    let asked = server.clone();
    let named = file.clone();
    let found = in_background(move || -> Answer<_> {
        if pack == "splatgraph" {
            return Ok(help(&asked, &named));
        }
        let Some(pack) = asked.registry.pack(&pack) else { return Ok(None) };
        let content = pack.nodes.web_file(&named).map_err(|error| Failure::failed(error.message))?;
        Ok(content.map(|content| (type_of(&named), content)))
    })
    .await??;
    match found {
        Some((kind, content)) => Ok(([(header::CONTENT_TYPE, kind)], content).into_response()),
        None => Ok(front_end(State(server), Method::GET, OriginalUri(request.uri().clone()), request).await),
    }
}

/// The page about a class, under both addresses that the front end tries.
fn help(server: &Server, file: &str) -> Option<(String, Vec<u8>)> {
    let name = file.strip_prefix("docs/")?.strip_suffix(".md")?;
    let name = name.split('/').next()?;
    let class = server.registry.class(name)?;
    Some((type_of(file), crate::workflow::help_page(&class).into_bytes()))
}

fn type_of(file: &str) -> String {
    mime_guess::from_path(file).first_or_octet_stream().to_string()
}

/// A file of the front end.
pub(super) async fn front_end(
    State(server): State<Arc<Server>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Response {
    let missing = || not_found(method.clone(), uri.path().to_owned());
    if !matches!(method, Method::GET | Method::HEAD) {
        return missing().await.into_response();
    }
    let path = uri.path().to_owned();
    let found = in_background(move || server.front_end().and_then(|front_end| front_end.file(&path))).await;
    let Ok(Some(path)) = found else { return missing().await.into_response() };
    match ServeFile::new(&path).try_call(request).await {
        Ok(response) => response.into_response(),
        Err(_) => missing().await.into_response(),
    }
}
