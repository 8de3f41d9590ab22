//! `splatgraph packs check`.

use std::path::PathBuf;

use serde_json::json;
use splatgraph::graph::{Difference, differences};
use splatgraph::packs::read_kept;

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::options::JsonOption;
use crate::cli::output::{self, count};
use crate::cli::pack_folders::PackFolders;

/// List what packs broke since a release without saying so
///
/// Compares the loaded packs with manifests that `packs keep` wrote: classes, inputs, outputs or choices that are gone, inputs that graphs have to
/// give now, other types, defaults and positions, and narrower ranges. What a pack lists among its changes is no difference, as graphs of the
/// release still run.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 no differences; 1 differences; 2 the command line or a manifest is wrong.")]
pub(super) struct Options {
    /// A manifest of an earlier version, or a folder of them
    #[arg(long, value_name = "PATH")]
    against: PathBuf,
    #[command(flatten)]
    packs: PackFolders,
    #[command(flatten)]
    output: JsonOption,
}

pub(super) fn run(options: &Options) -> Outcome {
    let kept = read_kept(&options.against).map_err(Failure::usage)?;
    let registry = options.packs.load_for(|| kept.iter().map(|manifest| manifest.id.clone()).collect())?;
    let mut found = Vec::new();
    for old in &kept {
        match registry.pack(&old.id) {
            Some(pack) => found.extend(differences(old, &pack.manifest)),
            None => {
                let why =
                    registry.refused(&old.id).unwrap_or("it is in no folder of packs; name its folder with --packs");
                let text = format!("the pack is not loaded: {why}");
                found.push(Difference { pack: old.id.clone(), class: None, input: None, output: None, text });
            }
        }
    }
    let names: Vec<String> = kept.iter().map(|old| format!("{} {}", old.id, old.version)).collect();
    let names = output::one_line(&names.join(", ")).into_owned();
    let number = count(found.len(), "difference");
    let code = if found.is_empty() { 0 } else { FAILED };
    if options.output.json {
        let whole = json!({"ok": found.is_empty(), "against": names, "differences": found});
        return Failure::after(output::print_json(&whole), code);
    }
    for difference in &found {
        output::print(&difference.to_string())?;
    }
    if found.is_empty() {
        return output::print(&format!("no differences from {names}"));
    }
    let message = format!("{number} from {names}; undo each, or list it among the changes of its pack");
    Err(Failure::new(FAILED, message))
}
