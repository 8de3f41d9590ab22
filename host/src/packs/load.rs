//! Loads packs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use splatgraph_sdk::host::{self, ABI_MAJOR, ABI_MINOR, LoadedPack, LogLevel, NodeInstance, STAMP_SYMBOL, Stamp};
use splatgraph_sdk::spec::DeviceSpec;
use splatgraph_sdk::{Ctx, Error, Value};

use super::found::{Found, Hidden, LoadedFile, Refused};
use super::manifest;
use super::search::{Origin, Place, libraries};
use super::symbols::{Kind, look_into};
use super::trust;
use crate::registry::{Instance, NodeSource, Pack};

/// Takes messages of packs outside a run: the id of the pack, the level and the message.
pub type Log = Arc<dyn Fn(&str, LogLevel, &str) + Send + Sync>;

/// Loads all packs in `places`, in their order. Runs no code of a file that is not a valid pack.
#[must_use]
pub fn load_all(places: &[Place], log: &Log) -> Found {
    let open = |path: &Path| match look_into(path) {
        Kind::OtherLibrary => Looked::OtherLibrary,
        Kind::Broken(reason) => Looked::Refused(reason),
        Kind::Pack => match trust::check(path).and_then(|()| open(path)) {
            Ok(stamp) => Looked::Opened(stamp),
            Err(reason) => Looked::Refused(reason),
        },
    };
    gather(places, open, |file, origin| load(file.path.clone(), &file.path, file.stamp.clone(), origin, log))
}

/// The result of looking at a file in a folder of packs.
pub(super) enum Looked {
    /// A pack, which is now in the process.
    Opened(Stamp),
    /// A library that is not a pack.
    OtherLibrary,
    /// A file that should be a pack but can't be loaded, with the reason.
    Refused(String),
}

/// A library in the process, with its stamp.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// Searches `places` in their order. Calls `open` for every library, and `load` for packs whose id no earlier place has.
pub(super) fn gather(
    places: &[Place],
    mut open: impl FnMut(&Path) -> Looked,
    mut load: impl FnMut(&Opened, Origin) -> Result<LoadedFile, String>,
) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for place in places {
        let opened = open_folder(place, &mut seen, &mut found, &mut open);
        for file in without_twins(opened, &mut found.refused) {
            if let Some(earlier) = found.loaded.iter().find(|loaded| loaded.stamp.id == file.stamp.id) {
                let used = earlier.pack.path.clone();
                found.hidden.push(Hidden { path: file.path, id: file.stamp.id, used });
                continue;
            }
            match load(&file, place.origin) {
                Ok(loaded) => found.loaded.push(loaded),
                Err(reason) => found.refused.push(Refused { path: file.path, reason }),
            }
        }
    }
    found
}

/// Opens the packs in a folder. `seen` are the files of earlier places, by their canonical paths.
fn open_folder(
    place: &Place,
    seen: &mut HashSet<PathBuf>,
    found: &mut Found,
    open: &mut impl FnMut(&Path) -> Looked,
) -> Vec<Opened> {
    let mut opened = Vec::new();
    let files = libraries(&place.folder).unwrap_or_else(|error| {
        let reason = format!("its folder cannot be listed: {error}");
        found.refused.push(Refused { path: place.folder.clone(), reason });
        Vec::new()
    });
    for path in files {
        // dlopen searches LD_LIBRARY_PATH for a bare name, so it only gets whole paths.
        let whole = match path.canonicalize() {
            Ok(whole) if seen.insert(whole.clone()) => whole,
            Ok(_) => continue,
            Err(error) => {
                found.refused.push(Refused { path, reason: format!("it cannot be read: {error}") });
                continue;
            }
        };
        match open(&whole) {
            Looked::OtherLibrary => found.passed_over.push(whole),
            Looked::Refused(reason) => found.refused.push(Refused { path: whole, reason }),
            Looked::Opened(stamp) => opened.push(Opened { path: whole, stamp }),
        }
    }
    opened
}

/// Refuses all packs in a folder that share an id, as none of them comes first.
fn without_twins(opened: Vec<Opened>, refused: &mut Vec<Refused>) -> Vec<Opened> {
    let ids: Vec<String> = opened.iter().map(|file| file.stamp.id.clone()).collect();
    let (single, twins): (Vec<_>, Vec<_>) =
        opened.into_iter().partition(|file| ids.iter().filter(|id| **id == file.stamp.id).count() == 1);
    for file in &twins {
        let others = twins.iter().filter(|other| other.stamp.id == file.stamp.id && other.path != file.path);
        let others: Vec<_> = others.map(|other| file_name(&other.path)).collect();
        refused.push(Refused {
            path: file.path.clone(),
            reason: format!(
                "its id `{}` is also the id of {} in the same folder; remove all but one",
                file.stamp.id,
                others.join(", ")
            ),
        });
    }
    single
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Opens a library, which is never closed, and reads its stamp.
#[expect(unsafe_code, reason = "loading a library and reading a symbol of it")]
pub(super) fn open(path: &Path) -> Result<Stamp, String> {
    #[cfg(unix)]
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    #[cfg(windows)]
    use libloading::os::windows::Library;

    // SAFETY: opening runs the constructors of the library. It is a complete library for this machine, it exports the
    // stamp of a pack, and only its owner could write it. The host trusts packs as it trusts itself.
    #[cfg(unix)]
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    // SAFETY: as above.
    #[cfg(windows)]
    let library = unsafe { Library::new(path) };
    let library = library.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})")).unwrap_or_default();
        format!("the system cannot load it: {error}{cause}; install the libraries that it needs")
    })?;
    // SAFETY: only the address of the symbol is used.
    let symbol = unsafe { library.get::<*const ()>(STAMP_SYMBOL.as_bytes()) };
    let address = symbol.map(|symbol| symbol.as_raw_ptr().cast_const().cast::<()>());
    let stamp = address.map_err(|error| format!("its stamp cannot be found: {error}")).and_then(|address| {
        // SAFETY: the address points to the stamp in the library, which is open and is never closed.
        unsafe { host::read_stamp(address) }.map_err(|error| format!("its stamp cannot be read: {error}"))
    });
    // Never closed: values, threads and the panic hook of a pack point into it.
    std::mem::forget(library);
    stamp
}

/// Checks the interface of a pack, and reads its manifest. `image` is the file that was opened: the file of the pack, or a
/// copy of it.
pub(super) fn load(path: PathBuf, image: &Path, stamp: Stamp, origin: Origin, log: &Log) -> Result<LoadedFile, String> {
    let built = format!("{} {} (SDK {}, {})", stamp.id, stamp.version, stamp.sdk, stamp.rustc);
    if stamp.abi_major != ABI_MAJOR {
        return Err(format!(
            "expected interface {ABI_MAJOR}.{ABI_MINOR}, got {}.{} from {built}; {}",
            stamp.abi_major,
            stamp.abi_minor,
            if stamp.abi_major < ABI_MAJOR { "rebuild it with this host's SDK" } else { "update the host" }
        ));
    }
    let pack = host::open_pack(image, stamp.clone())?;
    let id = stamp.id.clone();
    let log = Arc::clone(log);
    pack.init(move |level, message| log(&id, level, message));
    let manifest = pack.manifest().map_err(|error| format!("the manifest of {built} cannot be read: {error}"))?;
    let faults = manifest::faults(&manifest, &stamp.id);
    if !faults.is_empty() {
        return Err(format!("the manifest of {built} is wrong: {}", faults.join("; ")));
    }
    let nodes = Arc::new(Nodes { pack, generation: GENERATIONS.fetch_add(1, Ordering::Relaxed) });
    Ok(LoadedFile { pack: Pack { manifest, path, nodes }, stamp, origin })
}

/// Counts the packs that were loaded. Packs that are part of the program have 0.
static GENERATIONS: AtomicU64 = AtomicU64::new(1);

/// The nodes of a loaded library.
struct Nodes {
    pack: LoadedPack,
    generation: u64,
}

impl NodeSource for Nodes {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        Ok(Box::new(self.pack.create(node)?))
    }

    fn devices(&self) -> Result<Vec<DeviceSpec>, Error> {
        self.pack.devices()
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

impl Instance for NodeInstance {
    fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error> {
        // The method of the SDK, not this one.
        Self::run(self, ctx, inputs)
    }
}
