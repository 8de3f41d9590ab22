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

#[cfg(test)]
mod tests {
    use crate::checkpoint;

    #[test]
    fn tensors_share_the_memory_of_a_file_where_they_are_aligned() {
        let mut head = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},"c":{"dtype":"F32","shape":[1],"data_offsets":[9,13]}}"#.to_owned();
        head.push_str(&" ".repeat(head.len().next_multiple_of(8) - head.len()));
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend(head.as_bytes());
        bytes.extend([0.5f32, -2.0].map(f32::to_le_bytes).concat());
        bytes.push(7);
        bytes.extend(3.5f32.to_le_bytes());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();

        let tensors = checkpoint::open(file.path()).unwrap().tensors;
        std::fs::write(file.path(), b"something else").unwrap();
        assert_eq!(tensors["a"].as_slice::<f32>().unwrap(), [0.5, -2.0]);
        assert_eq!(tensors["b"].as_slice::<u8>().unwrap(), [7]);
        assert_eq!(tensors["c"].as_slice::<f32>().unwrap(), [3.5]);
        let address = |name: &str| tensors[name].bytes().as_ptr().addr();
        assert_eq!(address("b") - address("a"), 8);
        assert_ne!(address("c"), address("b") + 1);
        assert_eq!(tensors["a"].clone().into_vec::<f32>().unwrap(), [0.5, -2.0]);
        assert_eq!(tensors["a"].clone().reshape([2, 1]).unwrap().as_slice::<f32>().unwrap(), [0.5, -2.0]);
    }

    #[test]
    fn an_empty_file_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = checkpoint::open(file.path()).unwrap_err().message;
        assert!(error.starts_with("reading a checkpoint: a whole .safetensors file was expected"), "{error}");
    }
}
