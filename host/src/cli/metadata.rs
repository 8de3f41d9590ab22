//! The graph that a run writes into its pictures, so that `splatgraph run picture.png` runs it again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};
use splatgraph::graph::{Checked, Feed, Source};
use splatgraph::picture::{HEADER_KEY, PROMPT_KEY};
use splatgraph::registry::Registry;
use splatgraph::run::Settings;
use splatgraph::sha256;
use splatgraph_sdk::{checkpoint, settings::PNG_TEXT, spec::PathKind};

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output::shown;

/// The version of the format of headers.
const VERSION: u64 = 1;

/// Remembers the SHA-256 of model files.
#[derive(Default)]
pub(crate) struct ModelSums(Mutex<HashMap<PathBuf, String>>);

/// The settings of a run that come from the command line.
pub(crate) fn settings(
    checked: &Checked,
    registry: &Registry,
    sums: &ModelSums,
    no_metadata: bool,
) -> Outcome<Settings> {
    let mut settings = Settings::new();
    if !no_metadata {
        settings.insert(PNG_TEXT.to_owned(), png_text(checked, registry, sums)?.into());
    }
    Ok(settings)
}

/// The texts for pictures, by keyword: the graph as a bare prompt, and our header. The header has the graph with its values,
/// the versions of its packs, and the SHA-256 of its model files (null for models inside a pack). Paths are as the user wrote
/// them, but an absolute path is cut to the name of its file.
fn png_text(checked: &Checked, registry: &Registry, sums: &ModelSums) -> Outcome<Map<String, Json>> {
    let graph = without_absolute_paths(checked, registry);
    let packs: Map<String, Json> = checked
        .nodes
        .iter()
        .map(|node| &node.class.pack.manifest)
        .map(|manifest| (manifest.id.clone(), manifest.version.clone().into()))
        .collect();
    let header =
        json!({"version": VERSION, "graph": graph.to_json(), "packs": packs, "models": models(checked, sums)?});
    let mut texts = Map::new();
    texts.insert(PROMPT_KEY.to_owned(), graph.to_prompt(registry).to_string().into());
    texts.insert(HEADER_KEY.to_owned(), header.to_string().into());
    Ok(texts)
}

/// The graph for the texts. Paths in the graphs of graph nodes become relative to the folder of the outer graph.
fn without_absolute_paths(checked: &Checked, registry: &Registry) -> splatgraph::graph::File {
    let folder = checked.file().origin.folder().unwrap_or(Path::new(""));
    let mut file = checked.file().moved_to(folder, registry);
    // These keys are for editors of the file.
    file.extra.clear();
    for (node, checked) in file.nodes.iter_mut().zip(checked.nodes.iter()) {
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
    file
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The SHA-256 of every model file and of every part of a model in several files, by its name. A graph that writes no files needs none.
fn models(checked: &Checked, sums: &ModelSums) -> Outcome<Map<String, Json>> {
    let mut models = Map::new();
    if !checked.nodes.iter().any(|node| node.class.spec.output) {
        return Ok(models);
    }
    for node in checked.nodes.iter() {
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
    fn of(&self, path: &Path) -> Outcome<String> {
        // Stays locked while a file is read, so that no two threads read the same file.
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums.get(path) {
            return Ok(sum.clone());
        }
        let sum = sha256::of_file(path)
            .map_err(|error| Failure::new(FAILED, format!("the model cannot be read: {error}\n  {}", shown(path))))?;
        let sum = sha256::hex(&sum);
        sums.insert(path.to_owned(), sum.clone());
        Ok(sum)
    }
}
