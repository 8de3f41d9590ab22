//! Labels of files: the folder of a file, a small file beside it, or its line in a list.

use super::{
    axis::{Axis, AxisInput, Takes},
    column::{Column, Texts},
    error::{Error, given},
};
use crate::{
    graph::File,
    reading::{read_all, read_at_most, text_of},
    words::{nearest, one_line, shown},
};
use serde_json::Value as Json;
use splatgraph_sdk::{open_file, shard};
use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

/// The largest list of labels, and the largest file with one label, in bytes.
const LARGEST_LIST: u64 = 256 << 20;
const LARGEST_LABEL: u64 = 1 << 20;

/// An input that takes a label of the file of another input: `class=@image:folder`.
pub(super) struct Label {
    pub(super) name: String,
    /// The input with the files.
    of: String,
    /// The text behind the `@`, for messages.
    text: String,
    kind: Kind,
}

enum Kind {
    /// The name of the folder that the file lies in.
    Folder,
    /// The position of this folder among the folders of all files, in alphabetical order.
    Class,
    /// The text of a file with the same name and another ending, or a field of its JSON.
    Beside { ending: String, field: Option<String> },
    /// The line of a list that names the file.
    List(PathBuf),
}

impl Label {
    /// Reads `INPUT:LABEL`. Returns `None` for the name of a CSV file.
    ///
    /// # Errors
    /// It names an input, but no label.
    pub(super) fn parse(name: &str, text: &str, file: &File, cwd: &Path) -> Result<Option<Self>, Error> {
        let Some((of, label)) = text.split_once(':') else { return Ok(None) };
        if name.is_empty() || file.named_input(of).is_none() || cwd.join(text).exists() {
            return Ok(None);
        }
        let kind = match label {
            "folder" => Kind::Folder,
            "class" => Kind::Class,
            _ if label.starts_with('.') => {
                let (ending, field) = match label.split_once(':') {
                    Some((ending, field)) => (ending, Some(field.to_owned())),
                    None => (label, None),
                };
                Kind::Beside { ending: ending[1..].to_owned(), field }
            }
            list if cwd.join(list).is_file() => Kind::List(cwd.join(list)),
            _ => {
                let hint = nearest(label, ["folder", "class"]).map(|near| format!("did you mean `{near}`?"));
                let hint = hint.unwrap_or_else(|| format!("there is no file {}", shown(&cwd.join(label))));
                return Err(Error::usage(format!(
                    "expected `folder`, `class`, an ending such as `.cls`, or a list of labels, got {}; {hint}",
                    given(name, &format!("@{text}"))
                )));
            }
        };
        Ok(Some(Self { name: name.to_owned(), of: of.to_owned(), text: format!("@{text}"), kind }))
    }

    /// Adds the input to the axis of the files, with a label for each of them.
    ///
    /// # Errors
    /// No axis has the files, or a file has no label.
    pub(super) fn add(&self, takes: Takes, axes: &mut [Axis], cwd: &Path) -> Result<(), Error> {
        let files = axes.iter_mut().find_map(|axis| {
            let input = axis.inputs.iter().position(|input| input.name == self.of && input.takes.reads())?;
            Some((axis, input))
        });
        let Some((axis, input)) = files else {
            let expected = format!("expected files for `{}`, whose labels {} takes", self.of, self.given());
            return Err(Error::usage(format!("{expected}, got none; give them too, as in {}='photos/*.jpg'", self.of)));
        };
        let labels = self.labels(&axis.inputs[input].column, cwd)?;
        axis.inputs.push(AxisInput { name: self.name.clone(), takes, column: Column::Texts(labels) });
        Ok(())
    }

    fn given(&self) -> String {
        given(&self.name, &self.text)
    }

    fn labels(&self, files: &Column, cwd: &Path) -> Result<Texts, Error> {
        // A cell of a CSV file may be empty, and the graph then has the file.
        let path = |row: usize| match files.value(row) {
            Some(text) => Ok(cwd.join(&*text)),
            None => Err(Error::usage(format!("{}: expected a file in row {}, got none", self.given(), row + 1))),
        };
        let mut labels = Texts::default();
        match &self.kind {
            Kind::Folder => {
                for row in 0..files.len() {
                    labels.push(&self.folder(&path(row)?)?);
                }
            }
            Kind::Class => {
                let mut folders: BTreeSet<String> = BTreeSet::new();
                for row in 0..files.len() {
                    folders.insert(self.folder(&path(row)?)?);
                }
                let numbers: HashMap<&str, usize> =
                    folders.iter().enumerate().map(|(number, folder)| (folder.as_str(), number)).collect();
                for row in 0..files.len() {
                    labels.push(&numbers[self.folder(&path(row)?)?.as_str()].to_string());
                }
            }
            Kind::Beside { ending, field } => {
                for row in 0..files.len() {
                    labels.push(&self.beside(&path(row)?, ending, field.as_deref())?);
                }
            }
            Kind::List(list) => {
                let known = self.list(list)?;
                for row in 0..files.len() {
                    let path = path(row)?;
                    let label = label_in(&known, &path).ok_or_else(|| {
                        let message = format!("{}: the list has no line for a file", self.given());
                        Error::usage(format!(
                            "{message}; add the line `NAME LABEL`\n  {}\n  {}",
                            shown(list),
                            shown(&path)
                        ))
                    })?;
                    labels.push(label);
                }
            }
        }
        Ok(labels)
    }

    /// The name of the folder of a file. A member at the top of a shard lies in the shard, whose name counts without its ending.
    fn folder(&self, path: &Path) -> Result<String, Error> {
        let folder = path.parent().unwrap_or(path);
        let name = if shard::is_shard(folder) { folder.file_stem() } else { folder.file_name() };
        match name.and_then(OsStr::to_str) {
            Some(name) => Ok(name.to_owned()),
            None => Err(Error::usage(format!(
                "{}: expected a file in a folder with a name, got another; name the folder in the path\n  {}",
                self.given(),
                shown(path)
            ))),
        }
    }

    /// The text of the file beside a file.
    fn beside(&self, path: &Path, ending: &str, field: Option<&str>) -> Result<String, Error> {
        let wrong =
            |what: String, path: &Path| Err(Error::usage(format!("{}: {what}\n  {}", self.given(), shown(path))));
        let mut failed = None;
        for beside in shard::beside(path, ending) {
            let bytes = match open_file(&beside).and_then(|file| read_all(file, LARGEST_LABEL)) {
                Ok(bytes) => bytes,
                Err(error) => {
                    failed.get_or_insert((error, beside));
                    continue;
                }
            };
            let text = match text_of(bytes) {
                Ok(text) => text.trim().to_owned(),
                Err(what) => return wrong(format!("expected a text, got {what}"), &beside),
            };
            let Some(field) = field else {
                return match text.is_empty() {
                    true => wrong("expected a label in the file, got an empty file".to_owned(), &beside),
                    false => Ok(text),
                };
            };
            let found = serde_json::from_str::<Json>(&text).ok().and_then(|json| json.get(field).cloned());
            return match found {
                Some(Json::String(text)) => Ok(text),
                Some(value) => Ok(value.to_string()),
                None => wrong(format!("expected JSON with the field `{field}`, got none"), &beside),
            };
        }
        let (error, beside) = failed.unwrap_or_else(|| (io::ErrorKind::NotFound.into(), path.to_owned()));
        let what = match error.kind() {
            io::ErrorKind::NotFound => {
                format!("expected a file that ends in .{ending} beside {}, got none", shown(path))
            }
            _ => error.to_string(),
        };
        wrong(one_line(&what).into_owned(), &beside)
    }

    /// The labels of a list, by the names in it.
    fn list(&self, path: &Path) -> Result<HashMap<String, String>, Error> {
        let wrong = |what: String| Error::usage(format!("{}: {what}\n  {}", self.given(), shown(path)));
        let bytes = read_at_most(path, LARGEST_LIST).map_err(|error| wrong(error.to_string()))?;
        let text = text_of(bytes).map_err(|what| wrong(format!("expected a list of labels, got {what}")))?;
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let mut labels = HashMap::new();
        let mut add = |line: u64, name: Option<&str>, label: Option<&str>| {
            let (Some(name), Some(label)) =
                (name.filter(|name| !name.is_empty()), label.filter(|label| !label.is_empty()))
            else {
                let form = if is_csv { "NAME,LABEL" } else { "NAME LABEL" };
                return Err(wrong(format!(
                    "expected `{form}` in line {line}, got another line; write the name of a file and its label"
                )));
            };
            match labels.insert(name.to_owned(), label.to_owned()) {
                Some(before) if before != label => Err(wrong(format!(
                    "line {line} gives `{}` another label than an earlier line; remove one of them",
                    one_line(name)
                ))),
                _ => Ok(()),
            }
        };
        if is_csv {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .trim(csv::Trim::All)
                .from_reader(text.as_bytes());
            for row in reader.records() {
                let row = row.map_err(|error| wrong(error.to_string()))?;
                add(row.position().map_or(0, csv::Position::line), row.get(0), row.get(1))?;
            }
            return Ok(labels);
        }
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            // Names may have spaces, and labels have none.
            let pair = text.trim().rsplit_once(char::is_whitespace);
            add(line, pair.map(|(name, _)| name.trim_end()), pair.map(|(_, label)| label))?;
        }
        Ok(labels)
    }
}

/// The label of a file in a list that names files by the ends of their paths, with or without the ending of the file. The longest
/// end counts.
fn label_in<'a>(known: &'a HashMap<String, String>, path: &Path) -> Option<&'a str> {
    let find = |path: &Path| {
        let path = path.to_string_lossy().replace('\\', "/");
        let starts = std::iter::once(0).chain(path.match_indices('/').map(|(slash, _)| slash + 1));
        let mut ends = starts.map(|start| &path[start..]);
        ends.find_map(|end| known.get(end)).map(String::as_str)
    };
    find(path).or_else(|| find(&path.with_extension("")))
}
