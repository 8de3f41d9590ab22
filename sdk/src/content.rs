//! The content of a file, which its tensors share.

use crate::{DType, Result, Tensor};
use memmap2::MmapMut;
use std::{fs::File, io::Read, ops::Range, path::Path, sync::Arc};

/// A whole file's bytes in memory of our own: what happens to the file later changes nothing.
#[derive(Clone)]
pub(crate) struct Content(Arc<MmapMut>);

impl Content {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Self::read_stream(file);
        }
        let length = usize::try_from(about.len()).map_err(std::io::Error::other)?;
        let mut memory = MmapMut::map_anon(length)?;
        // With pages of 2 MiB a checkpoint comes with hundreds of page faults instead of a hundred thousand. Advice only.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        file.read_exact(&mut memory)?;
        Ok(Self(Arc::new(memory)))
    }

    /// From a pipe, whose length is not known before.
    fn read_stream(mut stream: File) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let mut memory = MmapMut::map_anon(bytes.len())?;
        memory.copy_from_slice(&bytes);
        Ok(Self(Arc::new(memory)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The tensor that these bytes hold: without a copy where they are aligned, as in files written by usual programs.
    pub(crate) fn tensor(&self, range: Range<usize>, shape: &[usize], dtype: DType) -> Result<Tensor> {
        let bytes = &self.bytes()[range.clone()];
        if bytes.as_ptr().addr().is_multiple_of(dtype.size()) {
            return Tensor::of_content(self.clone(), range, shape, dtype);
        }
        Tensor::from_bytes(shape, dtype, bytes)
    }
}
