//! Reports what a file holds, a record, a checkpoint or a picture, and compares two files.

mod compare;
mod numbers;
mod picture;
mod tensors;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use splatgraph_sdk::{checkpoint, kind_of_file};

pub use compare::{Comparison, Difference, FieldComparison, HeaderDifference, compare};
pub use picture::PictureReport;
pub use tensors::{CheckpointReport, DtypeTotal, FieldReport, RecordReport, TensorReport};

use crate::{formats, picture::PictureError, registry::Registry};

/// The report about a file.
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

/// The errors of inspecting a file.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A record or a checkpoint is damaged.
    #[error("{0}")]
    Tensors(splatgraph_sdk::Error),
    /// A picture is damaged.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The file has no tensors to compare.
    #[error(
        "expected a record (.safetensors, or a file of a loaded pack) or a checkpoint (.safetensors, .pth) to compare, got another file"
    )]
    NotCompared,
    /// The file is of another kind.
    #[error(
        "expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got {0}"
    )]
    Unknown(&'static str),
}

/// Reports about the file at `path`. The first bytes decide its kind, not its name. `registry` has the nodes that read other
/// kinds of files. Loading packs takes a while, so call this without a registry first.
///
/// # Errors
/// The file can't be read, is damaged, or is of no known kind.
pub fn inspect(path: &Path, registry: Option<&Registry>) -> Result<Inspection, InspectError> {
    let start = start_of(path)?;
    if is_safetensors(&start) {
        return tensors::safetensors(path).map_err(InspectError::Tensors);
    }
    if is_checkpoint(&start, path) {
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
    File::open(path)?.take(512).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether the file starts with the length of a JSON header in eight bytes, and then the header.
fn is_safetensors(start: &[u8]) -> bool {
    start.get(8) == Some(&b'{') && start[4..8] == [0; 4]
}

/// Whether the file is one of `torch.save`, or the index of a model in several files. Other JSON files are no checkpoints.
fn is_checkpoint(start: &[u8], path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".index.json"));
    checkpoint::is_torch(start) || (named && checkpoint::is_index(start))
}

fn unknown(start: &[u8]) -> InspectError {
    InspectError::Unknown(kind_of_file(start).unwrap_or("another file"))
}
