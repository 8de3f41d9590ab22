//! The items in the journals of earlier runs, and whether their files are still there. Kept is a byte for each item, and more
//! only for items that failed.

use super::{
    check::Batch,
    error::Error,
    index::Index,
    items::{Key, key_of},
    lines::{Ended, EndedShard, Status, Step},
    steps::Steps,
};
use crate::{sha256::from_hex, words::shown};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

/// What earlier runs and this one say about an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    New,
    Done,
    Failed,
    /// Done, but its files are gone or have lost their content.
    Gone,
}

/// The items in journals.
pub(super) struct Earlier {
    index: Index,
    states: Vec<State>,
    /// The names and errors of items that failed.
    pub(super) failed: HashMap<usize, (String, String)>,
    pub(super) steps: Steps,
    /// The digests of the files that items read; empty without a store of results.
    contents: HashMap<usize, Key>,
    has_store: bool,
    /// Items that would write over a file of another item of an earlier run, with the file and the name of the other.
    pub(super) clashes: BTreeMap<usize, (PathBuf, String)>,
    /// Whether only the files of items that are done are looked at, as at the end of a run.
    only_files: bool,
    /// Where the last line of each item is; empty if no table needs it.
    pub(super) places: Vec<Place>,
}

/// Where a line is: the position of the journal in the upper 24 bits, and of the line in bytes. No line about an item is at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Place {
    const OFFSET: u32 = 40;

    pub(super) fn new(journal: usize, offset: u64) -> Self {
        Self(((journal as u64) << Self::OFFSET) | offset)
    }

    /// The position of the journal, and of the line in it; `None` if there is no line.
    pub(super) fn get(self) -> Option<(usize, u64)> {
        let offset = self.0 & ((1 << Self::OFFSET) - 1);
        (self.0 != 0).then_some(((self.0 >> Self::OFFSET) as usize, offset))
    }
}

impl Earlier {
    pub(super) fn new(batch: &Batch) -> Self {
        let places = if batch.options.table.is_some() { vec![Place::default(); batch.len()] } else { Vec::new() };
        Self {
            index: Index::new(&batch.items),
            states: vec![State::New; batch.len()],
            failed: HashMap::new(),
            steps: Steps::default(),
            contents: HashMap::new(),
            has_store: batch.options.store.is_some(),
            clashes: BTreeMap::new(),
            only_files: false,
            places,
        }
    }

    /// For the end of a run.
    pub(super) fn at_the_end(batch: &Batch) -> Self {
        Self { only_files: true, places: Vec::new(), ..Self::new(batch) }
    }

    pub(super) fn state(&self, item: usize) -> State {
        self.states[item]
    }

    /// The digest of the files that an item read when it was done; `None` if the journal does not have it.
    pub(super) fn content(&self, item: usize) -> Option<&Key> {
        self.contents.get(&item)
    }

    /// Takes in a line behind the first. Returns whether it is about a shard.
    pub(super) fn take_in(&mut self, line: &[u8], place: Place, batch: &Batch) -> Result<bool, serde_json::Error> {
        // The program begins lines with what they are about. Somebody may have written them anew in another order.
        let has = |key: &str| {
            let value: Option<Json> = serde_json::from_slice(line).ok();
            value.is_some_and(|value| value.get(key).is_some())
        };
        let begins = |key: &str| line.strip_prefix(b"{\"").is_some_and(|line| line.starts_with(key.as_bytes()));
        let is_item = begins("item\"");
        if begins("started\"") || begins("left\"") || (!is_item && has("key")) {
            if !self.only_files {
                self.steps.take_in(&serde_json::from_slice::<Step<'_>>(line)?);
            }
            return Ok(false);
        }
        if !is_item && has("shard") {
            let line: EndedShard<'_> = serde_json::from_slice(line)?;
            let is_there = has_content(&batch.options.folder.join(&*line.shard.0));
            line.items.iter().for_each(|line| self.enter(line, place, is_there, batch));
            return Ok(true);
        }
        self.enter(&serde_json::from_slice(line)?, place, true, batch);
        Ok(false)
    }

    /// Remembers an item of an earlier run. `is_there` is false if its shard is gone.
    fn enter(&mut self, line: &Ended<'_>, place: Place, is_there: bool, batch: &Batch) {
        let values = &line.values.0;
        self.steps.ended(|| key_of(values.iter().map(|(name, value)| (name, value))));
        let item = self.index.find(&batch.items, values);
        if !line.files.is_empty() && !self.only_files {
            self.find_clashes(line, item, batch);
        }
        let Some(item) = item else { return };
        self.states[item] = match line.status {
            Status::Failed => State::Failed,
            Status::Done if is_there && has_its_files(line, &batch.options.folder) => State::Done,
            Status::Done => State::Gone,
        };
        if self.has_store && !self.only_files {
            self.contents.remove(&item);
            self.contents.extend(line.content.as_ref().and_then(|sum| Some((item, from_hex(&sum.0)?))));
        }
        if let Some(known) = self.places.get_mut(item) {
            *known = place;
        }
        if line.status == Status::Failed {
            let error = line.error.as_ref().map_or(String::new(), |error| error.0.clone().into_owned());
            self.failed.insert(item, (line.item.0.clone().into_owned(), error));
        } else if !self.failed.is_empty() {
            self.failed.remove(&item);
        }
    }

    /// Looks whether items write the files of a line and are not the item of the line.
    fn find_clashes(&mut self, line: &Ended<'_>, item: Option<usize>, batch: &Batch) {
        let paths = line.files.iter().map(|file| batch.options.folder.join(&*file.0));
        let mut own = Vec::new();
        let is_known = item.is_some_and(|item| batch.plan().own_files(item, &mut own));
        for path in paths {
            if is_known && own.iter().any(|own| own.path.as_os_str() == path.as_os_str()) {
                continue;
            }
            let Some(writer) = batch.writer_of(&path).filter(|writer| Some(*writer) != item) else { continue };
            self.clashes.insert(writer, (path, line.item.0.clone().into_owned()));
        }
    }

    /// Remembers the end of an item of this run.
    pub(super) fn remember(&mut self, item: usize, status: Status, place: Place) {
        self.states[item] = if status == Status::Done { State::Done } else { State::Failed };
        if let Some(known) = self.places.get_mut(item) {
            *known = place;
        }
    }

    /// Forgets what only reading needs.
    pub(super) fn rest(&mut self) {
        self.index = Index::default();
    }

    /// The items whose files are gone.
    pub(super) fn gone(&self) -> impl Iterator<Item = usize> {
        let gone = self.states.iter().enumerate().filter(|(_, state)| **state == State::Gone);
        gone.map(|(item, _)| item)
    }

    pub(super) fn damaged(error: &serde_json::Error, number: usize, path: &Path) -> Error {
        let message = format!("line {number} of the journal is damaged: {error}; remove the line");
        Error::failed(format!("{message}, and its item runs again\n  {}", shown(path)))
    }
}

/// Whether all files of an item are there, and have content if they had some.
fn has_its_files(line: &Ended<'_>, folder: &Path) -> bool {
    line.files.iter().all(|file| {
        let path = folder.join(&*file.0);
        if line.empty.contains(file) { path.exists() } else { has_content(&path) }
    })
}

/// Whether a file has content, or a folder exists.
fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_dir() || about.len() > 0)
}
