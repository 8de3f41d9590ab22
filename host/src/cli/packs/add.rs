//! `splatgraph packs add`.

use std::path::PathBuf;

use splatgraph::packs::{self, Surroundings};

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output::{self, count};
use crate::cli::pack_folders::log;

/// Copy a pack into your folder of packs, where every run finds it; a crate is built first
///
/// The pack is loaded once to see that it works. Another version of it is replaced; runs that use that go on with it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The library of a pack, or the folder of its crate
    #[arg(value_name = "FILE|CRATE_DIR")]
    pack: PathBuf,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let folder = user_folder()?;
    let library = library(options)?;
    // Packs that cannot be loaded are listed by `splatgraph packs`, and do not matter here.
    let found = packs::load_all(&packs::places(&[], &Surroundings::of_process()), &log());
    let installed = packs::install(&library, &folder, &found, &log()).map_err(|error| Failure::new(FAILED, error))?;
    let manifest = &installed.pack.pack.manifest;
    let names: Vec<&str> = manifest.nodes.iter().map(|node| node.name.as_str()).collect();
    let replaced = installed.replaced.map(|version| format!(" in the place of {version}")).unwrap_or_default();
    output::print(&format!(
        "Added {} {}{replaced}, {}: {}\n  {}",
        manifest.id,
        manifest.version,
        count(names.len(), "node"),
        names.join(", "),
        installed.pack.pack.path.display()
    ));
    if let Some(path) = installed.hidden_by {
        output::warning(&format!(
            "another pack `{}` is found first, so this one is not used; remove that or choose this with --packs\n  {}",
            manifest.id,
            path.display()
        ));
    }
    Ok(())
}

/// The library that was given, or that the crate gives.
fn library(options: &Options) -> Outcome<PathBuf> {
    let path = &options.pack;
    if !path.is_dir() {
        return Ok(path.clone());
    }
    if !path.join("Cargo.toml").is_file() {
        return Err(Failure::usage(format!(
            "this folder holds no crate, as it has no Cargo.toml; give the folder of a crate, or the library of a pack\n  {}",
            path.display()
        )));
    }
    packs::build(path).map_err(|error| Failure::new(FAILED, error))
}

/// The folder that packs are added to.
pub(super) fn user_folder() -> Outcome<PathBuf> {
    packs::user_folder(&Surroundings::of_process()).ok_or_else(|| {
        Failure::usage("there is no folder for packs, as neither HOME nor XDG_DATA_HOME is set; set one of them")
    })
}
