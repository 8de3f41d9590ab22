//! Adds packs to the user's folder of packs, and removes them.
//!
//! Files are renamed but never written over, so a process that runs the old code is not disturbed.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use splatgraph_sdk::TEMPORARY_PREFIX;
use thiserror::Error;

use super::found::{Found, LoadedFile};
use super::load::{Log, load, open};
use super::manifest::is_pack_id;
use super::search::{Origin, libraries};
use super::symbols::{Kind, look_into};
use super::trust;
use crate::words::nearest;

/// A pack that was added to a folder.
pub struct Installed {
    /// The pack, loaded from the folder.
    pub pack: LoadedFile,
    /// The version of the pack that it replaced, if there was one.
    pub replaced: Option<String>,
    /// A pack with the same id in an earlier place, which is used instead.
    pub hidden_by: Option<PathBuf>,
}

/// The errors of adding a pack.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum InstallError {
    #[error("the pack cannot be added: {reason}\n  {path}", path = .path.display())]
    Refused { path: PathBuf, reason: String },
    #[error("the pack cannot be copied into the folder of packs: {error}\n  {path}", path = .folder.display())]
    Unwritable { folder: PathBuf, error: io::Error },
    #[error("a pack in this folder would be refused: {reason}\n  {path}", path = .folder.display())]
    Untrusted { folder: PathBuf, reason: String },
}

/// Loads the library `file` once, and copies it into `folder` under a name made of its id. `found` are all packs that are
/// found now.
///
/// # Errors
/// This host can't load the library as a pack, or can't write to the folder.
pub fn install(file: &Path, folder: &Path, found: &Found, log: &Log) -> Result<Installed, InstallError> {
    let refused = |reason: String| InstallError::Refused { path: file.to_owned(), reason };
    let unwritable = |error| InstallError::Unwritable { folder: folder.to_owned(), error };
    let whole = file.canonicalize().map_err(|error| refused(format!("it cannot be read: {error}")))?;
    sound(&whole).and_then(|()| trust::check(&whole)).map_err(refused)?;
    create(folder).map_err(unwritable)?;
    // The name has no extension of libraries, so that no process loads the file before it has its final name.
    let temporary = Temporary(folder.join(format!("{TEMPORARY_PREFIX}{}", std::process::id())));
    copy(&whole, &temporary.0).map_err(unwritable)?;
    trust::check(&temporary.0).map_err(|reason| InstallError::Untrusted { folder: folder.to_owned(), reason })?;
    sound(&temporary.0).map_err(refused)?;
    let stamp = open(&temporary.0).map_err(refused)?;
    let id = stamp.id.clone();
    if !is_pack_id(&id) {
        return Err(refused(format!("expected an id of lower-case letters, digits, `_` and `-`, got `{id}`")));
    }
    let target = folder.join(format!("{DLL_PREFIX}{id}{DLL_SUFFIX}"));
    let pack = load(target.clone(), &temporary.0, stamp, Origin::DataDirectory, log).map_err(refused)?;

    let there = entries(folder, &id, found);
    let other = found.loaded.iter().find(|other| other.stamp.id == id);
    let other_is_here = other.is_some_and(|other| there.iter().any(|entry| leads_to(entry, &other.pack.path)));
    match there.first() {
        // Renames twice, so that there is a pack with this id at any time, whatever the name of its old file is.
        Some(old) if !there.contains(&target) => {
            fs::rename(&temporary.0, old).and_then(|()| fs::rename(old, &target)).map_err(unwritable)?;
        }
        _ => fs::rename(&temporary.0, &target).map_err(unwritable)?,
    }
    for old in there.iter().skip(1).filter(|old| **old != target) {
        fs::remove_file(old).map_err(unwritable)?;
    }
    // The user's folder is the first of the data folders.
    let is_earlier = |other: &&LoadedFile| !other_is_here && other.origin != Origin::DataDirectory;
    Ok(Installed {
        pack,
        replaced: other.filter(|_| other_is_here).map(|other| other.stamp.version.clone()),
        hidden_by: other.filter(is_earlier).map(|other| other.pack.path.clone()),
    })
}

/// A temporary file, which is removed unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
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
fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(folder)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    // The user's group may have permission to write files of cargo.
    #[cfg(unix)]
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    Ok(())
}

/// The files and links of the pack `id` in `folder`.
fn entries(folder: &Path, id: &str, found: &Found) -> Vec<PathBuf> {
    let loaded = found.loaded.iter().filter(|file| file.stamp.id == id).map(|file| &file.pack.path);
    let hidden = found.hidden.iter().filter(|file| file.id == id).map(|file| &file.path);
    let packs: Vec<&PathBuf> = loaded.chain(hidden).collect();
    let files = libraries(folder).unwrap_or_default();
    files.into_iter().filter(|file| packs.iter().any(|pack| leads_to(file, pack))).collect()
}

/// Whether a file or link leads to the file with the canonical path `pack`.
fn leads_to(entry: &Path, pack: &Path) -> bool {
    entry.canonicalize().is_ok_and(|whole| whole == pack)
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
    #[error("the folder has no pack `{id}`{hint}\n  {path}", path = .folder.display())]
    Unknown { id: String, hint: String, folder: PathBuf },
    #[error(
        "the pack `{id}` is not in the user's folder of packs; remove its file yourself\n  pack:   {path}\n  folder: {folder}",
        path = .path.display(), folder = .folder.display()
    )]
    Elsewhere { id: String, path: PathBuf, folder: PathBuf },
    #[error("the pack cannot be removed: {error}\n  {path}", path = .path.display())]
    Failed { path: PathBuf, error: io::Error },
}

/// Removes the pack `id` from `folder`, and from no other folder. `found` are all packs that are found now.
///
/// # Errors
/// The folder does not have the pack, or its files can't be removed.
pub fn remove(id: &str, folder: &Path, found: &Found) -> Result<Removed, RemoveError> {
    let mut files = entries(folder, id, found);
    // A pack that can't be loaded is known only by the name of its file.
    let named = folder.join(format!("{DLL_PREFIX}{id}{DLL_SUFFIX}"));
    if files.is_empty() && is_pack_id(id) && named.symlink_metadata().is_ok() {
        files.push(named);
    }
    let loaded = found.loaded.iter().filter(|file| file.stamp.id == id).map(|file| &file.pack.path);
    let all = loaded.chain(found.hidden.iter().filter(|file| file.id == id).map(|file| &file.path));
    let mut elsewhere: Vec<PathBuf> =
        all.filter(|pack| !files.iter().any(|file| leads_to(file, pack))).cloned().collect();
    if files.is_empty() {
        let (id, folder) = (id.to_owned(), folder.to_owned());
        return Err(match elsewhere.pop() {
            Some(path) => RemoveError::Elsewhere { id, path, folder },
            None => {
                let ids = found.loaded.iter().map(|file| file.stamp.id.as_str());
                let hint = nearest(&id, ids).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                RemoveError::Unknown { id, hint, folder }
            }
        });
    }
    for file in &files {
        fs::remove_file(file).map_err(|error| RemoveError::Failed { path: file.clone(), error })?;
    }
    Ok(Removed { files, elsewhere })
}
