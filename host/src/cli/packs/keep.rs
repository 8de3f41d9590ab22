//! `splatgraph packs keep`.

use std::path::PathBuf;

use splatgraph::packs::kept_text;
use splatgraph::registry::Pack;
use splatgraph::words::some_of;

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output;
use crate::cli::pack_folders::PackFolders;
use crate::cli::source::refuse_existing;

/// Keep the manifests of packs as files, so that `packs check` compares later versions with them
///
/// Writes DIR/PACK.json for each pack: its nodes with their inputs, outputs, defaults, ranges and choices. Keep the manifests of each release of
/// a pack beside its source.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder, such as released/0.1.0
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The packs; all loaded ones if none is named
    #[arg(value_name = "PACK")]
    names: Vec<String>,
    #[command(flatten)]
    packs: PackFolders,
}

pub(super) fn run(options: &Options) -> Outcome {
    let registry = options.packs.load_for(|| options.names.clone())?;
    let mut packs: Vec<&Pack> = registry.packs().iter().map(|pack| &**pack).collect();
    if let Some(name) = options.names.iter().find(|name| registry.pack(name).is_none()) {
        let known = some_of(packs.iter().map(|pack| pack.manifest.id.as_str()));
        return Err(Failure::usage(format!("expected the id of a pack ({known}), got `{name}`")));
    }
    packs.retain(|pack| options.names.is_empty() || options.names.contains(&pack.manifest.id));
    if packs.is_empty() {
        return Err(Failure::usage("no packs are loaded; `splatgraph packs --all` lists all files that were found"));
    }
    let files: Vec<(PathBuf, String)> = packs
        .iter()
        .map(|pack| (options.folder.join(format!("{}.json", pack.manifest.id)), kept_text(&pack.manifest)))
        .collect();
    files.iter().try_for_each(|(path, _)| refuse_existing(path))?;
    std::fs::create_dir_all(&options.folder).map_err(|error| {
        Failure::new(FAILED, format!("the folder cannot be created: {error}\n  {}", output::shown(&options.folder)))
    })?;
    for (path, text) in &files {
        splatgraph_sdk::write_whole(path, text.as_bytes()).map_err(|error| {
            Failure::new(
                FAILED,
                format!("the manifest cannot be written: {}\n  {}", error.message, output::shown(path)),
            )
        })?;
        output::print(&output::shown(path))?;
    }
    Ok(())
}
