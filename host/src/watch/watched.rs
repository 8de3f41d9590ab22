//! The files that a graph depends on.

use crate::{
    graph::{Checked, File, Given, Kind, Problems, WrittenFile},
    packs::HotPacks,
};
use splatgraph_sdk::{checkpoint, shard};
use std::path::{Path, PathBuf};

/// The files and folders that a graph depends on. Paths are absolute, and need not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Files: the graph, the graphs in it, and the files that its nodes read.
    pub files: Vec<PathBuf>,
    /// Folders that nodes read, with everything below them.
    pub trees: Vec<PathBuf>,
    /// Folders in which a missing model could appear. Folders below them do not count.
    pub folders: Vec<PathBuf>,
    /// Folders of packs, in which only libraries and descriptions of packs in other languages count.
    pub packs: Vec<PathBuf>,
    /// The sources of packs in other languages.
    pub sources: Vec<PathBuf>,
    /// Files that the graph writes. Their changes do not count, even in a watched folder.
    pub written: Vec<WrittenFile>,
}

impl Watched {
    /// The files that every graph depends on: its own file and the packs.
    #[must_use]
    pub fn new(graph: &Path, given: &Given, packs: &HotPacks) -> Self {
        let mut folders: Vec<PathBuf> = packs.places().iter().map(|place| absolute(given, &place.folder)).collect();
        // A folder of packs may have links to libraries in other folders.
        let libraries = packs.found().loaded.iter();
        folders.extend(libraries.filter_map(|file| file.pack.path.parent()).map(Path::to_owned));
        folders.sort();
        folders.dedup();
        Self { files: vec![absolute(given, graph)], packs: folders, sources: packs.sources(), ..Self::default() }
    }

    /// Adds the graphs in the graph, including graphs that could not be read.
    #[must_use]
    pub fn with_file(mut self, file: &File, given: &Given) -> Self {
        self.files.extend(file.parts.iter().map(|part| absolute(given, part)));
        self
    }

    /// Adds the files that nodes read, except files that they write, which would run the graph for ever.
    #[must_use]
    pub fn with_nodes(mut self, checked: &Checked) -> Self {
        for node in checked.nodes.iter() {
            for path in &node.reads {
                if path.is_dir() {
                    self.trees.push(path.clone());
                } else {
                    self.files.extend(checkpoint::parts(path));
                    self.files.push(shard::split(path).map_or(path.as_path(), |(shard, _)| shard).to_owned());
                }
            }
            self.written.extend(node.writes.iter().cloned());
        }
        // A picture may carry a graph that writes this picture.
        let written = std::mem::take(&mut self.written);
        self.files.retain(|file| !written.iter().any(|written| written.may_write(file)));
        self.written = written;
        self
    }

    /// Adds files for a graph with problems: the files that its nodes read `before`, and the folders that are searched for
    /// missing models.
    #[must_use]
    pub fn with_problems(mut self, problems: &Problems, before: &Self, given: &Given) -> Self {
        for file in &before.files {
            if !self.files.contains(file) {
                self.files.push(file.clone());
            }
        }
        self.trees.extend(before.trees.iter().filter(|tree| !self.trees.contains(tree)).cloned().collect::<Vec<_>>());
        let written = before.written.iter().filter(|written| !self.written.contains(written));
        self.written.extend(written.cloned().collect::<Vec<_>>());
        if problems.problems.iter().any(|problem| problem.kind == Kind::MissingModel) {
            self.folders.extend(given.model_dirs.iter().map(|folder| absolute(given, folder)));
            self.folders.extend(self.files.first().and_then(|graph| graph.parent()).map(Path::to_owned));
        }
        self
    }
}

fn absolute(given: &Given, path: &Path) -> PathBuf {
    let path = given.cwd.join(path);
    std::path::absolute(&path).unwrap_or(path)
}
