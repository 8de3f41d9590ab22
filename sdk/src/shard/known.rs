//! The indexes of the shards that were read last, so that a member is found without a walk through the headers.

use super::index::Shard;
use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// The most members in all indexes that stay in memory, unless one shard has more. An index takes 28 bytes for a member, and its
/// name. A batch reads its shards one after the other, so a few indexes are enough.
const MOST_MEMBERS: usize = 1 << 16;
/// A shard that changed so shortly ago may change again without a new modification time.
const UNSURE: Duration = Duration::from_secs(2);

/// The indexes, the last used one at the end.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

struct Known {
    path: PathBuf,
    state: State,
    shard: Arc<Shard>,
}

/// What differs if a file was written in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    size: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl State {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        Ok(Self { size: about.len(), modified: about.modified().ok(), number: number(&about) })
    }

    fn is_old(&self) -> bool {
        let age = self.modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        age.is_some_and(|age| age > UNSURE)
    }
}

#[cfg(unix)]
fn number(about: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

impl Shard {
    /// The members of the shard at a path. Reads its headers, unless they were read before and the file has not changed.
    ///
    /// # Errors
    /// The file can't be read, is cut off, damaged or no .tar file.
    pub fn open(path: &Path) -> io::Result<Arc<Self>> {
        let file = File::open(path)?;
        Self::of(&file, &State::of(&file)?, path)
    }

    /// The members of an open file.
    pub(super) fn of(file: &File, state: &State, path: &Path) -> io::Result<Arc<Self>> {
        let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = lock();
        if let Some(at) = all.iter().rposition(|known| known.path == path && known.state == *state) {
            let known = all.remove(at);
            let shard = Arc::clone(&known.shard);
            all.push(known);
            return Ok(shard);
        }
        drop(all);
        let shard = Arc::new(Self::read(file, state.size)?);
        let mut all = lock();
        all.retain(|known| known.path != path);
        if state.is_old() {
            all.push(Known { path: path.to_owned(), state: state.clone(), shard: Arc::clone(&shard) });
        }
        while all.len() > 1 && all.iter().map(|known| known.shard.len()).sum::<usize>() > MOST_MEMBERS {
            all.remove(0);
        }
        Ok(shard)
    }
}
