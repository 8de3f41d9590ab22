//! The journal of a batch: JSON lines. The first describes the batch, and each further one an item that started, or an item or shard
//! that ended.

use super::{
    check::Batch,
    earlier::{Earlier, Place},
    error::Error,
    items::Key,
    lines::{Head, line_of, no_journal, refuse_another_batch},
    options::Part,
    steps,
};
use crate::words::shown;
use std::{
    fs::{self, TryLockError},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A journal that this process has locked.
pub(super) struct Journal {
    file: fs::File,
    /// The length of the file, in bytes.
    length: u64,
    pub(super) path: PathBuf,
    /// This journal, and those of the other parts.
    pub(super) all: Vec<PathBuf>,
    /// The items of this part, and of all other parts that had a journal at the start.
    pub(super) earlier: Earlier,
    /// Whether lines reach the disk before the batch continues.
    pub(super) durable: bool,
    /// The number of shards that this part has.
    pub(super) shards: usize,
}

impl Journal {
    /// Opens and locks the journal of a part, or starts a new one, and reads the journals of the other parts.
    ///
    /// # Errors
    /// The journal can't be written, is locked by another process, or belongs to another batch.
    pub(super) fn open(batch: &Batch, head: &Head) -> Result<Self, Error> {
        let (folder, part, durable) = (&batch.options.folder, batch.options.part, batch.options.durable);
        refuse_other_parts(folder, part)?;
        let path = batch.options.journal();
        let unusable = |error: io::Error| {
            Error::failed(format!("the journal of the batch cannot be written: {error}\n  {}", shown(&path)))
        };
        let mut opening = fs::File::options();
        let file = opening.read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        lock(&file, &path)?;
        let mut earlier = Earlier::new(batch);
        let mut reading = Reading { batch, head, earlier: &mut earlier };
        let read = reading.read(&file, &path, 0).map_err(|failed| failed.or(unusable))?;
        let head_line = line_of(head);
        if read.length == 0 && !head_line.as_bytes().starts_with(&read.rest) {
            return Err(no_journal(&path));
        }
        let mut all = vec![path.clone()];
        for other in other_journals(folder, part) {
            // Its own process reports a journal that can't be read.
            if let Ok(file) = fs::File::open(&other) {
                match reading.read(&file, &other, all.len()) {
                    Err(Failed::Journal(error)) => return Err(error),
                    Err(Failed::Disk(_)) | Ok(_) => {}
                }
            }
            all.push(other);
        }
        earlier.rest();
        // Cuts off a half line from a process that was killed.
        file.set_len(read.length).map_err(unusable)?;
        let mut journal =
            Self { file, length: read.length, path: path.clone(), all, earlier, durable, shards: read.shards };
        journal.file.seek(SeekFrom::End(0)).map_err(unusable)?;
        if read.length == 0 {
            journal.append(&head_line)?;
        }
        Ok(journal)
    }

    /// Appends whole lines. Returns where the first of them is.
    pub(super) fn append(&mut self, lines: &str) -> Result<Place, Error> {
        self.is_in_place()?;
        let written = self.file.write_all(lines.as_bytes());
        let written = written.and_then(|()| if self.durable { self.file.sync_data() } else { Ok(()) });
        written.map_err(|error| {
            let message = format!("the journal of the batch cannot be written: {error}");
            Error::failed(format!("{message}; items that are not in it run again next time\n  {}", shown(&self.path)))
        })?;
        let place = Place::new(0, self.length);
        self.length += lines.len() as u64;
        Ok(place)
    }

    /// Appends a line about an item that starts.
    pub(super) fn start(&mut self, item: &str, key: &Key) -> Result<(), Error> {
        self.append(&line_of(&steps::started(item, key))).map(drop)
    }

    /// Appends a line about an item that started, but does not run any more and has no result yet.
    pub(super) fn leave(&mut self, item: &str, key: &Key) -> Result<(), Error> {
        self.append(&line_of(&steps::left(item, key))).map(drop)
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
    pub(super) fn gone(&self, batch: &Batch, head: &Head) -> Result<Vec<usize>, Error> {
        self.is_in_place()?;
        let unreadable = |error: io::Error| {
            Error::failed(format!("the journal of the batch cannot be read: {error}\n  {}", shown(&self.path)))
        };
        let file = fs::File::open(&self.path).map_err(unreadable)?;
        let mut earlier = Earlier::at_the_end(batch);
        let mut reading = Reading { batch, head, earlier: &mut earlier };
        reading.read(&file, &self.path, 0).map_err(|failed| failed.or(unreadable))?;
        Ok(earlier.gone().collect())
    }
}

/// The reading of journals, line by line: a journal can be larger than the memory.
struct Reading<'a> {
    batch: &'a Batch,
    head: &'a Head,
    earlier: &'a mut Earlier,
}

/// A journal that was read.
#[derive(Default)]
struct Read {
    /// The length of its whole lines, in bytes.
    length: u64,
    shards: usize,
    /// What is behind the last whole line.
    rest: Vec<u8>,
}

enum Failed {
    Disk(io::Error),
    Journal(Error),
}

impl Failed {
    fn or(self, of_disk: impl FnOnce(io::Error) -> Error) -> Error {
        match self {
            Self::Disk(error) => of_disk(error),
            Self::Journal(error) => error,
        }
    }
}

impl Reading<'_> {
    /// Reads the journal that is number `journal` of all.
    fn read(&mut self, file: &fs::File, path: &Path, journal: usize) -> Result<Read, Failed> {
        let mut source = BufReader::with_capacity(1 << 18, file);
        let (mut read, mut line, mut number) = (Read::default(), Vec::new(), 0);
        loop {
            line.clear();
            source.read_until(b'\n', &mut line).map_err(Failed::Disk)?;
            if line.pop_if(|last| *last == b'\n').is_none() {
                read.rest = line;
                return Ok(read);
            }
            number += 1;
            let place = Place::new(journal, read.length);
            read.length += line.len() as u64 + 1;
            if line.is_empty() {
                continue;
            }
            if number == 1 {
                refuse_another_batch(&line, path, self.head).map_err(Failed::Journal)?;
                continue;
            }
            let is_shard = self.earlier.take_in(&line, place, self.batch);
            let is_shard = is_shard.map_err(|error| Failed::Journal(Earlier::damaged(&error, number, path)))?;
            read.shards += usize::from(is_shard);
        }
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
pub(super) fn journals(folder: &Path) -> Vec<(PathBuf, Option<Part>)> {
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
