//! Files that a node writes for the user.

use crate::{Error, Input, Result, Value, socket::Socket, write_whole};
use std::path::{Path, PathBuf};

/// A path to write that stands for several files, one for each picture of a batch.
///
/// As text, `{b}` in it stands for the position in the batch, and `{{}` for the character `{`. The host writes `{{}` for
/// braces in the names of folders and in values that it filled in, so that only the user's own `{b}` is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedPath(String);

impl NumberedPath {
    /// Reads the text of a path with `{b}` and `{{}`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text that stands for exactly these characters.
    #[must_use]
    pub fn escape(literal: &str) -> String {
        literal.replace('{', "{{}")
    }

    /// The path as text, with `{b}` and `{{}`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The file of picture `b` of a batch of `count`. In a path without `{b}`, pictures of a batch get `-000`, `-001` and so on
    /// at the end of the name.
    #[must_use]
    pub fn file(&self, b: usize, count: usize) -> PathBuf {
        if self.has_number() {
            return self.with(&b.to_string());
        }
        let path = self.with("");
        if count == 1 {
            return path;
        }
        behind_stem(&path, &format!("-{b:03}"))
    }

    /// Whether `{b}` is in the path.
    #[must_use]
    pub fn has_number(&self) -> bool {
        self.parts().any(|part| part == Part::Number)
    }

    /// The path with `number` in the place of each `{b}`.
    #[must_use]
    pub fn with(&self, number: &str) -> PathBuf {
        self.parts().map(|part| if let Part::Text(text) = part { text } else { number }).collect::<String>().into()
    }

    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            let (part, length) = match rest {
                "" => return None,
                _ if rest.starts_with("{{}") => (Part::Text("{"), 3),
                _ if rest.starts_with("{b}") => (Part::Number, 3),
                _ => {
                    let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
                    (Part::Text(&rest[..end]), end)
                }
            };
            rest = &rest[length..];
            Some(part)
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Number,
}

impl Socket for NumberedPath {
    fn socket() -> String {
        PathBuf::socket()
    }
    const NUMBERED: bool = true;
}

impl Input for NumberedPath {
    fn from_value(value: &Value) -> Result<Self> {
        String::from_value(value).map(Self)
    }
}

/// The path with a text behind the stem of its file name: `a/x-1.png` for `a/x.png` and `-1`.
#[must_use]
pub fn behind_stem(path: &Path, text: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(text);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Writes a file as a whole, like [`write_whole`], and creates missing folders.
///
/// # Errors
/// The file can't be written. The error names the input `path` and the obstacle. The caller adds the path to the message; the location
/// of the error is the caller.
#[track_caller]
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.is_dir() {
        return Err(Error::input("path", "expected a file name, got a folder"));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(file) = folder.ancestors().find(|f| f.is_file()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        return Err(Error::input("path", format!("expected a folder, but `{name}` is a file")));
    }
    let written = std::fs::create_dir_all(folder).map_err(Error::from).and_then(|()| write_whole(path, bytes));
    let Err(e) = written else { return Ok(()) };
    let hint = "check that the folder may be written to and that the disk has space";
    Err(Error::input("path", format!("{}; {hint}", e.message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pattern_is_filled_in() {
        let of = |text: &str, b, count| NumberedPath::new(text).file(b, count).display().to_string();
        assert_eq!(of("a/x-{b}.png", 3, 5), "a/x-3.png");
        assert_eq!(of("{b}/{b}.png", 3, 5), "3/3.png");
        assert_eq!(of("a/x.png", 0, 1), "a/x.png");
        assert_eq!(of("a/x.png", 2, 3), "a/x-002.png");
        assert_eq!(of("a/x", 2, 3), "a/x-002");
        assert_eq!(of("{{}b}/x-{b}.png", 7, 9), "{b}/x-7.png");
        assert_eq!(of("{{}b}.png", 7, 9), "{b}-007.png");
        assert_eq!(of("{c}{.png", 0, 1), "{c}{.png");
    }

    #[test]
    fn every_text_can_be_escaped() {
        for literal in ["", "{", "{b}", "{{}", "{{b}}", "a{b", "}{b}{", "ä{b}ö", "{{{}}}"] {
            let path = NumberedPath::new(NumberedPath::escape(literal));
            assert!(!path.has_number(), "{literal}");
            assert_eq!(path.file(5, 1), Path::new(literal));
        }
    }
}
