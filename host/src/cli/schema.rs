//! `splatgraph schema`.

use super::failure::Outcome;
use super::output;
use super::pack_folders::PackFolders;

/// Print the JSON schema of graph files for the loaded packs, with which an editor completes and checks them
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    packs: PackFolders,
}

pub(crate) fn run(options: &Options) -> Outcome {
    output::print_json(&splatgraph::graph::schema(&options.packs.load()?))
}
