//! `splatgraph packs add`.

use std::path::PathBuf;

use splatgraph::packs::{self, Surroundings};

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output::{self, count};
use crate::cli::pack_folders::{helper, log};

/// Copy a pack into your folder of packs, where every run finds it; build it first if it is a crate
///
/// A process of its own loads the pack once to check that it works. It replaces another version of the same pack. Runs that
/// use the other version are not disturbed.
///
/// Building a crate runs its build script and the macros that it uses, with your rights. Add only crates that you trust.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The library of a pack, or the folder of its crate
    #[arg(value_name = "FILE|CRATE_DIR")]
    pack: PathBuf,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let folder = user_folder()?;
    let library = library(options)?;
    // Packs that can't be loaded do not matter here; `splatgraph packs` lists them.
    let helper = helper()?;
    let found = packs::load_all(&packs::places(&[], &Surroundings::of_process()), Some(&helper), &log());
    let installed = packs::install(&library, &folder, &found, &helper).map_err(|error| Failure::new(FAILED, error))?;
    let manifest = &installed.manifest;
    let names: Vec<&str> = manifest.nodes.iter().map(|node| node.name.as_str()).collect();
    let replaced = installed.replaced.map(|version| format!(" instead of {version}")).unwrap_or_default();
    let printed = output::print(&format!(
        "Added {} {}{replaced}, {}: {}\n  {}",
        manifest.id,
        manifest.version,
        count(names.len(), "node"),
        names.join(", "),
        output::shown(&installed.path)
    ));
    if let Some(path) = installed.hidden_by {
        output::warning(&format!(
            "another pack `{}` is found first, so this one is not used; remove the other, or choose this one with --packs\n  {}",
            manifest.id,
            output::shown(&path)
        ));
    }
    printed
}

/// The library that the user names, or the library of the crate.
fn library(options: &Options) -> Outcome<PathBuf> {
    let path = &options.pack;
    if !path.is_dir() {
        return Ok(path.clone());
    }
    if !path.join("Cargo.toml").is_file() {
        return Err(Failure::usage(format!(
            "expected the library of a pack or the folder of a crate, got a folder without a Cargo.toml\n  {}",
            output::shown(path)
        )));
    }
    output::note(&format!(
        "building the crate, which runs its build script and its macros as you\n  {}",
        output::shown(path)
    ));
    packs::build(path).map_err(|error| Failure::new(FAILED, error))
}

/// The user's folder of packs.
pub(super) fn user_folder() -> Outcome<PathBuf> {
    packs::user_folder(&Surroundings::of_process()).ok_or_else(|| {
        Failure::usage("expected HOME or XDG_DATA_HOME to find your folder of packs, got neither; set one of them")
    })
}
