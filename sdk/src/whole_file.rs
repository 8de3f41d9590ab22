//! Files that appear under their names only when they are whole.

use crate::Result;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::NamedTempFile;

/// The start of the names of files that are not whole yet. Only a process that was killed leaves such a file behind.
pub const TEMPORARY_PREFIX: &str = ".splatgraph-";

/// The most folders that a process remembers as tidied.
const FOLDERS: usize = 4096;

/// Whether files reach the disk before [`write_whole`] returns.
static DURABLE: AtomicBool = AtomicBool::new(false);

/// From now on, [`write_whole`] returns only when the file is on the disk.
pub(crate) fn make_durable() {
    DURABLE.store(true, Ordering::Relaxed);
}

/// Writes a file under a temporary name in the same folder, then renames it. With the setting
/// [`DURABLE`](crate::settings::DURABLE), it waits until both have reached the disk.
///
/// # Errors
/// The file can't be written; then no file is left behind.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = TemporaryFile::new(folder_of(path))?;
    let mut writer = BufWriter::new(file.0.as_file_mut());
    writer.write_all(bytes)?;
    writer.flush()?;
    drop(writer);
    let durable = DURABLE.load(Ordering::Relaxed);
    if durable {
        file.file().sync_all()?;
    }
    file.rename(path)?;
    // Other systems can't open folders.
    if durable && cfg!(unix) {
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(())
}

/// A new file under a temporary name. It is removed when it is dropped, unless it was renamed.
///
/// The process holds a lock on the file as long as the file has this name. The system lets go of the lock when the process
/// ends, however it ends. So the next process that writes into the folder can tell which files are left over, and removes
/// them.
pub struct TemporaryFile(NamedTempFile);

impl TemporaryFile {
    /// Creates a file in `folder`. The first time in a process, it removes the files there that other processes left behind.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub fn new(folder: &Path) -> io::Result<Self> {
        tidy_once(folder);
        // The file gets the usual permissions instead of the private ones of a temporary file, and errors do not have its name.
        let create = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
        loop {
            let file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).make_in(folder, create)?;
            // Some file systems have no locks. Then nobody gets a lock, and nobody removes the file.
            let _ = file.as_file().lock();
            // Another process may have removed the file between its creation and the lock.
            if file.path().exists() {
                return Ok(Self(file));
            }
        }
    }

    /// The temporary name.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Gives the file its name, in the same file system. A file with that name is replaced.
    ///
    /// # Errors
    /// The file can't be renamed; then it is removed.
    pub fn rename(self, path: &Path) -> io::Result<()> {
        self.0.persist(path).map(drop).map_err(|error| error.error)
    }
}

/// The folder of a file.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Tidies a folder, unless this process has done so before.
fn tidy_once(folder: &Path) {
    static TIDIED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut tidied = TIDIED.lock().unwrap_or_else(PoisonError::into_inner);
    if tidied.contains(folder) {
        return;
    }
    if tidied.len() >= FOLDERS {
        tidied.clear();
    }
    tidied.insert(folder.to_owned());
    drop(tidied);
    remove_left_over_files(folder);
}

/// Removes the temporary files in `folder` whose processes ended. Files that can't be removed do no harm and stay.
pub fn remove_left_over_files(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_temporary(entry.file_name().as_encoded_bytes()) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // The lock is held until the file is removed, so its owner can't mistake it for its own.
        if let Ok(file) = File::options().read(true).write(true).open(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a file has the name of a temporary file: the prefix, then letters and digits.
fn is_temporary(name: &[u8]) -> bool {
    let random = name.strip_prefix(TEMPORARY_PREFIX.as_bytes());
    random.is_some_and(|random| !random.is_empty() && random.iter().all(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn files_of_dead_processes_are_removed_and_files_of_living_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".splatgraph-1234", ".splatgraph-aB3x9Z", ".splatgraph-own.txt", ".splatgraph-", "other"] {
            fs::write(folder.path().join(name), "half").unwrap();
        }
        fs::create_dir(folder.path().join(".splatgraph-folder")).unwrap();
        let living = TemporaryFile::new(folder.path()).unwrap();
        let own = living.path().file_name().unwrap().to_str().unwrap().to_owned();
        remove_left_over_files(folder.path());
        let mut kept = vec![own, ".splatgraph-".into(), ".splatgraph-folder".into(), ".splatgraph-own.txt".into()];
        kept.push("other".into());
        kept.sort();
        assert_eq!(names(folder.path()), kept);
        drop(living);
        assert_eq!(names(folder.path()).len(), 4);
    }

    #[test]
    fn a_folder_is_tidied_by_the_first_file_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".splatgraph-abc"), "half").unwrap();
        write_whole(&folder.path().join("a"), b"1").unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_file_that_can_not_be_renamed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        assert!(write_whole(&folder.path().join("a"), b"1").is_err());
        assert_eq!(names(folder.path()), ["a"]);
        assert!(write_whole(&folder.path().join("none/a"), b"1").is_err());
    }

    #[test]
    fn many_threads_write_into_one_folder_while_it_is_tidied() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let folder = folder.path();
                scope.spawn(move || {
                    for file in 0..50 {
                        write_whole(&folder.join(format!("{thread}-{file}")), b"whole").unwrap();
                        remove_left_over_files(folder);
                    }
                });
            }
        });
        let names = names(folder.path());
        assert_eq!(names.len(), 200);
        assert!(names.iter().all(|name| fs::read(folder.path().join(name)).unwrap() == b"whole"));
    }
}
