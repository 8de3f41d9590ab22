//! `splatgraph --version --json`.

use serde_json::{Value as Json, json};
use splatgraph::packs::{self, LoadedFile, Surroundings};

use super::failure::Outcome;
use super::output;
use super::pack_folders::{helper, log};

/// Prints what a report of a fault needs: the version, the commit of a release, the platform, and the packs with the nodes that
/// their builds can't run.
pub(crate) fn print_json() -> Outcome {
    let found = packs::load_all(&packs::places(&[], &Surroundings::of_process()), Some(&helper()?), &log());
    output::print_json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        // Only a release sets it: it would compile everything anew after each commit.
        "commit": option_env!("SPLATGRAPH_COMMIT"),
        "target": env!("SPLATGRAPH_TARGET"),
        "packs": found.loaded.iter().map(pack).collect::<Vec<_>>(),
    }))
}

fn pack(file: &LoadedFile) -> Json {
    let manifest = &file.pack.manifest;
    json!({
        "id": manifest.id,
        "version": manifest.version,
        "path": file.pack.path.to_string_lossy(),
        "target": file.stamp.target,
        "absent": manifest.absent.keys().collect::<Vec<_>>(),
    })
}
