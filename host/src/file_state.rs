//! Tells whether a file changed, without reading it.

use serde::{Deserialize, Serialize};
use std::{fs::Metadata, path::Path, time::SystemTime};

/// What the file system says about a file. Two states of a file differ if it was written in between. A missing file has a
/// state too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileState(Option<Seen>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    is_folder: bool,
    /// Differs if another file took the place of the file; 0 on systems that do not number files.
    number: u64,
}

impl FileState {
    /// The state of the file at a path. Follows links.
    pub(crate) fn of(path: &Path) -> Self {
        let seen = |metadata: Metadata| Seen {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            is_folder: metadata.is_dir(),
            number: number(&metadata),
        };
        Self(path.metadata().ok().map(seen))
    }

    /// Whether the file may have changed at this time or later.
    pub(crate) fn changed_since(&self, time: SystemTime) -> bool {
        self.0.as_ref().and_then(|seen| seen.modified).is_none_or(|modified| modified >= time)
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}
