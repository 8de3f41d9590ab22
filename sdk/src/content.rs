//! The content of a file, which its tensors share.

use crate::{DType, Error, Result, Tensor, kind_of_file::START, limits, open_file};
use memmap2::MmapMut;
use std::{
    fs::File,
    io::{Read, Seek},
    ops::Range,
    path::Path,
    sync::Arc,
};

/// The bytes of a whole file, copied to memory. Later changes to the file have no effect.
#[derive(Clone)]
pub(crate) struct Content(Arc<MmapMut>);

impl Content {
    /// Reads a file. First, `check` sees its first [`START`] bytes and its length, so that it can refuse a file of another kind
    /// before the whole file is in memory. The length of a pipe counts as endless.
    pub(crate) fn read(path: &Path, check: impl Fn(&[u8], u64) -> Result<()>) -> Result<Self> {
        let mut file = open_file(path)?;
        let mut start = Vec::new();
        file.by_ref().take(START as u64).read_to_end(&mut start)?;
        if !file.is_file()? {
            check(&start, u64::MAX)?;
            return Self::copy(&read_stream(start, file)?);
        }
        let length = file.length()?;
        check(&start, length)?;
        file.rewind()?;
        let length = usize::try_from(length).map_err(Error::new)?;
        let mut memory = MmapMut::map_anon(length)?;
        // With pages of 2 MiB, reading a checkpoint takes hundreds of page faults instead of a hundred thousand. This is only advice.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        match file.plain() {
            Some(file) => fill(file, &mut memory)?,
            None => file.read_exact(&mut memory)?,
        }
        Ok(Self(Arc::new(memory)))
    }

    /// Copies bytes that somebody else owns.
    pub(crate) fn copy(bytes: &[u8]) -> Result<Self> {
        let mut memory = MmapMut::map_anon(bytes.len())?;
        memory.copy_from_slice(bytes);
        Ok(Self(Arc::new(memory)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether a tensor of this range shares its memory.
    pub(crate) fn is_aligned(&self, range: &Range<usize>, dtype: DType) -> bool {
        self.bytes()[range.clone()].as_ptr().addr().is_multiple_of(dtype.size())
    }

    /// The tensor in these bytes. Aligned bytes, which common programs write, are not copied.
    pub(crate) fn tensor(&self, range: Range<usize>, shape: &[usize], dtype: DType) -> Result<Tensor> {
        if self.is_aligned(&range, dtype) {
            return Tensor::of_content(self.clone(), range, shape, dtype);
        }
        Tensor::from_bytes(shape, dtype, &self.bytes()[range])
    }
}

/// Reads a whole file, or a member of a shard as [`open_file`] does. From a pipe or a device, whose length is not known in advance, it reads at most 1 GiB, or as much as the
/// environment variable `SPLATGRAPH_READ_LIMIT` allows.
///
/// # Errors
/// The file can't be read, or the pipe has no end in sight.
pub fn read_whole(path: &Path) -> Result<Vec<u8>> {
    let mut file = open_file(path)?;
    if !file.is_file()? {
        return read_stream(Vec::new(), file);
    }
    let mut bytes = Vec::new();
    match file.plain() {
        Some(mut file) => file.read_to_end(&mut bytes)?,
        None => file.read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// Reads the rest of a pipe or a device, behind the bytes that are read already.
fn read_stream(mut bytes: Vec<u8>, stream: impl Read) -> Result<Vec<u8>> {
    let most = limits::of_stream()?;
    stream.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(limits::too_long(most));
    }
    Ok(bytes)
}

/// Reads the file from its beginning, in parts at the same time. The file is mostly in the system's cache; touching fresh memory takes
/// the time.
#[cfg(unix)]
fn fill(file: &File, memory: &mut [u8]) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    /// The number of bytes that make another thread worthwhile, and the number of threads that keep the memory busy.
    const PART: usize = 32 << 20;
    const MOST_THREADS: usize = 4;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let part = memory.len().div_ceil(threads).max(PART);
    std::thread::scope(|scope| {
        let parts = memory.chunks_mut(part).enumerate();
        let read = |(i, to): (usize, &mut [u8])| file.read_exact_at(to, (i * part) as u64);
        let readers: Vec<_> = parts.map(|part| scope.spawn(move || read(part))).collect();
        let done =
            readers.into_iter().map(|reader| reader.join().map_err(|_| std::io::Error::other("a reader panicked"))?);
        done.collect()
    })
}

#[cfg(not(unix))]
fn fill(mut file: &File, memory: &mut [u8]) -> std::io::Result<()> {
    file.read_exact(memory)
}

#[cfg(test)]
mod tests {
    use super::{Content, fill};
    use crate::checkpoint;
    use std::fs::File;

    #[test]
    fn a_file_of_several_parts_is_read_whole() {
        let mut numbers = 0u32..;
        let bytes: Vec<u8> = numbers.by_ref().take(18 << 20).flat_map(u32::to_le_bytes).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        assert!(Content::read(file.path(), |_, _| Ok(())).unwrap().bytes() == bytes);
        let mut more = vec![0; bytes.len() + 1];
        let error = fill(&File::open(file.path()).unwrap(), &mut more).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }

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
        assert!(
            error.starts_with(
                "reading a checkpoint: expected a checkpoint (.safetensors or a file of torch.save), got an empty file"
            ),
            "{error}"
        );
    }
}
