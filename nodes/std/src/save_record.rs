//! `std.SaveRecord`

use splatgraph_sdk::prelude::*;

/// The precision of f32 fields in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Precision {
    /// Full precision.
    F32,
    /// Half the size; about three digits.
    F16,
}

/// Writes a record, such as tokens, to a .safetensors file.
///
/// The node writes any record with its type and header. LoadRecord reads the file, and so does safetensors in Python. A batch is
/// one file. The node creates missing folders. The file is complete when it appears under its name.
#[node(category = "Record", output, outputs(path: "The file."))]
pub fn save_record(
    /// The record.
    value: Record,
    /// The file.
    #[input(path = write, extensions = ["safetensors"])]
    path: PathBuf,
    /// The precision of f32 fields; other fields do not change.
    #[input(default = Precision::F32)]
    dtype: Precision,
) -> Result<PathBuf> {
    let dtype = match dtype {
        Precision::F32 => DType::F32,
        Precision::F16 => DType::F16,
    };
    value.save(&path, dtype).map_err(|e| e.blame("path"))?;
    Ok(path)
}
