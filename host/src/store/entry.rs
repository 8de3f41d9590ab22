//! The form of an entry: a line with the sums and lengths of two parts, a head in JSON, and the tensors as a .safetensors file.

use super::values::{Tensors, from_stored, to_stored};
use crate::{
    file_state::FileState,
    sha256::{hex, of_bytes},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use splatgraph_sdk::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

const BEGINNING: &str = "splatgraph-store";
/// The longest first line, in bytes.
const LONGEST_LINE: u64 = 300;

/// A result in the store.
pub(crate) struct Entry {
    pub(crate) outputs: Vec<Value>,
    /// The files that the node wrote, as it left them.
    pub(crate) files: Vec<(PathBuf, FileState)>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// What the result depends on.
    about: Json,
    outputs: Vec<Json>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<(PathBuf, FileState)>,
}

/// The bytes of an entry; `None` if a value can't be stored.
pub(super) fn bytes(outputs: &[Value], about: Json, files: Vec<(PathBuf, FileState)>) -> Option<Vec<u8>> {
    let mut tensors = Tensors::default();
    let outputs = outputs.iter().map(|value| to_stored(value, &mut tensors)).collect::<Option<_>>()?;
    let head = serde_json::to_vec(&Head { about, outputs, files }).ok()?;
    let body = tensors.bytes()?;
    let sum = |part: &[u8]| hex(&of_bytes(part));
    let line = format!("{BEGINNING} {} {} {} {}\n", sum(&head), head.len(), sum(&body), body.len());
    Some([line.as_bytes(), &head, &body].concat())
}

/// Reads an entry; `None` if it is damaged.
pub(super) fn read(file: &File) -> Option<Entry> {
    let (head, body) = parts(file, true)?;
    let tensors = Tensors::of(&body)?;
    let outputs = head.outputs.iter().map(|value| from_stored(value, &tensors)).collect::<Option<_>>()?;
    Some(Entry { outputs, files: head.files })
}

/// Reads only what an entry depends on.
pub(super) fn about(file: &File) -> Option<Json> {
    Some(parts(file, false)?.0.about)
}

/// The head, and the tensors if `whole`.
fn parts(file: &File, whole: bool) -> Option<(Head, Vec<u8>)> {
    let length = file.metadata().ok()?.len();
    let mut file = BufReader::new(file);
    let mut line = String::new();
    let read = file.by_ref().take(LONGEST_LINE).read_line(&mut line).ok()?;
    let words: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
    let [BEGINNING, head_sum, head_length, body_sum, body_length] = words[..] else { return None };
    let (head_length, body_length): (u64, u64) = (head_length.parse().ok()?, body_length.parse().ok()?);
    // So a damaged length can't ask for more memory than the file has bytes.
    if length.checked_sub(read as u64)?.checked_sub(head_length)? != body_length {
        return None;
    }
    let mut part = |length: u64, sum: &str| {
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        file.by_ref().take(length).read_to_end(&mut bytes).ok()?;
        (hex(&of_bytes(&bytes)) == sum).then_some(bytes)
    };
    let head = serde_json::from_slice(&part(head_length, head_sum)?).ok()?;
    let body = if whole { part(body_length, body_sum)? } else { Vec::new() };
    Some((head, body))
}
