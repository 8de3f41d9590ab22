//! The graphs of the server.

use super::server::Server;
use crate::{
    graph::{self, File, Origin},
    named_graphs,
    reading::{LARGEST_GRAPH, read_all},
    workflow,
};
use serde_json::Value as Json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A graph in one of the folders.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) file: File,
}

/// The graphs that can run, each name once, sorted.
pub(super) fn graphs(server: &Server) -> Vec<Graph> {
    of_folders(server, server.folders.graphs.iter().cloned())
}

/// The graphs in the folders `parts`, which are nodes of other graphs.
pub(super) fn parts(server: &Server) -> Vec<Graph> {
    of_folders(server, server.folders.graphs.iter().map(|folder| folder.join("parts")))
}

fn of_folders(server: &Server, folders: impl Iterator<Item = PathBuf>) -> Vec<Graph> {
    let mut all: Vec<Graph> = Vec::new();
    for named in folders.flat_map(|folder| named_graphs::list(&folder).unwrap_or_default()) {
        if !all.iter().any(|graph| graph.name == named.name) {
            all.extend(runnable(server, named.name, named.path));
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The graph with a name. Reads no other graph, since every edit of a picture asks for one.
pub(super) fn graph(server: &Server, name: &str) -> Option<Graph> {
    let file_name = format!("{name}.json");
    // A name with a folder in it is none.
    if Path::new(&file_name).file_name() != Some(file_name.as_ref()) {
        return None;
    }
    let paths = server.folders.graphs.iter().map(|folder| folder.join(&file_name));
    paths.filter(|path| path.is_file()).find_map(|path| runnable(server, name.to_owned(), path))
}

/// The graph in a file, if all its classes are there.
fn runnable(server: &Server, name: String, path: PathBuf) -> Option<Graph> {
    let file = read(&path, server)?;
    let has_classes = file.nodes.iter().all(|node| server.registry.class(&node.class_type).is_some());
    (has_classes && !file.nodes.is_empty() && file.problems.is_empty()).then_some(Graph { name, path, file })
}

/// The graph in a file, with those that its nodes name. Its paths are relative to its folder, where the server looks for them.
fn read(path: &Path, server: &Server) -> Option<File> {
    let text = read_all(fs::File::open(path).ok()?, LARGEST_GRAPH).ok()?;
    let file = File::parse(&String::from_utf8(text).ok()?, Origin::File(path.to_owned())).ok()?;
    Some(graph::expand(file).adapted(&server.registry))
}

impl Graph {
    /// The graph in this program's own format, with paths that the server finds.
    pub(super) fn to_json(&self, server: &Server) -> Json {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        self.file.clone().moved_to(folder, &server.registry).to_json()
    }

    /// The graph as the front end opens it.
    pub(super) fn to_workflow(&self, server: &Server) -> Json {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        workflow::to_workflow(&self.file.clone().moved_to(folder, &server.registry), &server.registry)
    }

    /// The picture of the graph: `pictures/NAME.png` or `NAME.png` beside it.
    pub(super) fn picture(&self) -> Option<PathBuf> {
        let folder = self.path.parent()?;
        let name = format!("{}.png", self.name);
        [folder.join("pictures").join(&name), folder.join(&name)].into_iter().find(|path| path.is_file())
    }
}
