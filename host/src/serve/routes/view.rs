//! `/view` and `/upload`: files that clients look at and bring.

use super::{
    super::{folders::content_type, server::Server},
    answer::{Answer, Failure, in_background},
};
use axum::{
    Json as JsonBody,
    extract::{Multipart, Query, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value as Json, json};
use splatgraph_sdk::spec::PathKind;
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};
use tower_http::services::ServeFile;

/// Pictures that clients may bring, besides what nodes declare that they read.
const PICTURES: [&str; 13] =
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "tga", "qoi", "ppm", "hdr", "ico"];
/// Files that a browser could run must never be among them.
const NEVER: [&str; 8] = ["html", "htm", "xhtml", "svg", "xml", "js", "mjs", "css"];

/// A file of a folder: `filename`, `subfolder` and `type`.
pub(super) async fn view(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Answer<Response> {
    let given = |key: &str| query.get(key).map_or("", String::as_str);
    let (name, kind) = (given("filename"), Some(given("type")).filter(|kind| !kind.is_empty()).unwrap_or("output"));
    if name.is_empty() {
        return Err(Failure::bad("`filename`: expected the name of a file, got nothing"));
    }
    // Older clients write the kind behind the name.
    let (name, kind) = match name.strip_suffix(']').and_then(|name| name.rsplit_once(" [")) {
        Some((name, kind)) if server.folders.of_kind(kind).is_some() => (name, kind),
        _ => (name, kind),
    };
    if server.folders.of_kind(kind).is_none() {
        return Err(Failure::bad(format!("`type`: expected input, output or temp, got {kind:?}")));
    }
    let path = server.folders.file(kind, given("subfolder"), name);
    let path = path.ok_or_else(|| Failure::missing(format!("there is no file {name:?} of the type {kind}")))?;
    let kind = content_type(&path);
    let served = ServeFile::new(&path).try_call(request).await;
    let mut response =
        served.map_err(|error| Failure::failed(format!("the file cannot be read: {error}")))?.into_response();
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    let how = if kind.starts_with("image/") { "inline" } else { "attachment" };
    let plain: String = shown.chars().map(|c| if c.is_ascii_graphic() && c != '"' { c } else { '_' }).collect();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("{how}; filename=\"{plain}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Saves the file in the part `image` of a form.
pub(super) async fn upload(State(server): State<Arc<Server>>, mut form: Multipart) -> Answer<JsonBody<Json>> {
    let wrong = |error: axum::extract::multipart::MultipartError| {
        Failure::bad(format!("the form cannot be read: {}", error.body_text()))
    };
    let mut file = None;
    let mut texts: HashMap<String, String> = HashMap::new();
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        let name = field.name().unwrap_or_default().to_owned();
        match field.file_name().map(str::to_owned) {
            Some(named) if name == "image" => file = Some((named, field.bytes().await.map_err(wrong)?)),
            Some(_) => {}
            None => {
                texts.insert(name, field.text().await.map_err(wrong)?);
            }
        }
    }
    let (name, content) =
        file.ok_or_else(|| Failure::bad("expected a file in the part `image` of the form, got none"))?;
    let extension = Path::new(&name).extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let known = known(&server);
    if !extension.is_some_and(|extension| known.contains(&extension)) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(Failure::bad(format!("expected a file that ends in {}, got {name:?}", known.join(", "))));
    }
    in_background(move || {
        let text = |key: &str| texts.get(key).map_or("", String::as_str);
        let kind = Some(text("type")).filter(|kind| !kind.is_empty()).unwrap_or("input");
        let overwrite = matches!(text("overwrite"), "true" | "1");
        let saved = server.folders.save(kind, text("subfolder"), &name, &content, overwrite);
        let name = saved.map_err(|error| Failure::bad(error.message))?;
        Ok(JsonBody(json!({ "name": name, "subfolder": text("subfolder"), "type": kind })))
    })
    .await?
}

/// The extensions of files that clients may bring: pictures, and what nodes read.
fn known(server: &Server) -> BTreeSet<String> {
    let classes = server.registry.packs().iter().flat_map(|pack| &pack.manifest.nodes);
    let inputs = classes.flat_map(|spec| &spec.inputs);
    let read = inputs.filter(|input| matches!(input.path, Some(PathKind::Read | PathKind::Model)));
    let more = ["safetensors".to_owned(), "json".to_owned()];
    let all = read.flat_map(|input| &input.extensions).map(|extension| extension.to_lowercase()).chain(more);
    let all = all.chain(PICTURES.map(str::to_owned));
    all.filter(|extension| !NEVER.contains(&extension.as_str())).collect()
}
