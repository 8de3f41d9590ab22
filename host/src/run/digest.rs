//! Digests of file contents.

use crate::sha256;
use sha2::{Digest, Sha256};
use splatgraph_sdk::shard;
use std::{
    collections::HashMap,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The SHA-256 of the contents of files. A file is read again only if its size or its modification time changed.
#[derive(Default)]
pub(super) struct Digests(HashMap<PathBuf, Known>);

struct Known {
    size: u64,
    modified: SystemTime,
    sha: [u8; 32],
}

/// A file that changed so shortly before it was read may change again without a new modification time.
const UNSURE: Duration = Duration::from_secs(2);
/// The most files that are remembered: a batch may read millions.
const MOST: usize = 100_000;
/// Limits the depth of folders, which also ends loops of links.
const MAX_DEPTH: usize = 32;

impl Digests {
    /// The digest of a file, or of a folder: the names and contents of all files in it, at any depth.
    ///
    /// # Errors
    /// A file or folder can't be read, or the folders are more than [`MAX_DEPTH`] deep.
    pub(super) fn of(&mut self, path: &Path) -> io::Result<[u8; 32]> {
        self.of_any(path, 0)
    }

    fn of_any(&mut self, path: &Path, depth: usize) -> io::Result<[u8; 32]> {
        // The digest of a member is that of its own bytes, so that a shard is not read as a whole for each.
        let shard = shard::split(path).map(|(shard, _)| shard);
        let metadata = fs::metadata(shard.unwrap_or(path))?;
        if !metadata.is_dir() {
            return self.of_file(path, &metadata);
        }
        if depth == MAX_DEPTH {
            return Err(io::Error::other(format!("expected at most {MAX_DEPTH} folders inside each other")));
        }
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        let mut hash = Sha256::new();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().as_encoded_bytes();
            hash.update(name.len().to_le_bytes());
            hash.update(name);
            hash.update(self.of_any(&entry, depth + 1)?);
        }
        Ok(hash.finalize().into())
    }

    fn of_file(&mut self, path: &Path, metadata: &Metadata) -> io::Result<[u8; 32]> {
        if !metadata.is_file() {
            return Err(io::Error::other("expected a file or a folder"));
        }
        let (size, modified) = (metadata.len(), metadata.modified()?);
        if let Some(known) = self.0.get(path)
            && (known.size, known.modified) == (size, modified)
        {
            return Ok(known.sha);
        }
        let sha = sha256::of_file(path)?;
        let is_old = SystemTime::now().duration_since(modified).is_ok_and(|age| age > UNSURE);
        if is_old {
            if self.0.len() >= MOST {
                self.0.clear();
            }
            self.0.insert(path.to_owned(), Known { size, modified, sha });
        }
        Ok(sha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_if_it_changed_or_may_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let mut digests = Digests::default();
        let path = folder.path().join("a");
        let mut digest = |content: &str, modified: SystemTime| {
            fs::write(&path, content).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
            digests.of(&path).unwrap()
        };
        let now = SystemTime::now();
        assert_ne!(digest("one", now), digest("two", now), "the file was written twice within one tick of the clock");
        let old = now - Duration::from_secs(60);
        let one = digest("one", old);
        assert_eq!(digest("two", old), one, "an old file with the same time and size should not be read again");
        assert_ne!(digest("two", old + Duration::from_secs(1)), one);
        assert_ne!(digest("three", old), one);
    }

    #[test]
    fn a_member_of_a_shard_has_the_digest_of_its_own_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let mut digests = Digests::default();
        let path = folder.path().join("a.tar");
        let mut write = |members: [(&str, &[u8]); 2]| {
            fs::write(&path, splatgraph_sdk::testing::shard(members)).unwrap();
            ["x", "y"].map(|name| digests.of(&path.join(name)).unwrap())
        };
        let first = write([("x", b"one"), ("y", b"two")]);
        assert_eq!(first[0], sha256::of_bytes(b"one"));
        let second = write([("y", b"three"), ("x", b"one")]);
        assert_eq!((second[0], second[1]), (first[0], sha256::of_bytes(b"three")));
        assert!(digests.of(&path.join("z")).is_err());
    }

    #[test]
    fn content_counts_and_so_do_names_in_folders() {
        let folder = tempfile::tempdir().unwrap();
        let mut digests = Digests::default();
        let file = folder.path().join("a");
        fs::write(&file, "one").unwrap();
        let (first, first_folder) = (digests.of(&file).unwrap(), digests.of(folder.path()).unwrap());
        // The size is the same, and most likely the modification time.
        fs::write(&file, "two").unwrap();
        assert_ne!(digests.of(&file).unwrap(), first);
        fs::write(&file, "one").unwrap();
        assert_eq!(digests.of(&file).unwrap(), first);
        assert_eq!(digests.of(folder.path()).unwrap(), first_folder);
        fs::rename(&file, folder.path().join("b")).unwrap();
        assert_ne!(digests.of(folder.path()).unwrap(), first_folder);
        assert!(digests.of(&file).is_err());
    }
}
