//! The option `--packs`, and loading packs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph::graph;
use splatgraph::packs::{self, Containment, Found, Helper, HotPacks, Log, Looks, Place, Refused, Surroundings};
use splatgraph::registry::Registry;
use splatgraph::words::some_of;
use splatgraph_sdk::host::LogLevel;

use super::failure::{FAILED, Failure, Outcome};
use super::output;

/// An option, and the id of a pack that it names.
pub(crate) type Named = (&'static str, String);

#[derive(Clone, clap::Args)]
pub(crate) struct PackFolders {
    /// Search for node packs in this folder, before all other places; may be given several times
    #[arg(long = "packs", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// What runs in processes of its own, with the packs that the user named.
    #[arg(skip)]
    contained: Option<(Containment, Vec<Named>)>,
}

impl PackFolders {
    pub(crate) fn of(folders: Vec<PathBuf>) -> Self {
        Self { folders, contained: None }
    }

    /// The same folders, whose packs may run in processes of their own. `named` are the packs that the user named.
    pub(crate) fn contained(&self, containment: Containment, named: Vec<Named>) -> Self {
        Self { folders: self.folders.clone(), contained: Some((containment, named)) }
    }

    fn helper(&self, looks: Looks) -> Outcome<Helper> {
        let containment = self.contained.as_ref().map(|(containment, _)| containment.clone());
        Ok(Helper { looks, containment, ..helper()? })
    }

    /// Refuses an id that the user named if there is no such pack.
    fn check_named(&self, found: &Found) -> Outcome {
        let named = self.contained.iter().flat_map(|(_, named)| named);
        let is_there = |id: &str| {
            let refused = found.refused.iter().filter_map(Refused::pack_id).any(|refused| refused == id);
            refused || found.loaded.iter().any(|file| file.pack.manifest.id == id)
        };
        match named.into_iter().find(|(_, id)| !is_there(id)) {
            None => Ok(()),
            Some((option, id)) => {
                let known = some_of(found.loaded.iter().map(|file| file.pack.manifest.id.as_str()));
                Err(Failure::usage(format!("{option}: expected the id of a pack ({known}), got `{id}`")))
            }
        }
    }

    /// The packs that other commands looked over before. Opens none, and prints nothing.
    pub(crate) fn remembered(&self) -> Outcome<Registry> {
        let helper = self.helper(Looks::Never)?;
        Ok(packs::load_all(&self.places()?, Some(&helper), &log()).registry())
    }

    /// Finds all packs, and looks over again those that failed before. Prints nothing about packs that can't be loaded.
    pub(crate) fn find_again(&self) -> Outcome<Found> {
        let helper = self.helper(Looks::Again)?;
        Ok(packs::load_all(&self.places()?, Some(&helper), &log()))
    }

    /// Finds all packs so that they can be reloaded when their libraries change. Looks over again the packs that failed before,
    /// as a watch takes long.
    pub(crate) fn hot(&self) -> Outcome<HotPacks> {
        Ok(HotPacks::load(self.places()?, Some(self.helper(Looks::Again)?), log()))
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
        let mut found = packs::load_all(&self.places()?, Some(&self.helper(Looks::Unknown)?), &log());
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
        self.check_named(&found)?;
        Ok(found.registry())
    }
}

/// The file of this program, for processes that it starts.
pub(crate) fn this_program() -> Outcome<PathBuf> {
    // The file of this very process, even if another version has taken its place. Under Wine this path leads to Wine.
    let itself = Path::new("/proc/self/exe");
    let found = if cfg!(unix) && itself.exists() { Ok(itself.to_owned()) } else { std::env::current_exe() };
    found.map_err(|error| Failure::new(FAILED, format!("this program cannot find its file: {error}")))
}

/// This program, as it looks over a pack.
pub(crate) fn helper() -> Outcome<Helper> {
    let program = this_program()?;
    let memory = packs::memory_file(&Surroundings::of_process());
    let arguments = vec![packs::LOOK_OVER_COMMAND.into()];
    Ok(Helper { program, arguments, memory, looks: Looks::Unknown, containment: None })
}

/// Shows messages of packs outside a run.
pub(crate) fn log() -> Log {
    Arc::new(|pack, level, message| match level {
        LogLevel::Error | LogLevel::Warn => output::warning(&format!("pack `{pack}`: {message}")),
        LogLevel::Info => output::note(&format!("pack `{pack}`: {message}")),
        LogLevel::Debug => {}
    })
}
