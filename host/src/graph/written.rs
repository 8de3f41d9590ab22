//! Files that nodes write.

use super::paths::identity;
use splatgraph_sdk::{NumberedPath, spec::InputSpec};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// A file that a node writes, or several files with numbers in their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// The absolute path. A `{b}` that stands for the position in a batch of pictures is in it as it is written.
    pub path: PathBuf,
    /// The path as the node gets it, if the node replaces `{b}`.
    pub(super) pattern: Option<NumberedPath>,
    /// Whether the user's own text has `{b}`.
    pub(super) has_number: bool,
    /// Whether a graph from elsewhere names the file.
    pub(super) is_foreign: bool,
    /// The path that such a graph names, if the file got a number because another has this path.
    pub(super) asked: Option<PathBuf>,
}

impl WrittenFile {
    /// A file, or with `has_number` several files: a `{b}` in the path stands for their numbers.
    #[must_use]
    pub fn new(path: PathBuf, has_number: bool) -> Self {
        Self { path, pattern: None, has_number, is_foreign: false, asked: None }
    }

    /// Whether `{b}` in the path stands for the position in a batch of pictures.
    #[must_use]
    pub fn has_number(&self) -> bool {
        self.has_number
    }

    /// The path as the graph names it.
    #[cfg(feature = "serve")]
    pub(crate) fn without_number(&self) -> PathBuf {
        self.asked.clone().unwrap_or_else(|| self.path.clone())
    }

    /// Whether a graph from elsewhere names the file, and a file with this name exists.
    pub(crate) fn would_replace(&self) -> bool {
        self.is_foreign && self.is_taken()
    }

    /// Whether a file with this name exists. For several files with numbers, whether one of them does.
    pub(super) fn is_taken(&self) -> bool {
        if self.path.symlink_metadata().is_ok() {
            return true;
        }
        let Some(pattern) = &self.pattern else { return false };
        // Nobody knows yet how many pictures there will be, so all files in the folder are compared.
        let folder = self.path.parent().unwrap_or(Path::new(""));
        folder.read_dir().into_iter().flatten().flatten().any(|entry| {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            digits(&text).any(|number| {
                let numbered = pattern.has_number().then(|| pattern.with(number));
                let path = numbered.or_else(|| Some(pattern.file(number.parse().ok()?, usize::MAX)));
                path.is_some_and(|path| path.file_name() == Some(&name))
            })
        })
    }

    /// The text that the node gets; `None` if the path is not Unicode.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.pattern {
            // Both are made of the same folder, and only the text loses characters that are not Unicode.
            Some(pattern) => self.path.to_str().map(|_| pattern.text()),
            None => self.path.to_str(),
        }
    }

    /// Whether the file has an extension that its node can write, if the node says which.
    pub(super) fn has_extension_of(&self, spec: &InputSpec) -> bool {
        let name = self.path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let ends = |extension: &String| {
            let stem = name.strip_suffix(&extension.to_lowercase()).and_then(|start| start.strip_suffix('.'));
            stem.is_some_and(|stem| !stem.is_empty())
        };
        name.is_empty() || !spec.extensions_only || spec.extensions.iter().any(ends)
    }

    /// Whether writing can write over the file `path`.
    pub(crate) fn may_write(&self, path: &Path) -> bool {
        self.may_be(&identity(&self.path), &identity(path))
    }

    /// Whether writing can write over one of the files with the identities `others`.
    pub(crate) fn clashes(&self, others: &HashSet<PathBuf>) -> bool {
        let own = identity(&self.path);
        others.contains(&own) || (self.has_number && others.iter().any(|other| self.may_be(&own, other)))
    }

    /// Whether writing can write over the file `other`. `own` is the identity of this path, and `other` is an identity too.
    pub(crate) fn may_be(&self, own: &Path, other: &Path) -> bool {
        own == other || (self.has_number && self.numbers(other).any(|path| identity(&path) == other))
    }

    /// The paths that this file has with the numbers that are in the path `other`.
    fn numbers<'a>(&'a self, other: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
        digits(other.to_str().unwrap_or_default()).map(|number| match &self.pattern {
            Some(pattern) => pattern.with(number),
            // A node of another pack may replace it in its own way.
            None => self.path.to_string_lossy().replace("{b}", number).into(),
        })
    }
}

/// The numbers in a text.
fn digits(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty())
}
