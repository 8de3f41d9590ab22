//! Reads .safetensors files.

use crate::{DType, Error, Result, Tensor, content::Content, kind_of_file::kind_of_file};
use safetensors::{Dtype as FileDtype, SafeTensorError, SafeTensors};
use std::{collections::HashMap, ops::Range};

/// Element types and their names in files, in the order of [`DType`].
pub(crate) const FILE_DTYPES: [(DType, FileDtype); 13] = [
    (DType::F64, FileDtype::F64),
    (DType::F32, FileDtype::F32),
    (DType::F16, FileDtype::F16),
    (DType::BF16, FileDtype::BF16),
    (DType::I64, FileDtype::I64),
    (DType::I32, FileDtype::I32),
    (DType::I16, FileDtype::I16),
    (DType::I8, FileDtype::I8),
    (DType::U64, FileDtype::U64),
    (DType::U32, FileDtype::U32),
    (DType::U16, FileDtype::U16),
    (DType::U8, FileDtype::U8),
    (DType::Bool, FileDtype::BOOL),
];

/// Tensors and metadata of a .safetensors file.
pub(crate) type Contents = (Vec<(String, Tensor)>, HashMap<String, String>);

/// Everything in a .safetensors file, copied.
pub(crate) fn read_safetensors(bytes: &[u8]) -> Result<Contents> {
    read(bytes, |range, shape, dtype| Tensor::from_bytes(shape, dtype, &bytes[range]))
}

/// Everything in a .safetensors file; the tensors share the memory of the content.
pub(crate) fn read_file(content: &Content) -> Result<Contents> {
    read(content.bytes(), |range, shape, dtype| content.tensor(range, shape, dtype))
}

fn read(bytes: &[u8], tensor: impl Fn(Range<usize>, &[usize], DType) -> Result<Tensor>) -> Result<Contents> {
    if !is_safetensors(bytes, bytes.len() as u64) {
        return Err(Error::new(not_safetensors(bytes)));
    }
    let header = &bytes[8..8 + header_length(bytes) as usize];
    if header.iter().filter(|byte| **byte == b',').count() > MOST_ENTRIES {
        return Err(Error::new(format!("expected a header of at most {MOST_ENTRIES} entries, got more")));
    }
    let damaged = |e: SafeTensorError| {
        Error::new(format!("expected a whole .safetensors file, got a damaged one ({e}); get the file again"))
    };
    let (length, head) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let names = head.offset_keys();
    let metadata = head.metadata().clone().unwrap_or_default();
    let tensors = names
        .into_iter()
        .map(|name| {
            let info = head.info(&name).ok_or_else(|| damaged(SafeTensorError::TensorNotFound(name.clone())))?;
            let dtype = FILE_DTYPES.iter().find(|(_, f)| *f == info.dtype).map(|(d, _)| *d);
            let dtype = dtype.ok_or_else(|| {
                Error::new(format!("expected a supported element type in the field `{name}`, got {:?}", info.dtype))
            })?;
            let (start, end) = info.data_offsets;
            let tensor = tensor(8 + length + start..8 + length + end, &info.shape, dtype)?;
            Ok((name, tensor))
        })
        .collect::<Result<_>>()?;
    Ok((tensors, metadata))
}

/// The largest header that safetensors reads.
const MAX_HEADER: u64 = 100_000_000;
/// The most entries in a header, counted by commas, as each takes much more memory than its text. A tensor has about six.
const MOST_ENTRIES: usize = 3_000_000;

/// The length of the header, or too much if the file is shorter than that number.
fn header_length(start: &[u8]) -> u64 {
    start.first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}

/// Whether a file of this length, which begins like this, may be a .safetensors file: the length of a JSON header, and then the header.
pub(crate) fn is_safetensors(start: &[u8], length: u64) -> bool {
    let header = header_length(start);
    start.get(8) == Some(&b'{') && header <= MAX_HEADER && header + 8 <= length
}

pub(crate) fn not_safetensors(start: &[u8]) -> String {
    let got = kind_of_file(start).unwrap_or("a damaged one or another kind of file");
    format!("expected a whole .safetensors file, got {got}")
}
