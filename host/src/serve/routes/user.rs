//! `/settings` and `/userdata`: what the front end keeps for its user.

use super::{
    super::{job::now, server::Server, store::UserFile},
    answer::{Answer, Failure, Object, in_database},
    gallery,
};
use axum::{
    Json as JsonBody,
    body::Bytes,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value as Json, json};
use std::{collections::HashMap, sync::Arc};

/// The longest path of a file, in bytes.
const LONGEST_PATH: usize = 1000;

pub(super) async fn users() -> JsonBody<Json> {
    JsonBody(json!({ "storage": "server", "migrated": true }))
}

/// Once this is set, the front end begins a new session with a graph of its own, whose nodes are not here, instead of the gallery.
const SEEN: &str = "Comfy.TutorialCompleted";

/// All settings, of which some have defaults: the front end asks another site for news, and shows a tour in front of a form, unless
/// they say no.
pub(super) async fn settings(State(server): State<Arc<Server>>) -> Answer<JsonBody<Json>> {
    let mut settings = in_database(move || server.store.settings()).await?;
    settings.entry("Comfy.Notification.ShowVersionUpdates").or_insert(false.into());
    settings.entry("Comfy.OnboardingCoachmarks.Seen").or_insert(json!(["appMode"]));
    Ok(JsonBody(settings.into()))
}

pub(super) async fn set_settings(State(server): State<Arc<Server>>, mut body: Object) -> Answer<StatusCode> {
    body.0.shift_remove(SEEN);
    in_database(move || server.store.set_settings(&body.0)).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn setting(State(server): State<Arc<Server>>, Path(key): Path<String>) -> Answer<JsonBody<Json>> {
    let settings = in_database(move || server.store.settings()).await?;
    Ok(JsonBody(settings.get(&key).cloned().unwrap_or_default()))
}

pub(super) async fn set_setting(
    State(server): State<Arc<Server>>,
    Path(key): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    let wrong = |error| Failure::bad(format!("expected JSON in the body: {error}"));
    let value: Json = serde_json::from_slice(&body).map_err(wrong)?;
    if key == SEEN {
        return Ok(StatusCode::OK);
    }
    in_database(move || server.store.set_settings([(&key, &value)])).await?;
    Ok(StatusCode::OK)
}

/// The path of a file that the front end names, if it is one.
fn plain_path(text: &str) -> Answer<String> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_text = text.len() <= LONGEST_PATH && !text.contains(['\\', '\0']) && !text.contains(char::is_control);
    if is_text && text.split('/').all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(Failure::bad(format!("expected the path of a file, got {text:?}")))
}

fn described(file: &UserFile, path: &str) -> Json {
    json!({ "path": path, "size": file.size, "modified": file.modified, "created": file.created })
}

/// The files in the folder `dir`: their paths, or with `full_info` more. The graphs of the server are in `workflows/graphs`.
pub(super) async fn files(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer<JsonBody<Json>> {
    let is = |key: &str| query.get(key).is_some_and(|value| value == "true");
    let folder = query.get("dir").map_or("", |folder| folder.trim_end_matches('/'));
    let folder = if folder.is_empty() { String::new() } else { format!("{}/", plain_path(folder)?) };
    let start = folder.clone();
    let mut files = in_database(move || {
        let mut files = server.store.files(&start)?;
        let more = gallery::files(&server).into_iter().filter(|file| file.path.starts_with(&start));
        let known: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        files.extend(more.filter(|file| !known.contains(&file.path)));
        Ok(files)
    })
    .await?;
    if !is("recurse") {
        files.retain(|file| !file.path[folder.len()..].contains('/'));
    }
    let listed = files.iter().map(|file| {
        let path = &file.path[folder.len()..];
        match () {
            () if is("full_info") => described(file, path),
            () if is("split") => std::iter::once(path).chain(path.split('/')).collect::<Vec<_>>().into(),
            () => path.into(),
        }
    });
    Ok(JsonBody(listed.collect::<Vec<_>>().into()))
}

pub(super) async fn file(State(server): State<Arc<Server>>, Path(path): Path<String>) -> Answer<Response> {
    let path = plain_path(&path)?;
    let asked = path.clone();
    let found = in_database(move || {
        let stored = server.store.file(&asked)?.map(|(_, content)| content);
        Ok(stored.or_else(|| gallery::content(&server, &asked)))
    })
    .await?;
    let content = match (found, path.as_str()) {
        (Some(content), _) => content,
        // The front end asks for these at each start.
        (None, "user.css") => Vec::new(),
        (None, "comfy.templates.json") => b"[]".to_vec(),
        (None, _) => return Err(Failure::missing(format!("there is no file {path:?}"))),
    };
    let kind = match path.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        _ if path == "user.css" => "text/css",
        _ => "application/octet-stream",
    };
    Ok(([(header::CONTENT_TYPE, kind)], content).into_response())
}

/// Saves a file, or renames one: `OLD/move/NEW`.
pub(super) async fn save_or_move(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
    Path(path): Path<String>,
    request: Request,
) -> Answer<JsonBody<Json>> {
    let is = |key: &str, default: bool| query.get(key).map_or(default, |value| value != "false");
    let (overwrites, full) = (is("overwrite", true), is("full_info", false));
    // The slashes inside both paths are encoded.
    let raw = request.uri().path().to_owned();
    let moved = raw.contains("/move/").then(|| path.split_once("/move/")).flatten();
    let (from, to) = match moved {
        Some((from, to)) => (Some(plain_path(from)?), plain_path(to)?),
        None => (None, plain_path(&path)?),
    };
    let content = axum::body::to_bytes(request.into_body(), super::LARGEST_BODY).await;
    let content = content.map_err(|error| Failure::bad(format!("the body cannot be read: {error}")))?;
    let at = to.clone();
    let saved = in_database(move || {
        if !overwrites && from.as_ref() != Some(&at) && server.store.file(&at)?.is_some() {
            return Ok(Err(Failure::conflict(format!("expected a new file, got one that exists: {at:?}"))));
        }
        match from {
            Some(from) if !server.store.move_file(&from, &at)? => {
                return Ok(Err(Failure::missing(format!("there is no file {from:?}"))));
            }
            Some(_) => {}
            None => server.store.save_file(&at, &content, now())?,
        }
        Ok(Ok(server.store.file(&at)?))
    })
    .await??;
    Ok(JsonBody(match saved {
        Some((file, _)) if full => described(&file, &to),
        _ => to.into(),
    }))
}

pub(super) async fn delete(State(server): State<Arc<Server>>, Path(path): Path<String>) -> Answer<StatusCode> {
    let path = plain_path(&path)?;
    let asked = path.clone();
    match in_database(move || server.store.delete_file(&asked)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Failure::missing(format!("there is no file {path:?}"))),
    }
}
