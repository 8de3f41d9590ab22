//! The command line of Splatgraph.

mod cli;

fn main() {
    // A panic said what it is when it happened. The code is the one of the Rust runtime.
    let code = std::panic::catch_unwind(cli::main).unwrap_or(101);
    // Ends the process at once: an abandoned node may still run in a thread.
    cli::end(code);
}
