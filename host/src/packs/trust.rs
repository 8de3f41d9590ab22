//! Refuses packs that another user could have written, as loading a pack runs its code.

#[cfg(unix)]
use crate::words::shown;
use std::path::Path;

/// Refuses the library at the canonical `path` if another user owns or may write it, its folder or a folder above it. The
/// reason ends with the command that changes this.
#[cfg(unix)]
pub(super) fn check(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let me = rustix::process::geteuid().as_raw();
    // Whoever owns `/` decides about all files. In a container it may have another number than 0.
    let root = Path::new("/").metadata().map_or(0, |root| root.uid());
    for (above, checked) in path.ancestors().enumerate() {
        let metadata = checked.metadata().map_err(|error| format!("{} cannot be read: {error}", shown(checked)))?;
        if ![me, 0, root].contains(&metadata.uid()) {
            let what = if above == 0 { "file" } else { "folder" };
            return Err(format!(
                "it is not trusted: expected a {what} of you or of root, but user {1} owns {0} (to trust it: chown {me} {0})",
                shown(checked),
                metadata.uid()
            ));
        }
        // Many systems give each user a group of the same number, and let it write the user's folders.
        let own_group = above > 1 && me != 0 && metadata.gid() == me && metadata.mode() & 0o002 == 0;
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 && metadata.mode() & STICKY == 0 && !own_group {
            return Err(format!(
                "it is not trusted: other users may write {0} (to trust it: chmod go-w {0})",
                shown(checked)
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
