//! Reads texts that people and other programs wrote, with limits, so that a file of another kind does not fill the memory.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The largest text of a graph, in bytes.
pub const LARGEST_GRAPH: u64 = 64 << 20;
/// The most values in a graph, as each takes much more memory than its text.
pub(crate) const MOST_VALUES: usize = 2_000_000;

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// The file can't be read, or is larger.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, most)
}

/// Reads a source of at most `most` bytes to its end.
///
/// # Errors
/// The source can't be read, or has more bytes.
pub fn read_all(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("expected at most {}, got more", in_words(most));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn in_words(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}
