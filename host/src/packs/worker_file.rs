//! Files that describe a pack in another language: the program that serves it as a worker (sdk/WORKER.md).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The most bytes of such a file.
const LONGEST: u64 = 64 << 10;

/// The content of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkerFile {
    /// The program and its arguments. An argument that is one of `files` stands for its path.
    pub(super) command: Vec<String>,
    /// The files of the pack, relative to the folder of this file. The first is its source.
    pub(super) files: Vec<String>,
}

/// A pack in another language.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// The file that is looked at for changes.
    pub(super) source: PathBuf,
    /// All files and folders of the pack.
    pub(super) files: Vec<PathBuf>,
}

/// Reads the file at a canonical path.
pub(super) fn read(path: &Path) -> Result<Described, String> {
    let length = path.metadata().map_err(|error| format!("it cannot be read: {error}"))?.len();
    if length > LONGEST {
        return Err(format!("expected at most {LONGEST} bytes, got {length}"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let file: WorkerFile = serde_json::from_str(&text).map_err(|error| {
        format!("expected an object with `command` and `files`, such as \
                 {{\"command\": [\"python3\", \"-m\", \"splatgraph.worker\", \"bright.py\"], \"files\": [\"bright.py\"]}}: {error}")
    })?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let [program, arguments @ ..] = &*file.command else {
        return Err("expected a program under `command`, got an empty list".to_owned());
    };
    let source = file.files.first().ok_or("expected the source of the pack under `files`, got an empty list")?;
    let source = folder.join(source);
    if !source.is_file() {
        return Err(format!("expected a file, found none: {}", crate::words::shown(&source)));
    }
    // A bare name is searched in PATH. Any other path is relative to the folder.
    let program = if program.contains(std::path::MAIN_SEPARATOR) { folder.join(program) } else { program.into() };
    let whole = |argument: &String| match file.files.contains(argument) {
        true => folder.join(argument).into_os_string(),
        false => argument.into(),
    };
    let files = file.files.iter().map(|file| folder.join(file)).collect();
    Ok(Described { program, arguments: arguments.iter().map(whole).collect(), source, files })
}
