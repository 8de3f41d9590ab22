//! The hidden command that serves the nodes of a pack to the program that started this process, `splatgraph worker LIBRARY`. No help
//! and no completion shows it.

use std::path::PathBuf;

/// The library, if the command line is this command.
pub(crate) fn asked() -> Option<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == splatgraph::packs::WORKER_COMMAND).then(|| arguments.next().map(PathBuf::from)).flatten()
}

/// Serves until the host is gone. Returns the exit code.
#[cfg(unix)]
pub(crate) fn run(library: &std::path::Path) -> u8 {
    match splatgraph::packs::serve_worker(library) {
        Ok(()) => 0,
        Err(error) => {
            // The host shows the last lines of a worker that ends with an error.
            let text = format!("the worker cannot go on: {error}; only a host starts it");
            super::output::error(&text);
            super::failure::FAILED
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn run(_: &std::path::Path) -> u8 {
    super::output::error("packs run in processes of their own only on Linux and macOS");
    super::failure::FAILED
}
