use crate::{
    graph::{Checked, File, Given, Kind, Problems, paths_clash},
    packs::HotPacks,
};
use std::path::{Path, PathBuf};

/// Everything whose change is a reason to run a graph again. Paths are absolute; none of them needs to exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Files: the graph, the graphs in it, what its nodes read.
    pub files: Vec<PathBuf>,
    /// Folders that nodes read, with all that is below them.
    pub trees: Vec<PathBuf>,
    /// Folders of which only the files directly inside count: where a model that is missing could appear.
    pub folders: Vec<PathBuf>,
    /// Folders of packs, of which only the libraries count.
    pub packs: Vec<PathBuf>,
    /// What the graph writes: no reason to run it again, wherever it lies.
    pub written: Vec<PathBuf>,
}

impl Watched {
    /// What a graph depends on before anything is known about it: its file and the packs.
    #[must_use]
    pub fn new(graph: &Path, given: &Given, packs: &HotPacks) -> Self {
        let mut folders: Vec<PathBuf> = packs.places().iter().map(|place| absolute(given, &place.folder)).collect();
        // What stands in a folder may be a link to a library in another.
        let libraries = packs.found().loaded.iter();
        folders.extend(libraries.filter_map(|file| file.pack.path.parent()).map(Path::to_owned));
        folders.sort();
        folders.dedup();
        Self { files: vec![absolute(given, graph)], packs: folders, ..Self::default() }
    }

    /// With the graphs in the graph, also those that could not be read.
    #[must_use]
    pub fn with_file(mut self, file: &File, given: &Given) -> Self {
        self.files.extend(file.parts.iter().map(|part| absolute(given, part)));
        self
    }

    /// With what the nodes read, but not what they write: that would run the graph for ever.
    #[must_use]
    pub fn with_nodes(mut self, checked: &Checked) -> Self {
        for node in checked.nodes.iter() {
            for path in &node.reads {
                if path.is_dir() { self.trees.push(path.clone()) } else { self.files.push(path.clone()) }
            }
            self.written.extend(node.writes.iter().cloned());
        }
        // A picture may carry a graph that writes that picture.
        let written = std::mem::take(&mut self.written);
        self.files.retain(|file| !written.iter().any(|written| paths_clash(written, std::slice::from_ref(file))));
        self.written = written;
        self
    }

    /// For a graph with problems: with what its nodes read `before`, and where models that are missing are looked for.
    #[must_use]
    pub fn with_problems(mut self, problems: &Problems, before: &Self, given: &Given) -> Self {
        for file in &before.files {
            if !self.files.contains(file) {
                self.files.push(file.clone());
            }
        }
        self.trees.clone_from(&before.trees);
        self.written.clone_from(&before.written);
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
