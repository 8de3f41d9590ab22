//! The hidden command with which this program looks over a pack in a process of its own: `splatgraph look-over LIBRARY`. No
//! help and no completion shows it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use splatgraph::packs::{self, LOOK_OVER_LIMIT};

use super::output;

/// The name of the command.
pub(crate) const NAME: &str = "look-over";

/// The library, if the command line is this command.
pub(crate) fn asked() -> Option<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == NAME).then(|| arguments.next()).flatten().map(PathBuf::from)
}

/// Prints what the library is, as lines of JSON.
pub(crate) fn run(library: &Path) {
    limit();
    // A line that can't be written has no reader any more.
    packs::look_over(library, |line| _ = output::print_json_text(line));
}

/// Ends this process soon after the limit, if the process that started it is no longer there to do so.
fn limit() {
    // A pack that crashes writes no core file.
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    let watch = std::thread::Builder::new().name("limit".into());
    // Without the thread, only the process that started this one ends it.
    let _ = watch.spawn(|| {
        std::thread::sleep(LOOK_OVER_LIMIT + Duration::from_secs(1));
        std::process::abort();
    });
}
