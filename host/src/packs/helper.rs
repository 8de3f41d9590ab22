//! Looks libraries over in a process of their own, as opening a library runs its code, which may crash, end the process or
//! never return.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use splatgraph_sdk::host::Stamp;

use super::library::{self, LONGEST_MANIFEST};

/// How long a library may take to be opened and to list its nodes.
pub const LOOK_OVER_LIMIT: Duration = Duration::from_secs(5);
/// The most bytes that are read from a helper. JSON writes a byte of a manifest as at most 6 bytes.
const LONGEST_ANSWER: u64 = 6 * LONGEST_MANIFEST as u64 + (1 << 20);
/// How often the end of a process is looked for.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the last lines of a process are waited for after its end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A program that looks a library over: it calls [`look_over`] with the path, which is its last argument, and prints the
/// lines on its standard output.
#[derive(Clone, Debug)]
pub struct Helper {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
    /// The file that remembers what was found; `None` to look over every library each time.
    pub memory: Option<PathBuf>,
    /// Whether to look over again the libraries that ended the process before.
    pub again: bool,
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
    Refused(String),
}

/// The result of looking a library over.
pub(super) enum Answer {
    Facts(Facts),
    /// The library can't be used, with the reason.
    Refused(String),
    /// The library ended the process or did not answer in time, with the words for this.
    Ended(String),
}

/// Opens the library at `path` and asks for its manifest, and calls `say` with lines for the process that started this one.
/// The library may end the process.
pub fn look_over(path: &Path, mut say: impl FnMut(&str)) {
    let mut say = |line: &Line| {
        // Texts can be written as JSON.
        if let Ok(text) = serde_json::to_string(line) {
            say(&text);
        }
    };
    let looked = library::open(path).and_then(|stamp| {
        say(&Line::Stamp(stamp.clone()));
        library::facts(path, stamp, |_, _| {})
    });
    say(&match looked {
        Ok((_, facts)) => Line::Manifest(facts.manifest),
        Err(reason) => Line::Refused(reason),
    });
}

impl Helper {
    /// Looks over the library at a canonical path.
    pub(super) fn ask(&self, path: &Path) -> Answer {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
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
                let answer = listen(&mut child, &lines);
                end(&mut child);
                answer
            }
            Err(error) => Answer::Refused(format!("the process that looks it over cannot be started: {error}")),
        }
    }
}

/// Reads the output of a process in a thread, as a library may keep the output open and never write.
fn read_lines(child: &mut Child) -> std::io::Result<Receiver<Vec<u8>>> {
    let output = child.stdout.take().ok_or_else(|| std::io::Error::other("it has no output"))?;
    let (sender, lines) = channel();
    std::thread::Builder::new().name("look-over".into()).spawn(move || {
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

fn listen(child: &mut Child, lines: &Receiver<Vec<u8>>) -> Answer {
    let deadline = Instant::now() + LOOK_OVER_LIMIT;
    let mut stamp = None;
    // How the process ended, and how long its last lines are waited for.
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let doing = if stamp.is_none() { "was opened" } else { "listed its nodes" };
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
                    let late = if stamp.is_none() { "was not opened" } else { "did not list its nodes" };
                    return Answer::Ended(format!("it {late} within {} seconds", LOOK_OVER_LIMIT.as_secs()));
                }
                if error == RecvTimeoutError::Disconnected {
                    std::thread::sleep(PAUSE);
                }
                continue;
            }
        };
        match (serde_json::from_slice(&line), stamp.take()) {
            (Ok(Line::Stamp(new)), None) => stamp = Some(new),
            (Ok(Line::Manifest(manifest)), Some(stamp)) => return Answer::Facts(Facts { stamp, manifest }),
            (Ok(Line::Refused(reason)), _) => return Answer::Refused(reason),
            _ => return Answer::Ended(format!("it disturbed the process that looked it over while it {doing}")),
        }
    }
}

/// How a process ended: `with exit code 0`, `by signal 6 (SIGABRT)`.
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let known = [(4, "SIGILL"), (6, "SIGABRT"), (8, "SIGFPE"), (9, "SIGKILL"), (11, "SIGSEGV"), (15, "SIGTERM")];
        let name = known.iter().find(|(known, _)| *known == number);
        return match name {
            Some((_, name)) => format!("by signal {number} ({name})"),
            None => format!("by signal {number}"),
        };
    }
    format!("with exit code {}", status.code().unwrap_or(-1))
}

/// Ends a process and the processes that it started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
