//! Reads model weights: .safetensors files, and PyTorch's .pth/.pt/.bin files without running the code that these may hold.

mod numpy;
mod pickle;
mod pth;
mod strided;

use crate::{
    DType, Error, Result, Tensor,
    content::Content,
    record::{Contents, read_file, read_safetensors, to_safetensors, write_whole},
};
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
    /// From a whole file's content.
    ///
    /// # Errors
    /// See [`open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        match other_kind(bytes)? {
            Some(tensors) => Ok(Self { metadata: BTreeMap::new(), tensors }),
            None => Self::from_safetensors(bytes),
        }
    }

    /// From the content of a .safetensors file.
    ///
    /// # Errors
    /// It is damaged or of another kind.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        read_safetensors(bytes).map(Self::of)
    }

    /// Writes a .safetensors file: as a whole, under a temporary name first. f32 tensors are stored as `dtype` (F32 or F16), others
    /// as they are. The same content gives the same bytes.
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
        let doing = "writing a checkpoint; check that the folder exists, may be written to and has space";
        write().map_err(|e: Error| e.about_file(doing, path))
    }

    fn of((tensors, metadata): Contents) -> Self {
        Self { metadata: metadata.into_iter().collect(), tensors: tensors.into_iter().collect() }
    }
}

/// The tensors of a file of PyTorch's; none where it must be a .safetensors file.
fn other_kind(bytes: &[u8]) -> Result<Option<BTreeMap<String, Tensor>>> {
    if bytes.starts_with(b"PK\x03\x04") {
        return pth::read(bytes).map(Some);
    }
    if bytes.starts_with(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") {
        return Err(Error::new(
            "this is PyTorch's format of before version 1.6, which is not supported; save it again with a current torch.save, or as .safetensors",
        ));
    }
    Ok(None)
}
