//! The options for values of inputs and for folders.

use std::path::PathBuf;

use splatgraph::graph;

use super::failure::{FAILED, Failure, Outcome};
use super::output::shown;

#[derive(clap::Args)]
pub(crate) struct GivenOptions {
    /// Values of the graph's named inputs; `splatgraph run GRAPH --help` lists them
    #[arg(value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// Set any input of a node; may be given several times
    #[arg(long = "set", value_name = "NODE.INPUT=VALUE")]
    sets: Vec<String>,
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
    pub(crate) fn given(&self) -> Outcome<graph::Given> {
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::usage(format!("the current directory cannot be read: {error}")))?;
        Ok(graph::Given {
            inputs: pairs(&self.values, "NAME=VALUE")?,
            sets: pairs(&self.sets, "--set NODE.INPUT=VALUE")?,
            cwd,
            out_dir: self.out.clone(),
            model_dirs: graph::model_folders(&self.models),
            overwrite: self.overwrite,
            ..graph::Given::default()
        })
    }
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
