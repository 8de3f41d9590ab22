//! Manifests of released versions of packs, kept as files, so that later versions are compared with them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use splatgraph_sdk::host::read_manifest;
use splatgraph_sdk::spec::{Manifest, NodeSpec};

use super::library::LONGEST_MANIFEST;
use crate::reading::read_at_most;
use crate::words::shown;

/// The text of a manifest in a file: what graphs depend on, without help and without what differs between builds.
#[must_use]
pub fn kept_text(manifest: &Manifest) -> String {
    // A node in each line, so that a change is one line too.
    let nodes: Vec<String> = manifest.nodes.iter().map(|node| format!("    {}", kept_node(node))).collect();
    let head = [("id", &manifest.id), ("version", &manifest.version)];
    let head: Vec<String> = head.iter().map(|(key, text)| format!("  \"{key}\": {},\n", json!(text))).collect();
    format!("{{\n{}  \"nodes\": [\n{}\n  ]\n}}\n", head.concat(), nodes.join(",\n"))
}

fn kept_node(node: &NodeSpec) -> Json {
    let mut node = json!(node);
    without_help(&mut node);
    if let Some(node) = node.as_object_mut() {
        node.shift_remove("category");
    }
    node
}

fn without_help(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.shift_remove("help");
            // A default may have any keys.
            members.iter_mut().filter(|(key, _)| *key != "default").for_each(|(_, value)| without_help(value));
        }
        Json::Array(items) => items.iter_mut().for_each(without_help),
        _ => {}
    }
}

/// Reads the kept manifest at `path`, or all in the folder `path`, in the order of their names.
///
/// # Errors
/// A file can't be read, is no manifest, or the folder has none.
pub fn read_kept(path: &Path) -> Result<Vec<Manifest>, String> {
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let cannot = |error| format!("the folder cannot be read: {error}\n  {}", shown(path));
    let entries = fs::read_dir(path).map_err(cannot)?.collect::<Result<Vec<_>, _>>().map_err(cannot)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() {
        return Err(format!(
            "expected a folder with manifests that `splatgraph packs keep` wrote, got one without .json files\n  {}",
            shown(path)
        ));
    }
    files.iter().map(|file| read(file)).collect()
}

fn read(path: &Path) -> Result<Manifest, String> {
    let bytes = read_at_most(path, LONGEST_MANIFEST as u64)
        .map_err(|error| format!("the manifest cannot be read: {error}\n  {}", shown(path)))?;
    let manifest = String::from_utf8(bytes).map_err(|_| "text in UTF-8".to_owned());
    let manifest = manifest.and_then(|text| read_manifest(&text).map_err(|error| error.message));
    manifest.map_err(|why| format!("expected a manifest that `splatgraph packs keep` wrote: {why}\n  {}", shown(path)))
}
