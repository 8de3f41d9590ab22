//! Files that a node writes where the user says.

use crate::{Error, Result, write_whole};
use std::path::{Path, PathBuf};

/// The file of picture `b` of a batch of `count`: `{b}` in the path is replaced by the index; without it, a batch adds `-000`, `-001`
/// and so on to the name.
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

/// Writes a file as a whole, as [`write_whole`] does, and makes the folders that are missing.
///
/// # Errors
/// It can't be written; blames the input `path`, and says what is in the way. The path is left to the caller to add, who is the place
/// of the error, too.
#[track_caller]
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.is_dir() {
        return Err(Error::input("path", "a file name was expected, this is a folder"));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(file) = folder.ancestors().find(|f| f.is_file()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        return Err(Error::input("path", format!("a folder was expected, but `{name}` is a file")));
    }
    let written = std::fs::create_dir_all(folder).map_err(Error::from).and_then(|()| write_whole(path, bytes));
    let Err(e) = written else { return Ok(()) };
    let hint = "check that the folder may be written to and that the disk has space";
    Err(Error::input("path", format!("{}; {hint}", e.message)))
}
