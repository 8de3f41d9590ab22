use super::watched::Watched;
use crate::graph::identity;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Where a path is, and where it leads to if it is a link: as folders without links, which is how changes are reported.
pub(super) fn places_of(path: &Path) -> Vec<PathBuf> {
    let here = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => identity(parent).join(name),
        _ => path.to_owned(),
    };
    let there = identity(path);
    if here == there { vec![here] } else { vec![here, there] }
}

/// The folders in which changes have to be listened for, and whether also in all below. Of a file that is the folder it
/// is in, since editors put a new file in its place; of what does not exist the nearest folder that does.
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
        // Also to notice that it goes.
        add(tree.parent().unwrap_or(&tree), false);
        add(&tree, true);
    }
    folders
}
