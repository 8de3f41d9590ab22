//! Shards: an output of many items, stacked along its first axis, in one file.

use super::{
    Error, Part,
    items::Key,
    journal::{Line, Status, line_of, shard_line},
};
use serde_json::Value as Json;
use splatgraph_sdk::{DType, Record};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The shards that are being filled.
pub(super) struct Shards {
    folder: PathBuf,
    /// The name of the files without number and extension.
    stem: String,
    /// How many items belong into a shard.
    size: usize,
    /// How many items are run.
    items: usize,
    /// The number of the next shard.
    next: usize,
    open: HashMap<usize, Open>,
    pub(super) written: Vec<String>,
}

#[derive(Default)]
struct Open {
    /// How many of its items have ended.
    ended: usize,
    /// Each with its position among the items to be run.
    items: Vec<(usize, Key, Line, Record)>,
}

/// A shard in its file.
pub(super) struct WrittenShard {
    /// For the journal.
    pub(super) lines: String,
    pub(super) items: Vec<(Key, Line)>,
}

impl Shards {
    /// `next` is the number of shards that are there already, `items` how many are to be run.
    pub(super) fn new(folder: &Path, output: &str, part: Option<Part>, size: usize, next: usize, items: usize) -> Self {
        let name: String =
            output.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\' | ':') { '-' } else { c }).collect();
        let stem = part.map_or_else(|| name.clone(), |part| format!("{name}-{part}"));
        Self { folder: folder.to_owned(), stem, size, items, next, open: HashMap::new(), written: Vec::new() }
    }

    /// The file of the next shard.
    pub(super) fn next_file(&self) -> String {
        format!("{}-{:05}.safetensors", self.stem, self.next)
    }

    /// Takes in what an item gave, nothing where it failed; whether its shard can be written now.
    pub(super) fn give(&mut self, position: usize, item: Option<(Key, Line, Record)>) -> bool {
        let shard = position / self.size;
        let open = self.open.entry(shard).or_default();
        open.ended += 1;
        open.items.extend(item.map(|(key, line, record)| (position, key, line, record)));
        open.ended == self.size.min(self.items - shard * self.size)
    }

    /// Writes the shard of this position; `None` where all of its items failed. Those that do not fit the first one
    /// have failed too.
    pub(super) fn write(&mut self, position: usize) -> Result<Option<WrittenShard>, Error> {
        let Some(Open { mut items, .. }) = self.open.remove(&(position / self.size)) else { return Ok(None) };
        items.sort_by_key(|(position, ..)| *position);
        let (mut fitting, mut others): (Vec<(Key, Line, Record)>, Vec<(Key, Line)>) = Default::default();
        for (_, key, mut line, record) in items {
            let (first, name) = fitting.first().map_or((&record, None), |(_, line, first)| (first, Some(&line.item)));
            match first.stacks_with(&record) {
                Ok(()) => fitting.push((key, line, record)),
                Err(why) => {
                    let why = why.message;
                    line.error = Some(match name {
                        Some(name) => format!("its output can't be stacked onto that of `{name}`: {why}"),
                        None => format!("its output can't be stacked: {why}"),
                    });
                    line.status = Status::Failed;
                    line.outputs.clear();
                    others.push((key, line));
                }
            }
        }
        let mut lines: String = others.iter().map(|(_, line)| line_of(line)).collect();
        if !fitting.is_empty() {
            let file = self.next_file();
            self.save(&file, &fitting)?;
            let of_shard = fitting.iter().map(|(_, line, _)| line.clone()).collect();
            lines.push_str(&shard_line(&file, of_shard));
            self.next += 1;
            self.written.push(file);
        }
        others.extend(fitting.into_iter().map(|(key, line, _)| (key, line)));
        Ok(Some(WrittenShard { lines, items: others }))
    }

    fn save(&self, file: &str, items: &[(Key, Line, Record)]) -> Result<(), Error> {
        let rows = |record: &Record| record.fields.first().and_then(|(_, tensor)| tensor.shape().first().copied());
        // The item of each row.
        let names = items.iter().flat_map(|(_, line, record)| {
            std::iter::repeat_n(Json::from(line.item.as_str()), rows(record).unwrap_or(0))
        });
        let records: Vec<&Record> = items.iter().map(|(.., record)| record).collect();
        let path = self.folder.join(file);
        let saved = Record::stack(&records).and_then(|mut stacked| {
            stacked.header.insert("items".to_owned(), names.collect());
            stacked.save(&path, DType::F32)
        });
        saved.map_err(|error| Error::failed(format!("a shard cannot be written: {}", error.message)))
    }
}
