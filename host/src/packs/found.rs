//! The result of a search for packs.

use std::fmt;
use std::path::PathBuf;

use splatgraph_sdk::host::Stamp;

use super::search::Origin;
use crate::registry::Pack;

/// The result of a search for packs.
#[derive(Default)]
pub struct Found {
    /// The packs, in the order of the search.
    pub loaded: Vec<LoadedFile>,
    /// Files that should be packs but can't be loaded.
    pub refused: Vec<Refused>,
    /// Packs that are not used because an earlier place has a pack with the same id.
    pub hidden: Vec<Hidden>,
    /// Valid libraries that are not packs.
    pub passed_over: Vec<PathBuf>,
}

impl Found {
    /// The loaded packs, for a registry.
    #[must_use]
    pub fn packs(&self) -> Vec<Pack> {
        self.loaded.iter().map(|file| file.pack.clone()).collect()
    }
}

/// A loaded pack and the origin of its file.
#[derive(Clone)]
pub struct LoadedFile {
    /// The manifest and the nodes.
    pub pack: Pack,
    /// The stamp of its library: the versions it was built with.
    pub stamp: Stamp,
    /// Why its folder was searched.
    pub origin: Origin,
}

/// A file that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// The reason, and what to do about it.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pack cannot be loaded: {}\n  {}", self.reason, self.path.display())
    }
}

/// A pack that is not used because an earlier place has a pack with the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The file that is not used.
    pub path: PathBuf,
    /// The id of both packs.
    pub id: String,
    /// The file that is used.
    pub used: PathBuf,
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "two packs have the id `{}`, and the one that is found first is used\n  used:     {}\n  not used: {}",
            self.id,
            self.used.display(),
            self.path.display()
        )
    }
}
