//! The command line of Splatgraph.

mod cli;

fn main() {
    let code = cli::main();
    // Ends the process at once: an abandoned node may still run in a thread.
    std::process::exit(code.into());
}
