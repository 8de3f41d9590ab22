use std::path::PathBuf;

/// What a run says about a graph besides its file: the command line.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `name=value`: values of named inputs, as text.
    pub inputs: Vec<(String, String)>,
    /// `--set node.input=value`: values of any inputs, as text.
    pub sets: Vec<(String, String)>,
    /// The current directory, absolute: paths from the command line are relative to it, and so are files to write.
    pub cwd: PathBuf,
    /// `--out`: files to write are relative to this folder instead.
    pub out_dir: Option<PathBuf>,
    /// Where models are looked for, in this order; see [`model_folders`].
    pub model_dirs: Vec<PathBuf>,
    /// The position of this run in a row of runs, from 0: `{index}` in paths to write, in at least three digits.
    pub index: usize,
}

/// Where models are looked for: the folders given, then those of the variable `SPLATGRAPH_MODELS`, then
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
