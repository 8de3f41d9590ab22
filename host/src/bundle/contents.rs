//! Gathers what a bundle has in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use splatgraph_sdk::checkpoint;
use splatgraph_sdk::spec::{InputSpec, PathKind};
use thiserror::Error;

use super::names;
use super::places::{Places, relative};
use super::unpack::MOST_FILES;
use crate::graph::{self, Base, Checked, File, GRAPH_NAME, Origin, Problems, Read, folder_of, leaves_folder};
use crate::locked::{Lock, LockError};
use crate::reading::{LARGEST_GRAPH, read_at_most, text_of};
use crate::registry::Registry;
use crate::run::Settings;
use crate::sha256;
use crate::sums;
use crate::words::{one_line, shown, some_of};

/// Everything that goes into the archive.
pub struct Bundle {
    /// The lock of the graph in the archive.
    pub lock: Lock,
    /// The graph and the graphs that its nodes name, by their places.
    pub(super) texts: BTreeMap<String, String>,
    /// Further files, by their places.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// Models that are not in the archive.
    pub left_out: Vec<String>,
}

/// The errors of making a bundle.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum BundleError {
    #[error(transparent)]
    Graph(#[from] Problems),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("the graph takes paths from other nodes, so nobody knows its files before the run: {}; give these inputs a path in the graph", some_of(.0.iter().map(String::as_str)))]
    Unknown(Vec<String>),
    #[error("expected a graph that was made with the loaded packs, got an earlier version; write its new form with `splatgraph convert GRAPH -o NEW`\n  {}", shown(.0))]
    Earlier(PathBuf),
    #[error("two models have the name {}; rename one, or take the models into the bundle", one_line(.0))]
    Twins(String),
    #[error("a file of the graph cannot be taken into a bundle: {reason}; rename it\n  {}", shown(.path))]
    Name { path: PathBuf, reason: String },
    #[error(
        "expected at most {MOST_FILES} files in a bundle, got {0}; leave some out of the folders that the graph reads"
    )]
    TooMany(usize),
    #[error("a file of the graph cannot be read: {error}\n  {}", shown(.path))]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("a file changed while it was taken into the bundle; make the bundle again\n  {}", shown(.0))]
    Changed(PathBuf),
    #[error("the bundle cannot be written: {error}\n  {}", shown(.path))]
    Unwritable { path: PathBuf, error: io::Error },
}

/// A graph in the archive: its place, and the file that it was.
struct Text<'a> {
    place: &'a str,
    /// The folder of the file, absolute as for a check.
    folder: PathBuf,
}

/// The places of all files.
struct Gathered {
    places: Places,
    files: BTreeMap<String, PathBuf>,
    /// What the graph reads, with the names that it has in the lock of the archive; the place of a folder ends with a slash.
    named: Vec<(Read, String)>,
    left_out: Vec<String>,
}

impl Bundle {
    /// Gathers a graph, which was checked with the values of the user in it and with these settings. `file` is the same graph without
    /// the nodes of its parts. Takes models into the archive if `with_models` says so.
    ///
    /// # Errors
    /// A file can't be read or has a name that some system can't have, or nobody knows the files of the graph.
    pub fn of(
        file: &File,
        checked: &Checked,
        settings: &Settings,
        registry: &Registry,
        with_models: bool,
    ) -> Result<Self, BundleError> {
        let unknown = checked.unknown_reads();
        if !unknown.is_empty() {
            return Err(BundleError::Unknown(unknown));
        }
        let mut gathered = gather(checked, with_models)?;
        let parts: Vec<(String, PathBuf)> = checked.file().named_parts();
        for (name, path) in &parts {
            gathered.places.put("parts", name, &[(path.clone(), file_name(path))]);
        }
        let mut texts = BTreeMap::new();
        let folder = file.origin.folder().unwrap_or(Path::new(""));
        let own = graph::to_own_format(file, folder, registry)?;
        let main = File::parse(&own.json.to_string(), file.origin.clone())?;
        let text = Text { place: GRAPH_NAME, folder: absolute(folder) };
        texts.insert(GRAPH_NAME.to_owned(), gathered.text(&text, &main, registry));
        for (_, path) in &parts {
            let place = gathered.places.of(path).unwrap_or_default().to_owned();
            let part = read_part(path)?;
            if !graph::expand(part.clone()).adapted(registry).earlier.is_empty() {
                return Err(BundleError::Earlier(path.clone()));
            }
            let text = Text { place: &place, folder: absolute(folder_of(path)) };
            let text = gathered.text(&text, &part, registry);
            texts.insert(place, text);
        }
        let lock = gathered.lock(checked, settings, &texts)?;
        let Gathered { files, left_out, places, .. } = gathered;
        let parts = parts.iter().filter_map(|(_, path)| Some((places.of(path)?, path)));
        for (place, path) in files.iter().map(|(place, path)| (place.as_str(), path)).chain(parts) {
            names::check(place).map_err(|reason| BundleError::Name { path: path.clone(), reason })?;
        }
        let bundle = Self { lock, texts, files, left_out };
        // The lock is a file too.
        match 1 + bundle.files().count() {
            all if all > MOST_FILES => Err(BundleError::TooMany(all)),
            _ => Ok(bundle),
        }
    }
}

/// Gives each file that the graph reads a place.
fn gather(checked: &Checked, with_models: bool) -> Result<Gathered, BundleError> {
    let mut gathered =
        Gathered { places: Places::new(), files: BTreeMap::new(), named: Vec::new(), left_out: Vec::new() };
    let mut outside = BTreeSet::new();
    // The names of the parts of models that are left out: they lie behind the file with their list.
    let mut parts: HashMap<PathBuf, String> = HashMap::new();
    for read in checked.reads() {
        let Some(path) = read.path.clone() else {
            gathered.named.push((read.clone(), read.name.clone()));
            continue;
        };
        if read.kind == PathKind::Model && !with_models {
            let part = parts.get(&path).cloned();
            gathered.left_out.extend(part.is_none().then(|| file_name(&path)));
            let name = part.unwrap_or_else(|| file_name(&path));
            if !outside.insert(name.clone()) {
                return Err(BundleError::Twins(name));
            }
            parts.extend(parts_of(&path));
            gathered.named.push((read, name));
            continue;
        }
        gathered.put(&read, &path)?;
    }
    Ok(gathered)
}

/// The parts of a model in several files, with their names relative to the folder of the model.
fn parts_of(model: &Path) -> Vec<(PathBuf, String)> {
    let name = |part: &Path| part.strip_prefix(folder_of(model)).unwrap_or(part).to_string_lossy().into_owned();
    let parts = checkpoint::parts(model).into_iter().filter(|part| part.is_file());
    parts.map(|part| (part.clone(), name(&part))).collect()
}

impl Gathered {
    fn put(&mut self, read: &Read, path: &Path) -> Result<(), BundleError> {
        let folder = if read.kind == PathKind::Model { "models" } else { "files" };
        let mut together = vec![(path.to_owned(), file_name(path))];
        if read.kind == PathKind::Model {
            together.extend(parts_of(path));
        }
        self.places.put(folder, &read.name, &together);
        let place = self.places.of(path).unwrap_or_default().to_owned();
        if !path.is_dir() {
            self.files.insert(place.clone(), path.to_owned());
            self.named.push((read.clone(), place));
            return Ok(());
        }
        let unreadable = |error| BundleError::Unreadable { path: path.to_owned(), error };
        for (name, file) in sums::files_in(path).map_err(unreadable)? {
            self.files.insert(format!("{place}/{name}"), file);
        }
        self.named.push((read.clone(), format!("{place}/")));
        Ok(())
    }

    /// The text of a graph with the paths that it has in the archive.
    fn text(&self, text: &Text<'_>, file: &File, registry: &Registry) -> String {
        let graph = |path: &str| {
            let place = self.places.of(&text.folder.join(path)).unwrap_or(path);
            let path = relative(text.place, place);
            // The slash marks the class as a path.
            if path.contains('/') { path } else { format!("./{path}") }
        };
        let mut file = file.with_paths(registry, &graph, &|value, spec, base| {
            if *base == Base::Graph {
                self.rewrite(value, spec, text);
            }
        });
        file.extra.retain(|(key, _)| key != "$schema");
        // Maps with texts for keys can't fail.
        serde_json::to_string_pretty(&file.to_json()).unwrap_or_default() + "\n"
    }

    fn rewrite(&self, value: &mut Json, spec: &InputSpec, text: &Text<'_>) {
        match value {
            Json::Array(items) => items.iter_mut().for_each(|item| self.rewrite(item, spec, text)),
            Json::String(path) if !spec.builtin.contains(path) => match spec.path {
                Some(PathKind::Read | PathKind::ReadDir | PathKind::Model) => *path = self.path(path, spec, text),
                Some(PathKind::Write) | None => {}
            },
            _ => {}
        }
    }

    /// The path in the archive. A file that does not run, and a model that is left out, keeps only its name if it lies elsewhere.
    fn path(&self, path: &str, spec: &InputSpec, text: &Text<'_>) -> String {
        let whole = text.folder.join(path);
        if let Some(place) = self.places.of(&whole) {
            return relative(text.place, place);
        }
        if spec.path == Some(PathKind::Model) {
            // The model may be in a folder of models.
            let found = self.named.iter().find(|(read, _)| {
                read.kind == PathKind::Model && read.path.as_ref().is_some_and(|model| model.ends_with(path))
            });
            let place = found.and_then(|(read, _)| self.places.of(read.path.as_deref()?));
            return place.map_or_else(|| file_name(Path::new(path)), |place| relative(text.place, place));
        }
        if leaves_folder(Path::new(path)) { file_name(Path::new(path)) } else { path.to_owned() }
    }

    /// The lock of the graph as it is in the archive.
    fn lock(
        &self,
        checked: &Checked,
        settings: &Settings,
        texts: &BTreeMap<String, String>,
    ) -> Result<Lock, BundleError> {
        let sum = |text: &String| sha256::hex(&sha256::of_bytes(text.as_bytes()));
        let of = Lock::of(checked, sum(&texts[GRAPH_NAME]), settings).map_err(LockError::from)?;
        let (mut models, mut files) = (BTreeMap::new(), BTreeMap::new());
        for (read, place) in &self.named {
            let name =
                if place.ends_with('/') { format!("{}/", read.name.trim_end_matches('/')) } else { read.name.clone() };
            match read.kind {
                PathKind::Model => drop(models.insert(place.clone(), of.models.get(&name).cloned().flatten())),
                _ => drop(files.insert(place.clone(), of.files.get(&name).cloned().flatten())),
            }
        }
        let parts = texts.iter().filter(|(place, _)| *place != GRAPH_NAME);
        let parts = parts.map(|(place, text)| (place.clone(), sum(text))).collect();
        Ok(Lock { parts, models, files, ..of })
    }
}

fn read_part(path: &Path) -> Result<File, BundleError> {
    let unreadable = |error| BundleError::Unreadable { path: path.to_owned(), error };
    let bytes = read_at_most(path, LARGEST_GRAPH).map_err(unreadable)?;
    let text = text_of(bytes).map_err(|got| unreadable(io::Error::other(format!("expected a graph, got {got}"))))?;
    Ok(File::parse(&text, Origin::File(path.to_owned()))?)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn absolute(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}
