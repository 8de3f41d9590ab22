//! Removes temporary files that killed processes left behind.

use splatgraph_sdk::TEMPORARY_PREFIX;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Removes temporary files from `folder`, and from `folders` that lie inside it, unless another process runs a part of the
/// batch. The files are listed before `is_alone` is asked, so a file of a process that starts later is never removed.
pub(super) fn remove_left_overs(folder: &Path, folders: &BTreeSet<&Path>, is_alone: impl FnOnce() -> bool) {
    let inside = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let inside = folders.iter().copied().filter(|other| other.starts_with(&inside) && **other != *inside);
    let found: Vec<PathBuf> = inside.chain([folder]).flat_map(left_overs).collect();
    if !found.is_empty() && is_alone() {
        for path in found {
            // A file that can't be removed does no harm.
            let _ = fs::remove_file(path);
        }
    }
}

fn left_overs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
    named.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| entry.path()).collect()
}
