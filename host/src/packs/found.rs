//! The result of a search for packs.

use crate::words::shown;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::path::{Path, PathBuf};

use splatgraph_sdk::host::Stamp;

use super::manifest::is_pack_id;
use super::search::Origin;
use crate::registry::{Pack, Registry};

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

    /// A registry of the loaded packs, which also knows the packs that can't be loaded.
    #[must_use]
    pub fn registry(&self) -> Registry {
        let refused = self.refused.iter().filter_map(|file| {
            let reason = format!("{} ({})", file.reason, shown(&file.path));
            Some((file.pack_id()?, reason))
        });
        Registry::with_refused(self.packs(), refused.collect())
    }
}

/// The end of the names of files that describe packs in other languages.
pub(super) const DESCRIPTION_ENDING: &str = ".pack.json";

/// The id in the name that `packs add` gives to a file: `acme` for `libacme.so` and `acme.pack.json`.
pub(super) fn id_of_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let of_library = || name.strip_prefix(DLL_PREFIX)?.strip_suffix(DLL_SUFFIX);
    let id = name.strip_suffix(DESCRIPTION_ENDING).or_else(of_library)?;
    is_pack_id(id).then(|| id.to_owned())
}

/// A loaded pack and the origin of its file. Its library is opened when the first of its nodes is made.
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
    /// The id in its stamp, if it is known.
    pub id: Option<String>,
    /// The reason, and what to do about it.
    pub reason: String,
    /// Whether an earlier process found the reason, so that another look may find the pack in order.
    pub remembered: bool,
}

impl Refused {
    /// The id in its stamp, or else in the name of its file.
    #[must_use]
    pub fn pack_id(&self) -> Option<String> {
        self.id.clone().or_else(|| id_of_file(&self.path))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pack cannot be loaded: {}\n  {}", self.reason, shown(&self.path))
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
            shown(&self.used),
            shown(&self.path)
        )
    }
}

/// Whether the file at a path describes a pack in another language.
pub(crate) fn describes_pack(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(DESCRIPTION_ENDING))
}
