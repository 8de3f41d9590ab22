//! `splatgraph packs remove`.

use splatgraph::packs::{self, RemoveError, Surroundings};

use super::add::user_folder;
use crate::cli::failure::{FAILED, Failure, MISSING, Outcome};
use crate::cli::output;

/// Remove a pack from your folder of packs
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The pack's id, as `splatgraph packs` lists it
    id: String,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let places = packs::places(&[], &Surroundings::of_process());
    let removed = packs::remove(&options.id, &user_folder()?, &places).map_err(|error| {
        let code = if matches!(error, RemoveError::Failed { .. }) { FAILED } else { MISSING };
        Failure::new(code, error)
    })?;
    let files: Vec<String> = removed.files.iter().map(|file| output::shown(file)).collect();
    let printed = output::print(&format!("Removed {}\n  {}", options.id, files.join("\n  ")));
    if let Some(path) = removed.elsewhere.first() {
        output::note(&format!("another file of the pack `{}` is still found\n  {}", options.id, output::shown(path)));
    }
    printed
}
