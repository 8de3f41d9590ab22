//! `std.SaveRecord`

use splatgraph_sdk::prelude::*;

/// The precision of f32 fields in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Precision {
    /// As they are.
    F32,
    /// Half the size; about three digits.
    F16,
}

/// Writes a record, such as tokens, to a .safetensors file.
///
/// Any record can be saved, with its type and header, and read with LoadRecord or in Python with safetensors. A batch is
/// one file. Missing folders are made. The file appears under its name only when it is complete.
#[node(category = "Record", output, outputs(path: "The file."))]
pub fn save_record(
    /// The record.
    value: Record,
    /// The file.
    #[input(path = write)]
    path: PathBuf,
    /// The precision of f32 fields; others are stored as they are.
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
