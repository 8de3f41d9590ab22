//! Reads model weights from .safetensors files and from PyTorch's .pth, .pt and .bin files. It does not run the code that PyTorch's
//! files may hold.

mod numpy;
mod pickle;
mod pth;
mod strided;

use crate::{
    DType, Error, Result, Tensor,
    content::Content,
    record::{Contents, read_file, read_safetensors, to_safetensors},
    whole_file::write_whole,
};
use std::{collections::BTreeMap, path::Path};

pub use numpy::numpy_array;
pub use pickle::{Pickle, parse as parse_pickle};

/// Weights by name.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// The metadata of a .safetensors file.
    pub metadata: BTreeMap<String, String>,
    /// The tensors by name, in host memory, with the element types of the file. Dots join the names of nested dictionaries.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Opens a checkpoint of either kind. The content decides about the kind, not the name.
///
/// # Errors
/// The file is missing, damaged or of another kind, or it is a pickle that asks to run code.
pub fn open(path: &Path) -> Result<Checkpoint> {
    let read = || {
        let content = Content::read(path)?;
        match other_kind(content.bytes())? {
            Some(tensors) => Ok(Checkpoint { metadata: BTreeMap::new(), tensors }),
            None => Ok(Checkpoint::of(read_file(&content)?)),
        }
    };
    read().map_err(|e: Error| e.about_file("reading a checkpoint", path))
}

impl Checkpoint {
    /// Reads the content of a file of either kind.
    ///
    /// # Errors
    /// See [`open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        match other_kind(bytes)? {
            Some(tensors) => Ok(Self { metadata: BTreeMap::new(), tensors }),
            None => Self::from_safetensors(bytes),
        }
    }

    /// Reads the content of a .safetensors file.
    ///
    /// # Errors
    /// The file is damaged or of another kind.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        read_safetensors(bytes).map(Self::of)
    }

    /// Writes a .safetensors file under a temporary name and renames it. f32 tensors are stored as `dtype` (F32 or F16), others
    /// unchanged. The same tensors and metadata give the same bytes.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn save(&self, path: &Path, dtype: DType) -> Result<()> {
        let write = || {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let tensors = self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
            write_whole(path, &to_safetensors(tensors, &self.metadata, dtype)?)
        };
        let doing = "writing a checkpoint; check that the folder exists, is writable and has space";
        write().map_err(|e: Error| e.about_file(doing, path))
    }

    fn of((tensors, metadata): Contents) -> Self {
        Self { metadata: metadata.into_iter().collect(), tensors: tensors.into_iter().collect() }
    }
}

/// The tensors of a PyTorch file; `None` for other files.
fn other_kind(bytes: &[u8]) -> Result<Option<BTreeMap<String, Tensor>>> {
    if bytes.starts_with(b"PK\x03\x04") {
        return pth::read(bytes).map(Some);
    }
    if bytes.starts_with(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") {
        return Err(Error::new(
            "expected PyTorch's format of version 1.6 or later, got an older one; save the file again with a current torch.save, or as .safetensors",
        ));
    }
    Ok(None)
}
