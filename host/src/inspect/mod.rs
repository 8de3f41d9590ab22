//! What is in a file: a record, a checkpoint, or a picture with its graph; and how two files differ.

mod compare;
mod numbers;
mod picture;
mod tensors;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

pub use compare::{Comparison, Difference, FieldComparison, HeaderDifference, compare};
pub use picture::PictureReport;
pub use tensors::{CheckpointReport, DtypeTotal, FieldReport, RecordReport, TensorReport};

use crate::{formats, picture::PictureError, registry::Registry};

/// What a file holds.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Inspection {
    /// Named tensors with a type and a header.
    Record(RecordReport),
    /// The weights of a model.
    Checkpoint(CheckpointReport),
    /// A picture.
    Picture(PictureReport),
}

/// Why a file cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A record or a checkpoint that is damaged.
    #[error("{0}")]
    Tensors(splatgraph_sdk::Error),
    /// A damaged picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A picture, or something else, where tensors are compared.
    #[error(
        "only records (.safetensors, or files of the packs that are loaded) and checkpoints (.safetensors, .pth) are compared, and the file is neither"
    )]
    NotCompared,
    /// Something else.
    #[error(
        "the file is no record (.safetensors, or a file of the packs that are loaded), no checkpoint (.safetensors, .pth) and no picture of a known kind"
    )]
    Unknown,
}

/// Looks into the file at `path`; its first bytes decide what it is, not its name. For what they do not tell, `registry` has
/// the nodes that read other kinds of files; loading packs takes a while, so ask without one first.
///
/// # Errors
/// The file cannot be read, is damaged, or is of no known kind.
pub fn inspect(path: &Path, registry: Option<&Registry>) -> Result<Inspection, InspectError> {
    let start = start_of(path)?;
    if is_safetensors(&start) {
        return tensors::safetensors(path).map_err(InspectError::Tensors);
    }
    if is_torch(&start) {
        return tensors::checkpoint(path).map(Inspection::Checkpoint).map_err(InspectError::Tensors);
    }
    if let Some(record) = registry.and_then(|registry| formats::read(path, registry)) {
        let record = record.map_err(InspectError::Tensors)?;
        return Ok(Inspection::Record(RecordReport::of(&record, path)?));
    }
    picture::picture(path, &start).map(Inspection::Picture)
}

/// The first bytes of a file.
fn start_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    Ok(start)
}

/// The length of the JSON header as eight bytes, then the header.
fn is_safetensors(start: &[u8]) -> bool {
    start.get(8) == Some(&b'{') && start[4..8] == [0; 4]
}

/// A zip archive, or the bare pickle that torch wrote before version 1.6.
fn is_torch(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"\x80\x02")
}
