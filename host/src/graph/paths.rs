//! Resolves the paths in a graph.

use super::{
    file::{Base, File},
    foreign::Foreign,
    given::Given,
    placeholders::{Filled, Placeholders},
    problem::{Kind, Problem},
    written::WrittenFile,
};
use crate::words::{nearest, shown, some_of};
use splatgraph_sdk::{
    shard,
    spec::{InputSpec, PathKind},
};
use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    ffi::{OsStr, OsString},
    hash::{Hash, Hasher},
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
    /// Where the graph comes from, if its paths may not leave their folder.
    confined: Option<&'static str>,
    /// The only folders to read from; empty for no limit.
    reads_in: Vec<PathBuf>,
    /// How files of a graph from elsewhere are written; `None` for the user's own graphs.
    foreign: Option<Foreign>,
    placeholders: Placeholders,
}

/// A resolved path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A model that is built into the pack.
    BuiltIn(String),
    /// The absolute path of a file or folder to read.
    Read(PathBuf),
    /// A file to write.
    Write(WrittenFile),
}

impl PathRules {
    /// `stem` is the stem of the first path to read. `named` are the values of the named inputs.
    pub(crate) fn new(file: &File, given: &Given, stem: Option<String>, named: Vec<(String, String)>) -> Self {
        let cwd = absolute(&given.cwd);
        let out_folder = given.out_dir.as_ref().map_or_else(|| cwd.clone(), |dir| absolute(&cwd.join(dir)));
        Self {
            graph_folder: file.origin.folder().map_or_else(|| cwd.clone(), |folder| absolute(&cwd.join(folder))),
            foreign: file.is_foreign().then(|| Foreign::new(&out_folder, given)),
            out_folder,
            model_folders: given.model_dirs.iter().map(|dir| absolute(&cwd.join(dir))).collect(),
            confined: file.origin.confined(),
            reads_in: given.reads_in.clone(),
            placeholders: Placeholders::new(stem, given.index, named),
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
        self.resolve_with(&self.placeholders, spec, kind, text, base)
    }

    /// The value of a placeholder.
    pub(super) fn value_of(&self, placeholder: &str) -> Option<&str> {
        self.placeholders.value(placeholder)
    }

    /// The placeholders with another number of a run or a pass.
    pub(super) fn with_index(&self, index: usize) -> Placeholders {
        self.placeholders.numbered(index)
    }

    /// Resolves a path with other values of the placeholders.
    pub(super) fn resolve_with(
        &self,
        placeholders: &Placeholders,
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
        let folder = self.folder(kind, base);
        if kind == PathKind::Write {
            return self.written(placeholders, spec, text, &folder, base).map(Resolved::Write);
        }
        if !self.reads_in.is_empty() {
            return self.in_folders(spec, kind, text, &folder).map(Resolved::Read);
        }
        let inside = match Path::new(text).strip_prefix(&self.graph_folder) {
            // A node that lists a folder gives absolute paths.
            Ok(inside) if *base == Base::Value => inside.to_owned(),
            _ => folder.strip_prefix(&self.graph_folder).unwrap_or(Path::new("")).join(text),
        };
        if let Some(from) = self.confined.filter(|_| *base != Base::CommandLine && leaves_folder(&inside)) {
            let problem = Problem::new(Kind::Path, format!("a graph from {from} may use only files in its folder"));
            let hint = "give the path on the command line, or save the graph as a file of its own".to_owned();
            return Err(problem.received(format!("{text:?}")).hint(hint));
        }
        let path = absolute(&folder.join(text));
        if kind == PathKind::Model { self.model(spec, text, path) } else { Ok(path) }.map(Resolved::Read)
    }

    /// The path to read: the first that exists, in `own` or in a folder of `reads_in`, and for a model also in the folders of models.
    fn in_folders(&self, spec: &InputSpec, kind: PathKind, text: &str, own: &Path) -> Result<PathBuf, Problem> {
        let models: &[PathBuf] = if kind == PathKind::Model { &self.model_folders } else { &[] };
        let allowed = || self.reads_in.iter().chain(models);
        let searched = std::iter::once(own).chain(allowed().map(PathBuf::as_path));
        let found = searched.map(|folder| absolute(&folder.join(text))).find(|path| path.exists() || is_member(path));
        let is_allowed = |path: &Path| allowed().any(|folder| identity(path).starts_with(identity(folder)));
        match found {
            Some(path) if is_allowed(&path) => Ok(path),
            None if !leaves_folder(Path::new(text)) => {
                let first = absolute(&self.reads_in[0].join(text));
                if kind == PathKind::Model { self.model(spec, text, first) } else { Ok(first) }
            }
            _ => {
                let folders: Vec<String> = allowed().map(|folder| shown(folder)).collect();
                let problem = Problem::new(Kind::Path, "").expected(format!("a file in {}", folders.join(", ")));
                Err(problem.received(format!("{text:?}")).hint("upload the file, or copy it there".to_owned()))
            }
        }
    }

    fn written(
        &self,
        placeholders: &Placeholders,
        spec: &InputSpec,
        text: &str,
        folder: &Path,
        base: &Base,
    ) -> Result<WrittenFile, Problem> {
        let filled = if *base == Base::Value { Filled::literal(text) } else { placeholders.fill(text)? };
        let file = filled.in_folder(folder, spec.numbered);
        // Windows has taken `..` by name already.
        let is_named = file.path.file_name().is_some() && Path::new(text).file_name().is_some();
        if !is_named || text.ends_with(std::path::is_separator) {
            let problem = Problem::new(Kind::Path, "").expected("the path of a file to write");
            return Err(problem.received(format!("{text:?}")));
        }
        match &self.foreign {
            Some(foreign) if *base != Base::CommandLine => foreign.allow(file, spec, text),
            _ => Ok(file),
        }
    }

    fn folder(&self, kind: PathKind, base: &Base) -> PathBuf {
        match base {
            _ if kind == PathKind::Write => self.out_folder.clone(),
            Base::CommandLine => self.cwd.clone(),
            Base::Graph | Base::Value => self.graph_folder.clone(),
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
        let mut tried: Vec<String> = tried.iter().map(|path| shown(path)).collect();
        tried.dedup();
        let tried = tried.join(", ");
        Err(problem.hint(match nearest(text, built_in) {
            Some(near) => format!("did you mean {near:?}? Searched {tried}"),
            None => format!("searched {tried}"),
        }))
    }
}

/// Whether a path names a member of a shard.
fn is_member(path: &Path) -> bool {
    shard::split(path).is_some_and(|(_, member)| !leaves_folder(Path::new(&member)))
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

pub(super) fn absolute(path: &Path) -> PathBuf {
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
pub(crate) struct Identities(HashMap<OsString, Folder>);

struct Folder {
    identity: PathBuf,
    hash: u64,
    is_there: bool,
}

impl Identities {
    pub(crate) fn of(&mut self, path: &Path) -> PathBuf {
        match self.folder(path) {
            Some((folder, name)) => folder.identity.join(name),
            None => identity(path),
        }
    }

    /// A hash of the identity, of 64 bits.
    pub(crate) fn hash(&mut self, path: &Path) -> u64 {
        if let Some((folder, name)) = self.folder(path) {
            return hash_of(&(folder.hash, name));
        }
        let own = identity(path);
        hash_of(&(hash_of(folder_of(&own).as_os_str()), own.file_name().unwrap_or_default()))
    }

    /// The folder and the name of a file; `None` if the file is a link, or has no name. The folder of a member of a shard is the
    /// shard, as a member may have a folder that no other has.
    fn folder<'p>(&mut self, path: &'p Path) -> Option<(&Folder, &'p OsStr)> {
        let (parent, mut name) = (path.parent()?, path.file_name()?);
        let folder = shard::split(path).map_or(parent, |(shard, _)| shard);
        if folder != parent {
            name = path.strip_prefix(folder).ok()?.as_os_str();
        }
        if !self.0.contains_key(folder.as_os_str()) {
            let identity = identity(folder);
            let hash = hash_of(identity.as_os_str());
            let known = Folder { hash, is_there: identity.exists(), identity };
            self.0.insert(folder.as_os_str().to_owned(), known);
        }
        let known = &self.0[folder.as_os_str()];
        let is_link = known.is_there && path.symlink_metadata().is_ok_and(|about| about.is_symlink());
        (!is_link).then_some((known, name))
    }
}

fn hash_of(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
