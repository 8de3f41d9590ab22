//! `splatgraph packs add`.

use std::path::{Path, PathBuf};

use splatgraph::graph::Requirement;
use splatgraph::packs::{self, Found, Installed, Surroundings};

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output::{self, count};
use crate::cli::pack_folders::{helper, log};
#[cfg(unix)]
use crate::cli::python;
use crate::cli::source;

/// Copy a pack into your folder of packs, where every run finds it; build it first if it is a crate
///
/// A pack in Python is a file with functions that have `@node`. It runs with the Python of `--python`, which needs numpy.
///
/// A process of its own loads the pack once to check that it works. It replaces another version of the same pack. Runs that
/// use the other version are not disturbed.
///
/// Building a crate runs its build script and the macros that it uses, with your rights. Add only crates that you trust.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The library of a pack, the folder of its crate, or a Python file with nodes
    #[arg(value_name = "FILE|CRATE_DIR")]
    pack: PathBuf,
    /// The Python for a pack in Python, such as that of a virtual environment [default: python3]
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Add the pack only if it is one that this graph requires: its version and the SHA-256 of its library, as `requires` in the graph
    /// has them
    #[arg(long = "for", value_name = "GRAPH")]
    graph: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let folder = user_folder()?;
    let is_python = options.pack.extension().is_some_and(|ending| ending == "py");
    if options.python.is_some() && !is_python {
        return Err(Failure::usage("--python: expected a file that ends with .py, got another pack"));
    }
    let required = options.graph.as_deref().map(required).transpose()?.unwrap_or_default();
    let library = if is_python { options.pack.clone() } else { library(options)? };
    // Packs that can't be loaded do not matter here; `splatgraph packs` lists them.
    let helper = helper()?;
    let found = packs::load_all(&packs::places(&[], &Surroundings::of_process()), Some(&helper), &log());
    let installed = match is_python {
        true => install_python(options, &folder, &found, &required)?,
        false => packs::install(&library, &folder, &found, &helper, &required)
            .map_err(|error| Failure::new(FAILED, error))?,
    };
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

/// Adds a pack in Python, with the module that it uses beside the folder of packs.
#[cfg(unix)]
fn install_python(options: &Options, folder: &Path, found: &Found, required: &[Requirement]) -> Outcome<Installed> {
    let interpreter = python::interpreter(options.python.as_deref())?;
    let module = folder.with_file_name("python");
    python::write_module(&module)?;
    let added = packs::install_source(&options.pack, &interpreter, &[module], folder, found, &log(), required);
    added.map_err(|error| Failure::new(FAILED, error))
}

#[cfg(not(unix))]
fn install_python(_: &Options, _: &Path, _: &Found, _: &[Requirement]) -> Outcome<Installed> {
    Err(Failure::usage("packs in Python run only on Linux and macOS"))
}

/// The packs that a graph and the graphs in it require.
fn required(path: &Path) -> Outcome<Vec<Requirement>> {
    let file = source::read(path)?;
    if let Some(problem) = file.problems.first() {
        return Err(Failure::problem(problem));
    }
    if file.requires.is_empty() {
        let path = output::shown(path);
        return Err(Failure::usage(format!("--for: expected a graph with `requires`, got one without\n  {path}")));
    }
    Ok(file.requires)
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
