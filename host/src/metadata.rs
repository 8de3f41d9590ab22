//! The graph that a run writes into its pictures, so that `splatgraph run picture.png` runs it again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::graph::{self, Checked, CheckedNode, Feed, Source};
use crate::picture::{HEADER_KEY, PROMPT_KEY};
use crate::registry::Registry;
use crate::run::Settings;
use crate::sha256;
use crate::words::shown;
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::{checkpoint, settings::PNG_TEXT, spec::PathKind};

/// The version of the format of headers.
const VERSION: u64 = 1;

/// Remembers the SHA-256 of model files.
#[derive(Default)]
pub struct ModelSums(Mutex<HashMap<PathBuf, String>>);

/// A model file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the model cannot be read: {error}\n  {}", shown(path))]
pub struct UnreadableModel {
    error: io::Error,
    path: PathBuf,
}

/// The settings with which nodes write the graph into pictures.
///
/// # Errors
/// A model file can't be read.
pub fn settings(checked: &Checked, registry: &Registry, sums: &ModelSums) -> Result<Settings, UnreadableModel> {
    let writes = |node: &CheckedNode| node.class.spec.inputs.iter().any(|spec| spec.path == Some(PathKind::Write));
    if !checked.pack_nodes().into_iter().any(writes) {
        return Ok(Settings::default());
    }
    let texts = png_text(checked, registry, sums)?;
    Ok(Settings::from_iter([(PNG_TEXT.to_owned(), texts.into())]))
}

/// The texts for pictures, by keyword: the graph as a bare prompt, and our header. The header has the graph with its values,
/// the versions of its packs, and the SHA-256 of its model files (null for models inside a pack). Paths are as the user wrote
/// them, but an absolute path is cut to the name of its file.
fn png_text(checked: &Checked, registry: &Registry, sums: &ModelSums) -> Result<Map<String, Json>, UnreadableModel> {
    let graph = without_absolute_paths(checked, registry);
    let header = json!({"version": VERSION, "graph": graph.to_json(), "packs": checked.pack_versions(), "models": models(checked, sums)?});
    let mut texts = Map::new();
    // A prompt has no place for a node that repeats a graph.
    if graph.nodes.iter().all(|node| node.repeat.is_none()) {
        texts.insert(PROMPT_KEY.to_owned(), graph.to_prompt(registry).to_string().into());
    }
    texts.insert(HEADER_KEY.to_owned(), header.to_string().into());
    Ok(texts)
}

/// The graph for the texts. Paths in the graphs of graph nodes become relative to the folder of the outer graph.
fn without_absolute_paths(checked: &Checked, registry: &Registry) -> graph::File {
    let folder = checked.file().origin.folder().unwrap_or(Path::new(""));
    let mut file = checked.file().moved_to(folder, registry);
    // These keys are for editors of the file.
    file.extra.clear();
    cut_paths(&mut file, checked);
    file
}

/// Cuts absolute paths in a graph, and in those that its nodes repeat, to the names of their files.
fn cut_paths(file: &mut graph::File, checked: &Checked) {
    for (node, checked) in file.nodes.iter_mut().zip(checked.nodes.iter()) {
        let graph = node.repeat.as_mut().and_then(|repeat| repeat.graph.as_mut());
        if let (Some(graph), Some(repeated)) = (graph, &checked.repeat) {
            let graph = Arc::make_mut(graph);
            graph.extra.clear();
            cut_paths(graph, &repeated.checked);
        }
        for input in &mut node.inputs {
            let spec = checked.class.spec.inputs.iter().find(|spec| spec.name == input.name);
            if spec.is_some_and(|spec| spec.path.is_some())
                && let Source::Literal(Json::String(path)) = &mut input.source
                && Path::new(path).is_absolute()
            {
                *path = file_name(path);
            }
        }
    }
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The SHA-256 of every model file and of every part of a model in several files, by its name. A graph that writes no files needs none.
fn models(checked: &Checked, sums: &ModelSums) -> Result<Map<String, Json>, UnreadableModel> {
    let mut models = Map::new();
    if !checked.nodes.iter().any(|node| node.class.spec.output) {
        return Ok(models);
    }
    for node in checked.pack_nodes() {
        for (spec, feed) in node.class.spec.inputs.iter().zip(&node.feeds) {
            let value = match feed {
                Feed::Value(value) => Some(value),
                Feed::Nothing => spec.default.as_ref(),
                Feed::Link(_) | Feed::Links(_) => None,
            };
            let (Some(PathKind::Model), Some(model)) = (spec.path, value.and_then(Json::as_str)) else { continue };
            let path = Path::new(model);
            if !path.is_absolute() || !path.is_file() {
                models.insert(file_name(model), Json::Null);
                continue;
            }
            models.insert(file_name(model), sums.of(path)?.into());
            // The node reports a part that is missing.
            for part in checkpoint::parts(path).iter().filter(|part| part.is_file()) {
                models.insert(file_name(&part.to_string_lossy()), sums.of(part)?.into());
            }
        }
    }
    Ok(models)
}

impl ModelSums {
    fn of(&self, path: &Path) -> Result<String, UnreadableModel> {
        // Stays locked while a file is read, so that no two threads read the same file.
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums.get(path) {
            return Ok(sum.clone());
        }
        let sum = sha256::of_file(path).map_err(|error| UnreadableModel { error, path: path.to_owned() })?;
        let sum = sha256::hex(&sum);
        sums.insert(path.to_owned(), sum.clone());
        Ok(sum)
    }
}
