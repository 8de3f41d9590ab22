//! `splatgraph completions`.
//!
//! The scripts for bash, zsh and fish ask the program for every word, as the words depend on the packs and on the graph; see
//! [`words`]. Scripts for other shells know only commands and options.

pub(crate) mod words;

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Outcome;
use super::{Arguments, output};

/// Print a script that completes commands, options, nodes and inputs of graphs in a shell
///
/// In bash: `eval "$(splatgraph completions bash)"`, and the same in zsh. In fish: `splatgraph completions fish | source`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> Outcome {
    match options.shell {
        Shell::Bash => output::print_as_is(include_str!("splatgraph.bash")),
        Shell::Zsh => output::print_as_is(include_str!("splatgraph.zsh")),
        Shell::Fish => output::print_as_is(include_str!("splatgraph.fish")),
        shell => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "splatgraph", &mut script);
            output::print_as_is(&String::from_utf8_lossy(&script))
        }
    }
}
