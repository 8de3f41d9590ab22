//! Looks libraries over, and asks packs for their devices, in a process of their own, as opening a library runs its code, which
//! may crash, end the process or never return.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use splatgraph_sdk::host::{LoadedPack, Stamp};
use splatgraph_sdk::spec::DeviceSpec;

use super::containment::Containment;
use super::library::{self, LONGEST_MANIFEST};
use super::trust;
use crate::words::shortened;

/// The hidden command of the program `splatgraph` that looks over a library, its last argument.
pub const LOOK_OVER_COMMAND: &str = "look-over";
/// How long a library may take to be opened and to list its nodes.
pub const LOOK_OVER_LIMIT: Duration = Duration::from_secs(5);
/// How long a pack may take to list its devices, for which it starts drivers.
pub const DEVICES_LIMIT: Duration = Duration::from_secs(30);
/// The word behind the path of a library with which a helper lists devices.
pub const DEVICES: &str = "devices";
/// The most bytes that are read from a helper. JSON writes a byte of a manifest as at most 6 bytes.
const LONGEST_ANSWER: u64 = 6 * LONGEST_MANIFEST as u64 + (1 << 20);
/// How many processes run at the same time. Most of the time of a process goes into waiting.
const AT_A_TIME: usize = 8;
/// How often the end of a process is looked for.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the last lines of a process are waited for after its end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A program that looks a library over: it calls [`look_over`] with the path, which is its last argument, and prints the
/// lines on its standard output. If the path is followed by the word [`DEVICES`], it calls [`list_devices`] instead.
#[derive(Clone, Debug)]
pub struct Helper {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
    /// The file that remembers what was found; `None` to look over every library each time.
    pub memory: Option<PathBuf>,
    /// Which libraries it looks over.
    pub looks: Looks,
    /// Which packs run in processes of their own; `None` for none.
    pub containment: Option<Containment>,
}

/// Which libraries a [`Helper`] looks over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Those that are not remembered.
    Unknown,
    /// Also those that ended the process before.
    Again,
    /// None: libraries that are not remembered are passed over.
    Never,
}

/// What a pack says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    #[serde(with = "StampTexts")]
    pub(super) stamp: Stamp,
    /// JSON.
    pub(super) manifest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stamp")]
struct StampTexts {
    abi_major: u32,
    abi_minor: u32,
    id: String,
    version: String,
    sdk: String,
    rustc: String,
    target: String,
}

/// A line of a helper.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Stamp(#[serde(with = "StampTexts")] Stamp),
    Manifest(String),
    Devices(Vec<DeviceSpec>),
    Refused(String),
}

/// The result of looking a library over, or of asking for its devices.
pub(super) enum Answer {
    Facts(Facts),
    Devices(Vec<DeviceSpec>),
    /// The library can't be used, with the reason.
    Refused(String),
    /// The library ended the process or did not answer in time, with the words for this.
    Ended(String),
}

/// Opens the library at `path` and asks for its manifest, and calls `say` with lines for the process that started this one.
/// The library may end the process.
pub fn look_over(path: &Path, say: impl FnMut(&str)) {
    ask_here(path, say, |_, facts| Ok(Line::Manifest(facts.manifest)));
}

/// Opens the library at `path` and asks for its devices, and calls `say` with lines for the process that started this one. The
/// library may end the process.
pub fn list_devices(path: &Path, say: impl FnMut(&str)) {
    ask_here(path, say, |pack, _| match pack.devices() {
        Ok(devices) => Ok(Line::Devices(devices)),
        Err(error) => Err(shortened(&error.message)),
    });
}

fn ask_here(path: &Path, mut say: impl FnMut(&str), ask: impl FnOnce(LoadedPack, Facts) -> Result<Line, String>) {
    let mut say = |line: &Line| {
        // Texts can be written as JSON.
        if let Ok(text) = serde_json::to_string(line) {
            say(&text);
        }
    };
    let asked = library::open(path).and_then(|stamp| {
        say(&Line::Stamp(stamp.clone()));
        let (pack, facts) = library::facts(path, stamp, |_, _| {})?;
        ask(pack, facts)
    });
    say(&asked.unwrap_or_else(Line::Refused));
}

/// A question to a helper.
struct Question {
    /// The word behind the path.
    word: Option<&'static str>,
    limit: Duration,
    /// What a pack does in time, and what one does not do that is late.
    in_time: &'static str,
    late: &'static str,
}

const FACTS: Question =
    Question { word: None, limit: LOOK_OVER_LIMIT, in_time: "listed its nodes", late: "did not list its nodes" };
const OF_DEVICES: Question = Question {
    word: Some(DEVICES),
    limit: DEVICES_LIMIT,
    in_time: "listed its devices",
    late: "did not list its devices",
};

impl Helper {
    /// Looks over the library at a canonical path.
    pub(super) fn ask(&self, path: &Path) -> Answer {
        self.put(&FACTS, path)
    }

    /// The devices that the nodes of the packs at canonical paths can compute on, or why a pack can't list them; in the order
    /// of the paths.
    #[must_use]
    pub fn devices(&self, paths: &[&Path]) -> Vec<Result<Vec<DeviceSpec>, String>> {
        let lists = at_once(paths, |path| self.devices_of(path)).into_iter();
        lists.map(|list| list.unwrap_or_else(|| Err("it was not asked".to_owned()))).collect()
    }

    fn devices_of(&self, path: &Path) -> Result<Vec<DeviceSpec>, String> {
        // A pack in another language has no choice of devices.
        #[cfg(unix)]
        if super::found::describes_pack(path) {
            return Ok(Vec::new());
        }
        trust::check(path)?;
        match self.put(&OF_DEVICES, path) {
            Answer::Devices(devices) => Ok(devices),
            Answer::Refused(reason) | Answer::Ended(reason) => Err(reason),
            Answer::Facts(_) => Err("it listed its nodes instead".to_owned()),
        }
    }

    fn put(&self, question: &Question, path: &Path) -> Answer {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(path).args(question.word);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let started = command.spawn().and_then(|mut child| {
            let lines = read_lines(&mut child);
            if lines.is_err() {
                end(&mut child);
            }
            Ok((child, lines?))
        });
        match started {
            Ok((mut child, lines)) => {
                let answer = listen(question, &mut child, &lines);
                end(&mut child);
                answer
            }
            Err(error) => Answer::Refused(format!("the process that looks it over cannot be started: {error}")),
        }
    }
}

/// Asks about several libraries at the same time. The answers are in the order of the paths.
pub(super) fn at_once<T: Send>(paths: &[&Path], ask: impl Fn(&Path) -> T + Sync) -> Vec<Option<T>> {
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<T>>> = paths.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some(position) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|next| *next < paths.len()) {
            *answers[position].lock().unwrap_or_else(PoisonError::into_inner) = Some(ask(paths[position]));
        }
    };
    thread::scope(|scope| {
        for _ in 1..paths.len().min(AT_A_TIME) {
            // Without threads this one does all the work.
            let _ = thread::Builder::new().name("look-over".into()).spawn_scoped(scope, work);
        }
        work();
    });
    answers.into_iter().map(|answer| answer.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Reads the output of a process in a thread, as a library may keep the output open and never write.
fn read_lines(child: &mut Child) -> std::io::Result<Receiver<Vec<u8>>> {
    let output = child.stdout.take().ok_or_else(|| std::io::Error::other("it has no output"))?;
    let (sender, lines) = channel();
    thread::Builder::new().name("look-over".into()).spawn(move || {
        let mut output = BufReader::new(output.take(LONGEST_ANSWER));
        loop {
            let mut line = Vec::new();
            match output.read_until(b'\n', &mut line) {
                Ok(length) if length > 0 && sender.send(line).is_ok() => {}
                _ => return,
            }
        }
    })?;
    Ok(lines)
}

fn listen(question: &Question, child: &mut Child, lines: &Receiver<Vec<u8>>) -> Answer {
    let deadline = Instant::now() + question.limit;
    let mut stamp = None;
    // How the process ended, and how long its last lines are waited for.
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let doing = if stamp.is_none() { "was opened" } else { question.in_time };
        let line = match (lines.recv_timeout(PAUSE), ended) {
            (Ok(line), _) => line,
            (Err(error), Some((status, until))) => {
                // Another process may keep the output open for ever.
                if error == RecvTimeoutError::Disconnected || Instant::now() >= until {
                    return Answer::Ended(format!("it ended the process {} while it {doing}", how(status)));
                }
                continue;
            }
            (Err(error), None) => {
                ended = child.try_wait().ok().flatten().map(|status| (status, Instant::now() + LAST_LINES));
                if ended.is_none() && Instant::now() >= deadline {
                    let late = if stamp.is_none() { "was not opened" } else { question.late };
                    return Answer::Ended(format!("it {late} within {} seconds", question.limit.as_secs()));
                }
                if error == RecvTimeoutError::Disconnected {
                    thread::sleep(PAUSE);
                }
                continue;
            }
        };
        match (serde_json::from_slice(&line), stamp.take()) {
            (Ok(Line::Stamp(new)), None) => stamp = Some(new),
            (Ok(Line::Manifest(manifest)), Some(stamp)) => return Answer::Facts(Facts { stamp, manifest }),
            (Ok(Line::Devices(devices)), Some(_)) => return Answer::Devices(devices),
            (Ok(Line::Refused(reason)), _) => return Answer::Refused(reason),
            _ => return Answer::Ended(format!("it disturbed the process that looked it over while it {doing}")),
        }
    }
}

/// How a process ended: `with exit code 0`, `by signal 6 (SIGABRT)`.
pub(super) fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
        // The numbers differ between systems.
        let known = [
            (libc::SIGHUP, "SIGHUP"),
            (libc::SIGINT, "SIGINT"),
            (libc::SIGQUIT, "SIGQUIT"),
            (libc::SIGILL, "SIGILL"),
            (libc::SIGTRAP, "SIGTRAP"),
            (libc::SIGABRT, "SIGABRT"),
            (libc::SIGBUS, "SIGBUS"),
            (libc::SIGFPE, "SIGFPE"),
            (libc::SIGKILL, "SIGKILL"),
            (libc::SIGUSR1, "SIGUSR1"),
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGUSR2, "SIGUSR2"),
            (libc::SIGPIPE, "SIGPIPE"),
            (libc::SIGALRM, "SIGALRM"),
            (libc::SIGTERM, "SIGTERM"),
            (libc::SIGXCPU, "SIGXCPU"),
            (libc::SIGXFSZ, "SIGXFSZ"),
            (libc::SIGSYS, "SIGSYS"),
        ];
        let name = known.iter().find(|(known, _)| *known == number);
        return match name {
            Some((_, name)) => format!("by signal {number} ({name})"),
            None => format!("by signal {number}"),
        };
    }
    format!("with exit code {}", status.code().unwrap_or(-1))
}

/// Ends a process and the processes that it started.
pub(super) fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
