//! Checks a bundle, and unpacks it into a temporary folder. Anybody may have made it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::names;
use crate::graph::{GRAPH_NAME, LOCK_NAME, Unpacked};
use crate::locked::{self, Lock};
use crate::reading::LARGEST_GRAPH;
use crate::sha256::hex;
use crate::sums;
use crate::words::{count, one_line, some_of};

/// The first bytes of an archive.
pub const SIGNATURE: &[u8] = b"PK\x03\x04";

/// The most files in an archive.
pub(super) const MOST_FILES: usize = 100_000;
/// The most bytes of all files together: 64 GiB.
const MOST_BYTES: u64 = 64 << 30;
/// How many times larger than the archive its files may be together.
const MOST_TIMES: u64 = 100;
/// Archives below this size are never too large for their files.
const SMALL: u64 = 1 << 20;
/// The most differences from the lock that are named.
const NAMED: usize = 20;

type Archive = ZipArchive<BufReader<File>>;

/// The errors of reading a bundle. Nothing was unpacked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum ArchiveError {
    #[error("expected a whole bundle, got a damaged zip archive ({0}); make the bundle again, or copy it again")]
    Damaged(String),
    #[error("expected a bundle, got a zip archive without `{0}`; `splatgraph bundle GRAPH` makes one")]
    NotABundle(&'static str),
    #[error("expected a bundle that unpacks into its folder, got a file {name:?}: {reason}; do not use this archive")]
    Name { name: String, reason: String },
    #[error("expected a bundle with {expected}, got {got}; do not use this archive")]
    TooLarge { expected: String, got: String },
    #[error("expected a bundle whose files are those of its lock; do not use this archive, or make the bundle again\n  {}", .0.join("\n  "))]
    Forged(Vec<String>),
    #[error("expected a bundle with each name once, got a name twice among {0}; do not use this archive")]
    Doubled(String),
    #[error("{0}; make the bundle again")]
    Lock(String),
    #[error("the bundle cannot be unpacked: {0}; the variable TMPDIR names another folder for temporary files")]
    Unwritable(io::Error),
}

/// Checks the bundle in `file`, which lies at `path`, against its lock, and unpacks it into a temporary folder. Unpacks nothing if
/// anything is wrong: a name that leads out of the folder, a link, two files with one name, files that are much larger than the archive,
/// or files that are not those of the lock.
///
/// # Errors
/// Something is wrong, or the temporary folder can't be written to.
pub fn unpack(file: File, path: &Path) -> Result<Unpacked, ArchiveError> {
    let length = file.metadata().map_err(|error| ArchiveError::Damaged(error.to_string()))?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let files = check_list(&mut archive, length)?;
    let lock = lock_in(&mut archive, path)?;
    let mut sums = BTreeMap::new();
    for (name, index) in &files {
        let mut sum = Sha256::new();
        copy(&mut archive, *index, |part| {
            sum.update(part);
            Ok(())
        })?;
        sums.insert(name.clone(), hex(&sum.finalize()));
    }
    let wrong = differences(&lock, &sums);
    if !wrong.is_empty() {
        return Err(ArchiveError::Forged(wrong));
    }
    let unpacked = Unpacked::new(path).map_err(ArchiveError::Unwritable)?;
    for name in lock.files.keys().filter(|name| name.ends_with('/')) {
        fs::create_dir_all(unpacked.folder().join(name)).map_err(ArchiveError::Unwritable)?;
    }
    for (name, index) in &files {
        let to = unpacked.folder().join(name);
        let folder = to.parent().unwrap_or(unpacked.folder());
        // A name that the system takes for another one is refused, as no file is replaced.
        let made = fs::create_dir_all(folder).and_then(|()| File::options().write(true).create_new(true).open(&to));
        let mut made = made.map_err(ArchiveError::Unwritable)?;
        copy(&mut archive, *index, |part| made.write_all(part))?;
    }
    Ok(unpacked)
}

/// Checks the names and sizes that the archive tells. Returns its files by their names, without folders.
fn check_list(archive: &mut Archive, length: u64) -> Result<BTreeMap<String, usize>, ArchiveError> {
    let too_large = |expected: String, got: String| ArchiveError::TooLarge { expected, got };
    if archive.len() > MOST_FILES {
        return Err(too_large(format!("at most {}", count(MOST_FILES, "file")), count(archive.len(), "file")));
    }
    if archive.has_duplicate_names() {
        // The archive tells only that there is one, and keeps the last of both.
        let names: Vec<_> = archive.file_names_raw().map(String::from_utf8_lossy).collect();
        return Err(ArchiveError::Doubled(one_line(&some_of(names.iter().map(AsRef::as_ref))).into_owned()));
    }
    let (mut files, mut bytes) = (BTreeMap::new(), 0u64);
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = std::str::from_utf8(entry.name_raw()).map(str::to_owned);
        let name = name.map_err(|_| ArchiveError::Name {
            name: String::from_utf8_lossy(entry.name_raw()).into_owned(),
            reason: "expected a name in UTF-8".to_owned(),
        })?;
        let is_folder = name.ends_with('/');
        let checked = names::check(name.trim_end_matches('/')).and_then(|()| kind(&entry, is_folder));
        checked.map_err(|reason| ArchiveError::Name { name: name.clone(), reason })?;
        bytes = bytes.saturating_add(entry.size());
        if !is_folder {
            files.insert(name, index);
        }
    }
    if bytes > MOST_BYTES {
        return Err(too_large(format!("at most {} GiB of files", MOST_BYTES >> 30), format!("{bytes} bytes")));
    }
    let most = length.max(SMALL).saturating_mul(MOST_TIMES);
    if bytes > most {
        let expected = format!("files of at most {most} bytes, {MOST_TIMES} times the size of the archive");
        return Err(too_large(expected, format!("{bytes} bytes")));
    }
    if archive.has_overlapping_files().map_err(damaged)? {
        return Err(ArchiveError::Damaged("two files share their bytes".to_owned()));
    }
    let behind =
        |name: &String| name.match_indices('/').find(|(at, _)| files.contains_key(&name[..*at])).map(|_| name.clone());
    if let Some(name) = files.keys().find_map(behind) {
        let reason = "expected a file in a folder, got one behind another file".to_owned();
        return Err(ArchiveError::Name { name, reason });
    }
    for needed in [GRAPH_NAME, LOCK_NAME] {
        if !files.contains_key(needed) {
            return Err(ArchiveError::NotABundle(needed));
        }
    }
    Ok(files)
}

/// Refuses anything but files and folders.
fn kind(entry: &ZipFile<'_, BufReader<File>>, is_folder: bool) -> Result<(), String> {
    const KIND: u32 = 0o170_000;
    let kind = entry.unix_mode().map_or(0, |mode| mode & KIND);
    let expected = if is_folder { 0o040_000 } else { 0o100_000 };
    if entry.is_symlink() || ![0, expected].contains(&kind) {
        return Err("expected a file or a folder, got a link or a device".to_owned());
    }
    if entry.encrypted() {
        return Err("expected a file without a password, got an encrypted one".to_owned());
    }
    match entry.compression() {
        CompressionMethod::Stored | CompressionMethod::Deflated => Ok(()),
        other => Err(format!("expected a stored or deflated file, got the method {other}")),
    }
}

/// The lock of the archive.
fn lock_in(archive: &mut Archive, path: &Path) -> Result<Lock, ArchiveError> {
    let index = archive.index_for_name(LOCK_NAME).ok_or(ArchiveError::NotABundle(LOCK_NAME))?;
    let mut bytes = Vec::new();
    copy(archive, index, |part| match bytes.len() as u64 > LARGEST_GRAPH {
        true => Err(io::Error::other("expected a lock of at most 64 MiB, got a larger one")),
        false => {
            bytes.extend_from_slice(part);
            Ok(())
        }
    })?;
    let text = String::from_utf8(bytes).map_err(|_| ArchiveError::Damaged("its lock is not UTF-8".to_owned()))?;
    locked::parse(&text, path).map_err(|error| ArchiveError::Lock(error.in_bundle()))
}

/// Passes the content of a file on in parts. A file that is longer or shorter than the archive tells, or has another checksum, is damaged.
fn copy(
    archive: &mut Archive,
    index: usize,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    let mut entry = archive.by_index(index).map_err(damaged)?;
    let (size, mut read, mut part) = (entry.size(), 0u64, vec![0; 1 << 18]);
    let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
    loop {
        let broken = |why: String| ArchiveError::Damaged(format!("`{}`: {why}", one_line(&name)));
        let length = entry.read(&mut part).map_err(|error| broken(error.to_string()))?;
        read += length as u64;
        if read > size || (length == 0 && read < size) {
            return Err(broken(format!("expected {size} bytes, got {}", if read > size { "more" } else { "fewer" })));
        }
        if length == 0 {
            return Ok(());
        }
        take(&part[..length]).map_err(ArchiveError::Unwritable)?;
    }
}

/// The differences between the lock and the files of the archive.
fn differences(lock: &Lock, sums: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known = BTreeSet::from([LOCK_NAME.to_owned()]);
    let single = [(GRAPH_NAME.to_owned(), Some(lock.graph.clone()))].into_iter();
    let single = single.chain(lock.parts.iter().map(|(name, sum)| (name.clone(), Some(sum.clone()))));
    let files = lock.files.iter().map(|(name, sum)| (name.clone(), sum.clone()));
    let models = lock.models.iter().map(|(name, sum)| (name.clone(), sum.clone()));
    // A model that was left out is searched for in the folders of models.
    let models = models.filter(|(name, _)| sums.contains_key(name));
    for (name, locked) in single.chain(files).chain(models) {
        if let Err(reason) = names::check(name.trim_end_matches('/')) {
            wrong.push(format!("{:?} in the lock: {reason}", one_line(&name)));
            continue;
        }
        let there = if name.ends_with('/') {
            let inside =
                sums.iter().filter_map(|(file, sum)| Some((file.strip_prefix(&name)?.to_owned(), sum.clone())));
            let inside: BTreeMap<String, String> = inside.collect();
            known.extend(inside.keys().map(|file| format!("{name}{file}")));
            Some(sums::of_names(&inside))
        } else {
            known.insert(name.clone());
            sums.get(&name).cloned()
        };
        if there != locked || there.is_none() {
            let text = |sum: Option<String>| sum.map_or_else(|| "none".to_owned(), |sum| format!("the SHA-256 {sum}"));
            wrong.push(format!("`{}`: expected {}, got {}", one_line(&name), text(locked), text(there)));
        }
    }
    let more = sums.keys().filter(|name| !known.contains(*name));
    wrong.extend(
        more.map(|name| format!("`{}`: expected no such file, as the lock does not name it, got one", one_line(name))),
    );
    if wrong.len() > NAMED {
        let more = wrong.len() - NAMED;
        wrong.truncate(NAMED);
        wrong.push(format!("... and {more} more"));
    }
    wrong
}

fn damaged(error: ZipError) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}
