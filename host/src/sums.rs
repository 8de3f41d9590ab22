//! The SHA-256 of files and folders as hexadecimal digits. This process remembers the sum of a file until the file changes.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use splatgraph_sdk::shard;

use crate::file_state::FileState;
use crate::lock::lock;
use crate::registry::Pack;
use crate::sha256;
use crate::words::with_slashes;

/// The files whose sums are remembered.
const MOST: usize = 10_000;
/// A file that changed so shortly before it was read may change again without a new time.
const UNSURE: Duration = Duration::from_secs(2);
/// Limits the depth of folders, which also ends loops of links.
const DEPTH: usize = 32;

/// The sum of a file, and the state that it had before it was read.
struct Known {
    state: FileState,
    sum: String,
}

/// A slot is locked while its file is read, so that no two threads read the same file.
type Slot = Arc<Mutex<Option<Known>>>;

static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Slot>>> = LazyLock::new(Mutex::default);

/// The sums of libraries from when they were looked over, maybe by an earlier process, by their canonical paths.
static LOOKED_OVER: LazyLock<Mutex<HashMap<PathBuf, Known>>> = LazyLock::new(Mutex::default);

/// Remembers the sum of a library that was looked over in this state.
pub(crate) fn looked_over(path: &Path, state: &FileState, sum: &str) {
    lock(&LOOKED_OVER).insert(path.to_owned(), Known { state: state.clone(), sum: sum.to_owned() });
}

/// The sum of the code of a pack as [`of_pack`] takes it, but of a library that has not changed since it was looked over, the sum from then.
/// It comes from a file in the user's cache folder, so nothing that is refused may depend on it.
///
/// # Errors
/// The file can't be read.
pub(crate) fn of_pack_looked_over(pack: &Pack) -> io::Result<Option<String>> {
    let path = pack.path.canonicalize().unwrap_or_default();
    let known = || {
        let known = lock(&LOOKED_OVER);
        let known = known.get(&path).filter(|known| known.state == FileState::of(&path))?;
        Some(known.sum.clone())
    };
    match known().filter(|_| pack.nodes.files().is_empty()) {
        Some(sum) => Ok(Some(sum)),
        None => of_pack(pack),
    }
}

/// The sum of a file or of a member of a shard.
///
/// # Errors
/// The file can't be read.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    let slot = {
        let mut known = lock(&KNOWN);
        if known.len() >= MOST {
            known.clear();
        }
        known.entry(path.to_owned()).or_default().clone()
    };
    let mut slot = lock(&slot);
    let file = shard::split(path).map_or(path, |(shard, _)| shard);
    // A pipe can be read only once, and that is for the node.
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("expected a regular file, got a folder, a pipe or a device"));
    }
    let (state, at) = (FileState::of(file), SystemTime::now());
    if let Some(known) = slot.as_ref().filter(|known| known.state == state) {
        return Ok(known.sum.clone());
    }
    let sum = sha256::hex(&sha256::of_file(path)?);
    let is_sure = at.checked_sub(UNSURE).is_some_and(|before| !state.changed_since(before));
    *slot = is_sure.then(|| Known { state, sum: sum.clone() });
    Ok(sum)
}

/// The sum of a folder: the names and contents of all files in it, at any depth.
///
/// # Errors
/// A file or folder can't be read, or the folders are more than 32 deep.
pub(crate) fn of_folder(folder: &Path) -> io::Result<String> {
    let files = files_in(folder)?.into_iter().map(|(name, path)| Ok((name, of_file(&path)?)));
    Ok(of_names(&files.collect::<io::Result<_>>()?))
}

/// The sum of files by their names, which have slashes, and their sums.
pub(crate) fn of_names(files: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (name, sum) in files {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(sum);
    }
    sha256::hex(&hash.finalize())
}

/// All files in a folder at any depth, by their names relative to it, with slashes. Follows links.
///
/// # Errors
/// A folder can't be listed, a name is not Unicode, or the folders are more than 32 deep.
pub(crate) fn files_in(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((inner, depth)) = folders.pop() {
        if depth == DEPTH {
            return Err(io::Error::other(format!("expected at most {DEPTH} folders inside each other, got more")));
        }
        for entry in fs::read_dir(&inner)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push((path, depth + 1));
                continue;
            }
            let name = path.strip_prefix(folder).ok().and_then(Path::to_str);
            let name = name.ok_or_else(|| io::Error::other("expected names of files in Unicode, got another one"))?;
            files.insert(with_slashes(name), path.clone());
        }
    }
    Ok(files)
}

/// The sum of the code of a pack: of its library, or of its source in another language. `None` for a pack that is part of the
/// program.
///
/// # Errors
/// The file can't be read.
pub(crate) fn of_pack(pack: &Pack) -> io::Result<Option<String>> {
    let files = pack.nodes.files();
    match &*files {
        [] if pack.path.as_os_str().is_empty() => Ok(None),
        [] => of_file(&pack.path).map(Some),
        [one] => of_any(one).map(Some),
        many => {
            let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let sums = many.iter().map(|path| Ok((name(path), of_any(path)?)));
            Ok(Some(of_names(&sums.collect::<io::Result<_>>()?)))
        }
    }
}

fn of_any(path: &Path) -> io::Result<String> {
    if path.is_dir() { of_folder(path) } else { of_file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_has_another_sum_and_a_folder_counts_names_and_contents() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let sums = |text: &str| {
            fs::write(&a, text).unwrap();
            (of_file(&a).unwrap(), of_folder(folder.path()).unwrap())
        };
        let (first, second) = (sums("one"), sums("two"));
        assert_eq!(first.0, sha256::hex(&sha256::of_bytes(b"one")));
        assert!(first.0 != second.0 && first.1 != second.1);
        fs::rename(&a, &b).unwrap();
        assert!(of_file(&a).is_err() && of_folder(folder.path()).unwrap() != second.1);
    }

    #[test]
    fn an_old_file_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let old = SystemTime::now() - Duration::from_secs(60);
        let write = |text: &str, time: SystemTime| {
            fs::write(&path, text).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
            of_file(&path).unwrap()
        };
        let one = write("one", old);
        assert_eq!(write("two", old), one, "the size, the time and the file are the same");
        assert_ne!(write("two", old + Duration::from_secs(1)), one);
    }
}
