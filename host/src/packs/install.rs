//! Adds packs to the user's folder of packs, and removes them.
//!
//! Files are renamed but never written over, so a process that runs the old code is not disturbed.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use splatgraph_sdk::spec::Manifest;
use splatgraph_sdk::{TEMPORARY_PREFIX, TemporaryFile};
use thiserror::Error;

use super::copy::with_copy;
use super::found::{Found, id_of_file};
use super::helper::{Answer, Helper};
use super::library::read;
use super::search::{Origin, Place, libraries};
use super::stamped::stamped_id;
use super::symbols::{Kind, look_into};
use super::trust;
use crate::graph::Requirement;
use crate::sums;
use crate::words::{nearest, one_line, shown, some_of};

/// A pack that was added to a folder.
pub struct Installed {
    /// What the pack says about itself.
    pub manifest: Manifest,
    /// Its file in the folder.
    pub path: PathBuf,
    /// The version of the pack that it replaced, if there was one.
    pub replaced: Option<String>,
    /// A pack with the same id in an earlier place, which is used instead.
    pub hidden_by: Option<PathBuf>,
}

/// The errors of adding a pack.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum InstallError {
    #[error("the pack cannot be added: {reason}\n  {path}", path = shown(.path))]
    Refused { path: PathBuf, reason: String },
    #[error("the pack cannot be copied into the folder of packs: {error}\n  {path}", path = shown(.folder))]
    Unwritable { folder: PathBuf, error: io::Error },
    #[error("a pack in this folder would be refused: {reason}\n  {path}", path = shown(.folder))]
    Untrusted { folder: PathBuf, reason: String },
}

/// Copies the library `file` into `folder`, under a name made of its id, after `helper` looked it over. `found` are all packs
/// that are found now. The pack has to be one of `required`, unless there are none.
///
/// # Errors
/// This host can't load the library as a pack, or can't write to the folder.
pub fn install(
    file: &Path,
    folder: &Path,
    found: &Found,
    helper: &Helper,
    required: &[Requirement],
) -> Result<Installed, InstallError> {
    let refused = |reason: String| InstallError::Refused { path: file.to_owned(), reason };
    let unwritable = |error| InstallError::Unwritable { folder: folder.to_owned(), error };
    let whole = dunce::canonicalize(file).map_err(|error| refused(format!("it cannot be read: {error}")))?;
    sound(&whole).and_then(|()| trust::check(&whole)).map_err(refused)?;
    // Windows opens no library that is still open to be written, so the helper looks at a copy elsewhere.
    let (facts, temporary) = with_copy(&whole, |copy| match helper.ask(copy) {
        Answer::Facts(facts) => Ok((facts, written(copy, folder))),
        Answer::Refused(reason) | Answer::Ended(reason) => Err(reason),
        Answer::Devices(_) => Err("it listed its devices instead of its nodes".to_owned()),
    })
    .map_err(refused)?;
    let temporary = temporary?;
    let manifest = read(&facts).map_err(refused)?;
    check_required(&manifest, temporary.path(), required).map_err(refused)?;
    let id = manifest.id.clone();
    let target = folder.join(format!("{DLL_PREFIX}{id}{DLL_SUFFIX}"));

    let there = entries(folder, &id, found);
    let (replaced, hidden_by) = others(&id, &there, found);
    match there.first() {
        // Renames twice, so that there is a pack with this id at any time, whatever the name of its old file is.
        Some(old) if !there.contains(&target) => {
            replace(temporary, old).and_then(|()| fs::rename(old, &target)).map_err(unwritable)?;
        }
        _ => replace(temporary, &target).map_err(unwritable)?,
    }
    for old in there.iter().skip(1).filter(|old| **old != target) {
        remove_library(old).map_err(unwritable)?;
    }
    Ok(Installed { manifest, path: target, replaced, hidden_by })
}

/// Refuses a pack whose code is the file `code`, if it is none of the required packs; with the reason.
pub(super) fn check_required(manifest: &Manifest, code: &Path, required: &[Requirement]) -> Result<(), String> {
    let id = &manifest.id;
    let same: Vec<&Requirement> = required.iter().filter(|requirement| requirement.pack == *id).collect();
    if same.is_empty() && !required.is_empty() {
        let known = some_of(required.iter().map(|requirement| requirement.pack.as_str()));
        return Err(format!("expected a pack that the graph requires ({known}), got `{id}`"));
    }
    let sum = || sums::of_file(code).map(Some);
    let problem = same.into_iter().find_map(|requirement| requirement.difference(&manifest.version, sum));
    problem.map_or(Ok(()), |problem| Err(format!("{problem}; get the pack from where the graph comes from")))
}

/// The version of the pack `id` that is replaced, and the file of another pack with this id that is used instead. `there` are the files
/// of the pack in the folder.
pub(super) fn others(id: &str, there: &[PathBuf], found: &Found) -> (Option<String>, Option<PathBuf>) {
    let Some(other) = found.loaded.iter().find(|other| other.stamp.id == id) else { return (None, None) };
    if there.iter().any(|entry| leads_to(entry, &other.pack.path)) {
        return (Some(other.stamp.version.clone()), None);
    }
    // The user's folder is the first of the data folders.
    (None, (other.origin != Origin::DataDirectory).then(|| other.pack.path.clone()))
}

/// Refuses a file that is not a pack for this machine, with the reason.
fn sound(path: &Path) -> Result<(), String> {
    match look_into(path) {
        Kind::Pack => Ok(()),
        Kind::OtherLibrary => Err("expected a node pack, got a library without `export_pack!`".to_owned()),
        Kind::Broken(reason) => Err(reason),
    }
}

/// Creates a folder that only its owner may write to, as packs in other folders are not trusted.
pub(super) fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(folder)
}

/// Copies a library into `folder`, under a temporary name without the extension of libraries, so that no process loads the file
/// before it has its final name.
fn written(library: &Path, folder: &Path) -> Result<TemporaryFile, InstallError> {
    let unwritable = |error| InstallError::Unwritable { folder: folder.to_owned(), error };
    create(folder).map_err(unwritable)?;
    let mut temporary = TemporaryFile::new(folder).map_err(unwritable)?;
    copy(library, temporary.file()).map_err(unwritable)?;
    trust::check(temporary.path()).map_err(|reason| InstallError::Untrusted { folder: folder.to_owned(), reason })?;
    Ok(temporary)
}

/// Gives a file its name.
fn replace(temporary: TemporaryFile, target: &Path) -> io::Result<()> {
    let aside = if cfg!(windows) && target.exists() { Some(set_aside(target)?) } else { None };
    let renamed = temporary.rename(target);
    if let Some(aside) = aside {
        // As long as a process has the old pack loaded, its file stays. The next process that writes into the folder removes it.
        let _ = if renamed.is_ok() { fs::remove_file(aside) } else { fs::rename(aside, target) };
    }
    renamed
}

pub(super) fn remove_library(file: &Path) -> io::Result<()> {
    if cfg!(windows) {
        // A library that no process has loaded goes at once. The next process that writes into the folder removes the others.
        let _ = fs::remove_file(set_aside(file)?);
        return Ok(());
    }
    fs::remove_file(file)
}

/// Renames a library to a temporary name. Windows neither replaces nor removes a library that a process has loaded.
fn set_aside(library: &Path) -> io::Result<PathBuf> {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let aside = library.with_file_name(format!("{TEMPORARY_PREFIX}{}-{name}.old", std::process::id()));
    fs::rename(library, &aside).map(|()| aside)
}

fn copy(from: &Path, to: &mut fs::File) -> io::Result<()> {
    io::copy(&mut fs::File::open(from)?, to)?;
    // The user's umask may let the group write.
    #[cfg(unix)]
    to.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    Ok(())
}

/// The files and links of the pack `id` in `folder`.
pub(super) fn entries(folder: &Path, id: &str, found: &Found) -> Vec<PathBuf> {
    let loaded = found.loaded.iter().filter(|file| file.stamp.id == id).map(|file| &file.pack.path);
    let hidden = found.hidden.iter().filter(|file| file.id == id).map(|file| &file.path);
    let refused = found.refused.iter().filter(|file| file.id.as_deref() == Some(id)).map(|file| &file.path);
    let packs: Vec<&PathBuf> = loaded.chain(hidden).chain(refused).collect();
    let files = libraries(folder).unwrap_or_default();
    files.into_iter().filter(|file| packs.iter().any(|pack| leads_to(file, pack))).collect()
}

/// Whether a file or link leads to the file with the canonical path `pack`.
fn leads_to(entry: &Path, pack: &Path) -> bool {
    dunce::canonicalize(entry).is_ok_and(|whole| whole == pack)
}

/// A pack that was removed.
#[derive(Debug)]
pub struct Removed {
    /// The files and links that were removed.
    pub files: Vec<PathBuf>,
    /// The files of the same pack in other folders.
    pub elsewhere: Vec<PathBuf>,
}

/// The errors of removing a pack.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum RemoveError {
    #[error("the folder has no pack `{id}`{hint}\n  {path}", id = one_line(.id), path = shown(.folder))]
    Unknown { id: String, hint: String, folder: PathBuf },
    #[error(
        "the pack `{id}` is not in the user's folder of packs; remove its file yourself\n  pack:   {path}\n  folder: {folder}",
        path = shown(.path), folder = shown(.folder)
    )]
    Elsewhere { id: String, path: PathBuf, folder: PathBuf },
    #[error("the pack cannot be removed: {error}\n  {path}", path = shown(.path))]
    Failed { path: PathBuf, error: io::Error },
}

/// Removes the pack `id` from `folder`, and from no other folder. `places` are all folders of packs. Opens no library.
///
/// # Errors
/// The folder does not have the pack, or its files can't be removed.
pub fn remove(id: &str, folder: &Path, places: &[Place]) -> Result<Removed, RemoveError> {
    let here: Vec<PathBuf> = libraries(folder).unwrap_or_default();
    let files: Vec<PathBuf> = here.into_iter().filter(|file| id_of(file).as_deref() == Some(id)).collect();
    let elsewhere = places.iter().flat_map(|place| libraries(&place.folder).unwrap_or_default());
    let elsewhere: Vec<(PathBuf, String)> =
        elsewhere.filter_map(|file| Some((dunce::canonicalize(&file).ok()?, id_of(&file)?))).collect();
    let ids = elsewhere.iter().map(|(_, id)| id.as_str());
    let hint = nearest(id, ids).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let is_left = |file: &PathBuf| !files.iter().any(|removed| leads_to(removed, file));
    let mut elsewhere: Vec<PathBuf> =
        elsewhere.into_iter().filter(|(_, other)| other == id).map(|(file, _)| file).filter(is_left).collect();
    elsewhere.dedup();
    if files.is_empty() {
        let (id, folder) = (id.to_owned(), folder.to_owned());
        return Err(match elsewhere.into_iter().next() {
            Some(path) => RemoveError::Elsewhere { id, path, folder },
            None => RemoveError::Unknown { id, hint, folder },
        });
    }
    let sources = sources_beside(&files, folder);
    let files = [files, sources].concat();
    for file in &files {
        remove_library(file).map_err(|error| RemoveError::Failed { path: file.clone(), error })?;
    }
    Ok(Removed { files, elsewhere })
}

/// The sources that were copied into the folder with packs in other languages.
#[cfg(unix)]
fn sources_beside(files: &[PathBuf], folder: &Path) -> Vec<PathBuf> {
    let described = files.iter().filter(|file| super::found::describes_pack(file));
    let sources = described.filter_map(|file| super::worker_file::read(file).ok()).map(|described| described.source);
    sources.filter(|source| source.parent() == Some(folder)).collect()
}

/// There are no packs in other languages.
#[cfg(not(unix))]
fn sources_beside(_files: &[PathBuf], _folder: &Path) -> Vec<PathBuf> {
    Vec::new()
}

/// The id of a pack, from its file. A damaged file, or a link that leads nowhere, is known only by its name.
fn id_of(file: &Path) -> Option<String> {
    stamped_id(file).or_else(|| id_of_file(file))
}
