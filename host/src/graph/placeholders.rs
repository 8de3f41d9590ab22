//! Placeholders in paths to write: `{stem}`, `{index}`, `{b}`, and the names of inputs.

use super::{
    paths::absolute,
    problem::{Kind, Problem},
    written::WrittenFile,
};
use splatgraph_sdk::NumberedPath;
use std::path::{MAIN_SEPARATOR, Path, is_separator};

/// The names of placeholders, each with its value.
#[derive(Clone, Debug)]
pub(super) struct Placeholders(Vec<(String, String)>);

/// A path whose placeholders are filled in.
pub(super) struct Filled {
    /// The path with `{b}` as it is written.
    literal: String,
    /// The text of a [`NumberedPath`].
    numbered: String,
    has_number: bool,
}

impl Placeholders {
    pub(super) fn new(stem: Option<String>, index: usize, named: Vec<(String, String)>) -> Self {
        Self::with_index(stem, format!("{index:03}"), named)
    }

    pub(super) fn with_index(stem: Option<String>, index: String, named: Vec<(String, String)>) -> Self {
        let mut all: Vec<(String, String)> =
            stem.map(|stem| ("stem".to_owned(), file_name_part(&stem))).into_iter().collect();
        all.push(("index".to_owned(), index));
        // The pack replaces it by the position in the batch.
        all.push(("b".to_owned(), "{b}".to_owned()));
        // So that a path can have a brace.
        all.push(("{".to_owned(), "{".to_owned()));
        all.extend(named.into_iter().map(|(name, value)| (name, file_name_part(&value))));
        Self(all)
    }

    /// These placeholders with another `{index}`.
    pub(super) fn numbered(&self, index: usize) -> Self {
        let other = |(name, value): &(String, String)| match name.as_str() {
            "index" => (name.clone(), format!("{index:03}")),
            _ => (name.clone(), value.clone()),
        };
        Self(self.0.iter().map(other).collect())
    }

    /// The value of a placeholder.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Fills in the placeholders of a path, each once. A value is part of one file name: it never adds a folder, and never leads
    /// to another one.
    pub(super) fn fill(&self, text: &str) -> Result<Filled, Problem> {
        let mut filled = Filled { literal: String::new(), numbered: String::new(), has_number: false };
        let mut name = FileName::default();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else { break };
            let placeholder = &rest[open + 1..open + length];
            let Some((_, value)) = self.0.iter().find(|(known, _)| known == placeholder) else {
                return Err(self.unknown(placeholder, text));
            };
            name.write(&rest[..open], &mut filled);
            if placeholder == "b" {
                name.number();
                filled.has_number = true;
            } else {
                name.value(value);
            }
            rest = &rest[open + length + 1..];
        }
        name.write(rest, &mut filled);
        name.end(&mut filled);
        Ok(filled)
    }

    fn unknown(&self, name: &str, text: &str) -> Problem {
        if name == "stem" {
            let message = format!("the path {text:?} has {{stem}}, the stem of the first file that the graph reads");
            return Problem::new(Kind::Path, message)
                .expected("a graph that reads a file")
                .received("one that reads none");
        }
        let problem = Problem::new(Kind::Path, format!("the path {text:?} has an unknown placeholder {{{name}}}"));
        let known = self.0.iter().filter(|(known, _)| known != "{").map(|(known, _)| format!("{{{known}}}"));
        problem.expected(known.collect::<Vec<_>>().join(", "))
    }
}

/// The file or folder name that is being put together.
#[derive(Default)]
struct FileName {
    literal: String,
    numbered: String,
    has_value: bool,
}

impl FileName {
    /// Adds a text from the pattern, which may have separators.
    fn write(&mut self, text: &str, filled: &mut Filled) {
        for (position, part) in text.split(is_separator).enumerate() {
            if position > 0 {
                std::mem::take(self).end(filled);
                filled.literal.push(MAIN_SEPARATOR);
                filled.numbered.push(MAIN_SEPARATOR);
            }
            self.literal.push_str(part);
            self.numbered.push_str(&NumberedPath::escape(part));
        }
    }

    fn value(&mut self, value: &str) {
        self.has_value = true;
        self.literal.push_str(value);
        self.numbered.push_str(&NumberedPath::escape(value));
    }

    fn number(&mut self) {
        self.literal.push_str("{b}");
        self.numbered.push_str("{b}");
    }

    fn end(self, filled: &mut Filled) {
        // These names lead to other folders, and an empty one at the start to the root.
        if self.has_value && matches!(self.literal.as_str(), "" | "." | "..") {
            let dashes = "-".repeat(self.literal.len().max(1));
            filled.literal.push_str(&dashes);
            filled.numbered.push_str(&dashes);
        } else {
            filled.literal.push_str(&self.literal);
            filled.numbered.push_str(&self.numbered);
        }
    }
}

impl Filled {
    /// A path without placeholders.
    pub(super) fn literal(text: &str) -> Self {
        Self { literal: text.to_owned(), numbered: NumberedPath::escape(text), has_number: false }
    }

    /// The file in `folder`. `numbered` says whether the node replaces `{b}`.
    pub(super) fn in_folder(&self, folder: &Path, numbered: bool) -> WrittenFile {
        let pattern = numbered.then(|| {
            let folder = NumberedPath::escape(&folder.to_string_lossy());
            NumberedPath::new(absolute(&Path::new(&folder).join(&self.numbered)).to_string_lossy())
        });
        let path = absolute(&folder.join(&self.literal));
        WrittenFile { pattern, ..WrittenFile::new(path, self.has_number) }
    }
}

/// Makes a value into a part of a file name.
pub fn file_name_part(value: &str) -> String {
    value.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\' | ':') { '-' } else { c }).collect()
}
