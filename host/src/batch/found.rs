//! Finds the lines of items again in the journals, for a table.

use super::{error::Error, items::Items, journal::Journal, lines::Line};
use crate::words::shown;
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// The last lines of items, by their places in the journals.
pub(super) struct Lines<'a> {
    journal: &'a Journal,
    /// The files that are open, by the positions of the journals.
    open: Vec<Option<BufReader<File>>>,
    /// The place of the shard that was read last, and its items.
    shard: Option<((usize, u64), Vec<Line>)>,
}

/// A line about an item or a shard.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyLine {
    Item(Box<Line>),
    Shard { items: Vec<Line> },
}

impl<'a> Lines<'a> {
    pub(super) fn new(journal: &'a Journal) -> Self {
        Self { journal, open: journal.all.iter().map(|_| None).collect(), shard: None }
    }

    /// The line of an item.
    ///
    /// # Errors
    /// It can't be read any more.
    pub(super) fn of(&mut self, item: usize, items: &Items) -> Result<Line, Error> {
        let place = self.journal.earlier.places.get(item).and_then(|place| place.get());
        let unreadable = |error: io::Error, path: &Path| {
            Error::failed(format!("the journal of the batch cannot be read: {error}\n  {}", shown(path)))
        };
        let Some(at) = place else { return Err(unreadable(io::ErrorKind::NotFound.into(), &self.journal.path)) };
        let path: &PathBuf = &self.journal.all[at.0];
        if self.shard.as_ref().is_none_or(|(known, _)| *known != at) {
            match self.read(at).map_err(|error| unreadable(error, path))? {
                AnyLine::Item(line) => return Ok(*line),
                AnyLine::Shard { items } => self.shard = Some((at, items)),
            }
        }
        let values = items.values_json(item);
        let found = self.shard.iter().flat_map(|(_, lines)| lines).find(|line| line.values == values);
        found.cloned().ok_or_else(|| unreadable(io::ErrorKind::InvalidData.into(), path))
    }

    fn read(&mut self, (journal, offset): (usize, u64)) -> io::Result<AnyLine> {
        let open = &mut self.open[journal];
        let source = match open {
            Some(source) => source,
            None => open.insert(BufReader::new(File::open(&self.journal.all[journal])?)),
        };
        // Lines that follow each other are read without another request.
        let now = source.stream_position()?;
        match i64::try_from(offset).ok().zip(i64::try_from(now).ok()) {
            Some((offset, now)) => source.seek_relative(offset - now)?,
            None => source.seek(SeekFrom::Start(offset)).map(drop)?,
        }
        let mut line = Vec::new();
        source.read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }
}
