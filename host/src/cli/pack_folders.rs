//! The option `--packs`, and loading packs.

use std::path::PathBuf;
use std::sync::Arc;

use splatgraph::packs::{self, Found, HotPacks, Log, Place, Surroundings};
use splatgraph::registry::Registry;
use splatgraph_sdk::host::LogLevel;

use super::failure::{Failure, Outcome};
use super::output;

#[derive(clap::Args)]
pub(crate) struct PackFolders {
    /// Search for node packs in this folder, before all other places; may be given several times
    #[arg(long = "packs", value_name = "DIR")]
    folders: Vec<PathBuf>,
}

impl PackFolders {
    /// Loads all packs. Prints nothing about packs that can't be loaded.
    pub(crate) fn find(&self) -> Outcome<Found> {
        Ok(packs::load_all(&self.places()?, &log()))
    }

    /// Loads all packs so that they can be reloaded when their libraries change.
    pub(crate) fn hot(&self) -> Outcome<HotPacks> {
        Ok(HotPacks::load(self.places()?, log()))
    }

    fn places(&self) -> Outcome<Vec<Place>> {
        if let Some(folder) = self.folders.iter().find(|folder| !folder.is_dir()) {
            return Err(Failure::usage(format!("--packs: the folder does not exist\n  {}", folder.display())));
        }
        Ok(packs::places(&self.folders, &Surroundings::of_process()))
    }

    /// Loads all packs. Warns about packs that can't be loaded.
    pub(crate) fn load(&self) -> Outcome<Registry> {
        let found = self.find()?;
        for refused in &found.refused {
            output::warning(&refused.to_string());
        }
        for hidden in &found.hidden {
            output::warning(&hidden.to_string());
        }
        Ok(Registry::new(found.packs()))
    }
}

/// Shows messages of packs outside a run.
pub(crate) fn log() -> Log {
    Arc::new(|pack, level, message| match level {
        LogLevel::Error | LogLevel::Warn => output::warning(&format!("pack `{pack}`: {message}")),
        LogLevel::Info | LogLevel::Debug => {}
    })
}
