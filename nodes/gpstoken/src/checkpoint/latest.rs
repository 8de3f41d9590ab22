//! A cache for the last file that a node read. An entry stays valid while its file is unchanged, and the parts to which it leads.

use super::builtin::is_builtin;
use splatgraph_sdk::{Error, Result, checkpoint};
use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// The value that was read last, with its source.
pub(crate) struct Latest<T>(Mutex<Option<(Source, T)>>);

/// The source of a cached value.
#[derive(PartialEq, Eq)]
struct Source {
    path: PathBuf,
    /// Change and length of the file, and of each part of a model in several files.
    files: Vec<(Option<SystemTime>, u64)>,
    settings: String,
}

impl Source {
    fn new(path: &Path, files: Vec<(Option<SystemTime>, u64)>, settings: &str) -> Self {
        Self { path: path.to_owned(), files, settings: settings.to_owned() }
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Latest<T> {
    /// The cached value of this checkpoint file or built-in model with these settings; without one, the result of `read`. Messages
    /// call the value `kind`. The cache drops the old value before it reads a new one, so that memory holds only one.
    ///
    /// # Errors
    /// The file does not exist, or `read` fails.
    pub(crate) fn get(&self, kind: &str, path: &Path, settings: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
        if is_builtin(path) {
            return self.get_source(Source::new(path, Vec::new(), settings), read);
        }
        let missing = |e| {
            let expected = "expected a checkpoint (.safetensors or .pth)";
            Error::missing(format!("loading {kind}: {expected}, got {e}: {}", path.display()))
        };
        self.get_from(path, settings, missing, read)
    }

    /// Works like [`get`](Self::get) for a file of another kind. `missing` makes the error for a file that does not exist.
    ///
    /// # Errors
    /// The file does not exist, or `read` fails.
    pub(crate) fn get_from(
        &self,
        path: &Path,
        settings: &str,
        missing: impl FnOnce(std::io::Error) -> Error,
        read: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let stamp = |about: Metadata| (about.modified().ok(), about.len());
        let mut files = vec![stamp(std::fs::metadata(path).map_err(missing)?)];
        // `read` reports a part that is missing.
        files.extend(checkpoint::parts(path).iter().map(|part| part.metadata().map_or((None, 0), stamp)));
        self.get_source(Source::new(path, files, settings), read)
    }

    fn get_source(&self, source: Source, read: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, loaded)) = last.as_ref().filter(|(known, _)| *known == source) {
            return Ok(loaded.clone());
        }
        *last = None;
        let loaded = read()?;
        *last = Some((source, loaded.clone()));
        Ok(loaded)
    }
}
