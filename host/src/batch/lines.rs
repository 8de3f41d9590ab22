//! The lines of a journal: the first describes the batch, and each further one an item or shard that ended.

use super::{error::Error, options::Options};
use crate::words::shown;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value as Json};
use std::{borrow::Cow, fmt, path::Path};

/// The version of the format of journals. Version 1 had no lines about items that start.
pub(super) const VERSION: u64 = 2;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) version: u64,
    /// The name of the graph.
    pub(super) graph: String,
    /// The digest of the graph without its title and description.
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) collect: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shard: Option<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) no_files: bool,
}

impl Head {
    pub(super) fn new(graph: String, sha256: String, options: &Options) -> Self {
        let (collect, shard) = options.collect.as_ref().map(|c| (c.output.clone(), c.shard.get())).unzip();
        let part = options.part.map(|part| part.to_string());
        Self { version: VERSION, graph, sha256, part, collect, shard, no_files: options.no_files }
    }
}

/// An item that ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) item: String,
    pub(super) values: Map<String, Json>,
    pub(super) status: Status,
    /// Relative to the folder of the journal if they lie inside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<String>,
    /// The files among these that the item wrote without content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) empty: Vec<String>,
    /// The digest of the files that the item read, if the batch has a store of results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    /// The scalar results. Numbers that JSON can't represent are texts.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) outputs: Map<String, Json>,
    pub(super) ms: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Line {
    /// The line of an item that failed without running.
    pub(super) fn failed(item: String, values: Map<String, Json>, error: String) -> Self {
        let (files, empty, outputs) = (Vec::new(), Vec::new(), Map::new());
        let error = Some(error);
        Self { item, values, status: Status::Failed, files, empty, content: None, outputs, ms: 0.0, error }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Done,
    Failed,
}

/// A shard that was written, with the items in it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardLine {
    pub(super) shard: String,
    pub(super) items: Vec<Line>,
}

/// What is read of a line about an item: no more than what decides whether it runs again.
#[derive(Debug, Deserialize)]
pub(super) struct Ended<'a> {
    #[serde(borrow)]
    pub(super) item: Text<'a>,
    #[serde(borrow)]
    pub(super) values: Pairs<'a>,
    pub(super) status: Status,
    #[serde(borrow, default)]
    pub(super) files: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) empty: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) error: Option<Text<'a>>,
}

/// What is read of a line about an item that started or was left.
#[derive(Debug, Deserialize)]
pub(super) struct Step<'a> {
    #[serde(borrow, default)]
    pub(super) started: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) key: Text<'a>,
}

/// What is read of a line about a shard.
#[derive(Debug, Deserialize)]
pub(super) struct EndedShard<'a> {
    #[serde(borrow)]
    pub(super) shard: Text<'a>,
    #[serde(borrow)]
    pub(super) items: Vec<Ended<'a>>,
}

/// A text in a line, copied only if it has escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// The values of an item, in the order of the line.
#[derive(Debug)]
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values of an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Text(name), Text(value))) = map.next_entry()? {
            pairs.push((name, value));
        }
        Ok(Pairs(pairs))
    }
}

/// A line about an item.
pub(super) fn line_of(line: &impl Serialize) -> String {
    // Maps with texts as keys can always be written.
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}

/// A line about a shard.
pub(super) fn shard_line(shard: &str, items: Vec<Line>) -> String {
    line_of(&ShardLine { shard: shard.to_owned(), items })
}

pub(super) fn no_journal(path: &Path) -> Error {
    let hint = "use another folder, or move the file";
    Error::folder(format!("expected the journal of a batch, got another file; {hint}\n  {}", shown(path)))
}

pub(super) fn refuse_another_batch(first: &[u8], path: &Path, head: &Head) -> Result<(), Error> {
    let refused = |why: String| {
        let hint = "use another folder, or remove the journal to start the batch again";
        Error::folder(format!("{why}; {hint}\n  {}", shown(path)))
    };
    let found: Json = serde_json::from_slice(first).unwrap_or_default();
    match found["version"].as_u64() {
        Some(1..=VERSION) => {}
        Some(version) if version > VERSION => {
            return Err(refused(format!(
                "expected a journal of version {VERSION}, got version {version} of a newer program"
            )));
        }
        _ => return Err(no_journal(path)),
    }
    let found: Head = serde_json::from_value(found)
        .map_err(|error| refused(format!("the first line of the journal cannot be read: {error}")))?;
    if found.sha256 != head.sha256 {
        let what = if found.graph == head.graph {
            format!("{} changed after the batch was started", head.graph)
        } else {
            format!("the journal belongs to another graph, {}", found.graph)
        };
        return Err(refused(what));
    }
    if (&found.collect, found.no_files) != (&head.collect, head.no_files) {
        let how = |head: &Head| match &head.collect {
            Some(name) => format!("to collect `{name}`"),
            None if head.no_files => "without files".to_owned(),
            None => "to write files".to_owned(),
        };
        return Err(refused(format!("the batch was started {}, and is now run {}", how(&found), how(head))));
    }
    Ok(())
}
