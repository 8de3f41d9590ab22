//! `splatgraph convert`.

use std::path::{Path, PathBuf};

use splatgraph::{formats, graph};

use super::failure::{FAILED, Failure, Outcome};
use super::output::{self, graph_text};
use super::pack_folders::PackFolders;
use super::source;

/// Write a graph in its other form, or a record as a file of another kind
///
/// A bare prompt becomes a graph in this program's own format, with --api the other way round. With a second file, a record is
/// written anew, as the ending of that file's name says: `convert tokens.gpst tokens.safetensors`, or back.
///
/// A bare prompt is what tools of that ecosystem exchange: only nodes, links by position. Paths in the result are as seen
/// from the folder of the file that is written, printed ones from the current directory.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, or - for standard input; or a record in a .safetensors file or a file
    /// that a node of a pack reads
    #[arg(value_name = "FILE")]
    graph: PathBuf,
    /// A new file for the record; its ending says which kind it will be
    #[arg(value_name = "RECORD", conflicts_with_all = ["api", "output"])]
    record: Option<PathBuf>,
    /// Make a bare prompt; graphs that stand in the graph are put in their places
    #[arg(long)]
    api: bool,
    /// Write a new file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    packs: PackFolders,
}

pub(crate) fn run(options: &Options) -> Outcome {
    if let Some(to) = &options.record {
        source::refuse_existing(to)?;
        let registry = options.packs.load()?;
        let record = formats::load(&options.graph, &registry);
        return record.and_then(|record| formats::save(record, to, &registry)).map_err(|e| Failure::new(FAILED, e));
    }
    if let Some(path) = &options.output {
        source::refuse_existing(path)?;
    }
    let file = source::as_written(&options.graph)?;
    let registry = options.packs.load()?;
    let folder = options.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let (converted, form) = if options.api {
        (graph::to_bare_prompt(file, folder, &registry), "a bare prompt")
    } else {
        (graph::to_own_format(&file, folder, &registry), "a graph")
    };
    let converted = converted.map_err(|problems| Failure::problems(&problems))?;
    let text = graph_text(&converted.json);
    match &options.output {
        Some(path) => source::write_new(path, &text)?,
        None => output::print(&text),
    }
    for lost in &converted.lost {
        output::note(&format!("{form} has no place for {lost}"));
    }
    Ok(())
}
