//! The start of a worker process, up to its first message.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use splatgraph_sdk::host::LogLevel;

use super::super::load::Log;
use super::channel::Channel;
use super::frame;
use super::message::{PROTOCOL, ToHost, ToWorker};
use super::process::{Process, READ_LIMIT, TICK};
use crate::lock::lock;
use crate::words::shortened;

/// How long a process may take to say what its pack is. Large Python libraries take many seconds.
const HELLO_LIMIT: Duration = Duration::from_secs(120);
/// How long a runtime takes to begin.
const RUNTIME: Duration = Duration::from_millis(500);
/// The last lines that a process printed, which the message about its end shows.
const LAST_LINES: usize = 8;
/// The most bytes of a printed line.
const LONGEST_LINE: u64 = 4096;

impl Process {
    /// Starts a process, and returns it with the manifest of its pack.
    ///
    /// # Errors
    /// The process can't be started, is of another version, or can't serve the pack.
    pub(super) fn start(pack: &str, command: Command, log: Log) -> Result<(Arc<Self>, String), String> {
        Self::start_within(HELLO_LIMIT, pack, command, log, false)
    }

    /// Starts a process that is stopped before it loads its pack, until somebody lets it go on.
    ///
    /// # Errors
    /// See [`Process::start`].
    pub(super) fn start_stopped(pack: &str, command: Command, log: Log) -> Result<(Arc<Self>, String), String> {
        Self::start_within(Duration::MAX, pack, command, log, true)
    }

    fn start_within(
        limit: Duration,
        pack: &str,
        mut command: Command,
        log: Log,
        stopped: bool,
    ) -> Result<(Arc<Self>, String), String> {
        let cannot = |error: io::Error| format!("its process cannot be started: {error}");
        let (ours, theirs) = UnixStream::pair().map_err(cannot)?;
        ours.set_write_timeout(Some(READ_LIMIT)).map_err(cannot)?;
        let (output, prints) = io::pipe().map_err(cannot)?;
        let prints_too = prints.try_clone().map_err(cannot)?;
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs))).stdout(prints).stderr(prints_too);
        // Ctrl-C is for the host, which asks the nodes to stop.
        command.process_group(0);
        let child = command.spawn().map_err(cannot)?;
        // The command holds the other ends of the socket and of the pipe.
        drop(command);
        let process = Arc::new(Self {
            pack: pack.to_owned(),
            channel: Channel::new(ours),
            child: Mutex::new(child),
            calls: Mutex::default(),
            next: AtomicU64::new(1),
            first: OnceLock::new(),
            ran_others: AtomicBool::new(false),
            death: OnceLock::new(),
            printed: Arc::default(),
            printing: Mutex::default(),
            log,
        });
        process.read_lines(output).map_err(cannot)?;
        if stopped {
            process.stop();
        }
        let manifest = process.greet(limit)?;
        process.listen().map_err(cannot)?;
        Ok((process, manifest))
    }

    /// Keeps the last lines that the process prints, and passes all of them on.
    fn read_lines(&self, output: impl Read + Send + 'static) -> io::Result<()> {
        let (printed, log, pack) = (self.printed.clone(), self.log.clone(), self.pack.clone());
        let reader = thread::Builder::new().name("worker-output".into()).spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                if !matches!(output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
                    return;
                }
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                log(&pack, LogLevel::Info, &line);
                let mut printed = lock(&printed);
                if printed.len() == LAST_LINES {
                    printed.pop_front();
                }
                printed.push_back(line);
            }
        })?;
        *lock(&self.printing) = Some(reader);
        Ok(())
    }

    /// Stops the process, which waits for the first message, and says how it goes on.
    fn stop(&self) {
        // Its runtime begins meanwhile, which debuggers for interpreters need.
        thread::sleep(RUNTIME);
        let id = lock(&self.child).id();
        if let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::STOP);
        }
        let text = format!(
            "process {id} is stopped before it loads the pack; attach a debugger, such as `gdb -p {id}`, and let the process go on \
             with `kill -CONT {id}`"
        );
        (self.log)(&self.pack, LogLevel::Info, &text);
    }

    /// Exchanges the first messages. Returns the manifest.
    fn greet(&self, limit: Duration) -> Result<String, String> {
        let host = format!("splatgraph {}", env!("CARGO_PKG_VERSION"));
        let sent = self.channel.send(&ToWorker::Hello { protocol: PROTOCOL, host });
        let socket = &self.channel.socket;
        let answer = sent.and_then(|()| {
            self.wait_for_bytes(limit)?;
            socket.set_read_timeout(Some(HELLO_LIMIT))?;
            let answer = frame::read(socket);
            socket.set_read_timeout(None)?;
            answer
        });
        let text = match answer {
            Ok(Some((text, _))) => text,
            Ok(None) => return Err(self.die(None)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let limit = limit.as_secs();
                return Err(self.die(Some(&format!("did not say within {limit} seconds what its nodes are"))));
            }
            Err(error) => return Err(self.die(Some(&format!("sent a message that cannot be read ({error})")))),
        };
        match serde_json::from_slice(&text) {
            Ok(ToHost::Hello { protocol: PROTOCOL, manifest }) => Ok(manifest),
            Ok(ToHost::Hello { protocol, .. }) => {
                self.die(Some("speaks another version"));
                let newer = if protocol > PROTOCOL { "update the host" } else { "update its SDK" };
                Err(format!("expected version {PROTOCOL} of the protocol of workers, got {protocol}; {newer}"))
            }
            Ok(ToHost::Refused { reason }) => {
                self.die(Some("refused its pack"));
                Err(shortened(&reason))
            }
            Ok(_) => Err(self.die(Some("sent another message than its first one"))),
            Err(error) => Err(self.die(Some(&format!("sent a message that is not understood ({error})")))),
        }
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// Nothing came within the limit.
    fn wait_for_bytes(&self, limit: Duration) -> io::Result<()> {
        let start = Instant::now();
        self.channel.socket.set_read_timeout(Some(TICK))?;
        loop {
            match recv(&self.channel.socket, &mut [0; 1], RecvFlags::PEEK) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if start.elapsed() < limit => self.look(),
                Err(Errno::AGAIN) => return Err(io::ErrorKind::WouldBlock.into()),
                // The reader tells any other error.
                _ => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a program is not a worker.
    fn refusal(limit: Duration, script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start_within(limit, "acme", command, Arc::new(|_, _, _| {}), false).err().unwrap()
    }

    #[test]
    fn a_process_that_says_nothing_is_ended_at_the_limit() {
        let start = Instant::now();
        let why = refusal(Duration::from_secs(1), "echo importing everything; sleep 600");
        insta::assert_snapshot!(why, @"its process did not say within 1 seconds what its nodes are; it printed last: importing everything");
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_process_that_ends_is_noticed_although_another_one_has_its_socket() {
        let start = Instant::now();
        let why = refusal(Duration::from_secs(600), "exec 3<&0; sleep 600 <&3 & exit 3");
        assert_eq!(why, "its process ended with exit code 3");
        // A process in a group of its own outlives the worker.
        let why = refusal(Duration::from_secs(600), "exec 3<&0; setsid sleep 4 <&3 & exit 4");
        assert_eq!(why, "its process ended with exit code 4");
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
