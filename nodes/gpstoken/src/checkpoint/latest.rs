//! What a node read from a file, kept while the file is unchanged.

use super::builtin::is_builtin;
use splatgraph_sdk::{Error, Result};
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// The last thing that was read.
pub(crate) struct Latest<T>(Mutex<Option<(Source, T)>>);

/// What it was read from.
#[derive(PartialEq, Eq)]
struct Source {
    path: PathBuf,
    changed: Option<SystemTime>,
    bytes: u64,
    settings: String,
}

impl Source {
    fn new(path: &Path, changed: Option<SystemTime>, bytes: u64, settings: &str) -> Self {
        Self { path: path.to_owned(), changed, bytes, settings: settings.to_owned() }
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Latest<T> {
    /// What was read from this checkpoint or model inside the pack with these settings, or what `read` gives now; `kind` is what
    /// messages call it. The old thing is dropped before a new one is read, so that there is memory for only one.
    ///
    /// # Errors
    /// There is no such file; or those of `read`.
    pub(crate) fn get(&self, kind: &str, path: &Path, settings: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
        if is_builtin(path) {
            return self.get_source(Source::new(path, None, 0, settings), read);
        }
        let missing = |e| {
            let expected = "a checkpoint (.safetensors or .pth) was expected";
            Error::missing(format!("loading {kind}: {expected}, {e}: {}", path.display()))
        };
        self.get_from(path, settings, missing, read)
    }

    /// As [`get`](Self::get), from a file of another kind; `missing` makes the error where there is none.
    ///
    /// # Errors
    /// There is no such file; or those of `read`.
    pub(crate) fn get_from(
        &self,
        path: &Path,
        settings: &str,
        missing: impl FnOnce(std::io::Error) -> Error,
        read: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let about = std::fs::metadata(path).map_err(missing)?;
        self.get_source(Source::new(path, about.modified().ok(), about.len(), settings), read)
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
