//! The problems of a graph.

use crate::words::{count, one_line, shown};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::{fmt, path::Path, sync::Arc};

/// A position in the text of a graph file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file of a graph node; `None` means the graph itself.
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<Path>>,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

fn as_text<S: Serializer>(file: &Option<Arc<Path>>, serializer: S) -> Result<S::Ok, S::Error> {
    file.as_ref().map(|file| file.to_string_lossy()).serialize(serializer)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}, ", shown(file))?;
        }
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The kind of a problem. Programs can rely on the names in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The text is not JSON.
    Syntax,
    /// An object has a key twice, or a graph an id.
    DuplicateKey,
    /// A key that the format does not have.
    UnknownKey,
    /// The text is JSON, but not in the form of a graph file.
    Format,
    /// The graph needs a newer version of the format.
    Version,
    /// The pack of a class, or a pack that the graph requires, is not loaded.
    MissingPack,
    /// A loaded pack has another version than the graph requires.
    PackVersion,
    /// A model is neither built in nor found in a folder.
    MissingModel,
    /// The pack of a class is loaded, but this build of it can't run the class.
    AbsentNode,
    /// No loaded pack has the class.
    UnknownClass,
    /// An input that the class does not have.
    UnknownInput,
    /// A required input is missing.
    MissingInput,
    /// A value with a wrong type.
    WrongType,
    /// A number below the minimum.
    TooSmall,
    /// A number above the maximum.
    TooLarge,
    /// A text that is not one of the choices.
    NotAChoice,
    /// A link to a node that does not exist.
    DanglingLink,
    /// A link to an output that the node does not have.
    UnknownOutput,
    /// A link between types that do not fit.
    LinkType,
    /// A list instead of one value.
    ListLink,
    /// Links that form a cycle.
    Cycle,
    /// A graph without named outputs and output nodes.
    NothingToDo,
    /// A named input or output for something that does not exist.
    UnknownTarget,
    /// A name from the user that the graph does not have, or that is given twice.
    UnknownName,
    /// A path that can't be used.
    Path,
    /// A file or folder to read is not there, or can't be read.
    MissingFile,
    /// A file to write has an extension that the node can't write.
    Extension,
    /// A file to write can't be written where it is meant to be.
    NotWritable,
    /// The graph that a graph node names is missing, can't be read, or contains itself.
    Part,
    /// Items of a batch that use the same seeds.
    Overlap,
    /// Changes of packs since the graph was made, which were applied.
    Changed,
    /// Something that a run depends on is not as the lock has it.
    Locked,
}

impl Kind {
    /// Whether a pack, a part of its build or a model is missing.
    #[must_use]
    pub fn is_missing(self) -> bool {
        matches!(self, Self::MissingPack | Self::PackVersion | Self::MissingModel | Self::AbsentNode)
    }
}

/// A problem of a graph, or of the values that the user gives for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The kind of the problem.
    pub kind: Kind,
    /// The id of the node.
    pub node: Option<String>,
    /// The class of the node.
    pub class: Option<String>,
    /// The name of the input.
    pub input: Option<String>,
    /// The problem; empty if `expected` and `received` say it all.
    pub message: String,
    /// The value that is expected.
    pub expected: Option<String>,
    /// The value that the graph has instead.
    pub received: Option<String>,
    /// The next step: the nearest right name, or a form that works.
    pub hint: Option<String>,
    /// The place in the file.
    pub place: Option<Place>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            node: None,
            class: None,
            input: None,
            message: message.into(),
            expected: None,
            received: None,
            hint: None,
            place: None,
        }
    }

    pub(crate) fn at(mut self, place: Option<Place>) -> Self {
        self.place = self.place.or(place);
        self
    }

    pub(crate) fn node(mut self, id: &str) -> Self {
        self.node = Some(id.to_owned());
        self
    }

    pub(crate) fn class(mut self, class: &str) -> Self {
        self.class = Some(class.to_owned());
        self
    }

    pub(crate) fn input(mut self, name: &str) -> Self {
        self.input = Some(name.to_owned());
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn received(mut self, received: impl Into<String>) -> Self {
        self.received = Some(received.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into().or(self.hint);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut subject = Vec::new();
        if let Some(place) = &self.place {
            subject.push(place.to_string());
        }
        if let Some(node) = &self.node {
            let class = self.class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
            subject.push(format!("node `{node}`{class}"));
        }
        if let Some(input) = &self.input {
            subject.push(format!("input `{input}`"));
        }
        let mut said = Vec::new();
        if let Some(expected) = &self.expected {
            said.push(format!("expected {expected}"));
        }
        if let Some(received) = &self.received {
            said.push(format!("got {received}"));
        }
        let parts = [subject.join(", "), self.message.clone(), said.join(", ")];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&one_line(&parts.join(": ")))?;
        match &self.hint {
            Some(hint) => write!(f, "; {}", one_line(hint)),
            None => Ok(()),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Problem", 9)?;
        out.serialize_field("kind", &self.kind)?;
        out.serialize_field("node", &self.node)?;
        out.serialize_field("class", &self.class)?;
        out.serialize_field("input", &self.input)?;
        out.serialize_field("expected", &self.expected)?;
        out.serialize_field("received", &self.received)?;
        out.serialize_field("hint", &self.hint)?;
        out.serialize_field("place", &self.place)?;
        out.serialize_field("text", &self.to_string())?;
        out.end()
    }
}

/// All problems of a graph. Shown with one problem a line, and the name of the graph at the end.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
pub struct Problems {
    /// At least one.
    pub problems: Vec<Problem>,
    /// The name of the graph: its path, or `the text` if it has none.
    pub graph: String,
}

impl Problems {
    /// Sorts the problems by their places; problems without a place come last. After a problem of the text, further problems
    /// at the same place are left out, as they follow from it.
    pub(crate) fn new(mut problems: Vec<Problem>, graph: String) -> Self {
        problems.sort_by_key(|problem| (problem.place.is_none(), problem.place.clone()));
        problems.dedup_by(|later, first| {
            first.place.is_some() && first.place == later.place && matches!(first.kind, Kind::Syntax | Kind::Format)
        });
        Self { problems, graph }
    }

    /// Whether the only problems are missing packs and models.
    #[must_use]
    pub fn only_missing(&self) -> bool {
        self.problems.iter().all(|problem| problem.kind.is_missing())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        write!(f, "{} in {}", count(self.problems.len(), "problem"), one_line(&self.graph))
    }
}
