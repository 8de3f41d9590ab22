//! Files that a node writes for the user.

use crate::{Error, Result, write_whole};
use std::path::{Path, PathBuf};

/// The file of picture `b` of a batch of `count`. The index replaces `{b}` in the path. In a path without `{b}`, pictures of a batch get
/// `-000`, `-001` and so on at the end of the name.
#[must_use]
pub fn numbered(path: &Path, b: usize, count: usize) -> PathBuf {
    let text = path.to_string_lossy();
    if text.contains("{b}") {
        return PathBuf::from(text.replace("{b}", &b.to_string()));
    }
    if count == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{b:03}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

/// Writes a file as a whole, like [`write_whole`], and creates missing folders.
///
/// # Errors
/// The file can't be written. The error names the input `path` and the obstacle. The caller adds the path to the message; the location
/// of the error is the caller.
#[track_caller]
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.is_dir() {
        return Err(Error::input("path", "expected a file name, got a folder"));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(file) = folder.ancestors().find(|f| f.is_file()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        return Err(Error::input("path", format!("expected a folder, but `{name}` is a file")));
    }
    let written = std::fs::create_dir_all(folder).map_err(Error::from).and_then(|()| write_whole(path, bytes));
    let Err(e) = written else { return Ok(()) };
    let hint = "check that the folder may be written to and that the disk has space";
    Err(Error::input("path", format!("{}; {hint}", e.message)))
}
