//! Makes files reach the disk, so that a power failure can't take them.

use crate::words::shown;
use std::{collections::BTreeSet, fs::File, path::Path};

/// Waits until the contents of these files, and their names in their folders, are on the disk.
///
/// # Errors
/// The disk failed, or a file is gone. The text names the file.
pub fn sync<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<(), String> {
    let sync = |path: &Path| {
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| format!("a file cannot be brought to the disk: {error}\n  {}", shown(path)))
    };
    let mut folders = BTreeSet::new();
    for path in files {
        sync(path)?;
        folders.extend(path.parent());
    }
    // Other systems can't open folders.
    if cfg!(unix) { folders.into_iter().try_for_each(sync) } else { Ok(()) }
}
