//! Reads texts that people and other programs wrote, with limits, so that a file of another kind does not fill the memory.

use splatgraph_sdk::kind_of_file;
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

/// A text in UTF-8.
///
/// # Errors
/// It is no such text; the error says what it is, and what to do.
pub fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    const JSON: [&str; 2] = ["JSON text", "the index of a model in several files"];
    let kind = kind_of_file(&bytes);
    match kind {
        // Every second byte may be 0, which is a character too.
        Some(kind) if kind.starts_with("text in UTF-") => return Err(format!("{kind}; save the file as UTF-8")),
        // The reader of the text says more about these.
        None | Some("a text" | "an empty file") => {}
        Some(kind) if JSON.contains(&kind) => {}
        Some(kind) => return Err(kind.to_owned()),
    }
    String::from_utf8(bytes).map_err(|error| {
        if !kind.is_some_and(|kind| JSON.contains(&kind)) {
            return kind.unwrap_or("another file").to_owned();
        }
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("text in another encoding than UTF-8, such as Latin-1, in line {line}; save the file as UTF-8")
    })
}

fn in_words(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}
