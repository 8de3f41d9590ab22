//! Finds the folders in which to listen for changes.

use super::watched::Watched;
use crate::graph::identity;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The place of a path, and the place that it leads to if it is a link. Both have no links in their folders, like the paths
/// that the system reports.
pub(super) fn places_of(path: &Path) -> Vec<PathBuf> {
    let here = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => identity(parent).join(name),
        _ => path.to_owned(),
    };
    let there = identity(path);
    if here == there { vec![here] } else { vec![here, there] }
}

/// The folders in which to listen, and whether to listen in all folders below. For a file it is the folder of the file, as
/// editors replace files. For a path that does not exist, it is the nearest folder that exists.
pub(super) fn folders_of(watched: &Watched) -> BTreeMap<PathBuf, bool> {
    let mut folders = BTreeMap::new();
    let mut add = |folder: &Path, below: bool| {
        let there = folder.ancestors().find(|folder| folder.is_dir());
        if let Some(there) = there {
            *folders.entry(there.to_owned()).or_insert(false) |= below && there == folder;
        }
    };
    for place in watched.files.iter().flat_map(|file| places_of(file)) {
        add(place.parent().unwrap_or(&place), false);
    }
    for folder in watched.folders.iter().chain(&watched.packs).flat_map(|folder| places_of(folder)) {
        add(&folder, false);
    }
    for tree in watched.trees.iter().flat_map(|tree| places_of(tree)) {
        // Notices that the folder itself goes.
        add(tree.parent().unwrap_or(&tree), false);
        add(&tree, true);
    }
    folders
}
