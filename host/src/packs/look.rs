//! Decides for each library in a folder of packs whether it is a pack, and what its nodes are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::SystemTime;

use splatgraph_sdk::host::LoadedPack;
use splatgraph_sdk::spec::Manifest;

use super::found::{LoadedFile, Refused};
use super::helper::{Answer, Facts, Helper, Looks, at_once};
use super::library::{Library, Way, next_generation, open_as, read};
use super::load::Log;
use super::memory::{Memory, Remembered};
use super::search::Origin;
use super::stamped::stamped_id;
use super::symbols::{Kind, look_into};
use super::trust;
use crate::file_state::FileState;
use crate::registry::Pack;

/// The result of looking at a file in a folder of packs.
pub(super) enum Looked {
    /// A pack. Its library is not yet open, unless it was looked over in this process.
    Pack(Box<LoadedFile>),
    /// A library that is not a pack.
    OtherLibrary,
    /// A file that should be a pack but can't be loaded.
    Refused(Refused),
}

/// Looks at libraries.
pub(super) struct Looker<'a> {
    /// Without one, libraries are looked over in this process.
    helper: Option<&'a Helper>,
    log: &'a Log,
    /// Read with the first library.
    memory: Option<Memory>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(helper: Option<&'a Helper>, log: &'a Log) -> Self {
        Self { helper, log, memory: None }
    }

    /// Keeps what was found for the next process.
    pub(super) fn finish(self) {
        if let Some(memory) = self.memory {
            memory.write();
        }
    }

    /// Looks at the libraries at canonical paths. `way` says how a library is opened later.
    pub(super) fn look(&mut self, paths: &[PathBuf], way: impl Fn(&Path) -> Way) -> Vec<Looked> {
        let Some(helper) = self.helper else {
            return paths.iter().map(|path| here(path, way(path), self.log)).collect();
        };
        let memory = self.memory.get_or_insert_with(|| Memory::read(helper.memory.clone()));
        let first: Vec<First> = paths.iter().map(|path| First::of(path, memory, helper.looks)).collect();
        let unknown = paths.iter().zip(&first).filter(|(_, first)| matches!(first, First::Unknown { .. }));
        let unknown: Vec<&Path> = unknown.map(|(path, _)| path.as_path()).collect();
        let mut answers = at_once(&unknown, |path| helper.ask(path)).into_iter();
        let mut looked = Vec::new();
        for (path, first) in paths.iter().zip(first) {
            looked.push(match first {
                First::Pack { state, known } => pack(path, state, *known, way(path), OnceLock::new(), self.log),
                First::OtherLibrary => Looked::OtherLibrary,
                First::Refused(reason) => refused(path, reason),
                First::Remembered(reason) => refused_as(path, reason, true),
                First::Unknown { state, at } => match answers.next().flatten() {
                    Some(Answer::Facts(facts)) => {
                        memory.keep(path, state.clone(), at, Remembered::Pack(facts.clone()));
                        match read(&facts) {
                            Ok(manifest) => pack(path, state, (facts, manifest), way(path), OnceLock::new(), self.log),
                            Err(reason) => refused(path, reason),
                        }
                    }
                    Some(Answer::Ended(how)) => {
                        let how =
                            format!("{how}; remove it, or tell its author. `splatgraph packs` looks it over again");
                        memory.keep(path, state, at, Remembered::Ended(how.clone()));
                        refused(path, how)
                    }
                    Some(Answer::Refused(reason)) => refused(path, reason),
                    Some(Answer::Devices(_)) => refused(path, "it listed its devices instead of its nodes".to_owned()),
                    None => refused(path, "it was not looked over".to_owned()),
                },
            });
        }
        looked
    }
}

/// What is known about a library before it is looked over.
enum First {
    Pack {
        state: FileState,
        known: Box<(Facts, Manifest)>,
    },
    OtherLibrary,
    Refused(String),
    /// An earlier process refused it.
    Remembered(String),
    /// It has to be looked over. The state was read at the time `at`.
    Unknown {
        state: FileState,
        at: SystemTime,
    },
}

impl First {
    fn of(path: &Path, memory: &mut Memory, looks: Looks) -> Self {
        if let Err(reason) = trust::check(path) {
            return Self::Refused(reason);
        }
        // Read before the file, so that a later change counts as one.
        let (state, at) = (FileState::of(path), SystemTime::now());
        match memory.of(path, &state) {
            Some(Remembered::Pack(facts)) => {
                if let Ok(manifest) = read(&facts) {
                    return Self::Pack { state, known: Box::new((facts, manifest)) };
                }
            }
            Some(Remembered::Ended(how)) if looks != Looks::Again => return Self::Remembered(how),
            _ => {}
        }
        if looks == Looks::Never {
            return Self::OtherLibrary;
        }
        match look_into(path) {
            Kind::Pack => Self::Unknown { state, at },
            Kind::OtherLibrary => Self::OtherLibrary,
            Kind::Broken(reason) => Self::Refused(reason),
        }
    }
}

/// Looks at a library in this process, which opens it.
fn here(path: &Path, way: Way, log: &Log) -> Looked {
    match look_into(path) {
        Kind::Pack => {}
        Kind::OtherLibrary => return Looked::OtherLibrary,
        Kind::Broken(reason) => return refused(path, reason),
    }
    let state = FileState::of(path);
    let opened = trust::check(path).and_then(|()| open_as(path, way, log));
    match opened.and_then(|(opened, facts)| Ok((opened, read(&facts)?, facts))) {
        Ok((opened, manifest, facts)) => pack(path, state, (facts, manifest), way, OnceLock::from(Ok(opened)), log),
        Err(reason) => refused(path, reason),
    }
}

fn pack(
    path: &Path,
    state: FileState,
    (facts, manifest): (Facts, Manifest),
    way: Way,
    opened: OnceLock<Result<LoadedPack, String>>,
    log: &Log,
) -> Looked {
    let stamp = facts.stamp.clone();
    let (path, log, generation) = (path.to_owned(), log.clone(), next_generation());
    let nodes = Library { path: path.clone(), state, facts, way, log, generation, opened };
    let pack = Pack { manifest, path, nodes: Arc::new(nodes) };
    Looked::Pack(Box::new(LoadedFile { pack, stamp, origin: Origin::Option }))
}

fn refused(path: &Path, reason: String) -> Looked {
    refused_as(path, reason, false)
}

fn refused_as(path: &Path, reason: String, remembered: bool) -> Looked {
    Looked::Refused(Refused { path: path.to_owned(), id: stamped_id(path), reason, remembered })
}
