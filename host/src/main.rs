//! The command line of Splatgraph.

mod cli;

fn main() {
    let code = cli::main();
    // A node that does not react to being cancelled still runs in a thread: it must not hold up the end.
    std::process::exit(code.into());
}
