//! What a search for packs gives.

use std::fmt;
use std::path::PathBuf;

use splatgraph_sdk::host::Stamp;

use super::search::Origin;
use crate::registry::Pack;

/// What a search gave.
#[derive(Default)]
pub struct Found {
    /// The packs, in the order of the search.
    pub loaded: Vec<LoadedFile>,
    /// Files that were not loaded although they should be packs.
    pub refused: Vec<Refused>,
    /// Packs that stay out because an earlier place has their id.
    pub hidden: Vec<Hidden>,
    /// Sound libraries that are no packs.
    pub passed_over: Vec<PathBuf>,
}

impl Found {
    /// The packs for a registry.
    #[must_use]
    pub fn packs(&self) -> Vec<Pack> {
        self.loaded.iter().map(|file| file.pack.clone()).collect()
    }
}

/// A pack and where it came from.
#[derive(Clone)]
pub struct LoadedFile {
    /// The manifest and the nodes.
    pub pack: Pack,
    /// Who built it with what.
    pub stamp: Stamp,
    /// Why its folder was searched.
    pub origin: Origin,
}

/// A file that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why, and what to do about it.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pack was not loaded: {}\n  {}", self.reason, self.path.display())
    }
}

/// A pack with an id that an earlier place has too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The file that was left out.
    pub path: PathBuf,
    /// The id of both.
    pub id: String,
    /// The file that is used.
    pub used: PathBuf,
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "two packs are called `{}`; the one found first is used\n  used:     {}\n  left out: {}",
            self.id,
            self.used.display(),
            self.path.display()
        )
    }
}
