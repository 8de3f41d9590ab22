//! What the server has: node classes, extensions of packs, the system.

use super::{
    super::{clients::Features, server::Server, socket},
    answer::{Answer, Failure, Object, in_background},
};
use crate::workflow::{self, object_info};
use axum::{
    Json as JsonBody,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};
use std::{fs, path::PathBuf, sync::Arc};

/// The version of the protocol that the server speaks, as that of the program that clients expect.
const PROTOCOL: &str = "0.38.1";
/// The most files of a folder that inputs offer.
const OFFERED: usize = 2000;

pub(super) async fn classes(State(server): State<Arc<Server>>) -> Answer<Response> {
    let text = in_background(move || object_info::object_info(&server.registry, &files(&server)).to_string()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// One class under its name; an empty object if there is none.
pub(super) async fn class(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Answer<JsonBody<Json>> {
    let about = in_background(move || {
        server.registry.class(&name).map(|class| json!({ name: object_info::class_info(&class, &files(&server)) }))
    });
    Ok(JsonBody(about.await?.unwrap_or_else(|| json!({}))))
}

/// The files that inputs offer.
fn files(server: &Server) -> object_info::Files {
    let folders = std::iter::once(&server.folders.input).chain(&server.folders.graphs);
    object_info::Files { read: names(folders), models: names(&server.options.models) }
}

/// The names of the files in folders, each once, in their order.
fn names<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_file());
        let names = entries.take(OFFERED).filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.') && !all.contains(name)).collect();
        names.sort();
        all.extend(names);
    }
    all
}

pub(super) async fn features() -> JsonBody<Json> {
    JsonBody(socket::features())
}

/// Tells what the client `client_id` understands, for a page that can't say so on its socket.
pub(super) async fn set_features(State(server): State<Arc<Server>>, body: Object) -> Answer<StatusCode> {
    let id = body.0.get("client_id").and_then(Json::as_str);
    let id = id.ok_or_else(|| Failure::bad("`client_id`: expected a text"))?;
    let now = server.clients.features(Some(id));
    server.clients.change_features(id, Features { ours: body.is_set("splatgraph"), ..now });
    Ok(StatusCode::OK)
}

pub(super) async fn system(State(server): State<Arc<Server>>) -> Answer<JsonBody<Json>> {
    in_background(move || {
        let (total, free) = memory();
        let device = json!({
            "name": server.options.device, "type": "cpu", "index": null, "vram_total": total, "vram_free": free,
            "torch_vram_total": 0, "torch_vram_free": 0,
        });
        let packs = server.registry.packs().iter().map(|pack| &pack.manifest);
        let packs: Map<String, Json> = packs.map(|pack| (pack.id.clone(), pack.version.clone().into())).collect();
        let system = json!({
            "os": std::env::consts::OS, "ram_total": total, "ram_free": free, "comfyui_version": PROTOCOL,
            "required_frontend_version": super::super::front_end::TESTED, "installed_templates_version": null,
            "required_templates_version": null, "python_version": "none", "pytorch_version": "none",
            "embedded_python": false, "argv": ["splatgraph", "serve"],
            "splatgraph_version": env!("CARGO_PKG_VERSION"), "packs": packs,
        });
        JsonBody(json!({ "system": system, "devices": [device] }))
    })
    .await
}

/// The bytes of memory of this machine, all and free; 0 where the system does not tell.
fn memory() -> (u64, u64) {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    };
    (bytes("MemTotal:").unwrap_or(0), bytes("MemAvailable:").unwrap_or(0))
}

/// The scripts that the front end loads: its own and those of packs.
pub(super) async fn extensions(State(server): State<Arc<Server>>) -> Answer<JsonBody<Json>> {
    in_background(move || {
        let own = server.front_end().map(|front_end| front_end.extensions()).unwrap_or_default();
        let packs = scripts(&server).into_iter().filter(|path| !path.ends_with(".lite.js"));
        JsonBody(own.into_iter().chain(packs).collect::<Vec<_>>().into())
    })
    .await
}

/// The scripts of packs that pages load, by their addresses: those in the root of a pack's folder, except those that begin with `_`.
pub(super) fn scripts(server: &Server) -> Vec<String> {
    let packs = server.registry.packs().iter().map(|pack| &pack.manifest);
    let files = packs.flat_map(|pack| pack.web.iter().map(move |file| (pack, file)));
    let scripts =
        files.filter(|(_, file)| file.name.ends_with(".js") && !file.name.contains('/') && !file.name.starts_with('_'));
    scripts.map(|(pack, file)| format!("/extensions/{}/{}", pack.id, file.name)).collect()
}

/// The classes of other programs that classes here stand for.
pub(super) async fn replacements(State(server): State<Arc<Server>>) -> JsonBody<Json> {
    JsonBody(workflow::replacements(&server.registry))
}
