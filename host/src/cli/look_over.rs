//! The hidden command with which this program looks over a pack in a process of its own, `splatgraph look-over LIBRARY`, or asks
//! it for its devices, `splatgraph look-over LIBRARY devices`. No help and no completion shows it.

use std::path::PathBuf;
use std::time::Duration;

use splatgraph::packs::{self, DEVICES, DEVICES_LIMIT, LOOK_OVER_COMMAND, LOOK_OVER_LIMIT};

use super::output;

/// A library to look over.
pub(crate) struct Asked {
    library: PathBuf,
    /// Whether to ask for its devices.
    devices: bool,
}

/// The library, if the command line is this command.
pub(crate) fn asked() -> Option<Asked> {
    let mut arguments = std::env::args_os().skip(1);
    let library = (arguments.next()? == LOOK_OVER_COMMAND).then(|| arguments.next()).flatten()?;
    Some(Asked { library: library.into(), devices: arguments.next().is_some_and(|word| word == DEVICES) })
}

/// Prints what the library is, or its devices, as lines of JSON.
pub(crate) fn run(asked: &Asked) {
    limit(if asked.devices { DEVICES_LIMIT } else { LOOK_OVER_LIMIT });
    // A line that can't be written has no reader any more.
    let say = |line: &str| _ = output::print_json_text(line);
    match asked.devices {
        true => packs::list_devices(&asked.library, say),
        false => packs::look_over(&asked.library, say),
    }
}

/// Ends this process soon after the limit, if the process that started it is no longer there to do so.
fn limit(limit: Duration) {
    // A pack that crashes writes no core file.
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    let watch = std::thread::Builder::new().name("limit".into());
    // Without the thread, only the process that started this one ends it.
    let _ = watch.spawn(move || {
        std::thread::sleep(limit + Duration::from_secs(1));
        std::process::abort();
    });
}
