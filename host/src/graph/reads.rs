//! The files, folders and models that a checked graph reads, with names that hold on other machines too.

use super::{
    check::{Checked, Feed},
    expand::without_dots,
    file::{Base, File},
    moved::relocated,
    paths::{absolute, folder_of},
};
use crate::words::with_slashes;
use splatgraph_sdk::{checkpoint, spec::PathKind};
use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

/// Something that a node reads, as far as the graph names it.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// A path relative to the folder of the graph, or the name of a file or model elsewhere. Two files have two names.
    pub(crate) name: String,
    /// `Read` for files, `ReadDir` for folders, `Model` for models.
    pub(crate) kind: PathKind,
    /// Absolute; `None` for a model that is built into its pack.
    pub(crate) path: Option<PathBuf>,
    /// Whether the user named it on the command line.
    pub(crate) given: bool,
}

impl Checked {
    /// What the nodes of a run read, in the order of the graph, each once. A model in several files is the file with the list of its
    /// parts, and then the parts.
    pub(crate) fn reads(&self) -> Vec<Read> {
        with_own_names(self.all_reads())
    }

    /// The same, with what is named twice, and with the reads of graphs that nodes repeat.
    fn all_reads(&self) -> Vec<Read> {
        let needed = self.needed(&self.roots);
        let mut reads: Vec<Read> = Vec::new();
        for (position, node) in self.nodes.iter().enumerate().filter(|(position, _)| needed[*position]) {
            for (spec, feed) in node.class.spec.inputs.iter().zip(&node.feeds) {
                let value = match feed {
                    Feed::Value(value) => value.as_str(),
                    Feed::Nothing => spec.default.as_ref().and_then(|value| value.as_str()),
                    Feed::Link(_) | Feed::Links(_) => None,
                };
                if let (Some(PathKind::Model), Some(name)) = (spec.path, value)
                    && spec.builtin.iter().any(|builtin| builtin == name)
                {
                    reads.push(Read { name: name.to_owned(), kind: PathKind::Model, path: None, given: false });
                }
            }
            for used in self.used().iter().filter(|used| used.node == position && used.written.is_none()) {
                let input = self.file().nodes[position].inputs.iter().find(|input| input.name == used.input);
                let base = input.map_or(&Base::Graph, |input| &input.base);
                let given = *base == Base::CommandLine;
                let name = self.name(&used.text, &used.path, base);
                let read = Read { name, kind: used.kind, path: Some(used.path.clone()), given };
                let parts = if used.kind == PathKind::Model { parts(&read) } else { Vec::new() };
                reads.push(read);
                reads.extend(parts);
            }
            reads.extend(node.repeat.iter().flat_map(|repeat| repeat.checked.all_reads()));
        }
        reads
    }

    /// The inputs of a run that take a path from another node, as `node.input`. Nobody knows these files before the run.
    #[must_use]
    pub fn unknown_reads(&self) -> Vec<String> {
        let needed = self.needed(&self.roots);
        let nodes = self.nodes.iter().zip(needed).filter(|(_, needed)| *needed).map(|(node, _)| node);
        let inputs = nodes.flat_map(|node| {
            // What a pass hands to an input comes from an input of the node that repeats the graph.
            let of_pass = |feed: &Feed| feed.sockets().iter().any(|socket| Some(socket.node) == self.values);
            let pairs = node.class.spec.inputs.iter().zip(&node.feeds);
            let reads = pairs.filter(|(spec, _)| spec.path.is_some_and(|kind| kind != PathKind::Write));
            let linked = reads.filter(|(_, feed)| !feed.sockets().is_empty() && !of_pass(feed));
            let own: Vec<String> = linked.map(|(spec, _)| format!("{}.{}", node.id, spec.name)).collect();
            own.into_iter().chain(node.repeat.iter().flat_map(|repeat| repeat.checked.unknown_reads()))
        });
        inputs.collect()
    }

    fn name(&self, text: &str, path: &Path, base: &Base) -> String {
        if Path::new(text).is_absolute() {
            return file_name(Path::new(text));
        }
        match base {
            Base::Part(part) if *path == absolute(&folder_of(part).join(text)) => {
                let folder = self.file().origin.folder().unwrap_or(Path::new(""));
                tidy(Path::new(&relocated(text, folder_of(part), folder)))
            }
            _ => tidy(Path::new(text)),
        }
    }
}

impl File {
    /// The files of the graphs that nodes name, with names like those of [`Read`].
    pub(crate) fn named_parts(&self) -> Vec<(String, PathBuf)> {
        let folder = without_dots(self.origin.folder().unwrap_or(Path::new("")));
        let name = |path: &Path| {
            let inside = path.strip_prefix(&folder).unwrap_or(path);
            if inside.is_absolute() { file_name(inside) } else { tidy(inside) }
        };
        self.parts.iter().map(|path| (name(path), path.clone())).collect()
    }
}

/// The parts of a model in several files. The node reports a part that is missing.
fn parts(read: &Read) -> Vec<Read> {
    let Some(path) = &read.path else { return Vec::new() };
    let (folder, named) = (folder_of(path), Path::new(&read.name).parent().unwrap_or(Path::new("")));
    let there = checkpoint::parts(path).into_iter().filter(|part| part.is_file());
    let part = |part: PathBuf| {
        let inside = part.strip_prefix(folder).unwrap_or(&part);
        Read { name: tidy(&named.join(inside)), path: Some(part), ..read.clone() }
    };
    there.map(part).collect()
}

/// Leaves out what is named twice, and gives another name to another file with the same one.
fn with_own_names(reads: Vec<Read>) -> Vec<Read> {
    let mut named: HashMap<(String, bool), Vec<Option<PathBuf>>> = HashMap::new();
    let mut all = Vec::with_capacity(reads.len());
    for read in reads {
        let known = named.entry((read.name.clone(), read.kind == PathKind::Model)).or_default();
        if known.contains(&read.path) {
            continue;
        }
        known.push(read.path.clone());
        let number = known.len();
        all.push(if number == 1 { read } else { Read { name: format!("{} ({number})", read.name), ..read } });
    }
    all
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A relative path without `.`, with slashes.
fn tidy(path: &Path) -> String {
    let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    with_slashes(&path.to_string_lossy())
}
