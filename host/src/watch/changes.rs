use super::{
    folders::{folders_of, places_of},
    watched::Watched,
};
use crate::{file_state::FileState, graph::paths_clash};
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

/// Something was done to these files, some of which may matter.
#[derive(Clone, Debug)]
pub struct Touched {
    /// When it was noticed.
    pub at: Instant,
    paths: Vec<PathBuf>,
    /// More happened than could be listed.
    anything: bool,
}

/// Listens for changes of files.
pub struct Watch {
    notify: Arc<dyn Fn(Touched) + Send + Sync>,
    watcher: Option<RecommendedWatcher>,
    folders: BTreeMap<PathBuf, bool>,
    watched: Watched,
    /// Where the files are, with what they are called and what they were when they were last looked at.
    files: HashMap<PathBuf, (PathBuf, FileState)>,
    /// Folders in which something changed.
    trees: HashSet<PathBuf>,
    packs: bool,
    /// A folder on the way to a file came or went.
    moved: bool,
}

impl Watch {
    /// Watches nothing yet. `notify` is called from another thread.
    #[must_use]
    pub fn new(notify: impl Fn(Touched) + Send + Sync + 'static) -> Self {
        Self {
            notify: Arc::new(notify),
            watcher: None,
            folders: BTreeMap::new(),
            watched: Watched::default(),
            files: HashMap::new(),
            trees: HashSet::new(),
            packs: false,
            moved: false,
        }
    }

    /// Watches these files from now on. A file that was watched before has changed if it did since [`look`](Self::look).
    ///
    /// # Errors
    /// The system can't watch any more folders.
    pub fn set(&mut self, watched: Watched) -> io::Result<()> {
        self.watched = watched;
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

    /// Listens in all folders that are there.
    fn listen(&mut self) -> io::Result<()> {
        loop {
            // Others may come while those are listened to that are there.
            let folders = folders_of(&self.watched);
            if !self.moved && self.watcher.is_some() && folders == self.folders {
                return Ok(());
            }
            // The old one listens until the new one does.
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
            io::Error::other(format!("a folder cannot be watched: {error}\n  {}", folder.display()))
        };
        let mut watcher = notify::recommended_watcher(handler).map_err(|error| failed(error, Path::new("")))?;
        for (folder, &below) in folders {
            let mode = if below { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match watcher.watch(folder, mode) {
                // Folders that may not be listed hold nothing that is read.
                Err(error) if folder.read_dir().is_err() => drop(error),
                watched => watched.map_err(|error| failed(error, folder))?,
            }
        }
        Ok(watcher)
    }

    /// Whether a touched file is one that matters; remembers what [`changed`](Self::changed) can't see by itself.
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
            let is_pack = is_library && in_packs;
            let trees: Vec<PathBuf> = self.trees_with(path).cloned().collect();
            let moved = self.is_on_the_way(path);
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
            // The name under which files are written before they get theirs.
            let hidden =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
            hidden || self.watched.written.iter().any(|written| paths_clash(written, &[path.to_owned()]))
        };
        let folders = self.watched.folders.iter().map(|folder| (folder, 1));
        let all = self.watched.trees.iter().map(|tree| (tree, usize::MAX)).chain(folders);
        let within = all.filter(move |(tree, depth)| inside(path, tree).is_some_and(|at| (1..=*depth).contains(&at)));
        within.map(|(tree, _)| tree).filter(move |_| !ours())
    }

    fn is_on_the_way(&self, path: &Path) -> bool {
        let folders = self.watched.packs.iter().chain(&self.watched.trees).chain(&self.watched.folders);
        let mut all = self.files.keys().filter(|file| *file != path).map(PathBuf::as_path);
        all.any(|file| file.starts_with(path)) || folders.flat_map(|f| places_of(f)).any(|f| f.starts_with(path))
    }

    /// Takes what there is now for known, so that [`changed`](Self::changed) tells what changes from now on.
    pub fn look(&mut self) {
        for (place, (_, state)) in &mut self.files {
            *state = FileState::of(place);
        }
        self.trees.clear();
    }

    /// The files that are not what they were, and the folders in which something changed.
    pub fn changed(&mut self) -> Vec<PathBuf> {
        // First, so that what changes from now on is noticed. An error comes again from `set`.
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

    /// Whether a library in a folder of packs was touched since this was last asked.
    pub fn packs_touched(&mut self) -> bool {
        std::mem::take(&mut self.packs)
    }
}

/// Opening and reading a file changes nothing.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// How deep a path is inside a folder, which may be a link; 0 is the folder itself.
fn inside(path: &Path, folder: &Path) -> Option<usize> {
    places_of(folder).iter().find_map(|folder| Some(path.strip_prefix(folder).ok()?.components().count()))
}
