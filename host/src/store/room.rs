//! The size of a store: what was not used for the longest time is removed.

use super::claim;
use crate::lock::lock;
use std::{
    ffi::OsStr,
    fs::{self, DirEntry, File},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::SystemTime,
};

/// Keeps a store below its limit.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    /// Bytes.
    limit: u64,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    /// The bytes of all entries at the last count, and of those that this process wrote since; `None` before the first count.
    bytes: Option<u64>,
    /// The bytes that this process wrote since the last count.
    since: u64,
}

/// An entry at a count.
struct Counted {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
}

/// Whether a file has the name of an entry.
pub(super) fn is_entry(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

impl Room {
    pub(super) fn new(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit, used: Mutex::default() }
    }

    /// Makes room for an entry of so many bytes. Returns false if the store is too small for it.
    ///
    /// A count takes time with the number of entries. So the process counts again only after it wrote a tenth of the limit, or when
    /// the store may be full; other processes may have written meanwhile.
    pub(super) fn make_for(&self, bytes: u64) -> bool {
        if bytes > self.limit {
            return false;
        }
        let mut used = lock(&self.used);
        let is_full = used.bytes.is_none_or(|used| used + bytes > self.limit);
        if is_full || used.since > self.limit / 10 {
            *used = Used { bytes: Some(self.tidy(bytes)), since: 0 };
        }
        used.since += bytes;
        used.bytes = used.bytes.map(|used| used + bytes);
        true
    }

    /// Counts the entries, and removes some if there is no room for so many further bytes. Removes what dead processes left behind.
    /// Returns the bytes of all entries.
    fn tidy(&self, further: u64) -> u64 {
        let mut all = Vec::new();
        let mut total = 0;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            for entry in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                if let Ok(counted) = self.count(&entry) {
                    total += counted.bytes;
                    all.push(counted);
                }
            }
        }
        if total + further <= self.limit {
            return total;
        }
        // Two processes would remove twice as much as they need.
        let path = self.folder.join("removal.lock");
        let Ok(file) = File::options().write(true).create(true).truncate(false).open(&path) else { return total };
        if file.try_lock().is_err() {
            return total;
        }
        all.sort_by_key(|entry| entry.used);
        // Some more, so that not each further entry counts all.
        let goal = (self.limit - self.limit / 10).min(self.limit - further);
        for entry in all {
            if total <= goal {
                break;
            }
            if fs::remove_file(&entry.path).is_ok() {
                total -= entry.bytes;
            }
        }
        total
    }

    fn count(&self, entry: &DirEntry) -> io::Result<Counted> {
        let name = entry.file_name();
        if !is_entry(&name) {
            if Path::new(&name).extension().is_some_and(|ending| ending == "lock") {
                claim::remove_left_over(&entry.path());
            }
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let about = entry.metadata()?;
        Ok(Counted { used: about.modified()?, bytes: about.len(), path: entry.path() })
    }
}
