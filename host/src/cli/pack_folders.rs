//! The option `--packs`, and loading packs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph::packs::{self, Found, Helper, HotPacks, Log, Place, Surroundings};
use splatgraph::registry::Registry;
use splatgraph_sdk::host::LogLevel;

use super::failure::{FAILED, Failure, Outcome};
use super::{look_over, output};

#[derive(clap::Args)]
pub(crate) struct PackFolders {
    /// Search for node packs in this folder, before all other places; may be given several times
    #[arg(long = "packs", value_name = "DIR")]
    folders: Vec<PathBuf>,
}

impl PackFolders {
    /// Finds all packs, and looks over again those that failed before. Prints nothing about packs that can't be loaded.
    pub(crate) fn find_again(&self) -> Outcome<Found> {
        let helper = Helper { again: true, ..helper()? };
        Ok(packs::load_all(&self.places()?, Some(&helper), &log()))
    }

    /// Finds all packs so that they can be reloaded when their libraries change.
    pub(crate) fn hot(&self) -> Outcome<HotPacks> {
        Ok(HotPacks::load(self.places()?, Some(helper()?), log()))
    }

    fn places(&self) -> Outcome<Vec<Place>> {
        if let Some(folder) = self.folders.iter().find(|folder| !folder.is_dir()) {
            return Err(Failure::usage(format!("--packs: the folder does not exist\n  {}", folder.display())));
        }
        Ok(packs::places(&self.folders, &Surroundings::of_process()))
    }

    /// Finds all packs. Warns about packs that can't be loaded.
    pub(crate) fn load(&self) -> Outcome<Registry> {
        let found = packs::load_all(&self.places()?, Some(&helper()?), &log());
        for refused in &found.refused {
            output::warning(&refused.to_string());
        }
        for hidden in &found.hidden {
            output::warning(&hidden.to_string());
        }
        Ok(found.registry())
    }
}

/// This program, as it looks over a pack.
pub(crate) fn helper() -> Outcome<Helper> {
    // The file of this very process, even if another version has taken its place. Under Wine this path leads to Wine.
    let itself = Path::new("/proc/self/exe");
    let found = if cfg!(unix) && itself.exists() { Ok(itself.to_owned()) } else { std::env::current_exe() };
    let program = found.map_err(|error| Failure::new(FAILED, format!("this program cannot find its file: {error}")))?;
    let memory = packs::memory_file(&Surroundings::of_process());
    Ok(Helper { program, arguments: vec![look_over::NAME.into()], memory, again: false })
}

/// Shows messages of packs outside a run.
pub(crate) fn log() -> Log {
    Arc::new(|pack, level, message| match level {
        LogLevel::Error | LogLevel::Warn => output::warning(&format!("pack `{pack}`: {message}")),
        LogLevel::Info | LogLevel::Debug => {}
    })
}
