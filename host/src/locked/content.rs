//! The content of a lock.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use splatgraph_sdk::Instructions;
use splatgraph_sdk::settings::{DEVICE, PRECISION};
use splatgraph_sdk::spec::PathKind;

use crate::graph::{Checked, Read};
use crate::run::Settings;
use crate::sums;
use crate::words::shown;

/// The version of the format.
pub(super) const VERSION: u64 = 1;

/// Everything that the results of a graph depend on. Sums are SHA-256 in lower-case hexadecimal digits. Names are paths relative to the
/// folder of the graph, or names of files elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The version of the format.
    pub version: u64,
    /// The sum of the graph's text.
    pub graph: String,
    /// The sums of the graphs that nodes name.
    pub parts: BTreeMap<String, String>,
    /// The packs of the nodes, by their ids.
    pub packs: BTreeMap<String, LockedPack>,
    /// The sums of models; `None` for models inside a pack.
    pub models: BTreeMap<String, Option<String>>,
    /// The sums of files and folders that nodes read. The name of a folder ends with a slash. `None` in a picture for a folder, and for
    /// a file that is a pipe.
    pub files: BTreeMap<String, Option<String>>,
    /// The device that nodes compute on; `None` if no pack has a choice.
    pub device: Option<String>,
    /// The precision on the device; `None` if no pack has a choice.
    pub precision: Option<String>,
    /// The instructions of the processor that kernels use, as `SPLATGRAPH_CPU` names them, or else the kind of the processor.
    pub instructions: String,
}

/// A pack in a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPack {
    /// Its version.
    pub version: String,
    /// The sum of its library, or of its source in another language; `None` if it is part of the program.
    pub sha256: Option<String>,
}

/// A file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be read: {error}\n  {}", shown(path))]
pub struct Unreadable {
    pub(super) what: String,
    pub(super) error: io::Error,
    pub(super) path: PathBuf,
}

/// Which files are read for their sums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All; one that can't be read is an error.
    Whole,
    /// No files in folders, as a folder may have a data set in it, and reading it would take longer than the run. A file that can't be
    /// read, or only once, has no sum; its node reports it.
    Quick,
}

impl Lock {
    /// The lock of a graph, whose text has the sum `graph`, for a run with these settings.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn of(checked: &Checked, graph: String, settings: &Settings) -> Result<Self, Unreadable> {
        let mut lock = Self::without_parts(checked, graph, settings, Extent::Whole)?;
        for (name, path) in checked.file().named_parts() {
            lock.parts.insert(name, readable(sums::of_file(&path), "a graph of a node", &path)?);
        }
        Ok(lock)
    }

    /// The lock of a graph that has the nodes of its parts in it.
    pub(crate) fn without_parts(
        checked: &Checked,
        graph: String,
        settings: &Settings,
        extent: Extent,
    ) -> Result<Self, Unreadable> {
        let text = |key: &str| settings.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let device = text(DEVICE);
        let mut lock = Self {
            version: VERSION,
            graph,
            parts: BTreeMap::new(),
            packs: BTreeMap::new(),
            models: BTreeMap::new(),
            files: BTreeMap::new(),
            precision: device.as_ref().map(|_| text(PRECISION).unwrap_or_else(|| "f32".to_owned())),
            device,
            instructions: instructions(),
        };
        for pack in checked.pack_nodes().into_iter().map(|node| &node.class.pack) {
            let (id, version) = (&pack.manifest.id, &pack.manifest.version);
            if !lock.packs.contains_key(id) {
                let sum = match extent {
                    Extent::Whole => sums::of_pack(pack),
                    Extent::Quick => sums::of_pack_looked_over(pack),
                };
                let sum = readable(sum, &format!("the pack `{id}`"), &pack.path)?;
                lock.packs.insert(id.clone(), LockedPack { version: version.clone(), sha256: sum });
            }
        }
        for read in checked.reads() {
            lock.add(&read, extent)?;
        }
        Ok(lock)
    }

    /// Adds something that nodes read.
    fn add(&mut self, read: &Read, extent: Extent) -> Result<(), Unreadable> {
        let Read { name, kind, path, .. } = read;
        let sum = |what: &str, path: &Path| readable(sums::of_file(path), what, path);
        match (kind, path) {
            (PathKind::Model, None) => drop(self.models.insert(name.clone(), None)),
            // The node says more about a folder that should be a model.
            (PathKind::Model, Some(path)) if path.is_dir() => {}
            (PathKind::Model, Some(path)) => drop(self.models.insert(name.clone(), Some(sum("the model", path)?))),
            (_, Some(path)) if path.is_dir() => {
                let whole = extent == Extent::Whole;
                let sum = whole.then(|| readable(sums::of_folder(path), "the folder", path)).transpose()?;
                self.files.insert(format!("{}/", name.trim_end_matches('/')), sum);
            }
            (_, Some(path)) => {
                let sum = match extent {
                    Extent::Whole => Some(sum("a file of the graph", path)?),
                    Extent::Quick => sum("", path).ok(),
                };
                self.files.insert(name.clone(), sum);
            }
            (_, None) => {}
        }
        Ok(())
    }
}

fn readable<T>(read: io::Result<T>, what: &str, path: &Path) -> Result<T, Unreadable> {
    read.map_err(|error| Unreadable { what: what.to_owned(), error, path: path.to_owned() })
}

/// The instructions that kernels use. Other kinds of processors have one set each.
fn instructions() -> String {
    match std::env::consts::ARCH {
        "x86_64" => Instructions::best().word().to_owned(),
        other => other.to_owned(),
    }
}
