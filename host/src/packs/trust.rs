//! Loading a pack runs it, so a file that somebody else could have written is refused.

use std::path::Path;

/// Refuses the library at `path` (canonical) when another user owns or may write it or its folder.
/// The reason ends with the command that mends it.
#[cfg(unix)]
pub(super) fn check(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let me = rustix::process::geteuid().as_raw();
    for checked in [Some(path), path.parent()].into_iter().flatten() {
        let metadata = checked.metadata().map_err(|error| format!("{} cannot be read: {error}", checked.display()))?;
        if metadata.uid() != me && metadata.uid() != 0 {
            return Err(format!(
                "it is not trusted: {} belongs to user {}, neither you nor root (to trust it: chown {me} {})",
                checked.display(),
                metadata.uid(),
                checked.display()
            ));
        }
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 && metadata.mode() & STICKY == 0 {
            return Err(format!(
                "it is not trusted: other users may write {} (to trust it: chmod go-w {})",
                checked.display(),
                checked.display()
            ));
        }
    }
    Ok(())
}

/// Other systems keep program folders from being written by access lists.
#[cfg(not(unix))]
pub(super) fn check(_: &Path) -> Result<(), String> {
    Ok(())
}
