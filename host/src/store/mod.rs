//! A store of results on disk, which the processes of one machine share.
//!
//! # Files
//! - `results-1/CLASS/KEY` is an entry: the outputs of a node, and what they depend on (`entry.rs`). It is written under a temporary
//!   name and renamed, and has sums and lengths of its parts. A reader treats an entry that does not match as absent, and removes it.
//! - `results-1/CLASS/KEY.lock` is a claim: a process computes this result now (`claim.rs`). The system frees it when the process ends.
//!
//! The time of change of an entry is the time of its last use. When the entries take more space than the limit, the ones that were not
//! used for the longest time are removed (`room.rs`).
//!
//! # What can be stored
//! Scalars, texts, JSON, lists and records (`values.rs`). An object that only its pack understands can't: a loaded model, a handle.
//!
//! # A store that does not work
//! A store never fails a run. If it can't be written, the process warns once and writes no further entries.

mod claim;
mod entry;
mod room;
mod values;

pub(crate) use claim::Claim;
pub(crate) use entry::Entry;

use crate::{
    file_state::FileState,
    lock::lock,
    sha256::{hex, of_bytes},
    words::shown,
};
use room::Room;
use serde_json::Value as Json;
use splatgraph_sdk::{Value, write_whole};
use std::{
    collections::HashSet,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Identifies a result: a digest of everything that it depends on.
pub(crate) type Key = [u8; 32];

/// The folder of entries, with the version of their form.
const FOLDER: &str = "results-1";
/// An entry that was used so recently does not need a new time.
const RECENT: Duration = Duration::from_secs(60);

/// Results on disk.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    room: Room,
    /// Set when an entry can't be written.
    only_reads: AtomicBool,
    /// Classes whose results can't be stored, as far as this process knows.
    unfit: Mutex<HashSet<String>>,
    warning: Mutex<Option<String>>,
}

impl Store {
    /// Opens the store in `folder`, and creates the folder. The entries take about `limit` bytes at most.
    ///
    /// # Errors
    /// There is a file at the path.
    pub fn open(folder: &Path, limit: u64) -> Result<Self, String> {
        if folder.metadata().is_ok_and(|about| !about.is_dir()) {
            return Err(format!("expected a folder, got a file; name another folder\n  {}", shown(folder)));
        }
        let store = Self {
            folder: folder.join(FOLDER),
            room: Room::new(folder.join(FOLDER), limit),
            only_reads: AtomicBool::new(false),
            unfit: Mutex::default(),
            warning: Mutex::default(),
        };
        if let Err(error) = fs::create_dir_all(&store.folder) {
            store.stop_writing(&error.to_string());
        }
        Ok(store)
    }

    /// The folder of the entries of a class.
    fn class_folder(&self, class: &str) -> PathBuf {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let name = class.bytes().all(is_plain) && !class.starts_with('.') && (1..=100).contains(&class.len());
        self.folder.join(if name { class.to_owned() } else { hex(&of_bytes(class.as_bytes())) })
    }

    /// The entry with this key; `None` if there is none, or none that is whole.
    pub(crate) fn read(&self, class: &str, key: &Key) -> Option<Entry> {
        let path = self.class_folder(class).join(hex(key));
        let file = File::open(&path).ok()?;
        let entry = entry::read(&file);
        if entry.is_none() {
            // Another process may have put a whole entry in its place. Then a result is computed once more.
            let _ = fs::remove_file(&path);
            return None;
        }
        let used = file.metadata().and_then(|about| about.modified());
        if used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > RECENT)) {
            // Without the new time, the entry only counts as older than it is.
            let _ = file.set_modified(SystemTime::now());
        }
        entry
    }

    /// Keeps the outputs of a node. `about` tells what they depend on, and `files` are the files that the node wrote.
    ///
    /// Outputs that can't be stored, or that are larger than the store, are left out. So are all if the disk fails; see
    /// [`warning`](Self::warning).
    pub(crate) fn write(
        &self,
        class: &str,
        key: &Key,
        outputs: &[Value],
        about: Json,
        files: Vec<(PathBuf, FileState)>,
    ) {
        if self.only_reads.load(Ordering::Relaxed) {
            return;
        }
        let Some(bytes) = entry::bytes(outputs, about, files) else {
            lock(&self.unfit).insert(class.to_owned());
            return;
        };
        let folder = self.class_folder(class);
        let length = bytes.len() as u64;
        if !self.room.make_for(length) {
            return;
        }
        let written = fs::create_dir_all(&folder).map_err(|error| error.to_string());
        let written = written.and_then(|()| write_whole(&folder.join(hex(key)), &bytes).map_err(|error| error.message));
        if let Err(error) = written {
            self.stop_writing(&error);
        }
    }

    /// Waits until no other run computes this result, and tells all others that this one does. Call it only when nothing but the
    /// node's own work stands between the claim and its end: then no two runs can wait for each other.
    ///
    /// `None` if nobody needs to be told, as the result can't be stored, or if the disk has no locks.
    ///
    /// # Errors
    /// `stop` returned true while another run computed.
    pub(crate) fn claim(&self, class: &str, key: &Key, stop: &dyn Fn() -> bool) -> Result<Option<Claim>, Stopped> {
        if self.only_reads.load(Ordering::Relaxed) || lock(&self.unfit).contains(class) {
            return Ok(None);
        }
        let folder = self.class_folder(class);
        let path = folder.join(format!("{}.lock", hex(key)));
        let claimed = Claim::wait(&path, stop).or_else(|error| match error.kind() {
            ErrorKind::NotFound => fs::create_dir_all(&folder).and_then(|()| Claim::wait(&path, stop)),
            _ => Err(error),
        });
        match claimed {
            Ok(Some(claim)) => Ok(Some(claim)),
            Ok(None) => Err(Stopped),
            Err(error) => {
                self.stop_writing(&error.to_string());
                Ok(None)
            }
        }
    }

    /// What the results of a class depend on that are stored, the ones that were used last at the front.
    pub(crate) fn abouts(&self, class: &str) -> Vec<Json> {
        let folder = self.class_folder(class);
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<(SystemTime, PathBuf)> = entries
            .filter(|entry| room::is_entry(&entry.file_name()))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found.into_iter().filter_map(|(_, path)| entry::about(&File::open(path).ok()?)).collect()
    }

    /// Why the store can't be used as it should, once.
    pub(crate) fn warning(&self) -> Option<String> {
        lock(&self.warning).take()
    }

    fn stop_writing(&self, why: &str) {
        if !self.only_reads.swap(true, Ordering::Relaxed) {
            let folder = self.folder.parent().unwrap_or(&self.folder);
            let text = format!("the store of results cannot be written: {why}; the run keeps no further results");
            *lock(&self.warning) = Some(format!("{text}: {}", shown(folder)));
        }
    }
}

/// The wait for a result ended before the result was there.
#[derive(Debug)]
pub(crate) struct Stopped;

#[cfg(test)]
mod tests;
