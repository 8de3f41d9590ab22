use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::{fmt, path::Path, sync::Arc};

/// A position in the text of a graph file; line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file of a graph node; `None` for the graph itself.
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<Path>>,
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

fn as_text<S: Serializer>(file: &Option<Arc<Path>>, serializer: S) -> Result<S::Ok, S::Error> {
    file.as_ref().map(|file| file.to_string_lossy()).serialize(serializer)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}, ", file.display())?;
        }
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What sort of problem; a name that programs can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The text is not JSON.
    Syntax,
    /// A key stands twice in one object.
    DuplicateKey,
    /// A key that the format does not have.
    UnknownKey,
    /// JSON, but not in the form of a graph file.
    Format,
    /// Made for a newer version of the format.
    Version,
    /// The pack of a class, or one that the graph requires, is not loaded.
    MissingPack,
    /// A pack is there in another version than the graph requires.
    PackVersion,
    /// A model is neither built in nor in a model folder.
    MissingModel,
    /// No pack that is loaded has the class.
    UnknownClass,
    /// An input that the class does not have.
    UnknownInput,
    /// An input that has to be given is not.
    MissingInput,
    /// A value of another type.
    WrongType,
    /// A number below the smallest allowed.
    TooSmall,
    /// A number above the largest allowed.
    TooLarge,
    /// A text that is not among the choices.
    NotAChoice,
    /// A link to a node that does not exist.
    DanglingLink,
    /// A link to an output that the node does not have.
    UnknownOutput,
    /// A link between types that do not meet.
    LinkType,
    /// A list where one value belongs.
    ListLink,
    /// Nodes that wait for each other.
    Cycle,
    /// No outputs, and no node that writes.
    NothingToDo,
    /// A named input or output that points nowhere.
    UnknownTarget,
    /// A name on the command line that the graph does not have, or that is given twice.
    UnknownName,
    /// A path that can't be used.
    Path,
    /// The graph that a graph node names is missing, can't be read, or contains itself.
    Part,
}

impl Kind {
    /// Whether a pack or a model is missing.
    #[must_use]
    pub fn is_missing(self) -> bool {
        matches!(self, Self::MissingPack | Self::PackVersion | Self::MissingModel)
    }
}

/// One thing that is wrong with a graph, or with what the command line says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What sort of problem.
    pub kind: Kind,
    /// The node's id.
    pub node: Option<String>,
    /// The node's class.
    pub class: Option<String>,
    /// The input's name, or the name on the command line.
    pub input: Option<String>,
    /// What is wrong, where `expected` and `received` do not say it.
    pub message: String,
    /// What belongs there.
    pub expected: Option<String>,
    /// What stands there.
    pub received: Option<String>,
    /// What to do next: the nearest right name, a form that works.
    pub hint: Option<String>,
    /// Where in the file.
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
        f.write_str(&parts.join(": "))?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
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

/// Everything that is wrong with a graph, found in one go. Displayed one problem a line, the graph's name last.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
pub struct Problems {
    /// At least one.
    pub problems: Vec<Problem>,
    /// The graph that has them: a path, or `the text` of a graph without one.
    pub graph: String,
}

impl Problems {
    /// In the order of the file, those of the command line last. What follows from text that could not be read, at the
    /// same place, is left out.
    pub(crate) fn new(mut problems: Vec<Problem>, graph: String) -> Self {
        problems.sort_by_key(|problem| (problem.place.is_none(), problem.place.clone()));
        problems.dedup_by(|later, first| {
            first.place.is_some() && first.place == later.place && matches!(first.kind, Kind::Syntax | Kind::Format)
        });
        Self { problems, graph }
    }

    /// Whether nothing is wrong but that packs or models are missing.
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
        match self.problems.len() {
            1 => write!(f, "1 problem in {}", self.graph),
            n => write!(f, "{n} problems in {}", self.graph),
        }
    }
}
