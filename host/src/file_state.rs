//! Tells whether a file was touched, without reading it.

use std::{fs::Metadata, path::Path, time::SystemTime};

/// What the file system says about a file; two states of a file differ when it was written in between. A file that is
/// not there has a state too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileState(Option<Seen>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    is_folder: bool,
    /// Another file took its place where this differs; 0 on systems that do not number files.
    number: u64,
}

impl FileState {
    /// The state of what is at a path now; links are followed.
    pub(crate) fn of(path: &Path) -> Self {
        let seen = |metadata: Metadata| Seen {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            is_folder: metadata.is_dir(),
            number: number(&metadata),
        };
        Self(path.metadata().ok().map(seen))
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
