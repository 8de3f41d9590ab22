//! `std.LoadRecord`

use splatgraph_sdk::prelude::*;

/// Reads a record, such as tokens, from a .safetensors file.
///
/// The file names the type of the record; without a name, its fields decide. The node that takes the record checks the type.
#[node(category = "Record", outputs(value: "The record."))]
pub fn load_record(
    /// The file.
    #[input(path = read)]
    path: PathBuf,
) -> Result<Record> {
    Record::load(&path).map_err(|e| e.blame("path"))
}
