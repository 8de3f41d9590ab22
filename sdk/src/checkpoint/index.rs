//! The index of a model in several files: a JSON file that says which part holds which tensor.

use super::{Checkpoint, open_part};
use crate::{Error, Result};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::{Component, Path},
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

/// Reads all parts, which are in the folder of the index or below it.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Checkpoint> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.len() > LARGEST {
        return Err(Error::new(format!("expected an index of at most {} MiB, got a larger one", LARGEST >> 20)));
    }
    let index: Index = serde_json::from_slice(text).map_err(|e| {
        let expected = "expected a checkpoint, or the index of a model in several files with the key `weight_map`";
        Error::new(format!("{expected}, got other JSON text ({e})"))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut part_of: BTreeMap<String, &str> = BTreeMap::new();
    let mut whole = Checkpoint::default();
    let mut parts: Vec<&str> = index.weight_map.values().map(String::as_str).collect();
    parts.sort_unstable();
    parts.dedup();
    for part in parts {
        let inside = !part.is_empty() && Path::new(part).components().all(|c| matches!(c, Component::Normal(_)));
        if !inside {
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
