//! Refuses packs that another user could have written, as loading a pack runs its code.

use std::path::Path;

/// Refuses the library at the canonical `path` if another user owns or may write it or its folder. The reason ends with the
/// command that changes this.
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
                "it is not trusted: expected a file of you or of root, but user {1} owns {0} (to trust it: chown {me} {0})",
                checked.display(),
                metadata.uid()
            ));
        }
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 && metadata.mode() & STICKY == 0 {
            return Err(format!(
                "it is not trusted: other users may write {0} (to trust it: chmod go-w {0})",
                checked.display()
            ));
        }
    }
    Ok(())
}

/// Accepts every library: other systems protect folders of programs with access lists.
#[cfg(not(unix))]
pub(super) fn check(_: &Path) -> Result<(), String> {
    Ok(())
}
