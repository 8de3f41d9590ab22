//! `splatgraph draw`.

use std::path::PathBuf;

use super::failure::Outcome;
use super::pack_folders::PackFolders;
use super::{output, source};

/// Print a drawing of a graph as a Mermaid diagram, which Markdown pages show
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input
    graph: PathBuf,
    #[command(flatten)]
    packs: PackFolders,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let file = source::as_written(&options.graph)?;
    let registry = options.packs.load()?;
    let file = file.adapted(&registry);
    output::print(&splatgraph::graph::draw(&file, Some(&registry)))
}
