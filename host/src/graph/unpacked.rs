//! The folder into which a bundle was unpacked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// The name of the graph in a bundle.
pub(crate) const GRAPH_NAME: &str = "graph.json";
/// The name of its lock.
pub(crate) const LOCK_NAME: &str = "graph.lock.json";

/// The folders that this process made and did not remove.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The temporary folder of a bundle. It is removed with the last graph that has it.
#[derive(Clone, Debug)]
pub struct Unpacked {
    archive: PathBuf,
    folder: Arc<Folder>,
}

#[derive(Debug)]
struct Folder(tempfile::TempDir);

impl Drop for Folder {
    fn drop(&mut self) {
        // Another process may make a folder of this name later.
        lock(&MADE).retain(|made| made != self.0.path());
    }
}

impl Unpacked {
    /// Makes an empty folder for the bundle `archive`, which only its owner may read.
    ///
    /// # Errors
    /// The system's folder for temporary files can't be written to.
    pub(crate) fn new(archive: &Path) -> io::Result<Self> {
        let folder = Folder(tempfile::Builder::new().prefix("splatgraph-bundle-").tempdir()?);
        lock(&MADE).push(folder.0.path().to_owned());
        Ok(Self { archive: archive.to_owned(), folder: Arc::new(folder) })
    }

    /// Removes all folders that this process made. A process that ends does so, as threads that it leaves behind may hold a graph.
    pub fn remove_all() {
        for folder in lock(&MADE).drain(..) {
            // The system cleans up a folder that can't be removed.
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    /// The file of the bundle.
    #[must_use]
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// The folder with its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.0.path()
    }

    /// The file of the graph.
    pub(crate) fn graph(&self) -> PathBuf {
        self.folder().join(GRAPH_NAME)
    }

    /// The file of the lock.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder().join(LOCK_NAME)
    }
}

impl PartialEq for Unpacked {
    fn eq(&self, other: &Self) -> bool {
        self.folder() == other.folder()
    }
}

impl Eq for Unpacked {}
