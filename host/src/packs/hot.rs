//! Packs that follow their files.
//!
//! Each library is opened from a copy with a name of its own; see [`super::copy`]. The code of earlier generations stays.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::found::{Found, LoadedFile, Refused, describes_pack};
use super::helper::Helper;
use super::library::Way;
use super::load::{Log, gather};
use super::look::{Looked, Looker};
use super::search::Place;
use crate::file_state::FileState;

/// The packs in some folders, which follow their files.
pub struct HotPacks {
    places: Vec<Place>,
    helper: Option<Helper>,
    log: Log,
    /// By canonical path.
    files: HashMap<PathBuf, Known>,
    found: Found,
}

/// A library at the last look.
struct Known {
    state: FileState,
    library: Library,
}

/// What a library was at the last look.
enum Library {
    Other,
    Refused(Refused),
    Pack {
        pack: Box<LoadedFile>,
        /// The reason why a newer version of the file can't be loaded.
        newer: Option<String>,
    },
}

impl HotPacks {
    /// Loads every pack in `places`, as [`load_all`](super::load_all) does.
    #[must_use]
    pub fn load(places: Vec<Place>, helper: Option<Helper>, log: Log) -> Self {
        let mut packs = Self { places, helper, log, files: HashMap::new(), found: Found::default() };
        packs.refresh();
        packs
    }

    /// The result of the last look.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The folders that are searched for packs.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The sources of packs in other languages, also of those that were refused.
    #[must_use]
    pub fn sources(&self) -> Vec<PathBuf> {
        self.files.keys().filter(|path| describes_pack(path)).map(|path| source_of(path)).collect()
    }

    /// Looks again, and returns the libraries of packs that came, changed or went. Looks changed libraries over again. If
    /// such a library is refused, its last version stays in use, and [`Found::refused`] has the reason. All other packs stay.
    pub fn refresh(&mut self) -> Vec<PathBuf> {
        let mut before = std::mem::take(&mut self.files);
        let mut now = HashMap::new();
        let mut looker = Looker::new(self.helper.as_ref(), &self.log);
        let mut found = gather(&self.places, |paths| {
            // Read before the files, so that a later change counts as one.
            let states: Vec<FileState> = paths.iter().map(|path| FileState::of(&source_of(path))).collect();
            let is_same =
                |(path, state): &(&PathBuf, &FileState)| before.get(*path).is_some_and(|k| k.state == **state);
            let changed: Vec<PathBuf> =
                paths.iter().zip(&states).filter(|file| !is_same(file)).map(|(path, _)| path.clone()).collect();
            let way = |path: &Path| match before.get(path) {
                Some(Known { library: Library::Pack { .. }, .. }) => Way::Copy,
                _ => Way::CopyOrItself,
            };
            let mut looked: HashMap<PathBuf, Looked> =
                changed.iter().cloned().zip(looker.look(&changed, way)).collect();
            let files = paths.iter().zip(states);
            let files = files.map(|(path, state)| {
                let library = library(looked.remove(path), before.remove(path).map(|known| known.library));
                let looked = library.looked();
                now.insert(path.clone(), Known { state, library });
                looked
            });
            files.collect()
        });
        looker.finish();
        for (path, known) in &now {
            if let Library::Pack { newer: Some(reason), pack } = &known.library {
                let reason = format!("{reason}; its last version stays in use");
                let (path, id) = (path.clone(), Some(pack.stamp.id.clone()));
                found.refused.push(Refused { path, id, reason, remembered: false });
            }
        }
        found.refused.sort_by(|a, b| a.path.cmp(&b.path));
        self.files = now;
        differing(&std::mem::replace(&mut self.found, found).loaded, &self.found.loaded)
    }
}

/// A library after a look at it, which is `None` if its file did not change.
fn library(looked: Option<Looked>, before: Option<Library>) -> Library {
    match (looked, before) {
        (None, Some(before)) => before,
        (Some(Looked::Pack(pack)), _) => Library::Pack { pack, newer: None },
        (Some(Looked::Refused(refused)), Some(Library::Pack { pack, .. })) => {
            Library::Pack { pack, newer: Some(refused.reason) }
        }
        (Some(Looked::Refused(refused)), _) => Library::Refused(refused),
        (Some(Looked::OtherLibrary) | None, _) => Library::Other,
    }
}

impl Library {
    fn looked(&self) -> Looked {
        match self {
            Self::Other => Looked::OtherLibrary,
            Self::Refused(refused) => Looked::Refused(refused.clone()),
            Self::Pack { pack, .. } => Looked::Pack(pack.clone()),
        }
    }
}

/// The file whose changes count: a library, or the source of a pack in another language.
fn source_of(path: &Path) -> PathBuf {
    #[cfg(unix)]
    if describes_pack(path)
        && let Ok(described) = super::worker_file::read(path)
    {
        return described.source;
    }
    path.to_owned()
}

/// The libraries that only one of two lists has, or that were reloaded in between.
fn differing(before: &[LoadedFile], after: &[LoadedFile]) -> Vec<PathBuf> {
    let name = |file: &LoadedFile| (file.pack.path.clone(), file.pack.nodes.generation());
    let (before, after): (Vec<_>, Vec<_>) = (before.iter().map(name).collect(), after.iter().map(name).collect());
    let mut paths: Vec<PathBuf> = Vec::new();
    let only_in = |one: &[(PathBuf, u64)], other: &[(PathBuf, u64)]| {
        one.iter().filter(|file| !other.contains(file)).map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    paths.extend(only_in(&before, &after));
    paths.extend(only_in(&after, &before));
    paths.sort();
    paths.dedup();
    paths
}
