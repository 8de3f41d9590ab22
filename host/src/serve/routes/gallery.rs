//! The graphs of the server as the front end shows them: templates, saved workflows and blueprints.

use super::{
    super::{
        folders::content_type,
        gallery::{self, Graph},
        server::Server,
        store::UserFile,
    },
    answer::{Answer, Failure, in_background},
};
use axum::{
    Json as JsonBody,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};
use std::{
    fs,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The name of the server among the sources of templates.
const SOURCE: &str = "splatgraph";
/// The folder of the graphs among the saved workflows.
const SAVED: &str = "workflows/graphs/";
/// Shown for graphs without a picture: a grey square.
const NO_PICTURE: &[u8] = include_bytes!("no_picture.png");

pub(super) async fn template(
    State(server): State<Arc<Server>>,
    Path((source, file)): Path<(String, String)>,
) -> Answer<Response> {
    if source != SOURCE {
        return Err(Failure::missing(format!("there are no templates of {source:?}")));
    }
    of_gallery(server, file).await
}

/// The gallery: its list `index.json`, the graphs `NAME.json` and their pictures `NAME-1.png`.
pub(super) async fn of_gallery_page(State(server): State<Arc<Server>>, Path(file): Path<String>) -> Answer<Response> {
    of_gallery(server, file).await
}

async fn of_gallery(server: Arc<Server>, file: String) -> Answer<Response> {
    in_background(move || {
        let missing = || Failure::missing(format!("there is no template {file:?}"));
        match file.as_str() {
            "index.json" => return Ok(JsonBody(index(&gallery::graphs(&server))).into_response()),
            // The front end asks for the names in its user's language and for logos.
            name if name.starts_with("index") && name.ends_with(".json") => {
                return Ok(JsonBody(json!([])).into_response());
            }
            _ => {}
        }
        let (stem, extension) = file.rsplit_once('.').ok_or_else(missing)?;
        if extension == "json" {
            let graph = gallery::graph(&server, stem).ok_or_else(missing)?;
            return Ok(JsonBody(graph.to_workflow(&server)).into_response());
        }
        let name =
            stem.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok()).map_or(stem, |(name, _)| name);
        let graph = gallery::graph(&server, name).ok_or_else(missing)?;
        let read = graph.picture().and_then(|path| Some((content_type(&path), fs::read(&path).ok()?)));
        let (kind, content) = read.unwrap_or(("image/png", NO_PICTURE.to_vec()));
        Ok(([(header::CONTENT_TYPE, kind)], content).into_response())
    })
    .await?
}

fn index(graphs: &[Graph]) -> Json {
    let template = |graph: &Graph| {
        let title = if graph.file.title.is_empty() { &graph.name } else { &graph.file.title };
        json!({
            "name": graph.name, "title": title, "description": graph.file.description, "mediaType": "image",
            "mediaSubtype": "png", "tags": [], "models": [], "openSource": true,
        })
    };
    json!([{
        "moduleName": "default", "title": "Splatgraph", "type": "image", "category": "SPLATGRAPH", "isEssential": true,
        "templates": graphs.iter().map(template).collect::<Vec<_>>(),
    }])
}

/// The graphs among the saved workflows.
pub(super) fn files(server: &Server) -> Vec<UserFile> {
    let about = |graph: Graph| {
        let about = fs::metadata(&graph.path).ok()?;
        let since = |time: std::io::Result<SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(0)
        };
        Some(UserFile {
            path: format!("{SAVED}{}.json", graph.name),
            size: about.len(),
            created: since(about.created().or_else(|_| about.modified())),
            modified: since(about.modified()),
        })
    };
    gallery::graphs(server).into_iter().filter_map(about).collect()
}

/// The content of a graph among the saved workflows.
pub(super) fn content(server: &Server, path: &str) -> Option<Vec<u8>> {
    let name = path.strip_prefix(SAVED)?.strip_suffix(".json")?;
    gallery::graph(server, name).map(|graph| graph.to_workflow(server).to_string().into_bytes())
}

/// The graphs in `parts`, which the front end offers as nodes.
pub(super) async fn blueprints(State(server): State<Arc<Server>>) -> Answer<JsonBody<Json>> {
    let all = in_background(move || {
        let parts = gallery::parts(&server);
        parts.iter().filter_map(|part| Some((part.name.clone(), about(part, &server)?))).collect::<Map<_, _>>()
    });
    Ok(JsonBody(all.await?.into()))
}

pub(super) async fn blueprint(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer<JsonBody<Json>> {
    let found = in_background(move || {
        let parts = gallery::parts(&server);
        let part = parts.iter().find(|part| part.name == id).and_then(|part| about(part, &server));
        part.ok_or_else(|| Failure::missing(format!("there is no blueprint {id:?}")))
    });
    Ok(JsonBody(found.await??))
}

fn about(part: &Graph, server: &Server) -> Option<Json> {
    let data = crate::workflow::to_blueprint(&part.file, &part.name, &server.registry)?;
    let title = if part.file.title.is_empty() { &part.name } else { &part.file.title };
    Some(json!({
        "name": title, "info": { "node_pack": SOURCE, "category": "Splatgraph" }, "data": data.to_string(),
    }))
}
