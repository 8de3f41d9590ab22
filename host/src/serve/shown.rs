//! What an output node shows: the files that it wrote, or else its pictures and values.

use super::{folders::Folders, job::Job};
use crate::{graph::CheckedNode, record_png, run::written_files, words::with_slashes};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::{Record, Value, write_whole};
use std::path::Path;

/// Extensions of pictures that browsers show.
const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// `images`, `files` and `text`, each if there is some.
pub(super) fn shown(folders: &Folders, job: &Job, node: &CheckedNode, outputs: &[Value]) -> Json {
    let mut all = Map::new();
    let mut add = |key: &str, value: Json| {
        let list = all.entry(key).or_insert_with(|| json!([]));
        list.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
    };
    for path in written_files(node, outputs) {
        let Some(file) = named(&folders.output, &path, "output") else { continue };
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let is_picture = extension.is_some_and(|extension| PICTURES.contains(&extension.as_str()));
        add(if is_picture { "images" } else { "files" }, file);
    }
    for (spec, value) in node.class.spec.outputs.iter().zip(outputs) {
        if record_png::is_picture(&value.type_name()) {
            for file in pictures(folders, job, node, &spec.name, value) {
                add("images", file);
            }
        } else if let Some(number) = value.as_float() {
            add("text", format!("{}: {number}", spec.name).into());
        }
    }
    all.into()
}

/// The file as the protocol names it.
fn named(folder: &Path, path: &Path, kind: &str) -> Option<Json> {
    let below = path.strip_prefix(folder).ok()?;
    let subfolder = below.parent().map(|folder| with_slashes(&folder.to_string_lossy())).unwrap_or_default();
    Some(json!({ "filename": below.file_name()?.to_str()?, "subfolder": subfolder, "type": kind }))
}

/// Writes the pictures of a value into the folder for previews.
fn pictures(folders: &Folders, job: &Job, node: &CheckedNode, output: &str, value: &Value) -> Vec<Json> {
    let Ok(record) = Record::from_value(value) else { return Vec::new() };
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let start = format!("{}-{}-{}", job.id, plain(&node.id), plain(output));
    let write = |(suffix, png): (String, splatgraph_sdk::Result<Vec<u8>>)| {
        let path = folders.temp.join(format!("{start}{suffix}.png"));
        write_whole(&path, &png.ok()?).ok()?;
        named(&folders.temp, &path, "temp")
    };
    record_png::pngs(&record).into_iter().filter_map(write).collect()
}
