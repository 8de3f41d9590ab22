//! Reads model weights: .safetensors files, and PyTorch's .pth/.pt/.bin files without running the code that these may hold.

mod numpy;
mod pickle;
mod pth;
mod strided;

use crate::{Error, Result, Tensor, record::read_safetensors};
use std::{collections::BTreeMap, path::Path};

pub use numpy::numpy_array;
pub use pickle::{Pickle, parse as parse_pickle};

/// Weights by name.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Free text, from a .safetensors file.
    pub metadata: BTreeMap<String, String>,
    /// The tensors, in host memory and of the file's element types. Names of nested dictionaries are joined by dots.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Opens a checkpoint of either kind; the content decides, not the name.
///
/// # Errors
/// The file is missing or damaged, of another kind, or a pickle that asks for code.
pub fn open(path: &Path) -> Result<Checkpoint> {
    let read = || Checkpoint::from_bytes(&std::fs::read(path)?);
    read().map_err(|e: Error| e.about_file("reading a checkpoint", path))
}

impl Checkpoint {
    /// From a whole file's content.
    ///
    /// # Errors
    /// See [`open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(b"PK\x03\x04") {
            return Ok(Self { metadata: BTreeMap::new(), tensors: pth::read(bytes)? });
        }
        if bytes.starts_with(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") {
            return Err(Error::new(
                "this is PyTorch's format of before version 1.6, which is not supported; save it again with a current torch.save, or as .safetensors",
            ));
        }
        Self::from_safetensors(bytes)
    }

    /// From the content of a .safetensors file.
    ///
    /// # Errors
    /// It is damaged or of another kind.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let (tensors, metadata) = read_safetensors(bytes)?;
        Ok(Self { metadata: metadata.into_iter().collect(), tensors: tensors.into_iter().collect() })
    }
}
