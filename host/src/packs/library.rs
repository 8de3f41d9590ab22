//! Opens libraries. A library is never closed: values, threads and the panic hook of a pack point into it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use splatgraph_sdk::host::{
    self, ABI_MAJOR, ABI_MINOR, LoadedPack, LogLevel, NodeInstance, STAMP_SYMBOL, Stamp, read_manifest,
};
use splatgraph_sdk::spec::{DeviceSpec, Manifest};
use splatgraph_sdk::{Ctx, Error, Value};

use super::copy::with_copy;
use super::helper::Facts;
use super::load::Log;
use super::{manifest, trust};
use crate::calls;
use crate::file_state::FileState;
use crate::registry::{Instance, NodeSource};
use crate::words::{shortened, shown};

/// The most bytes of a manifest. The manifest of 80 nodes has 200 thousand.
pub(super) const LONGEST_MANIFEST: usize = 16 << 20;

/// A library whose facts are known. It is opened when the first node is made.
pub(super) struct Library {
    pub(super) path: PathBuf,
    /// The state of the file for which the facts hold.
    pub(super) state: FileState,
    pub(super) facts: Facts,
    pub(super) way: Way,
    pub(super) log: Log,
    pub(super) generation: u64,
    pub(super) opened: OnceLock<Result<LoadedPack, String>>,
}

/// How a library is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In its place.
    Itself,
    /// From a copy with a name of its own.
    Copy,
    /// From a copy, or in its place if the copy can't be opened.
    CopyOrItself,
}

/// Counts the packs that were loaded. Packs that are part of the program have 0.
pub(super) fn next_generation() -> u64 {
    static GENERATIONS: AtomicU64 = AtomicU64::new(1);
    GENERATIONS.fetch_add(1, Ordering::Relaxed)
}

impl Library {
    fn pack(&self) -> Result<&LoadedPack, Error> {
        let opened = self.opened.get_or_init(|| {
            let stamp = &self.facts.stamp;
            let _call = calls::enter(format_args!("the opening of the pack `{}`", stamp.id));
            let opened = self.open();
            for warning in calls::check(true) {
                (self.log)(&stamp.id, LogLevel::Warn, &warning);
            }
            opened
        });
        opened.as_ref().map_err(|reason| {
            let message = format!(
                "the pack `{}` cannot be opened: {}: {}",
                self.facts.stamp.id,
                reason.trim_end_matches('.'),
                shown(&self.path)
            );
            Error { location: String::new(), ..Error::missing(message) }
        })
    }

    fn open(&self) -> Result<LoadedPack, String> {
        trust::check(&self.path)?;
        let Facts { stamp, manifest } = &self.facts;
        let (pack, facts) = open_as(&self.path, self.way, &self.log)?;
        if FileState::of(&self.path) != self.state {
            return Err("its file changed after it was looked over; run the command again".to_owned());
        }
        // The graph was checked with the manifest that was looked over. A pack may say different things about itself, such as
        // why a node is absent, but not about the sockets of its nodes.
        let nodes = |text: &str| read_manifest(text).map(|manifest| manifest.nodes).ok();
        if facts.stamp != *stamp || facts.manifest != *manifest && nodes(&facts.manifest) != nodes(manifest) {
            return Err("it declares other nodes than when it was looked over; run the command again".to_owned());
        }
        Ok(pack)
    }
}

/// Opens the library at `path`, and asks for its manifest.
pub(super) fn open_as(path: &Path, way: Way, log: &Log) -> Result<(LoadedPack, Facts), String> {
    let itself = || open_image(path, log);
    match way {
        Way::Itself => itself(),
        Way::Copy => with_copy(path, |copy| open_image(copy, log)),
        // A library that finds others beside itself can be opened only in its own folder, and only once.
        Way::CopyOrItself => with_copy(path, |copy| open_image(copy, log)).or_else(|_| itself()),
    }
}

fn open_image(image: &Path, log: &Log) -> Result<(LoadedPack, Facts), String> {
    let stamp = open(image)?;
    let (id, log) = (stamp.id.clone(), log.clone());
    facts(image, stamp, move |level, message| log(&id, level, message))
}

impl NodeSource for Library {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        Ok(Box::new(self.pack()?.create(node)?))
    }

    fn devices(&self) -> Result<Vec<DeviceSpec>, Error> {
        let pack = self.pack()?;
        let id = &self.facts.stamp.id;
        let _call = calls::enter(format_args!("the list of devices of the pack `{id}`"));
        let devices = pack.devices();
        for warning in calls::check(true) {
            (self.log)(id, LogLevel::Warn, &warning);
        }
        devices
    }

    fn web_file(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let pack = self.pack()?;
        let _call = calls::enter(format_args!("the file `{name}` of the pack `{}`", self.facts.stamp.id));
        Ok(pack.web_file(name))
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

/// Opens a library, and reads its stamp.
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
        shortened(&format!("the system cannot load it: {error}{cause}; install the libraries that it needs"))
    })?;
    // SAFETY: only the address of the symbol is used.
    let symbol = unsafe { library.get::<*const ()>(STAMP_SYMBOL.as_bytes()) };
    let address = symbol.map(|symbol| symbol.as_raw_ptr().cast_const().cast::<()>());
    let stamp = address.map_err(|error| format!("its stamp cannot be found: {error}")).and_then(|address| {
        // SAFETY: the address points to the stamp in the library, which is open and is never closed.
        unsafe { host::read_stamp(address) }.map_err(|error| format!("its stamp cannot be read: {error}"))
    });
    std::mem::forget(library);
    stamp
}

/// Checks the interface of the library that was opened from the file `image`, prepares it and asks for its manifest.
pub(super) fn facts(
    image: &Path,
    stamp: Stamp,
    log: impl Fn(LogLevel, &str) + Send + Sync + 'static,
) -> Result<(LoadedPack, Facts), String> {
    let built = built(&stamp);
    if stamp.abi_major != ABI_MAJOR {
        return Err(format!(
            "expected interface {ABI_MAJOR}.{ABI_MINOR}, got {}.{} from {built}; {}",
            stamp.abi_major,
            stamp.abi_minor,
            if stamp.abi_major < ABI_MAJOR { "rebuild it with this host's SDK" } else { "update the host" }
        ));
    }
    let pack = host::open_pack(image, stamp.clone())?;
    pack.init(move |level, message| log(level, &shortened(message)));
    let manifest = pack.manifest_text();
    if manifest.len() > LONGEST_MANIFEST {
        return Err(format!(
            "the manifest of {built} is too long: expected at most {LONGEST_MANIFEST} bytes, got {}",
            manifest.len()
        ));
    }
    let facts = Facts { stamp, manifest };
    read(&facts)?;
    Ok((pack, facts))
}

/// Reads the manifest of a pack, and checks it before graphs rely on it.
pub(super) fn read(facts: &Facts) -> Result<Manifest, String> {
    let built = built(&facts.stamp);
    let manifest = read_manifest(&facts.manifest);
    let manifest = manifest.map_err(|error| shortened(&format!("the manifest of {built} cannot be read: {error}")))?;
    let faults = manifest::faults(&manifest, &facts.stamp.id);
    match faults.is_empty() {
        true => Ok(manifest),
        false => Err(shortened(&format!("the manifest of {built} is wrong: {}", faults.join("; ")))),
    }
}

fn built(stamp: &Stamp) -> String {
    format!("{} {} (SDK {}, {})", stamp.id, stamp.version, stamp.sdk, stamp.rustc)
}
