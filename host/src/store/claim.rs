//! Tells other processes, and other runs of this one, that a result is computed.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// The first and the longest pause between two looks at a lock. A lock that can be waited for can't be given up on Ctrl-C.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(100)];

/// A lock on a file. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    /// `None` on file systems without locks.
    _file: Option<File>,
}

impl Claim {
    /// Waits for the lock; `None` if `stop` returned true meanwhile.
    ///
    /// # Errors
    /// The file can't be created.
    pub(super) fn wait(path: &Path, stop: &dyn Fn() -> bool) -> io::Result<Option<Self>> {
        let [mut pause, longest] = PAUSES;
        loop {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
            match file.try_lock() {
                // The last owner may have removed the file between the opening and the lock. Then others do not see this lock.
                Ok(()) if is_at(&file, path) => return Ok(Some(Self { path: path.to_owned(), _file: Some(file) })),
                Ok(()) => {}
                Err(TryLockError::Error(_)) => return Ok(Some(Self { path: path.to_owned(), _file: None })),
                Err(TryLockError::WouldBlock) if stop() => return Ok(None),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Before the lock ends, so that no other process has the lock on the file by now.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the file of a claim whose process ended.
pub(super) fn remove_left_over(path: &Path) {
    if let Ok(file) = File::options().read(true).write(true).open(path)
        && file.try_lock().is_ok()
    {
        drop(Claim { path: path.to_owned(), _file: Some(file) });
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |about: fs::Metadata| (about.dev(), about.ino());
    let (own, there) = (file.metadata().map(number), fs::metadata(path).map(number));
    own.is_ok_and(|own| there.is_ok_and(|there| own == there))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    // The name of a removed file can't be taken there while the file is open.
    path.exists()
}
