//! Resolves the paths in a graph.

use super::{
    file::{Base, Origin},
    given::Given,
    problem::{Kind, Problem},
};
use crate::words::{nearest, some_of};
use splatgraph_sdk::spec::{InputSpec, PathKind};
use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

/// The rules by which the paths of one run are resolved.
#[derive(Clone, Debug)]
pub(crate) struct PathRules {
    /// The folder for paths to read in the graph.
    graph_folder: PathBuf,
    /// The folder for paths from the command line.
    cwd: PathBuf,
    /// The folder for paths to write.
    out_folder: PathBuf,
    model_folders: Vec<PathBuf>,
    /// Whether paths in the graph may not leave their folder.
    confined: bool,
    /// The names of placeholders in paths to write, each with its value.
    placeholders: Vec<(String, String)>,
}

/// A resolved path, as a node gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A model that is built into the pack.
    BuiltIn(String),
    /// An absolute path.
    File(PathBuf),
}

impl PathRules {
    /// `stem` is the stem of the first path to read. `named` are the values of the named inputs.
    pub(crate) fn new(origin: &Origin, given: &Given, stem: Option<String>, named: Vec<(String, String)>) -> Self {
        let mut placeholders: Vec<(String, String)> = stem.map(|stem| ("stem".to_owned(), stem)).into_iter().collect();
        placeholders.push(("index".to_owned(), format!("{:03}", given.index)));
        // The pack replaces it by the position in the batch.
        placeholders.push(("b".to_owned(), "{b}".to_owned()));
        placeholders.extend(named.into_iter().map(|(name, value)| (name, file_name_part(&value))));
        let cwd = absolute(&given.cwd);
        Self {
            graph_folder: origin.folder().map_or_else(|| cwd.clone(), |folder| absolute(&cwd.join(folder))),
            out_folder: given.out_dir.as_ref().map_or_else(|| cwd.clone(), |dir| absolute(&cwd.join(dir))),
            model_folders: given.model_dirs.iter().map(|dir| absolute(&cwd.join(dir))).collect(),
            confined: origin.confined(),
            placeholders,
            cwd,
        }
    }

    /// Resolves the path `text`. Opens nothing, and searches only for models.
    pub(crate) fn resolve(
        &self,
        spec: &InputSpec,
        kind: PathKind,
        text: &str,
        base: &Base,
    ) -> Result<Resolved, Problem> {
        if kind == PathKind::Model && spec.builtin.iter().any(|name| name == text) {
            return Ok(Resolved::BuiltIn(text.to_owned()));
        }
        if text.is_empty() || text.contains('\0') {
            return Err(Problem::new(Kind::Path, "").expected("a path").received(format!("{text:?}")));
        }
        let expanded = if kind == PathKind::Write { self.expand(text)? } else { text.to_owned() };
        let folder = self.folder(kind, base);
        let inside = folder.strip_prefix(&self.graph_folder).unwrap_or(Path::new("")).join(&expanded);
        let inside = if kind == PathKind::Write { Path::new(&expanded) } else { &inside };
        if self.confined && *base != Base::CommandLine && leaves_folder(inside) {
            let problem = Problem::new(Kind::Path, "a graph from a picture may use only files in its folder");
            let hint = "give the path on the command line, or save the graph as a file of its own".to_owned();
            return Err(problem.received(format!("{text:?}")).hint(hint));
        }
        let path = absolute(&folder.join(&expanded));
        match kind {
            PathKind::Model => self.model(spec, text, path).map(Resolved::File),
            PathKind::Write if path.file_name().is_none() || text.ends_with(std::path::is_separator) => {
                Err(Problem::new(Kind::Path, "").expected("the path of a file to write").received(format!("{text:?}")))
            }
            _ => Ok(Resolved::File(path)),
        }
    }

    fn folder(&self, kind: PathKind, base: &Base) -> PathBuf {
        match base {
            _ if kind == PathKind::Write => self.out_folder.clone(),
            Base::CommandLine => self.cwd.clone(),
            Base::Graph => self.graph_folder.clone(),
            Base::Part(path) => absolute(&self.cwd.join(folder_of(path))),
        }
    }

    fn model(&self, spec: &InputSpec, text: &str, path: PathBuf) -> Result<PathBuf, Problem> {
        let mut tried = vec![path];
        tried.extend(self.model_folders.iter().map(|folder| absolute(&folder.join(text))));
        if let Some(found) = tried.iter().find(|path| path.exists()) {
            return Ok(found.clone());
        }
        let built_in = spec.builtin.iter().map(String::as_str);
        let mut problem = Problem::new(Kind::MissingModel, format!("the model {text:?} does not exist"));
        if !spec.builtin.is_empty() {
            problem = problem.expected(format!("a file, or a built-in model: {}", some_of(built_in.clone())));
        }
        let mut tried: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
        tried.dedup();
        let tried = tried.join(", ");
        Err(problem.hint(match nearest(text, built_in) {
            Some(near) => format!("did you mean {near:?}? Searched {tried}"),
            None => format!("searched {tried}"),
        }))
    }

    /// Replaces the placeholders in a path to write.
    fn expand(&self, text: &str) -> Result<String, Problem> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else { break };
            let name = &rest[open + 1..open + length];
            let Some((_, value)) = self.placeholders.iter().find(|(known, _)| known == name) else {
                return Err(self.unknown_placeholder(name, text));
            };
            out.push_str(&rest[..open]);
            out.push_str(value);
            rest = &rest[open + length + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn unknown_placeholder(&self, name: &str, text: &str) -> Problem {
        if name == "stem" {
            let message = format!("the path {text:?} has {{stem}}, the stem of the first file that the graph reads");
            return Problem::new(Kind::Path, message)
                .expected("a graph that reads a file")
                .received("one that reads none");
        }
        let problem = Problem::new(Kind::Path, format!("the path {text:?} has an unknown placeholder {{{name}}}"));
        let known: Vec<String> = self.placeholders.iter().map(|(known, _)| format!("{{{known}}}")).collect();
        problem.expected(known.join(", "))
    }
}

/// Makes a value into a part of a file name.
pub(crate) fn file_name_part(value: &str) -> String {
    value.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\' | ':') { '-' } else { c }).collect()
}

/// The folder of a file; empty means the current directory.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Whether a path is absolute, or leads above its start.
pub(crate) fn leaves_folder(path: &Path) -> bool {
    let mut depth = 0;
    for component in path.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return true,
        }
    }
    false
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The identity of a file, which is equal for all paths to it, even if the file does not exist. Resolves links and `..` as
/// far as folders exist.
pub(crate) fn identity(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => identity(parent).join(name),
        _ => path.to_owned(),
    }
}

/// Finds the [`identity`] of many files, and resolves each of their folders once.
#[derive(Default)]
pub(crate) struct Identities(HashMap<PathBuf, PathBuf>);

impl Identities {
    pub(crate) fn of(&mut self, path: &Path) -> PathBuf {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return identity(path) };
        if path.symlink_metadata().is_ok_and(|about| about.is_symlink()) {
            return identity(path);
        }
        match self.0.get(folder) {
            Some(known) => known.join(name),
            None => self.0.entry(folder.to_owned()).or_insert_with(|| identity(folder)).join(name),
        }
    }
}

/// Whether writing to a path can write over one of the files in `reads`.
pub(crate) fn paths_clash(written: &Path, reads: &[PathBuf]) -> bool {
    let written = identity(written);
    reads.iter().any(|read| may_overwrite(&written, &identity(read)))
}

/// Whether writing to `written`, in which `{b}` stands for a number, can write over the file `read`. Both are identities.
pub(crate) fn may_overwrite(written: &Path, read: &Path) -> bool {
    if written == read {
        return true;
    }
    let (Some(pattern), Some(name)) = (written.file_name(), read.file_name()) else { return false };
    let (pattern, name) = (pattern.to_string_lossy(), name.to_string_lossy());
    let Some((front, back)) = pattern.split_once("{b}") else { return false };
    let number = name.strip_prefix(front).and_then(|rest| rest.strip_suffix(back));
    written.parent() == read.parent() && number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}
