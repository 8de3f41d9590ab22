//! Graphs that came with the program. They have names: `reconstruct` is the file `reconstruct.json` in one folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::graph::{File, Origin};
use crate::packs::Surroundings;
use crate::reading::{LARGEST_GRAPH, read_all};

/// A graph that came with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGraph {
    /// The name of its file without `.json`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// One line about it; may be empty.
    pub title: String,
    /// More about it; may be empty.
    pub description: String,
}

/// The folder of the graphs that came with the program: `share/splatgraph/graphs` beside the executable's folder. It exists
/// if the program was installed from a package.
#[must_use]
pub fn folder(around: &Surroundings) -> Option<PathBuf> {
    let prefix = around.executable.as_deref()?.parent()?.parent()?;
    Some(prefix.join("share").join("splatgraph").join("graphs"))
}

/// Whether a path may be the name of a graph: it has no folder and no extension, as `reconstruct`, but not `./reconstruct`.
#[must_use]
pub fn is_name(path: &Path) -> bool {
    path.file_name() == Some(path.as_os_str()) && path.extension().is_none()
}

/// The file of the graph `name` in `folder`; `None` if there is none.
#[must_use]
pub fn find(folder: &Path, name: &Path) -> Option<PathBuf> {
    let path = folder.join(name).with_extension("json");
    (is_name(name) && path.is_file()).then_some(path)
}

/// The graphs in `folder`, sorted by name; none if the folder does not exist. Leaves out files that are not graphs.
///
/// # Errors
/// The folder or a file in it can't be read.
pub fn list(folder: &Path) -> io::Result<Vec<NamedGraph>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else { continue };
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = read_all(fs::File::open(&path)?, LARGEST_GRAPH)?;
        if let Ok(file) = File::parse(&String::from_utf8_lossy(&text), Origin::File(path.clone())) {
            found.push(NamedGraph { name, path, title: file.title, description: file.description });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
