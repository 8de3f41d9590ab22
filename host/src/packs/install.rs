//! Puts packs into the user's folder of packs, and takes them out.
//!
//! Files change their names there, but are never written over: a process that runs the old code goes on with it.

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

/// A pack that was put into a folder.
pub struct Installed {
    /// The pack, loaded from there.
    pub pack: LoadedFile,
    /// The version whose place it took, if that was known.
    pub replaced: Option<String>,
    /// The pack of the same id that is found before it.
    pub hidden_by: Option<PathBuf>,
}

/// Why a pack was not put into a folder.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum InstallError {
    #[error("the pack was not added: {reason}\n  {path}", path = .path.display())]
    Refused { path: PathBuf, reason: String },
    #[error("the pack cannot be copied into the folder of packs: {error}\n  {path}", path = .folder.display())]
    Unwritable { folder: PathBuf, error: io::Error },
    #[error("a pack in this folder would not be loaded: {reason}\n  {path}", path = .folder.display())]
    Untrusted { folder: PathBuf, reason: String },
}

/// Copies the library `file` into `folder`, under a name made of its id, after it was loaded once. `found` are the packs
/// that are there.
///
/// # Errors
/// It is no pack that this host can load, or the folder can't be written.
pub fn install(file: &Path, folder: &Path, found: &Found, log: &Log) -> Result<Installed, InstallError> {
    let refused = |reason: String| InstallError::Refused { path: file.to_owned(), reason };
    let unwritable = |error| InstallError::Unwritable { folder: folder.to_owned(), error };
    let whole = file.canonicalize().map_err(|error| refused(format!("it cannot be read: {error}")))?;
    sound(&whole).and_then(|()| trust::check(&whole)).map_err(refused)?;
    create(folder).map_err(unwritable)?;
    // Without the ending of libraries, so that nobody takes it for one before it has its name.
    let temporary = Temporary(folder.join(format!("{TEMPORARY_PREFIX}{}", std::process::id())));
    copy(&whole, &temporary.0).map_err(unwritable)?;
    trust::check(&temporary.0).map_err(|reason| InstallError::Untrusted { folder: folder.to_owned(), reason })?;
    sound(&temporary.0).map_err(refused)?;
    let stamp = open(&temporary.0).map_err(refused)?;
    let id = stamp.id.clone();
    if !is_pack_id(&id) {
        return Err(refused(format!("its id `{id}` is not made of lower-case letters, digits, `_` and `-`")));
    }
    let target = folder.join(format!("{DLL_PREFIX}{id}{DLL_SUFFIX}"));
    let pack = load(target.clone(), &temporary.0, stamp, Origin::DataDirectory, log).map_err(refused)?;

    let there = entries(folder, &id, found);
    let other = found.loaded.iter().find(|other| other.stamp.id == id);
    let other_is_here = other.is_some_and(|other| there.iter().any(|entry| leads_to(entry, &other.pack.path)));
    match there.first() {
        // There is one of this id at any time, whatever its file was called.
        Some(old) if !there.contains(&target) => {
            fs::rename(&temporary.0, old).and_then(|()| fs::rename(old, &target)).map_err(unwritable)?;
        }
        _ => fs::rename(&temporary.0, &target).map_err(unwritable)?,
    }
    for old in there.iter().skip(1).filter(|old| **old != target) {
        fs::remove_file(old).map_err(unwritable)?;
    }
    // Of the data folders the user's is the first.
    let is_earlier = |other: &&LoadedFile| !other_is_here && other.origin != Origin::DataDirectory;
    Ok(Installed {
        pack,
        replaced: other.filter(|_| other_is_here).map(|other| other.stamp.version.clone()),
        hidden_by: other.filter(is_earlier).map(|other| other.pack.path.clone()),
    })
}

/// Removed when it did not get another name.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Says why a file is no pack that this machine can load.
fn sound(path: &Path) -> Result<(), String> {
    match look_into(path) {
        Kind::Pack => Ok(()),
        Kind::OtherLibrary => Err("it is a library, but no node pack: it has no `export_pack!`".to_owned()),
        Kind::Broken(reason) => Err(reason),
    }
}

/// A folder that only its owner may write, as packs in others are not trusted.
fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(folder)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    // Cargo's files may be written by the user's group.
    #[cfg(unix)]
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    Ok(())
}

/// The files and links in `folder` that are the pack `id`.
fn entries(folder: &Path, id: &str, found: &Found) -> Vec<PathBuf> {
    let loaded = found.loaded.iter().filter(|file| file.stamp.id == id).map(|file| &file.pack.path);
    let hidden = found.hidden.iter().filter(|file| file.id == id).map(|file| &file.path);
    let packs: Vec<&PathBuf> = loaded.chain(hidden).collect();
    let files = libraries(folder).unwrap_or_default();
    files.into_iter().filter(|file| packs.iter().any(|pack| leads_to(file, pack))).collect()
}

/// Whether a file or link is the file with the whole path `pack`.
fn leads_to(entry: &Path, pack: &Path) -> bool {
    entry.canonicalize().is_ok_and(|whole| whole == pack)
}

/// What was removed.
#[derive(Debug)]
pub struct Removed {
    /// Files and links of the folder.
    pub files: Vec<PathBuf>,
    /// Where the pack still is.
    pub elsewhere: Vec<PathBuf>,
}

/// Why nothing was removed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum RemoveError {
    #[error("there is no pack `{id}`{hint}\n  {path}", path = .folder.display())]
    Unknown { id: String, hint: String, folder: PathBuf },
    #[error(
        "the pack `{id}` is not in the user's folder of packs, so it is left\n  it is in: {path}\n  folder:   {folder}",
        path = .path.display(), folder = .folder.display()
    )]
    Elsewhere { id: String, path: PathBuf, folder: PathBuf },
    #[error("the pack cannot be removed: {error}\n  {path}", path = .path.display())]
    Failed { path: PathBuf, error: io::Error },
}

/// Removes the pack `id` from `folder`, and from nowhere else. `found` are the packs that are there.
///
/// # Errors
/// It is not in this folder, or can't be removed.
pub fn remove(id: &str, folder: &Path, found: &Found) -> Result<Removed, RemoveError> {
    let mut files = entries(folder, id, found);
    // One that cannot be loaded is known only by its name.
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
