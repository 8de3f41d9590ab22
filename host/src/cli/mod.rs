//! The commands. Each reads its options, calls the library and prints the result. None decides anything about graphs.

mod bars;
mod batch;
mod bench;
mod bundle;
mod check;
mod completions;
mod convert;
#[cfg(unix)]
mod deaths;
mod device;
mod devices;
mod draw;
mod failure;
mod given;
mod graphs;
mod inspect;
mod lock;
mod locked;
mod look_over;
mod man;
mod new_pack;
mod nodes;
mod options;
mod output;
mod pack_folders;
mod packs;
mod previews;
#[cfg(unix)]
mod process_state;
mod progress;
mod python;
mod report;
mod run;
mod run_packs;
mod schema;
#[cfg(feature = "serve")]
mod serve;
mod signals;
mod source;
mod style;
mod version;
mod watch;
mod why;
mod worker;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use failure::{Failure, Outcome};
use splatgraph::graph::Unpacked;
use splatgraph::words;

/// Runs pipelines written as JSON graphs. Every stage is a node of a pack, a shared library that anyone can write.
#[derive(Parser)]
#[command(name = "splatgraph", version, arg_required_else_help = true, disable_version_flag = true)]
struct Arguments {
    /// Print the version; with --json also the commit, the platform and the packs
    #[arg(short = 'V', long, action = ArgAction::Version, display_order = 1000)]
    version: (),
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Options),
    Batch(batch::Options),
    Report(report::Options),
    Watch(watch::Options),
    Bench(bench::Options),
    Check(check::Options),
    Lock(lock::Options),
    Bundle(bundle::Options),
    Why(why::Options),
    Graphs(graphs::Options),
    Nodes(nodes::Options),
    Devices(devices::Options),
    Draw(draw::Options),
    #[cfg(feature = "serve")]
    Serve(serve::Options),
    Schema(schema::Options),
    Packs(packs::Options),
    NewPack(new_pack::Options),
    Inspect(inspect::Options),
    Convert(convert::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Runs the command of this process, and returns its exit code.
pub(crate) fn main() -> u8 {
    if let Some(asked) = look_over::asked() {
        #[cfg(unix)]
        if process_state::keep().is_err() {
            return failure::FAILED;
        }
        look_over::run(&asked);
        return 0;
    }
    if let Some(library) = worker::asked() {
        return worker::run(&library);
    }
    if let Some(words) = completions::words::asked() {
        completions::words::run(&words);
        return 0;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // clap ends at `--version`, before it reads what follows.
        Err(error) if error.kind() == ErrorKind::DisplayVersion && std::env::args_os().any(|word| word == "--json") => {
            return code_of(version::print_json());
        }
        Err(error) => {
            // Its text has the words of the command line beside its own escape sequences, so it is made again from words that
            // a terminal only shows.
            let shown = std::env::args_os().map(|word| words::one_line(&word.to_string_lossy()).into_owned());
            return explained(&Arguments::try_parse_from(shown).err().unwrap_or(error));
        }
    };
    signals::survive_file_size_limit();
    #[cfg(unix)]
    if let Err(error) = process_state::keep() {
        output::error(&format!("the standard output cannot be used: {error}"));
        return failure::FAILED;
    }
    #[cfg(unix)]
    deaths::watch();
    let outcome = match arguments.command {
        Command::Run(options) => run::run(&options),
        Command::Batch(options) => batch::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Watch(options) => watch::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Lock(options) => lock::run(&options),
        Command::Bundle(options) => bundle::run(&options),
        Command::Why(options) => why::run(&options),
        Command::Graphs(options) => graphs::run(&options),
        Command::Nodes(options) => nodes::run(&options),
        Command::Devices(options) => devices::run(&options),
        Command::Draw(options) => draw::run(&options),
        #[cfg(feature = "serve")]
        Command::Serve(options) => serve::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Packs(options) => packs::run(&options),
        Command::NewPack(options) => new_pack::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    };
    code_of(outcome)
}

/// Prints help, the version or an error of the command line, and returns the exit code.
fn explained(error: &clap::Error) -> u8 {
    let text = error.render().ansi().to_string();
    let printed = if error.use_stderr() {
        output::note_as_is(text.trim_end_matches('\n'));
        Ok(())
    } else {
        output::print_as_is(&text)
    };
    code_of(Failure::after(printed, u8::try_from(error.exit_code()).unwrap_or(failure::USAGE)))
}

/// Prints the error of a command, and returns the exit code.
fn code_of(outcome: Outcome) -> u8 {
    match outcome {
        #[cfg(unix)]
        Ok(()) if !process_state::is_whole() => {
            output::error("a pack closed files that belong to the program, so results may be lost; tell its author");
            failure::FAILED
        }
        Ok(()) => 0,
        Err(failure) => {
            output::error(&failure.message);
            failure.code
        }
    }
}

/// Ends the process. Nothing else in the program may, as packs that do so must not look like success.
pub(crate) fn end(code: u8) -> ! {
    #[cfg(unix)]
    deaths::expect_end();
    Unpacked::remove_all();
    std::process::exit(code.into())
}

/// The help text of one command, as `splatgraph help NAME` prints it.
fn help_of(name: &str) -> String {
    let mut command = Arguments::command();
    command.build();
    command.find_subcommand_mut(name).map(|command| command.render_long_help().ansi().to_string()).unwrap_or_default()
}
