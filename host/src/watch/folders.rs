//! Finds the folders in which to listen for changes.

use super::watched::Watched;
use crate::graph::identity;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Component, Path, PathBuf},
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

/// The links that lead to a path, in its folders and in those that other links name. If one of them is changed, the path is
/// another file. They have no links in their own folders.
pub(super) fn links_of(path: &Path) -> Vec<PathBuf> {
    let mut links = Vec::new();
    let mut here = PathBuf::new();
    // The names that are still to go, the next one last.
    let mut rest: Vec<OsString> = names_of(path);
    while let Some(name) = rest.pop() {
        if name == ".." {
            here.pop();
            continue;
        }
        // The root, and on Windows a drive, stands for itself.
        here.push(&name);
        let Ok(target) = here.read_link() else { continue };
        links.push(here.clone());
        if links.len() == MOST_LINKS {
            break;
        }
        here.pop();
        rest.extend(names_of(&target));
    }
    links
}

/// The system follows no more links than this.
const MOST_LINKS: usize = 40;

/// The names in a path, the first one last.
fn names_of(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter(|part| !matches!(part, Component::CurDir));
    names.map(|part| part.as_os_str().to_owned()).collect()
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
    for place in watched.files.iter().chain(&watched.sources).flat_map(|file| places_of(file)) {
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
    let all = watched.files.iter().chain(&watched.folders).chain(&watched.packs).chain(&watched.trees);
    for link in all.flat_map(|path| links_of(path)) {
        add(link.parent().unwrap_or(&link), false);
    }
    folders
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn all_links_on_the_way_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("v1/deep")).unwrap();
        fs::write(root.join("v1/deep/g.json"), "").unwrap();
        symlink("v1", root.join("data")).unwrap();
        symlink("../data/./deep", root.join("v1/way")).unwrap();
        symlink(root.join("data/way/g.json"), root.join("g.json")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let links = |path: &str| -> Vec<PathBuf> {
            links_of(&root.join(path)).into_iter().map(|link| link.strip_prefix(&root).unwrap().to_owned()).collect()
        };
        assert_eq!(links("g.json"), ["g.json", "data", "v1/way", "data"].map(PathBuf::from));
        assert_eq!(links("v1/deep/g.json"), Vec::<PathBuf>::new());
        assert_eq!(links("data/none/x"), [PathBuf::from("data")]);
        assert_eq!(links("loop").len(), MOST_LINKS);
    }
}
