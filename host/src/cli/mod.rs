//! The commands. Each reads its options, calls the library and prints the result. None decides anything about graphs.

mod batch;
mod bench;
mod check;
mod completions;
mod convert;
mod device;
mod devices;
mod draw;
mod failure;
mod given;
mod inspect;
mod metadata;
mod new_pack;
mod nodes;
mod options;
mod output;
mod pack_folders;
mod packs;
mod previews;
mod progress;
mod run;
mod schema;
mod signals;
mod source;
mod watch;

use clap::{CommandFactory, Parser, Subcommand};

/// Runs pipelines written as JSON graphs. Every stage is a node of a pack, a shared library that anyone can write.
#[derive(Parser)]
#[command(name = "splatgraph", version, arg_required_else_help = true, disable_help_subcommand = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Options),
    Batch(batch::Options),
    Watch(watch::Options),
    Bench(bench::Options),
    Check(check::Options),
    Nodes(nodes::Options),
    Devices(devices::Options),
    Draw(draw::Options),
    Schema(schema::Options),
    Packs(packs::Options),
    NewPack(new_pack::Options),
    Inspect(inspect::Options),
    Convert(convert::Options),
    Completions(completions::Options),
}

/// Runs the command of this process, and returns its exit code.
pub(crate) fn main() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors too, with the code 0. An error of printing is ignored, as it can't be reported.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(failure::USAGE);
        }
    };
    signals::survive_file_size_limit();
    let outcome = match arguments.command {
        Command::Run(options) => run::run(&options),
        Command::Batch(options) => batch::run(&options),
        Command::Watch(options) => watch::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Nodes(options) => nodes::run(&options),
        Command::Devices(options) => devices::run(&options),
        Command::Draw(options) => draw::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Packs(options) => packs::run(&options),
        Command::NewPack(options) => new_pack::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Completions(options) => completions::run(&options),
    };
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            output::error(&failure.message);
            failure.code
        }
    }
}

/// The help text of one command, as `splatgraph help NAME` prints it.
fn help_of(name: &str) -> String {
    let mut command = Arguments::command();
    command.build();
    command.find_subcommand_mut(name).map(|command| command.render_long_help().ansi().to_string()).unwrap_or_default()
}
