//! Packs that are reloaded when their libraries change.
//!
//! Each library is loaded from a copy with a name of its own. For a path that it knows, the system would return the old code,
//! and a file that is written over while its code runs would crash the process. The code of earlier generations stays.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use splatgraph_sdk::host::Stamp;

use super::found::{Found, LoadedFile, Refused};
use super::load::{Log, Looked, Opened, gather, load, open};
use super::search::{Origin, Place};
use super::symbols::{Kind, look_into};
use super::trust;
use crate::file_state::FileState;

/// The packs in some folders, which follow their files.
pub struct HotPacks {
    places: Vec<Place>,
    log: Log,
    /// By canonical path.
    files: HashMap<PathBuf, Known>,
    found: Found,
}

/// A library at the last look.
struct Known {
    state: FileState,
    looked: Result<Library, String>,
}

/// A valid library.
enum Library {
    Other,
    Pack {
        pack: Box<LoadedFile>,
        /// The reason why a newer version of the file could not be loaded.
        newer: Option<String>,
    },
}

impl HotPacks {
    /// Loads every pack in `places`, as [`load_all`](super::load_all) does.
    #[must_use]
    pub fn load(places: Vec<Place>, log: Log) -> Self {
        let mut packs = Self { places, log, files: HashMap::new(), found: Found::default() };
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

    /// Looks again, and returns the libraries of packs that came, changed or went. Reloads changed libraries. If that fails,
    /// the last version stays in use, and [`Found::refused`] has the reason. All other packs stay.
    pub fn refresh(&mut self) -> Vec<PathBuf> {
        let before = RefCell::new(std::mem::take(&mut self.files));
        let now = RefCell::new(HashMap::new());
        let places = std::mem::take(&mut self.places);
        let look = |path: &Path| {
            let known = self.look(path, before.borrow_mut().remove(path));
            let looked = known.looked();
            now.borrow_mut().insert(path.to_owned(), known);
            looked
        };
        let load = |file: &Opened, origin| match now.borrow().get(&file.path) {
            Some(Known { looked: Ok(Library::Pack { pack, .. }), .. }) => Ok(LoadedFile { origin, ..(**pack).clone() }),
            _ => Err("its file is gone".to_owned()),
        };
        let mut found = gather(&places, look, load);
        let files = now.into_inner();
        for (path, known) in &files {
            if let Ok(Library::Pack { newer: Some(reason), .. }) = &known.looked {
                let reason = format!("{reason}; its last version stays in use");
                found.refused.push(Refused { path: path.clone(), reason });
            }
        }
        found.refused.sort_by(|a, b| a.path.cmp(&b.path));
        self.files = files;
        self.places = places;
        differing(&std::mem::replace(&mut self.found, found).loaded, &self.found.loaded)
    }

    fn look(&self, path: &Path, known: Option<Known>) -> Known {
        // Taken before the file is read, so that a later change counts as one.
        let state = FileState::of(path);
        let last = match known {
            Some(known) if known.state == state => return known,
            Some(Known { looked: Ok(Library::Pack { pack, .. }), .. }) => Some(pack),
            _ => None,
        };
        let looked = match (self.reload(path, last.is_none()), last) {
            (Err(reason), Some(pack)) => Ok(Library::Pack { pack, newer: Some(reason) }),
            (looked, _) => looked,
        };
        Known { state, looked }
    }

    fn reload(&self, path: &Path, first: bool) -> Result<Library, String> {
        match look_into(path) {
            Kind::OtherLibrary => return Ok(Library::Other),
            Kind::Broken(reason) => return Err(reason),
            Kind::Pack => trust::check(path)?,
        }
        let folder = private_folder();
        let opened = folder.as_ref().map_err(cannot_copy).and_then(|folder| open_copy(path, folder));
        let opened = match opened {
            // A library that finds others beside itself can be opened only in its own folder, and only once.
            Err(_) if first && look_into(path) == Kind::Pack => open(path).map(|stamp| (path.to_owned(), stamp)),
            opened => opened,
        };
        let load = |(image, stamp): (PathBuf, _)| load(path.to_owned(), &image, stamp, Origin::Option, &self.log);
        let pack = opened.and_then(load);
        if let Ok(folder) = folder {
            // A loaded library no longer needs its file. Windows keeps the file, and cleans it up later.
            let _ = fs::remove_dir_all(folder);
        }
        pack.map(|pack| Library::Pack { pack: Box::new(pack), newer: None })
    }
}

/// Copies a library into `folder`, and opens the copy.
fn open_copy(path: &Path, folder: &Path) -> Result<(PathBuf, Stamp), String> {
    let copy = folder.join(path.file_name().unwrap_or(path.as_os_str()));
    fs::copy(path, &copy).map_err(|error| cannot_copy(&error))?;
    match look_into(&copy) {
        Kind::Pack => open(&copy).map(|stamp| (copy, stamp)),
        // The file changed after it was looked into.
        Kind::OtherLibrary => Err("it changed while it was copied".to_owned()),
        Kind::Broken(reason) => Err(reason),
    }
}

fn cannot_copy(error: &io::Error) -> String {
    format!("it cannot be copied to a temporary folder to be loaded: {error}")
}

impl Known {
    fn looked(&self) -> Looked {
        match &self.looked {
            Ok(Library::Other) => Looked::OtherLibrary,
            Ok(Library::Pack { pack, .. }) => Looked::Opened(pack.stamp.clone()),
            Err(reason) => Looked::Refused(reason.clone()),
        }
    }
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

/// Numbers the folders for copies in this process, as the system identifies a loaded library by its path.
static FOLDERS: AtomicU64 = AtomicU64::new(0);

/// A new folder that only this user may enter.
fn private_folder() -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    loop {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("splatgraph-packs-{}-{number}", std::process::id()));
        match builder.create(&folder) {
            // A process with the same number left it behind, or someone made it to be in the way.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|()| folder),
        }
    }
}
