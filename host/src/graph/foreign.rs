//! Files that graphs from elsewhere write. Such a graph comes out of a picture, from standard input, or is a bare prompt of another
//! program, and its author may not mean well.

use super::{
    given::Given,
    paths::{identity, leaves_folder},
    problem::{Kind, Problem},
    written::WrittenFile,
};
use splatgraph_sdk::{NumberedPath, behind_stem, spec::InputSpec};
use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

/// The rules for files that graphs from elsewhere write. Paths from the command line do not need them.
#[derive(Clone, Debug)]
pub(super) struct Foreign {
    /// The folder for paths to write.
    out_folder: PathBuf,
    /// Whether files that exist may be replaced.
    overwrite: bool,
    /// Files that may be replaced in any case.
    replaces: Vec<PathBuf>,
    /// Files that count as existing ones.
    taken: Vec<PathBuf>,
}

/// The way out of all refusals.
const HINT: &str = "give the path on the command line, or save the graph as a file of its own";

impl Foreign {
    pub(super) fn new(out_folder: &Path, given: &Given) -> Self {
        Self {
            out_folder: out_folder.to_owned(),
            overwrite: given.overwrite,
            replaces: given.replaces.clone(),
            taken: given.taken.clone(),
        }
    }

    /// Allows a file below the folder for output, with an extension that the node declares. If a file has its name, it
    /// gets a number.
    pub(super) fn allow(&self, file: WrittenFile, spec: &InputSpec, text: &str) -> Result<WrittenFile, Problem> {
        let refused = |message: &str| {
            let message = format!("a graph from elsewhere {message}");
            Problem::new(Kind::Path, message).received(format!("{text:?}")).hint(HINT.to_owned())
        };
        let below = file.path.strip_prefix(&self.out_folder).ok().filter(|below| !leaves_folder(below));
        // Links may lead elsewhere. A file that replaces no other follows no link in its own name.
        let follows = if self.overwrite { Some(file.path.as_path()) } else { file.path.parent() };
        let stays = follows.is_some_and(|path| identity(path).starts_with(identity(&self.out_folder)));
        let Some(below) = below.filter(|_| stays) else {
            return Err(refused("may write only below the folder for output"));
        };
        if below.components().any(is_hidden) {
            return Err(refused("may not write hidden files"));
        }
        let extension = file.path.extension().and_then(OsStr::to_str).map(str::to_lowercase);
        if !extension.is_some_and(|extension| spec.extensions.contains(&extension)) {
            let known: Vec<String> = spec.extensions.iter().map(|extension| format!(".{extension}")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let problem = refused("may write only files with an extension that the node declares");
            return Err(problem.expected(known));
        }
        let file = WrittenFile { is_foreign: true, ..file };
        Ok(if self.overwrite { file } else { self.free(file) })
    }

    /// The file, or a file `name-1`, `name-2` and so on that does not exist or may be replaced: the first, unless some are missing
    /// between. Looks at few files, however many there are.
    fn free(&self, file: WrittenFile) -> WrittenFile {
        let is_free = |file: &WrittenFile| {
            !self.taken.contains(&file.path) && (self.replaces.contains(&file.path) || !file.is_taken())
        };
        if is_free(&file) {
            return file;
        }
        let (mut taken, mut free) = (0, 1);
        while !is_free(&with_number(&file, free)) {
            (taken, free) = (free, 2 * free);
        }
        while free - taken > 1 {
            let middle = taken.midpoint(free);
            if is_free(&with_number(&file, middle)) {
                free = middle;
            } else {
                taken = middle;
            }
        }
        with_number(&file, free)
    }
}

fn is_hidden(component: Component<'_>) -> bool {
    matches!(component, Component::Normal(name) if name.as_encoded_bytes().starts_with(b"."))
}

fn with_number(file: &WrittenFile, number: u64) -> WrittenFile {
    let add = |path: &Path| behind_stem(path, &format!("-{number}"));
    let pattern = file.pattern.as_ref();
    let pattern = pattern.map(|pattern| NumberedPath::new(add(Path::new(pattern.text())).to_string_lossy()));
    WrittenFile { path: add(&file.path), pattern, asked: Some(file.path.clone()), ..file.clone() }
}
