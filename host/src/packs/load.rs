//! Searches the folders of packs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph_sdk::host::LogLevel;

use super::found::{Found, Hidden, LoadedFile, Refused};
use super::helper::Helper;
use super::library::Way;
use super::look::{Looked, Looker};
use super::search::{Place, libraries};

/// Takes messages of packs outside a run: the id of the pack, the level and the message.
pub type Log = Arc<dyn Fn(&str, LogLevel, &str) + Send + Sync>;

/// Finds all packs in `places`, in their order. Runs no code of a file that is not a valid pack.
///
/// With a helper, another process looks every pack over, and remembers what it found. This process opens a pack when the
/// first of its nodes is made. Without one, this process opens all packs at once, and a pack that crashes ends it.
#[must_use]
pub fn load_all(places: &[Place], helper: Option<&Helper>, log: &Log) -> Found {
    let mut looker = Looker::new(helper, log);
    let found = gather(places, |paths| looker.look(paths, |_| Way::Itself));
    looker.finish();
    found
}

/// Searches `places` in their order. Calls `look` with the libraries of a place that are in no earlier place.
pub(super) fn gather(places: &[Place], mut look: impl FnMut(&[PathBuf]) -> Vec<Looked>) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for place in places {
        let paths = paths_in(place, &mut seen, &mut found.refused);
        let mut packs = Vec::new();
        for (path, looked) in paths.iter().zip(look(&paths)) {
            match looked {
                Looked::Pack(pack) => packs.push(LoadedFile { origin: place.origin, ..*pack }),
                Looked::OtherLibrary => found.passed_over.push(path.clone()),
                Looked::Refused(refused) => found.refused.push(refused),
            }
        }
        for pack in without_twins(packs, &mut found.refused) {
            if let Some(earlier) = found.loaded.iter().find(|loaded| loaded.stamp.id == pack.stamp.id) {
                let used = earlier.pack.path.clone();
                found.hidden.push(Hidden { path: pack.pack.path, id: pack.stamp.id, used });
            } else {
                found.loaded.push(pack);
            }
        }
    }
    found
}

/// The canonical paths of the libraries in a place. `seen` are the paths of earlier places.
fn paths_in(place: &Place, seen: &mut HashSet<PathBuf>, refused: &mut Vec<Refused>) -> Vec<PathBuf> {
    let mut refuse =
        |path: PathBuf, reason: String| refused.push(Refused { path, id: None, reason, remembered: false });
    let files = libraries(&place.folder).unwrap_or_else(|error| {
        refuse(place.folder.clone(), format!("its folder cannot be listed: {error}"));
        Vec::new()
    });
    let mut paths = Vec::new();
    for path in files {
        // dlopen searches LD_LIBRARY_PATH for a bare name, so it only gets whole paths.
        match dunce::canonicalize(&path) {
            Ok(whole) if seen.insert(whole.clone()) => paths.push(whole),
            Ok(_) => {}
            Err(error) => refuse(path, format!("it cannot be read: {error}")),
        }
    }
    paths
}

/// Refuses all packs in a folder that share an id, as none of them comes first.
fn without_twins(packs: Vec<LoadedFile>, refused: &mut Vec<Refused>) -> Vec<LoadedFile> {
    let ids: Vec<String> = packs.iter().map(|file| file.stamp.id.clone()).collect();
    let (single, twins): (Vec<_>, Vec<_>) =
        packs.into_iter().partition(|file| ids.iter().filter(|id| **id == file.stamp.id).count() == 1);
    for file in &twins {
        let same = twins.iter().filter(|other| other.stamp.id == file.stamp.id && other.pack.path != file.pack.path);
        let others: Vec<_> = same.map(|other| file_name(&other.pack.path)).collect();
        refused.push(Refused {
            path: file.pack.path.clone(),
            id: Some(file.stamp.id.clone()),
            reason: format!(
                "its id `{}` is also the id of {} in the same folder; remove all but one",
                file.stamp.id,
                others.join(", ")
            ),
            remembered: false,
        });
    }
    single
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
