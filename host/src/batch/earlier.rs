//! The items in the journals of earlier runs, and whether their files are still there.

use super::{
    error::Error,
    items::{Key, key_of},
    lines::{Head, Line, ShardLine, Status, refuse_another_batch},
    steps::Steps,
};
use crate::words::shown;
use serde_json::{Map, Value as Json};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// The result of an item, from an earlier run or from this one.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) item: String,
    pub(super) outputs: Map<String, Json>,
    pub(super) error: Option<String>,
}

/// The items in journals.
#[derive(Default)]
pub(super) struct Earlier {
    pub(super) entries: HashMap<Key, Entry>,
    /// The files that items wrote, each with the item.
    pub(super) files: Vec<(PathBuf, Key)>,
    /// The items that are done, but whose files are gone or have lost their content.
    pub(super) gone: HashSet<Key>,
    pub(super) steps: Steps,
    /// Whether a table needs the results at the end. If not, they are not kept in memory.
    results: bool,
}

impl Earlier {
    pub(super) fn new(results: bool) -> Self {
        Self { results, ..Self::default() }
    }

    /// Reads the lines of a journal. Returns the number of its shards.
    pub(super) fn take_in(&mut self, lines: &[u8], path: &Path, folder: &Path, head: &Head) -> Result<usize, Error> {
        let mut lines = lines.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty());
        let Some((first, _)) = lines.next() else { return Ok(0) };
        refuse_another_batch(first, path, head)?;
        let mut shards = 0;
        for (line, number) in lines {
            let damaged = |error: serde_json::Error| {
                let message = format!("line {number} of the journal is damaged: {error}; remove the line");
                Error::failed(format!("{message}, and its item runs again\n  {}", shown(path)))
            };
            let line: Json = serde_json::from_slice(line).map_err(damaged)?;
            if self.steps.take_in(&line) {
                continue;
            }
            if line.get("shard").is_some() {
                let line: ShardLine = serde_json::from_value(line).map_err(damaged)?;
                shards += 1;
                let is_there = has_content(&folder.join(&line.shard));
                line.items.into_iter().for_each(|line| self.enter(line, folder, is_there));
            } else {
                self.enter(serde_json::from_value(line).map_err(damaged)?, folder, true);
            }
        }
        Ok(shards)
    }

    /// Remembers the line of an item from an earlier run. `is_there` is false if its shard is gone.
    fn enter(&mut self, line: Line, folder: &Path, is_there: bool) {
        let key = key_of(&line.values);
        self.steps.ended(&key);
        if line.status == Status::Done && !(is_there && has_its_files(&line, folder)) {
            self.gone.insert(key);
        } else {
            self.gone.remove(&key);
        }
        self.files.extend(line.files.iter().map(|file| (folder.join(file), key)));
        let Line { item, status, mut outputs, error, .. } = line;
        if !self.results {
            outputs.clear();
        }
        // The last line counts.
        self.entries.insert(key, Entry { status, item, outputs, error });
    }

    /// Remembers the result of an item of this run.
    pub(super) fn remember(&mut self, key: Key, line: Line) {
        if self.results {
            let Line { item, status, outputs, error, .. } = line;
            self.entries.insert(key, Entry { status, item, outputs, error });
        }
    }
}

/// Whether all files of an item are there, and have content if they had some.
fn has_its_files(line: &Line, folder: &Path) -> bool {
    line.files.iter().all(|file| {
        let path = folder.join(file);
        if line.empty.contains(file) { path.exists() } else { has_content(&path) }
    })
}

/// Whether a file has content, or a folder exists.
fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_dir() || about.len() > 0)
}
