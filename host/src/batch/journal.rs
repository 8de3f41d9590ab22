//! The journal of a batch: JSON lines. The first describes the batch, and each further one an item that started, or an item or shard
//! that ended.

use super::{
    earlier::Earlier,
    error::Error,
    items::Key,
    lines::{Head, line_of, no_journal, whole_lines},
    options::{Options, Part},
    steps,
};
use crate::words::shown;
use std::{
    collections::HashSet,
    fs::{self, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A journal that this process has locked.
pub(super) struct Journal {
    file: fs::File,
    pub(super) path: PathBuf,
    /// The items of this part, and of all other parts that had a journal at the start.
    pub(super) earlier: Earlier,
    /// Whether lines reach the disk before the batch continues.
    pub(super) durable: bool,
    /// The number of shards that this part has.
    pub(super) shards: usize,
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
    pub(super) fn open(folder: &Path, options: &Options, head: &Head) -> Result<Self, Error> {
        let part = options.part;
        refuse_other_parts(folder, part)?;
        let path = path_of(folder, part);
        let unusable = |error: io::Error| {
            Error::failed(format!("the journal of the batch cannot be written: {error}\n  {}", shown(&path)))
        };
        let mut opening = fs::File::options();
        let file = opening.read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        lock(&file, &path)?;
        let mut journal = Self {
            file,
            path: path.clone(),
            earlier: Earlier::new(options.table.is_some()),
            durable: options.durable,
            shards: 0,
        };
        let mut bytes = Vec::new();
        journal.file.read_to_end(&mut bytes).map_err(unusable)?;
        let (whole, head_line) = (whole_lines(&bytes), line_of(head));
        if !whole.is_empty() {
            journal.shards = journal.earlier.take_in(whole, &path, folder, head)?;
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
            journal.earlier.take_in(whole_lines(&bytes), &other, folder, head)?;
        }
        Ok(journal)
    }

    /// Appends whole lines.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), Error> {
        self.is_in_place()?;
        let written = self.file.write_all(lines.as_bytes());
        let written = written.and_then(|()| if self.durable { self.file.sync_data() } else { Ok(()) });
        written.map_err(|error| {
            let message = format!("the journal of the batch cannot be written: {error}");
            Error::failed(format!("{message}; items that are not in it run again next time\n  {}", shown(&self.path)))
        })
    }

    /// Appends a line about an item that starts.
    pub(super) fn start(&mut self, item: &str, key: &Key) -> Result<(), Error> {
        self.append(&line_of(&steps::started(item, key)))
    }

    /// Appends a line about an item that started, but does not run any more and has no result yet.
    pub(super) fn leave(&mut self, item: &str, key: &Key) -> Result<(), Error> {
        self.append(&line_of(&steps::left(item, key)))
    }

    /// Refuses to continue if somebody removed or replaced the journal: then nobody would know of further items.
    fn is_in_place(&self) -> Result<(), Error> {
        let own = self.file.metadata().ok();
        let found = fs::metadata(&self.path).ok();
        if own.zip(found).is_some_and(|(own, found)| is_same_file(&own, &found)) {
            return Ok(());
        }
        let message = "the journal was removed while the batch ran; the same command runs the items that are missing";
        Err(Error::failed(format!("{message}\n  {}", shown(&self.path))))
    }

    /// Reads the journal again at the end. Returns the items whose files are gone.
    ///
    /// # Errors
    /// The journal is gone or can't be read.
    pub(super) fn gone(&self, folder: &Path, head: &Head) -> Result<HashSet<Key>, Error> {
        self.is_in_place()?;
        let bytes = fs::read(&self.path).map_err(|error| {
            Error::failed(format!("the journal of the batch cannot be read: {error}\n  {}", shown(&self.path)))
        })?;
        let mut found = Earlier::default();
        found.take_in(whole_lines(&bytes), &self.path, folder, head)?;
        Ok(found.gone)
    }
}

#[cfg(unix)]
fn is_same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    // An open file can't be removed there.
    true
}

fn lock(file: &fs::File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message = "another process runs this batch, or this part of it, in the same folder; wait for it";
            Err(Error::folder(format!("{message}, or use another folder\n  {}", shown(path))))
        }
        // Some network file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
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
    Err(Error::folder(format!("{message}; {hint}\n  {}", shown(&path))))
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
