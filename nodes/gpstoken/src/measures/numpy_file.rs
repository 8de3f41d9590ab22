//! NumPy's files of several arrays (.npz), as far as statistics need them. The crates for them bring a parser generator with C code, which
//! costs more to build than these lines.

use splatgraph_sdk::{DType, Error, Result, Tensor};
use std::{
    fs::File,
    io::{BufReader, Read, Seek, Write},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// The start of every array.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The largest array that is read: a covariance of 16,384 features.
const MOST_BYTES: u64 = 16_384 * 16_384 * 8;

/// The largest header of an array.
const MOST_HEADER: usize = 1 << 16;

/// Element types by NumPy's names.
const TYPES: [(&str, DType); 3] = [("<f8", DType::F64), ("<f4", DType::F32), ("<f2", DType::F16)];

/// An open file.
pub(super) struct NumpyFile<R = BufReader<File>>(ZipArchive<R>);

impl<R: Read + Seek> NumpyFile<R> {
    pub(super) fn open(reader: R) -> Result<Self> {
        let archive = ZipArchive::new(reader);
        archive.map(Self).map_err(|e| Error::new(format!("expected a file of numpy.savez (.npz), got {e}")))
    }

    /// The names of the arrays.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.file_names().flatten().map(|name| name.trim_end_matches(".npy").to_owned()).collect()
    }

    /// An array of floats; `None` if the file does not have it.
    pub(super) fn array(&mut self, name: &str) -> Result<Option<Tensor>> {
        let file = format!("{name}.npy");
        if self.0.index_for_name(&file).is_none() {
            return Ok(None);
        }
        let mut read = || -> Result<Tensor> {
            let entry = self.0.by_name(&file).map_err(|e| Error::new(e.to_string()))?;
            read_array(entry)
        };
        read().map(Some).map_err(|e| e.context(format!("reading the array `{name}`")))
    }
}

fn read_array(mut from: impl Read) -> Result<Tensor> {
    let not_an_array = || Error::new("expected an array of NumPy, got something else");
    let mut start = [0; 8];
    from.read_exact(&mut start).map_err(|_| not_an_array())?;
    if &start[..6] != MAGIC {
        return Err(not_an_array());
    }
    // From version 2 on, the length has four bytes.
    let mut length = [0; 4];
    let digits = if start[6] == 1 { 2 } else { 4 };
    from.read_exact(&mut length[..digits]).map_err(|_| not_an_array())?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_HEADER {
        return Err(Error::new(format!("expected a header of at most {MOST_HEADER} bytes, got {length}")));
    }
    let mut header = vec![0; length];
    from.read_exact(&mut header).map_err(|_| not_an_array())?;
    let header = String::from_utf8_lossy(&header);
    let (dtype, shape) = read_header(&header)?;
    let elements = shape.iter().try_fold(1_u64, |all, side| all.checked_mul(*side as u64));
    let bytes = elements.and_then(|all| all.checked_mul(dtype.size() as u64)).filter(|bytes| *bytes <= MOST_BYTES);
    let Some(bytes) = bytes else {
        return Err(Error::new(format!("expected an array of at most {MOST_BYTES} bytes, got the shape {shape:?}")));
    };
    let mut data = Vec::new();
    from.take(bytes).read_to_end(&mut data)?;
    if data.len() as u64 != bytes {
        return Err(Error::new(format!("expected {bytes} bytes for the shape {shape:?}, got {}", data.len())));
    }
    Tensor::from_bytes(shape, dtype, &data)
}

/// Element type and shape of a header such as `{'descr': '<f8', 'fortran_order': False, 'shape': (2048, 2048), }`. The order of the axes does
/// not matter for means and covariances, which are symmetric.
fn read_header(header: &str) -> Result<(DType, Vec<usize>)> {
    let after = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
    let dtype = after("descr").and_then(|rest| rest.strip_prefix('\'')?.split('\'').next()).unwrap_or_default();
    let Some((_, dtype)) = TYPES.into_iter().find(|(name, _)| *name == dtype) else {
        return Err(Error::new(format!(
            "expected an array of floats ({}), got `{dtype}`",
            TYPES.map(|(name, _)| name).join(", ")
        )));
    };
    let sides = after("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next()).unwrap_or("?");
    let sides = sides.split(',').map(str::trim).filter(|side| !side.is_empty()).map(str::parse);
    let shape = sides.collect::<Result<Vec<usize>, _>>();
    shape.map(|shape| (dtype, shape)).map_err(|_| Error::new(format!("expected a shape in the header, got {header:?}")))
}

/// The content of a file with these arrays of f64, without compression, as `numpy.savez` writes it.
pub(super) fn to_npz(arrays: &[(&str, &[usize], &[f64])]) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let failed = |e: zip::result::ZipError| Error::new(format!("writing an .npz file: {e}"));
    for (name, shape, values) in arrays {
        writer.start_file(format!("{name}.npy"), options).map_err(failed)?;
        let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
        let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
        // The data begin at a multiple of 64 bytes.
        let start = MAGIC.len() + 4;
        header.push_str(&" ".repeat((start + header.len() + 1).next_multiple_of(64) - start - header.len() - 1));
        header.push('\n');
        writer.write_all(MAGIC)?;
        writer.write_all(&[1, 0])?;
        writer.write_all(&(header.len() as u16).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        writer.write_all(&bytes)?;
    }
    Ok(writer.finish().map_err(failed)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn arrays_survive_and_damaged_ones_are_errors() {
        let bytes = to_npz(&[("mu", &[3], &[1.0, 2.0, 3.5]), ("sigma", &[1, 1], &[4.0])]).unwrap();
        let mut file = NumpyFile::open(Cursor::new(&bytes[..])).unwrap();
        let array = file.array("mu").unwrap().unwrap();
        assert_eq!((array.shape(), array.as_slice::<f64>().unwrap()), (&[3][..], &[1.0, 2.0, 3.5][..]));
        assert_eq!(file.array("sigma").unwrap().unwrap().shape(), [1, 1]);
        assert!(file.array("mu_s").unwrap().is_none());
        for end in 0..bytes.len() {
            if let Ok(mut file) = NumpyFile::open(Cursor::new(&bytes[..end])) {
                let _ = file.array("mu");
            }
        }
        for header in ["{'descr': '|O', 'shape': (3,)}", "{'descr': '<f8', 'shape': (-3,)}", "{'descr': '<f8'}", ""] {
            assert!(read_header(header).is_err(), "{header}");
        }
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 8), }";
        let mut array = [MAGIC.as_slice(), &[1, 0], &(huge.len() as u16).to_le_bytes(), huge.as_bytes()].concat();
        array.extend([0; 64]);
        assert!(read_array(&array[..]).is_err());
    }
}
