//! Values and folders that the user gives besides the graph.

use std::path::PathBuf;

/// Values and folders for a run besides the graph file, as from a command line.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Values of named inputs: `name` and the value as text.
    pub inputs: Vec<(String, String)>,
    /// Values of any inputs: `node.input` and the value as text.
    pub sets: Vec<(String, String)>,
    /// The current directory, absolute. Paths among the values are relative to it, and so are files to write.
    pub cwd: PathBuf,
    /// Files to write are relative to this folder instead, if there is one.
    pub out_dir: Option<PathBuf>,
    /// The folders with models, in the order of the search; see [`model_folders`].
    pub model_dirs: Vec<PathBuf>,
    /// Whether a graph from elsewhere may replace files; see [`File::is_foreign`](super::File::is_foreign).
    pub overwrite: bool,
    /// Files that such a graph may replace in any case, as [`WrittenFile::path`](super::WrittenFile::path) has them.
    pub replaces: Vec<PathBuf>,
    /// The position of this run in a series, counted from 0. `{index}` in paths to write stands for it, with at least three
    /// digits.
    pub index: usize,
}

/// The folders with models: the given ones, then the folders in the variable `SPLATGRAPH_MODELS`, then
/// `splatgraph/models` in the user's data folder (`XDG_DATA_HOME`, else `~/.local/share`).
#[must_use]
pub fn model_folders(given: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = given.to_vec();
    if let Some(variable) = std::env::var_os("SPLATGRAPH_MODELS") {
        folders.extend(std::env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty()));
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(data) = data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share"))) {
        folders.push(data.join("splatgraph/models"));
    }
    folders
}
