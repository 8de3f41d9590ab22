//! Listens for changes of files.

use super::{
    folders::{folders_of, links_of, places_of},
    watched::Watched,
};
use crate::file_state::FileState;
use crate::packs::describes_pack;
use crate::words::shown;
use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use splatgraph_sdk::TEMPORARY_PREFIX;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// An event about files, some of which may be watched.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The time when it was noticed.
    pub at: Instant,
    paths: Vec<PathBuf>,
    /// Set if more files may have changed than are listed.
    anything: bool,
}

/// Listens for changes of files.
pub struct Watch {
    notify: Arc<dyn Fn(Touched) + Send + Sync>,
    watcher: Option<RecommendedWatcher>,
    folders: BTreeMap<PathBuf, bool>,
    watched: Watched,
    /// The places of all watched folders. Finding them takes system calls, and a busy folder has many events.
    ways: Vec<PathBuf>,
    /// The links that lead to the watched folders, each with the folder.
    links: Vec<(PathBuf, PathBuf)>,
    /// By the place of a file: its path, and its state at the last look.
    files: HashMap<PathBuf, (PathBuf, FileState)>,
    /// Folders in which something changed.
    trees: HashSet<PathBuf>,
    packs: bool,
    /// The places of the sources of packs in other languages.
    sources: HashSet<PathBuf>,
    /// Set if a folder on the way to a file came or went.
    moved: bool,
}

impl Watch {
    /// A watch without files. It calls `notify` from another thread.
    #[must_use]
    pub fn new(notify: impl Fn(Touched) + Send + Sync + 'static) -> Self {
        Self {
            notify: Arc::new(notify),
            watcher: None,
            folders: BTreeMap::new(),
            watched: Watched::default(),
            ways: Vec::new(),
            links: Vec::new(),
            files: HashMap::new(),
            trees: HashSet::new(),
            packs: false,
            sources: HashSet::new(),
            moved: false,
        }
    }

    /// Watches these files from now on. For a file that was watched before, changes since [`look`](Self::look) still count.
    ///
    /// # Errors
    /// The system can't watch more folders.
    pub fn set(&mut self, watched: Watched) -> io::Result<()> {
        self.watched = watched;
        let folders = self.watched.packs.iter().chain(&self.watched.trees).chain(&self.watched.folders);
        self.ways = folders.flat_map(|folder| places_of(folder)).collect();
        self.ways.extend(self.watched.files.iter().flat_map(|file| links_of(file)));
        let folders = self.watched.packs.iter().chain(&self.watched.trees).chain(&self.watched.folders);
        self.links =
            folders.flat_map(|folder| links_of(folder).into_iter().map(|link| (link, folder.clone()))).collect();
        self.sources = self.watched.sources.iter().flat_map(|source| places_of(source)).collect();
        self.listen()?;
        let mut files = HashMap::new();
        for file in &self.watched.files {
            for place in places_of(file) {
                let known = self.files.remove(&place).map(|(_, state)| state);
                let state = known.unwrap_or_else(|| FileState::of(&place));
                files.insert(place, (file.clone(), state));
            }
        }
        self.files = files;
        Ok(())
    }

    /// Listens in all folders that exist.
    fn listen(&mut self) -> io::Result<()> {
        loop {
            // Further folders may appear while the watcher is set up.
            let folders = folders_of(&self.watched);
            if !self.moved && self.watcher.is_some() && folders == self.folders {
                return Ok(());
            }
            // The old watcher listens until the new one does.
            self.watcher = Some(self.watcher_of(&folders)?);
            self.folders = folders;
            self.moved = false;
        }
    }

    fn watcher_of(&self, folders: &BTreeMap<PathBuf, bool>) -> io::Result<RecommendedWatcher> {
        let notify = self.notify.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            let at = Instant::now();
            match event {
                Ok(event) if !matters(event.kind) => {}
                Ok(event) => notify(Touched { at, anything: event.need_rescan(), paths: event.paths }),
                Err(error) => notify(Touched { at, anything: true, paths: error.paths }),
            }
        };
        let failed = |error: notify::Error, folder: &Path| {
            io::Error::other(format!("a folder cannot be watched: {error}\n  {}", shown(folder)))
        };
        let mut watcher = notify::recommended_watcher(handler).map_err(|error| failed(error, Path::new("")))?;
        for (folder, &below) in folders {
            let mode = if below { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match watcher.watch(folder, mode) {
                // The user reads no file in a folder that may not be listed.
                Err(error) if folder.read_dir().is_err() => drop(error),
                watched => watched.map_err(|error| failed(error, folder))?,
            }
        }
        Ok(watcher)
    }

    /// Whether an event is about a watched file. Remembers changes that [`changed`](Self::changed) can't find itself.
    pub fn concerns(&mut self, touched: &Touched) -> bool {
        if touched.anything {
            self.packs = true;
            self.trees.extend(self.watched.trees.iter().cloned());
            return true;
        }
        let mut concerned = false;
        for path in &touched.paths {
            let is_file = self.files.contains_key(path);
            let is_library = path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION);
            let in_packs = self.watched.packs.iter().any(|folder| inside(path, folder).is_some_and(|depth| depth == 1));
            let is_pack = (is_library || describes_pack(path)) && in_packs || self.sources.contains(path);
            let mut trees: Vec<PathBuf> = self.trees_with(path).cloned().collect();
            let led = self.links.iter().filter(|(link, _)| link.starts_with(path)).map(|(_, folder)| folder);
            let led: Vec<PathBuf> = led.cloned().collect();
            let moved = self.is_on_the_way(path) || !led.is_empty();
            trees.extend(led.into_iter().filter(|folder| !self.watched.packs.contains(folder)));
            self.packs |= is_pack || moved;
            self.moved |= moved;
            concerned |= is_file || is_pack || moved || !trees.is_empty();
            self.trees.extend(trees);
        }
        concerned
    }

    /// The folders that count as changed when `path` does.
    fn trees_with<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        let ours = || {
            // Files are written under a temporary name before they get their own.
            let hidden =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
            hidden || self.watched.written.iter().any(|written| written.may_write(path))
        };
        let folders = self.watched.folders.iter().map(|folder| (folder, 1));
        let all = self.watched.trees.iter().map(|tree| (tree, usize::MAX)).chain(folders);
        let within = all.filter(move |(tree, depth)| inside(path, tree).is_some_and(|at| (1..=*depth).contains(&at)));
        within.map(|(tree, _)| tree).filter(move |_| !ours())
    }

    fn is_on_the_way(&self, path: &Path) -> bool {
        let files = self.files.keys().filter(|file| *file != path);
        files.chain(&self.ways).any(|place| place.starts_with(path))
    }

    /// Remembers the current states of the files, so that [`changed`](Self::changed) returns only later changes.
    pub fn look(&mut self) {
        for (place, (_, state)) in &mut self.files {
            *state = FileState::of(place);
        }
        self.trees.clear();
    }

    /// The files and folders that changed since [`look`](Self::look).
    pub fn changed(&mut self) -> Vec<PathBuf> {
        // Listens first, so that no later change is missed. `set` reports an error again.
        if self.moved && self.listen().is_err() {
            self.moved = true;
        }
        let differs = |(place, (_, state)): &(&PathBuf, &(PathBuf, FileState))| FileState::of(place) != *state;
        let mut changed: Vec<PathBuf> = self.files.iter().filter(differs).map(|(_, (name, _))| name.clone()).collect();
        changed.extend(self.trees.iter().cloned());
        changed.sort();
        changed.dedup();
        changed
    }

    /// Whether a library in a folder of packs changed since the last call.
    pub fn packs_touched(&mut self) -> bool {
        std::mem::take(&mut self.packs)
    }
}

/// Whether an event may change a file. Opening and reading do not.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// The depth of a path inside a folder, which may be a link. The folder itself has depth 0.
fn inside(path: &Path, folder: &Path) -> Option<usize> {
    places_of(folder).iter().find_map(|folder| Some(path.strip_prefix(folder).ok()?.components().count()))
}
