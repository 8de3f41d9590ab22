//! Decides for each library in a folder of packs whether it is a pack, and what its nodes are.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use splatgraph_sdk::host::LoadedPack;
use splatgraph_sdk::spec::Manifest;

use super::found::{LoadedFile, Refused};
use super::helper::{Answer, Facts, Helper};
use super::library::{Library, Way, next_generation, open_as, read};
use super::load::Log;
use super::memory::{Memory, Remembered};
use super::search::Origin;
use super::stamped::stamped_id;
use super::symbols::{Kind, look_into};
use super::trust;
use crate::file_state::FileState;
use crate::registry::Pack;

/// How many libraries are looked over at the same time. Most of the time of a process goes into waiting.
const AT_A_TIME: usize = 8;

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
        let first: Vec<First> = paths.iter().map(|path| First::of(path, memory, helper.again)).collect();
        let unknown = paths.iter().zip(&first).filter(|(_, first)| matches!(first, First::Unknown { .. }));
        let mut answers = ask_all(helper, &unknown.map(|(path, _)| path.as_path()).collect::<Vec<_>>()).into_iter();
        let mut looked = Vec::new();
        for (path, first) in paths.iter().zip(first) {
            looked.push(match first {
                First::Pack { state, known } => pack(path, state, *known, way(path), OnceLock::new(), self.log),
                First::OtherLibrary => Looked::OtherLibrary,
                First::Refused(reason) => refused(path, reason),
                First::Unknown { state, at } => match answers.next() {
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
    /// It has to be looked over. The state was read at the time `at`.
    Unknown {
        state: FileState,
        at: SystemTime,
    },
}

impl First {
    fn of(path: &Path, memory: &mut Memory, again: bool) -> Self {
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
            Some(Remembered::Ended(how)) if !again => return Self::Refused(how),
            _ => {}
        }
        match look_into(path) {
            Kind::Pack => Self::Unknown { state, at },
            Kind::OtherLibrary => Self::OtherLibrary,
            Kind::Broken(reason) => Self::Refused(reason),
        }
    }
}

/// Looks over several libraries, each in a process of its own. The answers are in the order of the paths.
fn ask_all(helper: &Helper, paths: &[&Path]) -> Vec<Answer> {
    if let [path] = paths {
        return vec![helper.ask(path)];
    }
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<Answer>>> = paths.iter().map(|_| Mutex::default()).collect();
    let work = || {
        while let Some(position) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|next| *next < paths.len()) {
            *answers[position].lock().unwrap_or_else(PoisonError::into_inner) = Some(helper.ask(paths[position]));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..paths.len().min(AT_A_TIME) {
            // Without threads this one does all the work.
            let _ = std::thread::Builder::new().name("look-over".into()).spawn_scoped(scope, work);
        }
        work();
    });
    let taken = answers.into_iter().map(|answer| answer.into_inner().unwrap_or_else(PoisonError::into_inner));
    taken.map(|answer| answer.unwrap_or_else(|| Answer::Refused("it was not looked over".to_owned()))).collect()
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
    Looked::Refused(Refused { path: path.to_owned(), id: stamped_id(path), reason })
}
