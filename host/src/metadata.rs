//! The graph that a run writes into its pictures, so that `splatgraph run picture.png` runs it again.

use std::path::Path;
use std::sync::Arc;

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
    if checked.pack_nodes().into_iter().any(|node| writes_png(&node.class.spec)) {
        let texts = png_text(checked, registry, settings)?;
        settings.insert(PNG_TEXT.to_owned(), texts.into());
    }
    Ok(())
}

/// The texts for pictures, by keyword: the graph as a bare prompt, and our header. The header has the graph with its values and the
/// nodes of its parts, and its lock. Paths are as the user wrote them, but an absolute path is cut to the name of its file.
fn png_text(checked: &Checked, registry: &Registry, settings: &Settings) -> Result<Map<String, Json>, Unreadable> {
    let graph = without_absolute_paths(checked, registry);
    let repeats = graph.nodes.iter().any(|node| node.repeat.is_some());
    let prompt = (!repeats).then(|| graph.to_prompt(registry).to_string());
    let graph = graph.to_json();
    let sum = sha256::hex(&sha256::of_bytes(picture::graph_text(&graph.to_string()).as_bytes()));
    let lock = Lock::without_parts(checked, sum, settings, Extent::Quick)?;
    let header = json!({"version": VERSION, "graph": graph, "lock": lock});
    let mut texts = Map::new();
    // A prompt has no place for a node that repeats a graph.
    texts.extend(prompt.map(|prompt| (PROMPT_KEY.to_owned(), prompt.into())));
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
