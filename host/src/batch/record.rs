//! Records the results of items while a batch runs.

use super::{
    collect::{Member, Shards},
    earlier::Place,
    error::Error,
    items::Key,
    journal::Journal,
    lines::{Line, Status, line_of},
};
use crate::{
    durable,
    run::{self, RunResult},
};
use splatgraph_sdk::Record;

/// Records items as they end, one at a time.
pub(super) struct Recorder {
    pub(super) journal: Journal,
    /// Present if an output is collected.
    pub(super) shards: Option<Shards>,
    pub(super) done: usize,
    pub(super) failed: Vec<(String, String)>,
    /// The number of items that ran to their end.
    pub(super) ended: usize,
    pub(super) files: usize,
    /// The nodes that ran, and the sum of their times.
    pub(super) work: NodeWork,
}

/// How many nodes ran, and for how long, in milliseconds.
#[derive(Clone, Copy, Default)]
pub(super) struct NodeWork {
    pub(super) nodes: usize,
    pub(super) ms: f64,
}

impl NodeWork {
    pub(super) fn of(result: &RunResult) -> Self {
        let nodes = result.nodes.iter().filter(|node| node.status == run::Status::Done).count();
        Self { nodes, ms: result.nodes.iter().map(|node| node.ms).sum() }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.ms += other.ms;
    }
}

/// An item that ended.
pub(super) struct Ended {
    pub(super) item: usize,
    pub(super) key: Key,
    pub(super) line: Line,
    /// The output that is collected.
    pub(super) record: Option<Record>,
    pub(super) work: NodeWork,
}

impl Recorder {
    pub(super) fn new(journal: Journal, shards: Option<Shards>) -> Self {
        Self { journal, shards, done: 0, failed: Vec::new(), ended: 0, files: 0, work: NodeWork::default() }
    }

    /// Writes an item into the journal, or keeps it for its shard. `position` counts the items that run.
    pub(super) fn take(&mut self, position: usize, ended: Ended) -> Result<(), Error> {
        self.work.add(ended.work);
        self.ended += 1;
        let Ended { item, key, line, record, .. } = ended;
        let is_kept = line.status == Status::Done && self.shards.is_some();
        let kept = if is_kept {
            self.journal.leave(&line.item, &key)?;
            record.map(|record| Member { item, line, record })
        } else {
            let place = self.journal.append(&line_of(&line))?;
            self.count(item, line, place);
            None
        };
        let is_full = self.shards.as_mut().is_some_and(|shards| shards.give(position, kept));
        if is_full { self.write_shard(position) } else { Ok(()) }
    }

    fn write_shard(&mut self, position: usize) -> Result<(), Error> {
        let Some(written) = self.shards.as_mut().and_then(|shards| shards.write(position).transpose()) else {
            return Ok(());
        };
        let written = written?;
        if let Some(file) = self.shards.as_ref().and_then(Shards::last_written).filter(|_| self.journal.durable) {
            durable::sync([file.as_path()]).map_err(Error::failed)?;
        }
        self.files += 1;
        for (item, line) in written.failed {
            let place = self.journal.append(&line_of(&line))?;
            self.count(item, line, place);
        }
        if let Some((text, items)) = written.shard {
            let place = self.journal.append(&text)?;
            items.into_iter().for_each(|(item, line)| self.count(item, line, place));
        }
        Ok(())
    }

    fn count(&mut self, item: usize, line: Line, place: Place) {
        match line.status {
            Status::Done => self.done += 1,
            Status::Failed => self.failed.push((line.item.clone(), line.error.clone().unwrap_or_default())),
        }
        self.files += line.files.len();
        self.journal.earlier.remember(item, line.status, place);
    }
}
