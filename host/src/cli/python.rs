//! Packs in Python: the module that they use, and the program that runs them.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

use splatgraph_sdk::write_whole;

use super::failure::{FAILED, Failure, Outcome};
use super::output;

include!(concat!(env!("OUT_DIR"), "/python.rs"));

/// Writes the module, with which `python FOLDER FILE` serves a file. Files that are the same already stay.
pub(crate) fn write_module(folder: &Path) -> Outcome {
    for (name, text) in MODULE {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(parent).map_err(Into::into);
        let written = written.and_then(|()| write_whole(&path, text.as_bytes()));
        written.map_err(|error: splatgraph_sdk::Error| {
            Failure::new(
                FAILED,
                format!("the module for Python cannot be written: {error}\n  {}", output::shown(&path)),
            )
        })?;
    }
    Ok(())
}

/// The whole path of a Python: of the one that the user names, or of `python3` in PATH. A link stays one, as a virtual environment is
/// known by its link.
#[cfg(unix)]
pub(crate) fn interpreter(named: Option<&Path>) -> Outcome<PathBuf> {
    let missing = |what: &str| Failure::usage(format!("--python: expected the program of a Python, {what}"));
    if let Some(named) = named.filter(|named| named.components().count() > 1) {
        let whole =
            std::path::absolute(named).map_err(|error| missing(&format!("got a path that is none: {error}")))?;
        return match whole.is_file() {
            true => Ok(whole),
            false => Err(missing(&format!("got no file\n  {}", output::shown(named)))),
        };
    }
    let name = named.unwrap_or(Path::new("python3"));
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(&folders).map(|folder| folder.join(name));
    let found = programs.find(|program| program.is_file());
    found.ok_or_else(|| {
        missing(&format!("found no `{}`; install it, or name one such as .venv/bin/python", output::shown(name)))
    })
}
