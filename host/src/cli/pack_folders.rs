//! The option `--packs`, and loading packs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph::graph;
use splatgraph::packs::{self, Found, Helper, HotPacks, Log, Looks, Place, Refused, Surroundings};
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
    pub(crate) fn of(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// The packs that other commands looked over before. Opens none, and prints nothing.
    pub(crate) fn remembered(&self) -> Outcome<Registry> {
        let helper = Helper { looks: Looks::Never, ..helper()? };
        Ok(packs::load_all(&self.places()?, Some(&helper), &log()).registry())
    }

    /// Finds all packs, and looks over again those that failed before. Prints nothing about packs that can't be loaded.
    pub(crate) fn find_again(&self) -> Outcome<Found> {
        let helper = Helper { looks: Looks::Again, ..helper()? };
        Ok(packs::load_all(&self.places()?, Some(&helper), &log()))
    }

    /// Finds all packs so that they can be reloaded when their libraries change. Looks over again the packs that failed before,
    /// as a watch takes long.
    pub(crate) fn hot(&self) -> Outcome<HotPacks> {
        Ok(HotPacks::load(self.places()?, Some(Helper { looks: Looks::Again, ..helper()? }), log()))
    }

    fn places(&self) -> Outcome<Vec<Place>> {
        if let Some(folder) = self.folders.iter().find(|folder| !folder.is_dir()) {
            return Err(Failure::usage(format!("--packs: the folder does not exist\n  {}", output::shown(folder))));
        }
        Ok(packs::places(&self.folders, &Surroundings::of_process()))
    }

    /// Finds all packs. Warns about packs that can't be loaded.
    pub(crate) fn load(&self) -> Outcome<Registry> {
        self.load_for(Vec::new)
    }

    /// Finds all packs, as [`load`](Self::load) does, for a graph with more classes for its nodes.
    pub(crate) fn load_for_graph(&self, file: &graph::File, more: &[String]) -> Outcome<Registry> {
        self.load_for(|| {
            let classes = graph::expand(file.clone()).nodes.into_iter().map(|node| node.class_type);
            classes.chain(more.iter().cloned()).collect()
        })
    }

    /// Finds all packs for these classes. An earlier process may have refused one of their packs only because the machine was
    /// busy, so it is looked over again. Other packs that were refused are not, as that may take seconds.
    pub(crate) fn load_for(&self, classes: impl FnOnce() -> Vec<String>) -> Outcome<Registry> {
        let mut found = packs::load_all(&self.places()?, Some(&helper()?), &log());
        let ids: Vec<String> =
            found.refused.iter().filter(|file| file.remembered).filter_map(Refused::pack_id).collect();
        let of_pack = |class: &String| ids.iter().any(|id| class.split('.').next() == Some(id));
        if !ids.is_empty() && classes().iter().any(of_pack) {
            found = self.find_again()?;
        }
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
    Ok(Helper { program, arguments: vec![look_over::NAME.into()], memory, looks: Looks::Unknown })
}

/// Shows messages of packs outside a run.
pub(crate) fn log() -> Log {
    Arc::new(|pack, level, message| match level {
        LogLevel::Error | LogLevel::Warn => output::warning(&format!("pack `{pack}`: {message}")),
        LogLevel::Info | LogLevel::Debug => {}
    })
}
