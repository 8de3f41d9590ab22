//! Tries an item in another process, after a process ended while the item ran.

use std::process::{Command, Stdio};

/// The last word of a process that survived an item.
pub(super) const SURVIVED: &str = "survived";

/// Runs this command again for one item, and returns whether the process survived. If it can't be started, the item gets the
/// benefit of the doubt.
pub(super) fn survives(id: &str) -> bool {
    let Ok(program) = std::env::current_exe() else { return true };
    let mut command = Command::new(program);
    let mut arguments = std::env::args_os().skip(1);
    command.args(arguments.next()).args(["--try-item", id]).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    match command.output() {
        Ok(output) => output.status.success() && output.stdout.trim_ascii().ends_with(SURVIVED.as_bytes()),
        Err(_) => true,
    }
}

/// Makes the system end this process when the batch that started it ends.
pub(super) fn end_with_parent() {
    // On other systems the trial runs to its end, and its result is dropped.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}
