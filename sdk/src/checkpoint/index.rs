//! The index of a model in several files: a JSON file that says which part holds which tensor.

use super::{Checkpoint, open_part};
use crate::{Error, Result};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::File,
    io::Read,
    path::{Component, Path, PathBuf},
};

/// The largest index, as its entries take much more memory than their text.
const LARGEST: usize = 64 << 20;

/// Only what says where the tensors are; the rest is for people.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Whether a file that begins like this may be an index. Records begin with the length of their header.
#[must_use]
pub fn is_index(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    text.starts_with(b"{") && start.get(4..8) != Some(&[0; 4])
}

impl Index {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.len() > LARGEST {
            return Err(Error::new(format!("expected an index of at most {} MiB, got a larger one", LARGEST >> 20)));
        }
        serde_json::from_slice(text).map_err(|e| {
            let expected = "expected a checkpoint, or the index of a model in several files with the key `weight_map`";
            Error::new(format!("{expected}, got other JSON text ({e})"))
        })
    }

    /// The names of the parts, each once, sorted.
    fn parts(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.weight_map.values().map(String::as_str).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }
}

/// Whether a part is in the folder of its index or below it.
fn is_inside(part: &str) -> bool {
    !part.is_empty() && Path::new(part).components().all(|c| matches!(c, Component::Normal(_)))
}

/// The other files that a checkpoint leads to: the parts of a model, if the file is its index. Their contents belong to the content of
/// the file, for everything that looks whether a file changed. Empty for all other files, and for files that can't be read.
#[must_use]
pub fn parts(path: &Path) -> Vec<PathBuf> {
    let read = || {
        let mut file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()))?;
        let mut bytes = Vec::new();
        file.by_ref().take(8).read_to_end(&mut bytes).ok()?;
        if !is_index(&bytes) {
            return None;
        }
        file.take(LARGEST as u64).read_to_end(&mut bytes).ok()?;
        Index::parse(&bytes).ok()
    };
    let Some(index) = read() else { return Vec::new() };
    let folder = path.parent().unwrap_or(Path::new(""));
    index.parts().into_iter().filter(|part| is_inside(part)).map(|part| folder.join(part)).collect()
}

/// Reads all parts, which are in the folder of the index or below it.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Checkpoint> {
    let index = Index::parse(bytes)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut part_of: BTreeMap<String, &str> = BTreeMap::new();
    let mut whole = Checkpoint::default();
    for part in index.parts() {
        if !is_inside(part) {
            return Err(Error::new(format!("expected parts in the folder of the index, got {part:?}")));
        }
        let path = folder.join(part);
        if !path.exists() {
            return Err(Error::missing(format!(
                "expected the part {part:?} beside the index, got no such file; get all parts of the model"
            )));
        }
        let Checkpoint { metadata, tensors } = open_part(&path)?;
        // All parts of a model say the same about it.
        whole.metadata.extend(metadata);
        for (name, tensor) in tensors {
            match whole.tensors.entry(name) {
                Entry::Vacant(entry) => {
                    part_of.insert(entry.key().clone(), part);
                    entry.insert(tensor);
                }
                Entry::Occupied(entry) => {
                    let (name, first) = (entry.key(), part_of[entry.key()]);
                    return Err(Error::new(format!(
                        "expected each tensor in one part, got `{name}` in {first:?} and in {part:?}"
                    )));
                }
            }
        }
    }
    if let Some((name, part)) = index.weight_map.iter().find(|(name, _)| !whole.tensors.contains_key(*name)) {
        return Err(Error::new(format!(
            "expected the tensor `{name}` in the part {part:?}, got none of that name; get all parts of the same version"
        )));
    }
    Ok(whole)
}
