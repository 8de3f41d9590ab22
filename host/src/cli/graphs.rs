//! `splatgraph graphs`, and the names of graphs on the command line.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Once;

use serde_json::{Value as Json, json};
use splatgraph::named_graphs::{self, NamedGraph};
use splatgraph::packs::Surroundings;

use super::failure::{FAILED, Failure, Outcome};
use super::options::JsonOption;
use super::output::{self, columns, shown};

/// List the graphs that came with the program
///
/// Commands take their names instead of files: `splatgraph run reconstruct image=cat.jpg`. `splatgraph run NAME --help`
/// explains one.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    output: JsonOption,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let folder = folder().unwrap_or_default();
    let graphs = named_graphs::list(&folder).map_err(|error| {
        Failure::new(
            FAILED,
            format!("the graphs that came with the program cannot be read: {error}\n  {}", shown(&folder)),
        )
    })?;
    if options.output.json {
        return output::print_json(&graphs.iter().map(as_json).collect::<Vec<_>>());
    }
    output::print(&as_text(&graphs, &folder))
}

fn as_json(graph: &NamedGraph) -> Json {
    let NamedGraph { name, path, title, description } = graph;
    json!({"name": name, "path": path.to_string_lossy(), "title": title, "description": description})
}

fn as_text(graphs: &[NamedGraph], folder: &Path) -> String {
    if graphs.is_empty() {
        return format!(
            "No graphs came with this program. A package has them in\n  {}\nA clone of the project has them in its folder \
             `graphs`, for `splatgraph run graphs/reconstruct.json`.",
            shown(folder)
        );
    }
    let rows: Vec<Vec<String>> = graphs.iter().map(|graph| vec![graph.name.clone(), graph.title.clone()]).collect();
    format!(
        "{}\n`splatgraph run NAME` runs one, and `splatgraph run NAME --help` explains it. To change one, copy its file from\n  {}",
        columns(0, &rows),
        shown(folder)
    )
}

/// The file of a graph that is named on the command line: a path, or the name of a graph that came with the program. A file of
/// exactly that name comes first.
pub(crate) fn located(given: &Path) -> Cow<'_, Path> {
    match named(given) {
        Some(named) if !given.is_file() => Cow::Owned(named),
        _ => Cow::Borrowed(given),
    }
}

/// Says which of two graphs is meant, if the current directory has a file that looks like a name.
pub(crate) fn say_which(given: &Path) {
    // A watch reads its graph again and again.
    static SAID: Once = Once::new();
    let Some(named) = named(given) else { return };
    let (name, other) = (shown(given), given.with_extension("json"));
    if given.is_file() {
        SAID.call_once(|| {
            let file = shown(&named);
            output::note(&format!(
                "`{name}` is the file of this folder, not the graph that came with the program\n  {file}"
            ));
        });
    } else if other.is_file() && other.canonicalize().ok() != named.canonicalize().ok() {
        SAID.call_once(|| {
            let other = shown(&other);
            output::note(&format!(
                "`{name}` is the graph that came with the program; `{other}` is the file of this folder"
            ));
        });
    }
}

/// The names of the graphs that came with the program.
pub(crate) fn names() -> Vec<String> {
    let graphs = folder().and_then(|folder| named_graphs::list(&folder).ok()).unwrap_or_default();
    graphs.into_iter().map(|graph| graph.name).collect()
}

fn named(given: &Path) -> Option<PathBuf> {
    // Most graphs are files. Then nobody has to know where the program lies.
    if !named_graphs::is_name(given) {
        return None;
    }
    named_graphs::find(&folder()?, given)
}

pub(crate) fn folder() -> Option<PathBuf> {
    named_graphs::folder(&Surroundings::of_process())
}
