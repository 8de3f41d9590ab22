//! Decides for each library in a folder of packs whether it is a pack, and what its nodes are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::SystemTime;

#[cfg(unix)]
use splatgraph_sdk::host::{ABI_MAJOR, ABI_MINOR, read_manifest};
use splatgraph_sdk::host::{LoadedPack, Stamp};
use splatgraph_sdk::spec::Manifest;

#[cfg(unix)]
use super::found::{DESCRIPTION_ENDING, describes_pack};
use super::found::{LoadedFile, Refused};
use super::helper::{Answer, Facts, Helper, Looks, at_once};
#[cfg(unix)]
use super::library::LONGEST_MANIFEST;
use super::library::{Library, Way, next_generation, open_as, read};
use super::load::Log;
use super::memory::{Memory, Remembered};
use super::search::Origin;
use super::stamped::stamped_id;
use super::symbols::{Kind, look_into};
use super::trust;
#[cfg(unix)]
use super::{
    containment::{Containment, Launch},
    worker, worker_file,
};
use crate::file_state::FileState;
use crate::registry::{NodeSource, Pack};
#[cfg(unix)]
use crate::words::{shortened, shown};

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
        let mut memory = self.memory.take().unwrap_or_else(|| Memory::read(helper.memory.clone()));
        let first: Vec<First> = paths.iter().map(|path| First::of(path, &mut memory, helper.looks)).collect();
        let unknown = paths.iter().zip(&first).filter(|(_, first)| matches!(first, First::Unknown { .. }));
        let unknown: Vec<&Path> = unknown.map(|(path, _)| path.as_path()).collect();
        let mut answers = at_once(&unknown, |path| helper.ask(path)).into_iter();
        let mut looked = Vec::new();
        for (path, first) in paths.iter().zip(first) {
            looked.push(match first {
                First::Pack { state, known } => self.pack(path, state, *known, way(path)),
                First::OtherLibrary => Looked::OtherLibrary,
                First::Refused(reason) => refused(path, reason),
                First::Remembered(reason) => refused_as(path, reason, true),
                #[cfg(unix)]
                First::Described => self.described(path, &mut memory, helper.looks),
                First::Unknown { state, at } => match answers.next().flatten() {
                    Some(Answer::Facts(facts)) => {
                        memory.keep(path, state.clone(), at, Remembered::Pack(facts.clone()));
                        match read(&facts) {
                            Ok(manifest) => self.pack(path, state, (facts, manifest), way(path)),
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
        self.memory = Some(memory);
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
    /// It describes a pack in another language.
    #[cfg(unix)]
    Described,
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
        #[cfg(unix)]
        if describes_pack(path) {
            return Self::Described;
        }
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
    let (log, generation) = (log.clone(), next_generation());
    let nodes = Library { path: path.to_owned(), state, facts, way, log, generation, opened };
    of_nodes(path, stamp, manifest, Arc::new(nodes))
}

fn of_nodes(path: &Path, stamp: Stamp, manifest: Manifest, nodes: Arc<dyn NodeSource>) -> Looked {
    let pack = Pack { manifest, path: path.to_owned(), nodes };
    Looked::Pack(Box::new(LoadedFile { pack, stamp, origin: Origin::Option }))
}

/// The code of a pack in a process of its own.
#[cfg(unix)]
struct Source<'a> {
    /// The file that was looked over.
    file: &'a Path,
    /// All files of a pack in another language; empty for a library.
    all: Vec<PathBuf>,
}

impl Looker<'_> {
    #[cfg(unix)]
    fn containment(&self) -> Option<&Containment> {
        self.helper?.containment.as_ref()
    }

    /// A pack that was looked over in another process. It is opened in this process, or in one of its own.
    fn pack(&self, path: &Path, state: FileState, (facts, manifest): (Facts, Manifest), way: Way) -> Looked {
        #[cfg(unix)]
        if let Some(containment) = self.containment()
            && (containment.contains)(&manifest.id, path)
        {
            let Launch { program, arguments, memory, .. } = containment.launch.clone();
            let arguments = arguments.into_iter().chain([path.into()]).collect();
            let command = worker::WorkerCommand { program, arguments, memory, waits: false };
            let source = Source { file: path, all: Vec::new() };
            return self.contained(path, source, state, (facts, manifest), command);
        }
        pack(path, state, (facts, manifest), way, OnceLock::new(), self.log)
    }

    /// A pack in a process of its own.
    #[cfg(unix)]
    fn contained(
        &self,
        path: &Path,
        source: Source<'_>,
        state: FileState,
        (facts, manifest): (Facts, Manifest),
        mut command: worker::WorkerCommand,
    ) -> Looked {
        let (id, Source { file, all: files }) = (manifest.id.clone(), source);
        let waits = self.containment().and_then(|containment| containment.launch.wait_for_debugger.as_ref());
        command.waits = waits == Some(&id);
        let pack = worker::Pack { id, path: file.to_owned(), files, state, manifest: facts.manifest, command };
        let node_timeout = self.containment().and_then(|containment| containment.launch.node_timeout);
        let nodes = worker::Contained::new(pack, node_timeout, self.log, next_generation());
        of_nodes(path, facts.stamp, manifest, Arc::new(nodes))
    }

    /// Looks at a file that describes a pack in another language. A process of the pack says what its nodes are.
    #[cfg(unix)]
    fn described(&self, path: &Path, memory: &mut Memory, looks: Looks) -> Looked {
        let trusted = trust::check(path).and_then(|()| worker_file::read(path));
        let check = |file: &PathBuf| match file.canonicalize() {
            Ok(whole) => trust::check(&whole),
            Err(error) => Err(format!("a file of it cannot be read: {error}: {}", shown(file))),
        };
        let checked = |described: &worker_file::Described| described.files.iter().try_for_each(check);
        let described = match trusted.and_then(|described| checked(&described).map(|()| described)) {
            Ok(described) => described,
            Err(reason) => return refused(path, reason),
        };
        let source = described.source.canonicalize().unwrap_or(described.source);
        let worker_file::Described { program, arguments, files, .. } = described;
        let memory_limit = self.containment().and_then(|containment| containment.launch.memory);
        let command = worker::WorkerCommand { program, arguments, memory: memory_limit, waits: false };
        let (state, at) = (FileState::of(&source), SystemTime::now());
        let facts = match memory.of(&source, &state) {
            Some(Remembered::Pack(facts)) => Some(facts),
            Some(Remembered::Ended(how)) if looks != Looks::Again => return refused_as(path, how, true),
            _ => None,
        };
        let facts = match facts {
            Some(facts) => facts,
            None if looks == Looks::Never => return Looked::OtherLibrary,
            None => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let manifest = command.look_over(name.trim_end_matches(DESCRIPTION_ENDING), self.log);
                match manifest.and_then(facts_of) {
                    Ok(facts) => {
                        memory.keep(&source, state.clone(), at, Remembered::Pack(facts.clone()));
                        facts
                    }
                    Err(reason) => {
                        let how = format!("{reason}. `splatgraph packs` looks it over again");
                        memory.keep(&source, state, at, Remembered::Ended(how.clone()));
                        return refused(path, how);
                    }
                }
            }
        };
        match read(&facts) {
            Ok(manifest) => {
                let source = Source { file: &source, all: files };
                self.contained(path, source, state, (facts, manifest), command)
            }
            Err(reason) => refused(path, reason),
        }
    }
}

/// The facts about a pack in another language, which has no stamp.
#[cfg(unix)]
pub(super) fn facts_of(manifest: String) -> Result<Facts, String> {
    if manifest.len() > LONGEST_MANIFEST {
        return Err(format!("expected a manifest of at most {LONGEST_MANIFEST} bytes, got {}", manifest.len()));
    }
    let known = read_manifest(&manifest).map_err(|error| shortened(&error.message))?;
    let stamp = Stamp {
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        id: known.id,
        version: known.version,
        sdk: known.sdk,
        rustc: String::new(),
        target: String::new(),
    };
    Ok(Facts { stamp, manifest })
}

fn refused(path: &Path, reason: String) -> Looked {
    refused_as(path, reason, false)
}

fn refused_as(path: &Path, reason: String, remembered: bool) -> Looked {
    Looked::Refused(Refused { path: path.to_owned(), id: stamped_id(path), reason, remembered })
}
