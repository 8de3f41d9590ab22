//! Copies libraries to open them. For a path that it knows, the system would return the old code, and a file that is written
//! over while its code runs would crash the process. Windows opens no file that another handle writes to.

use std::env::consts::DLL_SUFFIX;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::symbols::{Kind, look_into};

/// Copies the library at `path` into a folder of its own, calls `open` with the copy, and removes the folder.
pub(super) fn with_copy<T>(path: &Path, open: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
    let folder = private_folder().map_err(|error| cannot_copy(&error))?;
    let mut name = path.file_name().unwrap_or(path.as_os_str()).to_owned();
    if cfg!(windows) && path.extension().is_none() {
        // Windows would look for a file with this extension.
        name.push(DLL_SUFFIX);
    }
    let copy = folder.join(name);
    let copied = fs::copy(path, &copy).map_err(|error| cannot_copy(&error));
    let opened = copied.and_then(|_| match look_into(&copy) {
        Kind::Pack => open(&copy),
        // The file changed after it was looked into.
        Kind::OtherLibrary => Err("it changed while it was copied".to_owned()),
        Kind::Broken(reason) => Err(reason),
    });
    // A loaded library no longer needs its file. Windows keeps the file, and cleans it up later.
    let _ = fs::remove_dir_all(folder);
    opened
}

fn cannot_copy(error: &io::Error) -> String {
    format!("it cannot be copied to a temporary folder to be loaded: {error}")
}

/// Numbers the folders for copies in this process, as the system identifies a loaded library by its path.
static FOLDERS: AtomicU64 = AtomicU64::new(0);

/// Makes folders that only this user may enter. On Windows the folder for temporary files is such a folder itself.
fn builder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A new folder that only this user may enter.
fn private_folder() -> io::Result<PathBuf> {
    let builder = builder();
    loop {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("splatgraph-packs-{}-{number}", std::process::id()));
        match builder.create(&folder) {
            // A process with the same number left it behind, or someone made it to be in the way.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|()| folder),
        }
    }
}
