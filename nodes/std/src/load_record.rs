//! `std.LoadRecord`

use splatgraph_sdk::prelude::*;

/// Reads a record, such as tokens, from a .safetensors file.
///
/// The type is the one that the file names, or the one that its fields fit; the node that takes the record checks it.
#[node(category = "Record", outputs(value: "The record."))]
pub fn load_record(
    /// The file.
    #[input(path = read)]
    path: PathBuf,
) -> Result<Record> {
    Record::load(&path).map_err(|e| e.blame("path"))
}
