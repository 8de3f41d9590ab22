//! Adds packs in other languages to the user's folder of packs.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use splatgraph_sdk::{TEMPORARY_PREFIX, TemporaryFile};

use super::found::{DESCRIPTION_ENDING, Found};
use super::install::{InstallError, Installed, check_required, create, entries, others, remove_library};
use super::library::read;
use super::load::Log;
use super::look::facts_of;
use super::trust;
use super::worker::WorkerCommand;
use super::worker_file::WorkerFile;
use crate::graph::Requirement;

/// Copies the source of a pack in another language into `folder`, and writes a file beside it that says how the pack is served: by
/// `program` with `arguments` and the path of the source. A process of the pack lists its nodes first. `found` are all packs that are
/// found now. The pack has to be one of `required`, unless there are none.
///
/// # Errors
/// The pack can't be served, or the folder can't be written.
pub fn install_source(
    source: &Path,
    program: &Path,
    arguments: &[PathBuf],
    folder: &Path,
    found: &Found,
    log: &Log,
    required: &[Requirement],
) -> Result<Installed, InstallError> {
    let refused = |reason: String| InstallError::Refused { path: source.to_owned(), reason };
    let unwritable = |error| InstallError::Unwritable { folder: folder.to_owned(), error };
    let whole = source.canonicalize().map_err(|error| refused(format!("it cannot be read: {error}")))?;
    let name = whole.file_name().unwrap_or_default();
    create(folder).map_err(unwritable)?;
    // The pack runs from a copy, so that a file beside the source that it needs is missed now.
    let trial = Trial(folder.join(format!("{TEMPORARY_PREFIX}{}-source", std::process::id())));
    let copy = trial.0.join(name);
    fs::create_dir_all(&trial.0).and_then(|()| fs::copy(&whole, &copy)).map_err(unwritable)?;
    trust::check(&copy).map_err(|reason| InstallError::Untrusted { folder: folder.to_owned(), reason })?;
    let all = arguments.iter().cloned().map(OsString::from).chain([copy.clone().into()]).collect();
    let command = WorkerCommand { program: program.to_owned(), arguments: all, memory: None, waits: false };
    let stem = name.to_string_lossy().split('.').next().unwrap_or_default().to_owned();
    let facts = command.look_over(&stem, log).and_then(facts_of).map_err(refused)?;
    let manifest = read(&facts).map_err(refused)?;
    check_required(&manifest, &copy, required).map_err(refused)?;
    let id = manifest.id.clone();
    let ending = whole.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let file = format!("{id}{ending}");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut words = vec![text(program)];
    words.extend(arguments.iter().map(|argument| text(argument)));
    words.push(file.clone());
    let described = WorkerFile { command: words, files: vec![file.clone()] };
    let json = serde_json::to_string_pretty(&described).map_err(|error| refused(error.to_string()))?;
    let target = folder.join(format!("{id}{DESCRIPTION_ENDING}"));
    let there = entries(folder, &id, found);
    let (replaced, hidden_by) = others(&id, &there, found);
    fs::rename(&copy, folder.join(&file)).map_err(unwritable)?;
    let mut temporary = TemporaryFile::new(folder).map_err(unwritable)?;
    temporary.file().write_all(json.as_bytes()).map_err(unwritable)?;
    temporary.rename(&target).map_err(unwritable)?;
    for old in there.iter().filter(|old| **old != target) {
        remove_library(old).map_err(unwritable)?;
    }
    Ok(Installed { manifest, path: target, replaced, hidden_by })
}

/// A folder that goes when the trial is over.
struct Trial(PathBuf);

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
