//! Reads and writes locks.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use thiserror::Error;

use super::content::{Lock, Unreadable, VERSION};
use crate::graph::Origin;
use crate::picture::{self, GraphInPicture, PictureError};
use crate::reading::{read_at_most, text_of};
use crate::sha256::{from_hex, hex, of_bytes};
use crate::sums;
use crate::words::shown;

/// The largest text of a lock, in bytes.
const LARGEST: u64 = 64 << 20;

/// The errors of reading and writing locks.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum LockError {
    #[error("expected a lock, got {got}; write one with `splatgraph lock GRAPH`\n  {path}", path = shown(.path))]
    Wrong { path: PathBuf, got: String },
    #[error("expected a lock of version 1 of the format, got version {got}; use a newer splatgraph\n  {path}", path = shown(.path))]
    Newer { path: PathBuf, got: u64 },
    #[error("the graph has no lock: {error}; write one with `splatgraph lock GRAPH`\n  {path}", path = shown(.path))]
    Missing { path: PathBuf, error: std::io::Error },
    #[error("expected a picture with a lock in it, got one without; run its graph again, or write a lock with `splatgraph lock PICTURE`\n  {path}", path = shown(.path))]
    NotInPicture { path: PathBuf },
    #[error("expected the file of a graph, a picture or a bundle, got a text without a file; save the graph first")]
    NoFile,
    #[error("{error}\n  {path}", path = shown(.path))]
    Picture { path: PathBuf, error: PictureError },
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the lock cannot be written: {reason}\n  {path}", path = shown(.path))]
    Unwritable { path: PathBuf, reason: String },
}

impl LockError {
    /// The error of a lock inside a bundle, without what to do.
    pub(crate) fn in_bundle(&self) -> String {
        match self {
            Self::Wrong { got, .. } => format!("expected a bundle with a lock, got {got}"),
            Self::Newer { got, .. } => {
                format!("expected a bundle with a lock of version 1 of the format, got version {got}")
            }
            other => other.to_string(),
        }
    }
}

/// The file for the lock of a graph: `graph.lock.json` beside `graph.json`. `None` for a text without a file.
#[must_use]
pub fn beside(origin: &Origin) -> Option<PathBuf> {
    match origin {
        Origin::Bundle(unpacked) => Some(unpacked.lock()),
        other => other.path().map(|path| path.with_extension("lock.json")),
    }
}

/// Reads the lock of a graph: the file beside it, or what its picture or its bundle has.
///
/// # Errors
/// There is no lock, or it can't be read.
pub fn of_graph(origin: &Origin) -> Result<Lock, LockError> {
    let path = beside(origin).ok_or(LockError::NoFile)?;
    let Origin::Picture(picture) = origin else { return read(&path) };
    // A file that the user wrote comes first.
    if path.is_file() {
        return read(&path);
    }
    let header = in_picture(picture)?.header.unwrap_or_default();
    let lock = header.get("lock").ok_or_else(|| LockError::NotInPicture { path: picture.clone() })?;
    parse(&lock.to_string(), picture)
}

/// Reads the file of a lock.
///
/// # Errors
/// The file can't be read, or has no lock.
pub fn read(path: &Path) -> Result<Lock, LockError> {
    let bytes = read_at_most(path, LARGEST).map_err(|error| LockError::Missing { path: path.to_owned(), error })?;
    let wrong = |got| LockError::Wrong { path: path.to_owned(), got };
    parse(&text_of(bytes).map_err(wrong)?, path)
}

/// Writes the file of a lock, as a whole.
///
/// # Errors
/// The file can't be written.
pub fn write(lock: &Lock, path: &Path) -> Result<(), LockError> {
    let unwritable = |reason: String| LockError::Unwritable { path: path.to_owned(), reason };
    splatgraph_sdk::write_whole(path, text(lock).as_bytes()).map_err(|error| unwritable(error.message))
}

/// The text of a lock.
pub(crate) fn text(lock: &Lock) -> String {
    // Maps with texts for keys can't fail.
    serde_json::to_string_pretty(lock).unwrap_or_default() + "\n"
}

/// Reads the text of a lock. `path` is its file, for errors.
pub(crate) fn parse(text: &str, path: &Path) -> Result<Lock, LockError> {
    let wrong = |got: String| LockError::Wrong { path: path.to_owned(), got };
    let json: Json = serde_json::from_str(text).map_err(|error| match error.is_eof() {
        true => wrong(format!("a text that ends too early, in line {}", error.line())),
        false => wrong(format!("a text that is not JSON: {error}")),
    })?;
    match json.get("version").and_then(Json::as_u64) {
        None => return Err(wrong("JSON without the key `version`".to_owned())),
        Some(VERSION) => {}
        Some(got) => return Err(LockError::Newer { path: path.to_owned(), got }),
    }
    // From the text, as its errors have lines.
    let lock: Lock = serde_json::from_str(text).map_err(|error| wrong(format!("a damaged one: {error}")))?;
    let sums = [&lock.graph].into_iter().chain(lock.parts.values());
    let sums = sums.chain(lock.packs.values().filter_map(|pack| pack.sha256.as_ref()));
    let sums = sums.chain(lock.models.values().chain(lock.files.values()).flatten());
    let is_wrong = |sum: &&String| from_hex(sum).is_none() || sum.contains(|c: char| c.is_uppercase());
    if let Some(sum) = sums.into_iter().find(is_wrong) {
        return Err(wrong(format!("one with {sum:?} for a SHA-256, which has 64 lower-case hexadecimal digits")));
    }
    Ok(lock)
}

/// The sum of the text of a graph.
///
/// # Errors
/// The graph has no file, or the file can't be read.
pub fn graph_sum(origin: &Origin) -> Result<String, LockError> {
    let of_file = |path: &Path| {
        let error = |error| Unreadable { what: "the graph".to_owned(), error, path: path.to_owned() };
        Ok(sums::of_file(path).map_err(error)?)
    };
    match origin {
        Origin::File(path) => of_file(path),
        Origin::Bundle(unpacked) => of_file(&unpacked.graph()),
        Origin::Picture(path) => Ok(hex(&of_bytes(in_picture(path)?.graph.as_bytes()))),
        Origin::Text => Err(LockError::NoFile),
    }
}

fn in_picture(path: &Path) -> Result<GraphInPicture, LockError> {
    let wrong = |error| LockError::Picture { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(|error| wrong(error.into()))?;
    picture::read_text(BufReader::new(file)).and_then(|text| picture::graph_in(&text)).map_err(wrong)
}
