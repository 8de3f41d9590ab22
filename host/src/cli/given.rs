//! The options for values of inputs and for folders.

use std::path::{Path, PathBuf};

use splatgraph::graph::{self, class_of};
use splatgraph::registry::Registry;
use splatgraph_sdk::spec::PathKind;

use super::failure::{FAILED, Failure, Outcome};
use super::output::shown;

// The values of inputs alone, for commands that write no files of nodes.
#[derive(Clone, clap::Args)]
pub(crate) struct ValueOptions {
    /// Values of the graph's named inputs; `splatgraph run GRAPH --help` lists them
    #[arg(value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// Set any input of a node; may be given several times
    #[arg(long = "set", value_name = "NODE.INPUT=VALUE")]
    sets: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct GivenOptions {
    #[command(flatten)]
    inputs: ValueOptions,
    /// Write files into this folder instead of the current directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files that exist, although the graph comes from a picture, from standard input or from another program. Without
    /// this option, such a graph's files get a number
    #[arg(long)]
    overwrite: bool,
    /// Search for models in this folder too; may be given several times
    #[arg(long = "models", value_name = "DIR")]
    models: Vec<PathBuf>,
}

impl GivenOptions {
    /// The options of a command that writes no files of nodes.
    pub(crate) fn of(inputs: &ValueOptions, models: &[PathBuf]) -> Self {
        Self { inputs: inputs.clone(), out: None, overwrite: false, models: models.to_vec() }
    }

    /// The values and folders for a graph. Without the graph, errors have fewer hints.
    pub(crate) fn given(&self, graph: Option<(&graph::File, &Registry)>) -> Outcome<graph::Given> {
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::usage(format!("the current directory cannot be read: {error}")))?;
        // Of the expanded graph, as an input may be for a node of a graph node. Expanding reads files, so only hints do it.
        let reads = || {
            let found = graph.map(|(file, registry)| {
                inputs_for_files(&graph::expand(file.clone().adapted(registry)).adapted(registry), registry)
            });
            found.unwrap_or_default()
        };
        let inputs = pairs(&self.inputs.values, "NAME=VALUE").map_err(|failure| {
            match self.bare_file(&cwd).and_then(|file| Some((file, reads().into_iter().next()?))) {
                Some((file, name)) => Failure::usage(format!("{}; did you mean `{name}={file}`?", failure.message)),
                None => failure,
            }
        })?;
        let many = inputs.iter().find_map(|(name, value)| {
            let what = match cwd.join(value) {
                path if path.is_dir() => "folder",
                path if value.contains(['*', '?', '[']) && !path.exists() => "pattern",
                _ => return None,
            };
            if !reads().contains(name) {
                return None;
            }
            let pattern = if what == "folder" { format!("{}/*", value.trim_end_matches('/')) } else { value.clone() };
            Some(Failure::usage(format!(
                "`{name}={value}`: expected a file, got a {what}; `splatgraph batch` runs the graph over many files: {name}='{pattern}'"
            )))
        });
        many.map_or(Ok(()), Err)?;
        Ok(graph::Given {
            inputs,
            sets: pairs(&self.inputs.sets, "--set NODE.INPUT=VALUE")?,
            cwd,
            out_dir: self.out.clone(),
            model_dirs: graph::model_folders(&self.models),
            overwrite: self.overwrite,
            ..graph::Given::default()
        })
    }

    /// The first value without a name that is a file.
    fn bare_file(&self, cwd: &Path) -> Option<&String> {
        self.inputs.values.iter().find(|text| !text.contains('=') && cwd.join(text).is_file())
    }
}

/// The named inputs that take a file to read.
fn inputs_for_files(file: &graph::File, registry: &Registry) -> Vec<String> {
    let is_for_file = |target: &graph::Target| {
        let class = class_of(file.node(&target.node)?, registry)?;
        let spec = class.spec.inputs.iter().find(|spec| spec.name == target.input)?;
        Some(spec.path == Some(PathKind::Read) && !spec.list)
    };
    let named = file.inputs.iter().filter(|named| named.targets.iter().filter_map(is_for_file).any(|is| is));
    named.map(|named| named.name.clone()).collect()
}

/// Creates the folder of `--out`.
pub(crate) fn create_out_dir(given: &graph::Given) -> Outcome {
    let Some(folder) = &given.out_dir else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::new(FAILED, format!("the folder for output cannot be created: {error}\n  {}", shown(folder)))
    })
}

/// Splits `name=value`.
pub(crate) fn pairs(texts: &[String], form: &str) -> Outcome<Vec<(String, String)>> {
    let split = |text: &String| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    };
    texts
        .iter()
        .map(|text| split(text).ok_or_else(|| Failure::usage(format!("expected {form}, got `{text}`"))))
        .collect()
}
