//! Reads model weights from .safetensors files, from PyTorch's .pth, .pt and .bin files, and from several of them by their index. It
//! does not run the code that PyTorch's files may hold.

mod index;
mod numpy;
mod pickle;
mod strided;
mod torch;

use crate::{
    DType, Error, Result, Tensor,
    content::Content,
    kind_of_file::kind_of_file,
    record::to_safetensors,
    tensors_file::{Contents, is_safetensors, read_file, read_safetensors},
    whole_file::write_whole,
};
use std::{collections::BTreeMap, path::Path};

pub use index::{is_index, parts};
pub use numpy::numpy_array;
pub use pickle::{Pickle, parse as parse_pickle};
pub use torch::is_torch;

/// Weights by name.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// The metadata of a .safetensors file.
    pub metadata: BTreeMap<String, String>,
    /// The tensors by name, in host memory, with the element types of the file. Dots join the names of nested dictionaries.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Opens a checkpoint of either kind, or all parts of a model by its index (`*.index.json`). The content decides about the kind, not
/// the name.
///
/// # Errors
/// The file is missing, damaged or of another kind, it is a pickle that asks to run code, two of its tensors have the same name, or
/// it needs much more memory than its size.
pub fn open(path: &Path) -> Result<Checkpoint> {
    let read = || {
        let content = Content::read(path, check)?;
        if is_index(content.bytes()) { index::read(content.bytes(), path) } else { of_content(&content) }
    };
    read().map_err(|e: Error| e.about_file("reading a checkpoint", path))
}

/// Reads a part of a model, which is no index.
fn open_part(path: &Path) -> Result<Checkpoint> {
    let read = || {
        let content = Content::read(path, check)?;
        of_content(&content)
    };
    read().map_err(|e: Error| e.about_file("reading a part of a checkpoint", path))
}

fn of_content(content: &Content) -> Result<Checkpoint> {
    if is_torch(content.bytes()) {
        return Ok(Checkpoint { metadata: BTreeMap::new(), tensors: torch::read(content)? });
    }
    Ok(Checkpoint::of(read_file(content)?))
}

/// Refuses a file of another kind by its first bytes.
fn check(start: &[u8], length: u64) -> Result<()> {
    if is_torch(start) || is_index(start) || is_safetensors(start, length) {
        return Ok(());
    }
    let got = kind_of_file(start).unwrap_or("a damaged one or another kind of file");
    Err(Error::new(format!("expected a checkpoint (.safetensors or a file of torch.save), got {got}")))
}

impl Checkpoint {
    /// Reads the content of a file of either kind.
    ///
    /// # Errors
    /// See [`open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        check(bytes, bytes.len() as u64)?;
        if is_index(bytes) {
            return Err(Error::new(
                "expected a checkpoint, got the index of a model in several files; open it by its path",
            ));
        }
        if is_torch(bytes) { of_content(&Content::copy(bytes)?) } else { Self::from_safetensors(bytes) }
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
