//! The graph that a run writes into its pictures, so that `splatgraph run picture.png` runs it again.

use std::path::Path;

use crate::graph::{self, Checked, Source};
use crate::locked::{Extent, Lock, Unreadable};
use crate::picture::{self, HEADER_KEY, PROMPT_KEY};
use crate::registry::Registry;
use crate::run::{Settings, writes_png};
use crate::sha256;
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::settings::PNG_TEXT;

/// The version of the format of headers.
const VERSION: u64 = 2;

/// Adds to the settings of a run that nodes write the graph into pictures, with a lock. The device is in the settings already.
///
/// # Errors
/// A file that the results depend on can't be read.
pub fn add_to(settings: &mut Settings, checked: &Checked, registry: &Registry) -> Result<(), Unreadable> {
    // Only nodes that may write pictures get the texts, and taking the sums of files costs time.
    if checked.nodes.iter().any(|node| writes_png(&node.class.spec)) {
        let texts = png_text(checked, registry, settings)?;
        settings.insert(PNG_TEXT.to_owned(), texts.into());
    }
    Ok(())
}

/// The texts for pictures, by keyword: the graph as a bare prompt, and our header. The header has the graph with its values and the
/// nodes of its parts, and its lock. Paths are as the user wrote them, but an absolute path is cut to the name of its file.
fn png_text(checked: &Checked, registry: &Registry, settings: &Settings) -> Result<Map<String, Json>, Unreadable> {
    let graph = without_absolute_paths(checked, registry);
    let prompt = graph.to_prompt(registry).to_string();
    let graph = graph.to_json();
    let sum = sha256::hex(&sha256::of_bytes(picture::graph_text(&graph.to_string()).as_bytes()));
    let lock = Lock::without_parts(checked, sum, settings, Extent::Quick)?;
    let header = json!({"version": VERSION, "graph": graph, "lock": lock});
    let mut texts = Map::new();
    texts.insert(PROMPT_KEY.to_owned(), prompt.into());
    texts.insert(HEADER_KEY.to_owned(), header.to_string().into());
    Ok(texts)
}

/// The graph for the texts. Paths in the graphs of graph nodes become relative to the folder of the outer graph.
fn without_absolute_paths(checked: &Checked, registry: &Registry) -> graph::File {
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
