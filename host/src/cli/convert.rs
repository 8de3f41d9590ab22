//! `splatgraph convert`.

use std::path::{Path, PathBuf};

use splatgraph::{formats, graph};

use super::failure::{FAILED, Failure, Outcome};
use super::output::{self, graph_text};
use super::pack_folders::PackFolders;
use super::source;

/// Convert a graph to its other form, or a record to another kind of file
///
/// A bare prompt or a workflow becomes a graph in this program's own format. With --api, a graph becomes a bare prompt, and with
/// --workflow a workflow. With a second file, a record is written to this file, whose extension decides the kind: `convert tokens.gpst
/// tokens.safetensors`, or back.
///
/// ComfyUI and related tools exchange bare prompts, which have only nodes, and links by position. The ComfyUI front end opens and saves
/// workflows, which also have places. Paths in the result are relative to the folder of the written file, or to the current directory if
/// the result is printed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input. Or a record in a .safetensors file, or in a
    /// file that a node of a pack reads
    #[arg(value_name = "FILE")]
    graph: PathBuf,
    /// A new file for the record; its extension decides the kind
    #[arg(value_name = "RECORD", conflicts_with_all = ["api", "workflow", "output"])]
    record: Option<PathBuf>,
    /// Make a bare prompt, with the nodes of the graphs in the graph
    #[arg(long)]
    api: bool,
    /// Make a workflow for the ComfyUI front end, with the nodes of the graphs in the graph
    #[arg(long, conflicts_with = "api")]
    workflow: bool,
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
        let saved = record.and_then(|record| formats::save(record, to, &registry));
        return saved.map_err(|error| Failure::new(FAILED, output::one_line(&error.to_string())));
    }
    if let Some(path) = &options.output {
        source::refuse_existing(path)?;
    }
    let file = source::as_written(&options.graph)?;
    let registry = options.packs.load()?;
    let folder = options.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let (converted, form) = if options.api {
        (graph::to_bare_prompt(file, folder, &registry), "a bare prompt")
    } else if options.workflow {
        (graph::to_workflow(file, folder, &registry), "a workflow")
    } else {
        (graph::to_own_format(&file, folder, &registry), "a graph")
    };
    let converted = converted.map_err(|problems| Failure::problems(&problems))?;
    let text = graph_text(&converted.json);
    match &options.output {
        Some(path) => source::write_new(path, &text)?,
        None => output::print_json_text(&text)?,
    }
    converted.notices.iter().for_each(output::about_graph);
    for lost in &converted.lost {
        output::note(&format!("{form} cannot hold {lost}"));
    }
    Ok(())
}
