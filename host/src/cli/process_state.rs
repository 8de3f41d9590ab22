//! The state of this process that belongs to the program: its standard descriptors, its working directory and its umask.
//! Packs are code in this process, and may change all of it.
//!
//! The program writes its results to a copy of its standard output, and what packs print goes to the standard error output.
//! After calls into packs, everything that changed is put back and told.

use std::fs::{File, metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, fstat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};
use splatgraph::calls::check_after_calls;

/// The state at the start of the program.
struct State {
    input: Kept,
    output: Kept,
    error: Kept,
    /// Has a low number, as the files that the program opens later. If it is closed, they were probably closed too.
    canary: Kept,
    /// The working directory; `None` if it can't be read.
    folder: Option<(PathBuf, Identity)>,
    umask: Mode,
}

/// A copy of a standard descriptor. It is never closed.
struct Kept {
    copy: File,
    identity: Identity,
}

/// The number of a file system, and of a file there.
type Identity = (u64, u64);

static STATE: OnceLock<State> = OnceLock::new();
/// Whether files of the program were closed.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Remembers the state of the process. From here on, only [`output`] leads to the standard output.
pub(crate) fn keep() -> io::Result<()> {
    let umask = current_umask();
    let folder = std::env::current_dir().ok().and_then(|path| Some((path, identity_of_folder()?)));
    let [input, output, error] = beyond_limit(|first| {
        let kept = |descriptor| Kept::of(descriptor, first).or_else(|_| Kept::of(descriptor, FIRST));
        Ok::<_, io::Error>([kept(stdin())?, kept(stdout())?, kept(stderr())?])
    })?;
    let canary = Kept::of(stdin(), FIRST)?;
    let state = State { input, output, error, canary, folder, umask };
    let state = STATE.get_or_init(|| state);
    dup2_stdout(&state.error.copy)?;
    check_after_calls(check);
    Ok(())
}

/// Calls `work` with a number for descriptors that is beyond the limit of later ones, as some programs close all numbers up to
/// the limit.
fn beyond_limit<T>(work: impl FnOnce(i32) -> T) -> T {
    let limit = getrlimit(Resource::Nofile);
    // The system keeps a table as long as the highest number.
    let first = limit.current.map_or(HIGH, |current| current.min(HIGH));
    // Without a higher limit the numbers are refused.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let result = work(first as i32);
    let _ = setrlimit(Resource::Nofile, limit);
    result
}

/// The standard output of the program.
pub(crate) fn output() -> io::Result<File> {
    match STATE.get() {
        Some(state) if state.output.is_whole() => state.output.copy.try_clone(),
        Some(_) => Err(io::Error::other("a pack closed it")),
        // Before any pack is used.
        None => Ok(fcntl_dupfd_cloexec(stdout(), FIRST)?.into()),
    }
}

/// The standard error output for handlers of signals, even if a pack closed it. Allocates nothing and takes no lock.
pub(crate) fn error_output() -> BorrowedFd<'static> {
    match STATE.get() {
        Some(state) if state.error.is_whole() => state.error.copy.as_fd(),
        _ => stderr(),
    }
}

/// Whether no pack closed descriptors of the program. If one did, files may be lost.
pub(crate) fn is_whole() -> bool {
    !CLOSED.load(Ordering::Relaxed)
}

/// Copies get numbers from this one, so that they do not take the place of a standard descriptor that a pack closed.
const FIRST: i32 = 3;
/// Copies that have to stay get at most this number.
const HIGH: u64 = 4096;

impl Kept {
    /// The number of the copy is at least `first`.
    fn of(descriptor: impl AsFd, first: i32) -> io::Result<Self> {
        let copy: OwnedFd = fcntl_dupfd_cloexec(descriptor, first)?;
        let identity = identity(&copy).ok_or_else(|| io::Error::other("it has no state"))?;
        Ok(Self { copy: copy.into(), identity })
    }

    /// Whether the copy still leads where it did. Its number may belong to another file now.
    fn is_whole(&self) -> bool {
        identity(&self.copy) == Some(self.identity)
    }
}

fn identity(descriptor: impl AsFd) -> Option<Identity> {
    #[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
    fstat(descriptor).ok().map(|stat| (stat.st_dev as u64, stat.st_ino as u64))
}

fn identity_of_folder() -> Option<Identity> {
    metadata(".").ok().map(|folder| (folder.dev(), folder.ino()))
}

fn current_umask() -> Mode {
    let current = umask(Mode::empty());
    umask(current);
    current
}

/// Puts back what changed, and says it.
fn check() -> Vec<String> {
    let Some(state) = STATE.get() else { return Vec::new() };
    let mut told = Vec::new();
    if ![&state.input, &state.output, &state.error, &state.canary].iter().all(|kept| kept.is_whole())
        && !CLOSED.swap(true, Ordering::Relaxed)
    {
        told.push(
            "files that belong to the program were closed during this node or just before, so results may be lost"
                .to_owned(),
        );
    }
    let wanted = [state.input.identity, state.error.identity, state.error.identity];
    if [identity(stdin()), identity(stdout()), identity(stderr())] != wanted.map(Some) {
        // An error shows in the next check.
        if state.input.is_whole() && state.error.is_whole() {
            let _ = dup2_stdin(&state.input.copy);
            let _ = dup2_stdout(&state.error.copy);
            let _ = dup2_stderr(&state.error.copy);
        }
        told.push(
            "the standard input or output was closed or changed during this node or just before; it is put back"
                .to_owned(),
        );
    }
    let mask = umask(state.umask);
    if mask != state.umask {
        let [now, before] = [mask, state.umask].map(|mask| mask.bits());
        told.push(format!(
            "the umask was changed from {before:03o} to {now:03o} during this node or just before; it is put back"
        ));
    }
    if let Some((path, identity)) = &state.folder
        && identity_of_folder() != Some(*identity)
    {
        let now = std::env::current_dir().map_or("a folder that is gone".to_owned(), |now| super::output::shown(&now));
        let back = match std::env::set_current_dir(path) {
            Ok(()) => "it is put back".to_owned(),
            Err(error) => format!("it cannot be put back: {error}"),
        };
        told.push(format!("the working directory was changed to {now} during this node or just before; {back}"));
    }
    told
}
