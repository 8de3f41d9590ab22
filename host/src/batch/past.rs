//! Reads the journals of batches back, for reports about what they measured.

use super::{
    error::Error,
    items::{Key, key_of},
    journal::journals,
    lines::{Line, Status, VERSION, no_journal},
};
use crate::words::shown;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

/// What the journals in a folder tell about their batch.
#[derive(Debug)]
pub(crate) struct Past {
    /// The name of the graph.
    pub(crate) graph: String,
    /// The items that ended, each with its last result, in the order in which they first ended.
    pub(crate) items: Vec<PastItem>,
}

/// An item that ended.
#[derive(Debug)]
pub(crate) struct PastItem {
    pub(crate) name: String,
    /// The inputs with which it ran, and their values. Names of inputs of nodes are as the journal has them.
    pub(crate) values: Map<String, Json>,
    /// The files that it wrote.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) outputs: Map<String, Json>,
    /// Why it failed; `None` if it is done.
    pub(crate) error: Option<String>,
}

/// What is read of the first line.
#[derive(Deserialize)]
struct Head {
    version: u64,
    graph: String,
}

/// A line of a journal behind the first. Lines about items that start are of no interest.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyLine {
    Item(Box<Line>),
    Shard {
        items: Vec<Line>,
    },
    Step {
        #[serde(rename = "key")]
        _key: serde::de::IgnoredAny,
    },
}

impl Past {
    /// Reads the journals of all parts in a folder; `None` if it has none.
    ///
    /// # Errors
    /// A journal can't be read, or is damaged.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let mut past = Self { graph: String::new(), items: Vec::new() };
        let mut known = HashMap::new();
        let found = journals(folder);
        for (path, _) in &found {
            past.add(path, folder, &mut known)?;
        }
        Ok((!found.is_empty()).then_some(past))
    }

    fn add(&mut self, path: &Path, folder: &Path, known: &mut HashMap<Key, usize>) -> Result<(), Error> {
        let unreadable = |error: io::Error| {
            Error::failed(format!("the journal of the batch cannot be read: {error}\n  {}", shown(path)))
        };
        let mut source = BufReader::with_capacity(1 << 18, File::open(path).map_err(unreadable)?);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            source.read_until(b'\n', &mut line).map_err(unreadable)?;
            // A batch that runs, or one that was killed, has a half line at the end.
            if line.pop_if(|last| *last == b'\n').is_none() {
                return Ok(());
            }
            number += 1;
            if number == 1 {
                self.graph = graph_of(&line, path)?;
                continue;
            }
            if line.is_empty() {
                continue;
            }
            let damaged = |error: serde_json::Error| {
                let hint = "run the batch again in another folder, or remove the line";
                let message = format!("expected an item in line {number} of the journal, got {error}; {hint}");
                Error::failed(format!("{message}\n  {}", shown(path)))
            };
            match serde_json::from_slice(&line).map_err(damaged)? {
                AnyLine::Item(line) => self.take(*line, folder, known),
                AnyLine::Shard { items } => items.into_iter().for_each(|line| self.take(line, folder, known)),
                AnyLine::Step { .. } => {}
            }
        }
    }

    fn take(&mut self, line: Line, folder: &Path, known: &mut HashMap<Key, usize>) {
        let failed = line.status == Status::Failed;
        let key = key_of(line.values.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default())));
        let item = PastItem {
            name: line.item,
            values: line.values,
            files: line.files.iter().map(|file| folder.join(file)).collect(),
            outputs: line.outputs,
            error: failed.then(|| line.error.unwrap_or_default()),
        };
        let position = *known.entry(key).or_insert(self.items.len());
        match self.items.get_mut(position) {
            Some(earlier) => *earlier = item,
            None => self.items.push(item),
        }
    }
}

/// The name of the graph in the first line of a journal.
fn graph_of(line: &[u8], path: &Path) -> Result<String, Error> {
    let head: Head = serde_json::from_slice(line).map_err(|_| no_journal(path))?;
    if head.version > VERSION {
        let message =
            format!("expected a journal of version {VERSION}, got version {} of a newer program", head.version);
        return Err(Error::failed(format!("{message}; use that program\n  {}", shown(path))));
    }
    Ok(head.graph)
}
