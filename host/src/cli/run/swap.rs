//! The option `run --swap NODE=CLASS`.

use std::path::{Path, PathBuf};

use splatgraph::graph;
use splatgraph::registry::Registry;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::given::pairs;
use crate::cli::output::{self, graph_text};
use crate::cli::source;

#[derive(clap::Args)]
pub(super) struct SwapOptions {
    /// Give a node another class, and keep the inputs that both classes have; may be given several times
    #[arg(long = "swap", value_name = "NODE=CLASS", conflicts_with = "locked")]
    swaps: Vec<String>,
    /// Save the graph with its swaps and the given values as a new file
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

impl SwapOptions {
    /// The classes that nodes get.
    pub(super) fn classes(&self) -> Vec<String> {
        self.swaps.iter().filter_map(|swap| Some(swap.split_once('=')?.1.to_owned())).collect()
    }

    /// The graph with the swaps. Prints the changes on stderr.
    pub(super) fn apply(&self, file: graph::File, registry: &Registry, quiet: bool) -> Outcome<graph::File> {
        if let Some(path) = &self.write {
            source::refuse_existing(path)?;
        }
        let swaps = pairs(&self.swaps, "--swap NODE=CLASS")?;
        let (file, said) = graph::swap(file, &swaps, registry).map_err(|problems| Failure::problems(&problems))?;
        for line in said.iter().filter(|_| !quiet) {
            output::note(line);
        }
        Ok(file)
    }

    /// Writes the swapped graph with its values, if the user wants it.
    pub(super) fn save(&self, file: graph::File, given: &graph::Given, registry: &Registry) -> Outcome {
        let Some(path) = &self.write else { return Ok(()) };
        let folder = path.parent().unwrap_or(Path::new(""));
        let graph = graph::to_own_format(&file.with_given(given, registry), folder, registry)
            .map_err(|problems| Failure::problems(&problems))?;
        source::write_new(path, &graph_text(&graph.json))
    }
}
