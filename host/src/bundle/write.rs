//! Writes a bundle.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use splatgraph_sdk::{TemporaryFile, open_file};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::contents::{Bundle, BundleError};
use crate::graph::{LOCK_NAME, folder_of};
use crate::locked;
use crate::sha256::hex;
use crate::sums;

impl Bundle {
    /// Writes the archive, as a whole. Equal contents give equal bytes.
    ///
    /// # Errors
    /// The archive can't be written, or a file changed since its sum was taken.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        let unwritable = |error: io::Error| BundleError::Unwritable { path: path.to_owned(), error };
        let folder = if folder_of(path).as_os_str().is_empty() { Path::new(".") } else { folder_of(path) };
        let mut temporary = TemporaryFile::new(folder).map_err(unwritable)?;
        let mut zip = ZipWriter::new(BufWriter::new(temporary.file()));
        let lock = locked::text(&self.lock);
        let texts =
            [(LOCK_NAME, &lock)].into_iter().chain(self.texts.iter().map(|(place, text)| (place.as_str(), text)));
        for (place, text) in texts {
            let started = zip.start_file(place, options(text.len() as u64)).map_err(of_zip);
            started.and_then(|()| zip.write_all(text.as_bytes())).map_err(unwritable)?;
        }
        for (place, file) in &self.files {
            let unreadable = |error| BundleError::Unreadable { path: file.clone(), error };
            let expected = sums::of_file(file).map_err(unreadable)?;
            let source = open_file(file).map_err(unreadable)?;
            let size = size_of(file).map_err(unreadable)?;
            zip.start_file(place.as_str(), options(size)).map_err(of_zip).map_err(unwritable)?;
            let mut source = Summed { source: BufReader::new(source), sum: Sha256::new() };
            io::copy(&mut source, &mut zip).map_err(unwritable)?;
            if hex(&source.sum.finalize()) != expected {
                return Err(BundleError::Changed(file.clone()));
            }
        }
        let mut file = zip.finish().map_err(of_zip).map_err(unwritable)?;
        file.flush().map_err(unwritable)?;
        drop(file);
        temporary.rename(path).map_err(unwritable)
    }

    /// The places of all files of the archive, and the files that they were.
    pub fn files(&self) -> impl Iterator<Item = (&str, Option<&PathBuf>)> {
        let texts = self.texts.keys().map(|place| (place.as_str(), None));
        texts.chain(self.files.iter().map(|(place, file)| (place.as_str(), Some(file))))
    }
}

/// Pictures and weights hardly get smaller, and texts are small. Without a time of day, equal contents give equal bytes.
fn options(size: u64) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    options.large_file(size >= u64::from(u32::MAX)).unix_permissions(0o644)
}

/// The size of a file; of a member of a shard at most this.
fn size_of(file: &Path) -> io::Result<u64> {
    let file = splatgraph_sdk::shard::split(file).map_or(file, |(shard, _)| shard);
    Ok(file.metadata()?.len())
}

/// Takes the sum of what is read.
struct Summed<R> {
    source: R,
    sum: Sha256,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.sum.update(&buffer[..length]);
        Ok(length)
    }
}

fn of_zip(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
