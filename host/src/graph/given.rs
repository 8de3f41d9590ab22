//! Values and folders that the user gives besides the graph.

use super::{
    expand,
    file::{Base, File, Input, Source, Target},
    literal,
    moved::{Specs, relocate},
};
use crate::registry::Registry;
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

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
    /// What `{stem}` in paths to write stands for if the graph reads no file.
    pub stem: Option<String>,
    /// Whether a graph from elsewhere may replace files; see [`File::is_foreign`](super::File::is_foreign).
    pub overwrite: bool,
    /// Files that such a graph may replace in any case, as [`WrittenFile::path`](super::WrittenFile::path) has them.
    pub replaces: Vec<PathBuf>,
    /// Files that such a graph takes for existing ones, as other runs are about to write them.
    pub taken: Vec<PathBuf>,
    /// The only folders that paths may read from, absolute; empty for no limit. A relative path that its own folder does not have
    /// is searched in them in their order.
    pub reads_in: Vec<PathBuf>,
    /// The nodes that the run is for, as [`Checked::until`](super::Checked::until) takes them; empty for a whole run. Files of
    /// nodes that they do not need are not checked.
    pub until: Vec<String>,
    /// The position of this run in a series, counted from 0. `{index}` in paths to write stands for it, with at least three
    /// digits.
    pub index: usize,
}

impl File {
    /// This graph with the values that the user gives in it, which [`check`](super::check()) found right. Paths lead to the
    /// same files. A value inside a graph node (`outer:inner.input`) needs the expanded graph; then the result is expanded.
    #[must_use]
    pub fn with_given(self, given: &Given, registry: &Registry) -> Self {
        let whole = self.adapted(registry);
        let expanded = expand(whole.clone()).adapted(registry);
        let named = given.inputs.iter().flat_map(|(name, text)| {
            let targets = whole.named_input(name).map_or(&[][..], |named| &named.targets);
            targets.iter().map(move |target| (target.clone(), Cow::from(text)))
        });
        // A name that the graph has for an input that is gone was refused.
        let sets = given.sets.iter().filter_map(|(name, text)| expanded.renewed(Target::parse(name)?, text).ok());
        let values: Vec<(Target, Cow<'_, str>, bool)> = named
            .map(|(target, text)| (target, text, true))
            .chain(sets.map(|(target, text)| (target, text, false)))
            .collect();
        let is_inside = values.iter().any(|(target, ..)| whole.node(&target.node).is_none());
        let mut file = if is_inside { expanded.clone() } else { whole };
        let specs = Specs::new(&expanded, registry);
        let folder = file.origin.folder().unwrap_or(Path::new("")).to_path_buf();
        for (target, text, is_named) in values {
            for Target { node, input: name } in inner(&file, target) {
                let Some(spec) = specs.of(&node, &name) else { continue };
                let text = if is_named { expanded.renewed_text(&node, &name, &text) } else { Cow::from(&*text) };
                // The file of a graph node keeps its form, and with it the form of the values that it takes.
                let inner = inner(&expanded, Target { node: node.clone(), input: name.clone() });
                let is_earlier =
                    inner.iter().any(|to| to.node != node && expanded.changes_values_of(&to.node, &to.input));
                let value = if is_earlier { Ok(literal::as_written(&text)) } else { literal::from_text(&spec, &text) };
                let Ok(mut value) = value else { continue };
                relocate(&mut value, &spec, &given.cwd, &folder);
                let Some(node) = file.nodes.iter_mut().find(|of| of.id == node) else { continue };
                let new = Input { name, source: Source::Literal(value), place: None, base: Base::Graph };
                match node.inputs.iter_mut().find(|input| input.name == new.name) {
                    Some(input) => *input = new,
                    None => node.inputs.push(new),
                }
            }
        }
        file
    }
}

/// The inputs of nodes that a target sets. A target may be an input of a graph node that was replaced.
pub(super) fn inner(file: &File, target: Target) -> Vec<Target> {
    match file.graph_node(&target.node).filter(|_| file.node(&target.node).is_none()) {
        Some(graph) => {
            let named = graph.inputs.iter().filter(|named| named.name == target.input);
            named.flat_map(|named| &named.targets).flat_map(|target| inner(file, target.clone())).collect()
        }
        None => vec![target],
    }
}

/// The folders with models: the given ones, then the folders in the variable `SPLATGRAPH_MODELS`, then
/// `splatgraph/models` in the user's data folder (`XDG_DATA_HOME`, else `~/.local/share`).
#[must_use]
pub fn model_folders(given: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = given.to_vec();
    if let Some(variable) = std::env::var_os("SPLATGRAPH_MODELS") {
        folders.extend(std::env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty()));
    }
    folders.extend(data_folder().map(|folder| folder.join("models")));
    folders
}

/// The folder `splatgraph` in the user's data folder (`XDG_DATA_HOME`, else `~/.local/share`).
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share")))?;
    Some(data.join("splatgraph"))
}
