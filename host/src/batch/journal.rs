//! The journal of a batch: JSON lines. The first describes the batch, and each further one an item or shard that ended.

use super::{
    error::Error,
    items::{Key, key_of},
    options::{Options, Part},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::{
    collections::HashMap,
    fs::{self, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// The version of the format of journals.
const VERSION: u64 = 1;
/// Processes of other parts lock this journal for a moment to find out whether this part runs, so a lock may be busy.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

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
    /// The scalar results. Numbers that JSON can't represent are texts.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) outputs: Map<String, Json>,
    pub(super) ms: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Done,
    Failed,
}

/// A shard that was written, with the items in it.
#[derive(Debug, Serialize, Deserialize)]
struct ShardLine {
    shard: String,
    items: Vec<Line>,
}

/// The result of an item, from an earlier run or from this one.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) item: String,
    pub(super) outputs: Map<String, Json>,
    pub(super) error: Option<String>,
}

/// A journal that this process has locked.
pub(super) struct Journal {
    file: fs::File,
    pub(super) path: PathBuf,
    /// The items of this part, and of all other parts that had a journal at the start.
    pub(super) entries: HashMap<Key, Entry>,
    /// The files of earlier runs, each with the item that wrote it.
    pub(super) earlier_files: Vec<(PathBuf, Key)>,
    /// The number of shards that this part has.
    pub(super) shards: usize,
    /// Whether a table needs the results at the end. If not, they are not kept in memory.
    results: bool,
}

/// The file of the journal.
pub(super) fn path_of(folder: &Path, part: Option<Part>) -> PathBuf {
    folder.join(part.map_or("batch.jsonl".to_owned(), |part| format!("batch-{part}.jsonl")))
}

impl Journal {
    /// Opens and locks the journal of a part, or starts a new one, and reads the journals of the other parts.
    ///
    /// # Errors
    /// The journal can't be written, is locked by another process, or belongs to another batch.
    pub(super) fn open(folder: &Path, part: Option<Part>, head: &Head, results: bool) -> Result<Self, Error> {
        refuse_other_parts(folder, part)?;
        let path = path_of(folder, part);
        let unusable = |error: io::Error| {
            Error::failed(format!("the journal of the batch cannot be written: {error}\n  {}", path.display()))
        };
        let mut options = fs::File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        lock(&file, &path)?;
        let mut journal =
            Self { file, path: path.clone(), entries: HashMap::new(), earlier_files: Vec::new(), shards: 0, results };
        let mut bytes = Vec::new();
        journal.file.read_to_end(&mut bytes).map_err(unusable)?;
        let (whole, head_line) = (whole_lines(&bytes), line_of(head));
        if !whole.is_empty() {
            journal.shards = journal.take_in(whole, &path, folder, head)?;
        } else if !head_line.as_bytes().starts_with(&bytes) {
            return Err(no_journal(&path));
        }
        // Cuts off a half line from a process that was killed.
        journal.file.set_len(whole.len() as u64).map_err(unusable)?;
        journal.file.seek(SeekFrom::End(0)).map_err(unusable)?;
        if whole.is_empty() {
            journal.append(&head_line)?;
        }
        for other in other_journals(folder, part) {
            // Its own process reports a journal that can't be read.
            let Ok(bytes) = fs::read(&other) else { continue };
            journal.take_in(whole_lines(&bytes), &other, folder, head)?;
        }
        Ok(journal)
    }

    /// Reads the lines of a journal. Returns the number of its shards.
    fn take_in(&mut self, lines: &[u8], path: &Path, folder: &Path, head: &Head) -> Result<usize, Error> {
        let mut lines = lines.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty());
        let Some((first, _)) = lines.next() else { return Ok(0) };
        refuse_another_batch(first, path, head)?;
        let mut shards = 0;
        for (line, number) in lines {
            let damaged = |error: serde_json::Error| {
                let message = format!("line {number} of the journal is damaged: {error}; remove the line");
                Error::failed(format!("{message}, and its item runs again\n  {}", path.display()))
            };
            let line: Json = serde_json::from_slice(line).map_err(damaged)?;
            if line.get("shard").is_some() {
                let line: ShardLine = serde_json::from_value(line).map_err(damaged)?;
                shards += 1;
                line.items.into_iter().for_each(|line| self.enter(line, folder));
            } else {
                self.enter(serde_json::from_value(line).map_err(damaged)?, folder);
            }
        }
        Ok(shards)
    }

    fn enter(&mut self, line: Line, folder: &Path) {
        let key = key_of(&line.values);
        self.earlier_files.extend(line.files.iter().map(|file| (folder.join(file), key)));
        let Line { item, status, mut outputs, error, .. } = line;
        if !self.results {
            outputs.clear();
        }
        // The last line counts.
        self.entries.insert(key, Entry { status, item, outputs, error });
    }

    /// Remembers the result of an item.
    pub(super) fn remember(&mut self, key: Key, line: Line) {
        if self.results {
            let Line { item, status, outputs, error, .. } = line;
            self.entries.insert(key, Entry { status, item, outputs, error });
        }
    }

    /// Appends whole lines.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), Error> {
        self.file.write_all(lines.as_bytes()).map_err(|error| {
            let message = format!("the journal of the batch cannot be written: {error}");
            Error::failed(format!("{message}; items that are not in it run again next time\n  {}", self.path.display()))
        })
    }

    /// Whether no process runs another part of the batch now.
    pub(super) fn is_alone(&self, folder: &Path, part: Option<Part>) -> bool {
        other_journals(folder, part).iter().all(|path| fs::File::open(path).is_ok_and(|file| file.try_lock().is_ok()))
    }
}

/// The bytes up to the end of the last whole line.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    &bytes[..end]
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

fn lock(file: &fs::File, path: &Path) -> Result<(), Error> {
    for tries_left in (0..LOCK_TRIES).rev() {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if tries_left == 0 => {
                let message = "another process runs this batch, or this part of it, in the same folder; wait for it";
                return Err(Error::folder(format!("{message}, or use another folder\n  {}", path.display())));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            // Some network file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => break,
        }
    }
    Ok(())
}

/// Refuses a folder in which the batch has another number of parts: the parts would overlap.
fn refuse_other_parts(folder: &Path, part: Option<Part>) -> Result<(), Error> {
    let of = |of: usize| if of == 1 { "as a whole".to_owned() } else { format!("in {of} parts") };
    let wanted = part.map_or(1, |part| part.of);
    let found = journals(folder).into_iter().find(|(_, other)| other.map_or(1, |other| other.of) != wanted);
    let Some((path, other)) = found else { return Ok(()) };
    let message = format!("the batch in this folder was started {}", of(other.map_or(1, |other| other.of)));
    let message = format!("{message}, and cannot continue {}: the parts would overlap", of(wanted));
    let hint = "use the same number of parts, or another folder";
    Err(Error::folder(format!("{message}; {hint}\n  {}", path.display())))
}

fn other_journals(folder: &Path, part: Option<Part>) -> Vec<PathBuf> {
    journals(folder).into_iter().filter(|(_, other)| *other != part).map(|(path, _)| path).collect()
}

/// The journals in a folder, each with its part.
fn journals(folder: &Path) -> Vec<(PathBuf, Option<Part>)> {
    let part_of = |name: &str| -> Option<Option<Part>> {
        let rest = name.strip_prefix("batch")?.strip_suffix(".jsonl")?;
        if rest.is_empty() {
            return Some(None);
        }
        Some(Some(Part::parse(&rest.strip_prefix('-')?.replace("-of-", "/")).ok()?))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.filter_map(|entry| Some((entry.path(), part_of(entry.file_name().to_str()?)?))).collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

fn no_journal(path: &Path) -> Error {
    let hint = "use another folder, or move the file";
    Error::folder(format!("expected the journal of a batch, got another file; {hint}\n  {}", path.display()))
}

fn refuse_another_batch(first: &[u8], path: &Path, head: &Head) -> Result<(), Error> {
    let refused = |why: String| {
        let hint = "use another folder, or remove the journal to start the batch again";
        Error::folder(format!("{why}; {hint}\n  {}", path.display()))
    };
    let found: Json = serde_json::from_slice(first).unwrap_or_default();
    match found["version"].as_u64() {
        Some(VERSION) => {}
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
