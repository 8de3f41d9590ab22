//! Remembers what was found when libraries were looked over, in a file of the user's cache folder.
//!
//! A library that did not change is not looked over again. The file can be lost, damaged or unwritable at any time; then
//! libraries are only looked over again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use splatgraph_sdk::host::{ABI_MAJOR, ABI_MINOR};

use super::helper::Facts;
use crate::file_state::FileState;
use crate::{sha256, sums};

/// The version of the form of the file.
const FORM: u32 = 1;
/// A file that changed so shortly before it was looked at may change again without a new time.
const UNSURE: Duration = Duration::from_secs(2);

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Contents {
    form: u32,
    /// The version and the interface of the host that wrote it.
    host: String,
    /// By canonical path.
    libraries: BTreeMap<String, Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    state: FileState,
    /// When the state was read.
    at: SystemTime,
    sha256: String,
    found: Remembered,
}

/// What is known about a library.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Remembered {
    /// It is a pack.
    Pack(Facts),
    /// It ended the process that looked it over, or did not answer in time; with the words for this.
    Ended(String),
}

/// The memory of a process.
pub(super) struct Memory {
    file: Option<PathBuf>,
    known: BTreeMap<String, Entry>,
    /// The libraries whose entries are new.
    new: Vec<String>,
}

impl Memory {
    /// Reads the memory in `file`.
    pub(super) fn read(file: Option<PathBuf>) -> Self {
        let known = file.as_deref().map(read).unwrap_or_default();
        Self { file, known, new: Vec::new() }
    }

    /// What is known about the library at a canonical path, which now has the state `state`.
    pub(super) fn of(&mut self, path: &Path, state: &FileState) -> Option<Remembered> {
        let name = path.to_str()?;
        let entry = self.known.get_mut(name)?;
        if entry.state != *state || entry.state.changed_since(entry.at.checked_sub(UNSURE)?) {
            let at = SystemTime::now();
            if sha256(path).ok()? != entry.sha256 {
                return None;
            }
            (entry.state, entry.at) = (state.clone(), at);
            self.new.push(name.to_owned());
        }
        sums::looked_over(path, state, &entry.sha256);
        Some(entry.found.clone())
    }

    /// Remembers what was found in the library at a canonical path. It had the state `state` before, at the time `at`.
    pub(super) fn keep(&mut self, path: &Path, state: FileState, at: SystemTime, found: Remembered) {
        let (Some(name), Some(_)) = (path.to_str(), &self.file) else { return };
        let Ok(sha256) = sha256(path) else { return };
        // The file changed in between, so it is not known which of its contents were looked over.
        if FileState::of(path) != state {
            return;
        }
        sums::looked_over(path, &state, &sha256);
        self.known.insert(name.to_owned(), Entry { state, at, sha256, found });
        self.new.push(name.to_owned());
    }

    /// Writes the new entries beside those that other processes wrote, and drops the entries of files that are gone.
    pub(super) fn write(self) {
        let (Some(file), false) = (self.file, self.new.is_empty()) else { return };
        let mut libraries = read(&file);
        libraries.extend(self.new.iter().filter_map(|name| Some((name.clone(), self.known.get(name)?.clone()))));
        libraries.retain(|name, _| Path::new(name).exists());
        let contents = Contents { form: FORM, host: host(), libraries };
        // An error is ignored here and below: the libraries are looked over again the next time.
        let Ok(text) = serde_json::to_string(&contents) else { return };
        if let Some(folder) = file.parent()
            && fs::create_dir_all(folder).is_ok()
        {
            let _ = splatgraph_sdk::write_whole(&file, format!("{}\n{text}", sum(text.as_bytes())).as_bytes());
        }
    }
}

fn host() -> String {
    format!("{} {ABI_MAJOR}.{ABI_MINOR}", env!("CARGO_PKG_VERSION"))
}

/// The entries in a file; none if it is missing, damaged or of another version.
fn read(file: &Path) -> BTreeMap<String, Entry> {
    let text = match file.metadata() {
        // Nothing else is opened: reading a pipe would never end.
        Ok(metadata) if metadata.is_file() => fs::read_to_string(file).unwrap_or_default(),
        _ => return BTreeMap::new(),
    };
    // The sum on the first line tells a file that is damaged or was edited.
    let whole = text.split_once('\n').filter(|(first, rest)| *first == sum(rest.as_bytes()));
    match whole.map(|(_, rest)| serde_json::from_str::<Contents>(rest)) {
        Some(Ok(contents)) if contents.form == FORM && contents.host == host() => contents.libraries,
        _ => BTreeMap::new(),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    sha256::of_file(path).map(|sum| sha256::hex(&sum))
}

fn sum(bytes: &[u8]) -> String {
    sha256::hex(&Sha256::digest(bytes))
}
