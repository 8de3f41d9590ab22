//! Shards: files with an output of many items, stacked along its first axis.

use super::{
    error::Error,
    lines::{Line, Status, shard_line},
    options::Part,
};
use crate::graph::file_name_part;
use serde_json::Value as Json;
use splatgraph_sdk::{DType, Record};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The shards of a run of a batch.
pub(super) struct Shards {
    folder: PathBuf,
    /// The name of the files, without number and extension.
    stem: String,
    /// The number of items in a shard.
    size: usize,
    /// The number of items that run.
    items: usize,
    /// The number of the next shard.
    next: usize,
    open: HashMap<usize, Open>,
    pub(super) written: Vec<String>,
}

#[derive(Default)]
struct Open {
    /// How many of its items have ended so far.
    ended: usize,
    /// Each with its position among the items that run.
    items: Vec<(usize, Member)>,
}

/// An item of a shard.
pub(super) struct Member {
    pub(super) item: usize,
    pub(super) line: Line,
    pub(super) record: Record,
}

/// A shard that was written.
pub(super) struct WrittenShard {
    /// The line for the journal, and its items; `None` if none fits.
    pub(super) shard: Option<(String, Vec<(usize, Line)>)>,
    /// The items that could not be stacked.
    pub(super) failed: Vec<(usize, Line)>,
}

impl Shards {
    /// `next` is the number of shards that exist already, `items` the number of items that run.
    pub(super) fn new(folder: &Path, output: &str, part: Option<Part>, size: usize, next: usize, items: usize) -> Self {
        let name = file_name_part(output);
        let stem = part.map_or_else(|| name.clone(), |part| format!("{name}-{part}"));
        Self { folder: folder.to_owned(), stem, size, items, next, open: HashMap::new(), written: Vec::new() }
    }

    /// The file of the next shard.
    pub(super) fn next_file(&self) -> String {
        format!("{}-{:05}.safetensors", self.stem, self.next)
    }

    /// The file of the shard that was written last.
    pub(super) fn last_written(&self) -> Option<PathBuf> {
        self.written.last().map(|file| self.folder.join(file))
    }

    /// Adds an item, or `None` if it failed. Returns whether its shard is full.
    pub(super) fn give(&mut self, position: usize, item: Option<Member>) -> bool {
        let shard = position / self.size;
        let open = self.open.entry(shard).or_default();
        open.ended += 1;
        open.items.extend(item.map(|member| (position, member)));
        open.ended == self.size.min(self.items - shard * self.size)
    }

    /// Writes the shard of the item at this position. Items that can't be stacked onto the first one fail. Returns `None`
    /// if no item was in the shard.
    pub(super) fn write(&mut self, position: usize) -> Result<Option<WrittenShard>, Error> {
        let Some(Open { mut items, .. }) = self.open.remove(&(position / self.size)) else { return Ok(None) };
        items.sort_by_key(|(position, _)| *position);
        let mut fitting: Vec<Member> = Vec::new();
        let mut failed: Vec<(usize, Line)> = Vec::new();
        for (_, mut member) in items {
            let first = fitting.first().map_or(&member.record, |first| &first.record);
            let Err(why) = first.stacks_with(&member.record) else {
                fitting.push(member);
                continue;
            };
            let onto = fitting.first().map(|first| format!(" onto the output of `{}`", first.line.item));
            let why = format!("the output cannot be stacked{}: {}", onto.unwrap_or_default(), why.message);
            member.line.error = Some(why);
            member.line.status = Status::Failed;
            member.line.outputs.clear();
            failed.push((member.item, member.line));
        }
        if fitting.is_empty() {
            return Ok(Some(WrittenShard { shard: None, failed }));
        }
        let file = self.next_file();
        self.save(&file, &fitting)?;
        let text = shard_line(&file, fitting.iter().map(|member| member.line.clone()).collect());
        self.next += 1;
        self.written.push(file);
        let items = fitting.into_iter().map(|member| (member.item, member.line)).collect();
        Ok(Some(WrittenShard { shard: Some((text, items)), failed }))
    }

    fn save(&self, file: &str, items: &[Member]) -> Result<(), Error> {
        let rows = |record: &Record| record.fields.first().and_then(|(_, tensor)| tensor.shape().first().copied());
        // The name of the item for each row.
        let names = items.iter().flat_map(|member| {
            std::iter::repeat_n(Json::from(member.line.item.as_str()), rows(&member.record).unwrap_or(0))
        });
        let records: Vec<&Record> = items.iter().map(|member| &member.record).collect();
        let path = self.folder.join(file);
        let saved = Record::stack(&records).and_then(|mut stacked| {
            stacked.header.insert("items".to_owned(), names.collect());
            stacked.save(&path, DType::F32)
        });
        saved.map_err(|error| Error::failed(format!("a shard cannot be written: {}", error.message)))
    }
}
