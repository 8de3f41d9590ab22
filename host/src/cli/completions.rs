//! `splatgraph completions`.

use clap::CommandFactory;

use super::failure::Outcome;
use super::{Arguments, output};

/// Print a script that completes commands and options in a shell
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "splatgraph", &mut script);
    output::print_as_is(&String::from_utf8_lossy(&script))
}
