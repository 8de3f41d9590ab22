//! A worker process, as the host sees it.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use splatgraph_sdk::host::{LogLevel, as_remote, remote};
use splatgraph_sdk::spec::DeviceSpec;
use splatgraph_sdk::{Error, Value};

use super::super::helper::{end, how};
use super::super::load::Log;
use super::channel::Channel;
use super::frame;
use super::held::Held;
use super::message::{PROTOCOL, ToHost, ToWorker, Wire};
use crate::lock::lock;
use crate::words::shortened;

/// How long a process may take to say what its pack is. Large Python libraries take many seconds.
const HELLO_LIMIT: Duration = Duration::from_secs(120);
/// How often whoever waits for a process looks whether it is still there.
const TICK: Duration = Duration::from_millis(20);
/// How long a runtime takes to begin.
const RUNTIME: Duration = Duration::from_millis(500);
/// How long the end of a process is waited for after it closed its socket.
const END_LIMIT: Duration = Duration::from_secs(1);
/// How long a process may leave a message unread.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// The last lines that a process printed, which the message about its end shows.
const LAST_LINES: usize = 8;
/// The most bytes of a printed line.
const LONGEST_LINE: u64 = 4096;

/// A worker process. It ends when this is dropped.
pub(super) struct Process {
    pub(super) pack: String,
    pub(super) channel: Arc<Channel>,
    child: Mutex<Child>,
    calls: Mutex<HashMap<u64, Sender<Reply>>>,
    next: AtomicU64,
    /// The first node that it ran, and whether it ran others too.
    first: OnceLock<u64>,
    ran_others: AtomicBool,
    /// Why it ended, once it has.
    death: OnceLock<Death>,
    printed: Arc<Mutex<VecDeque<String>>>,
    printing: Mutex<Option<thread::JoinHandle<()>>>,
    log: Log,
}

/// The end of a process.
struct Death {
    why: String,
    /// How many calls ended with it.
    calls: usize,
}

/// What a call hears from its process. When the process ends, the call hears nothing more.
#[derive(Debug)]
pub(super) enum Reply {
    Done(Result<Vec<Value>, Error>),
    Devices(Vec<DeviceSpec>),
    Progress { done: u64, total: u64, note: String },
    Preview(Value),
    Log(LogLevel, String),
}

/// A call that waits for its replies.
pub(super) struct Call<'a> {
    process: &'a Process,
    pub(super) number: u64,
    replies: Receiver<Reply>,
}

impl Call<'_> {
    /// The next reply, for which it waits a moment.
    pub(super) fn next(&self) -> Result<Reply, RecvTimeoutError> {
        let reply = self.replies.recv_timeout(TICK);
        if matches!(reply, Err(RecvTimeoutError::Timeout)) {
            self.process.look();
        }
        reply
    }

    /// The next reply, for which it waits at most until the limit.
    pub(super) fn wait(&self, limit: Duration) -> Result<Reply, RecvTimeoutError> {
        let deadline = Instant::now() + limit;
        loop {
            match self.next() {
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                reply => return reply,
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        lock(&self.process.calls).remove(&self.number);
    }
}

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

    /// Looks whether the process ended. A process that it started may still hold its socket, and then the thread that reads would wait for
    /// ever.
    fn look(&self) {
        let mut child = lock(&self.child);
        if matches!(child.try_wait(), Ok(Some(_))) {
            end(&mut child);
            // What the process sent before is still read.
            let _ = self.channel.socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Reads the messages of the process in a thread, until the process ends.
    fn listen(self: &Arc<Self>) -> io::Result<()> {
        // The process must end when nobody else needs it.
        let (process, channel) = (Arc::downgrade(self), self.channel.clone());
        thread::Builder::new().name("worker".into()).spawn(move || {
            let wrong = loop {
                match frame::read(&channel.socket) {
                    Ok(Some((text, files))) => {
                        let Some(process) = process.upgrade() else { return };
                        let taken = match serde_json::from_slice(&text).map(ToHost::about_memory) {
                            Ok(Ok(about)) => channel.take_in(about, files).map_err(|error| error.to_string()),
                            Ok(Err(message)) => process.take(message),
                            Err(error) => Err(error.to_string()),
                        };
                        if let Err(error) = taken {
                            break Some(format!("sent a message that is not understood ({error})"));
                        }
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(format!("sent a message that cannot be read ({error})")),
                }
            };
            if let Some(process) = process.upgrade() {
                process.die(wrong.as_deref());
            }
        })?;
        Ok(())
    }

    /// Passes a message on to its call. A call that is over gets nothing.
    fn take(self: &Arc<Self>, message: ToHost) -> Result<(), String> {
        let (call, reply) = match message {
            ToHost::Done { call, outputs } => {
                (call, Reply::Done(self.decode(outputs).map_err(|e| e.context("the worker sent a wrong value"))))
            }
            ToHost::Failed { call, error } => (call, Reply::Done(Err(error.into_error()))),
            ToHost::Devices { call, devices } => (call, Reply::Devices(devices)),
            ToHost::Progress { call, done, total, note } => {
                (call, Reply::Progress { done, total, note: shortened(&note) })
            }
            ToHost::Preview { call, value } => match self.decode(vec![value]) {
                Ok(mut value) => (call, Reply::Preview(value.pop().unwrap_or_else(Value::none))),
                Err(error) => return Err(error.message),
            },
            ToHost::Log { call: Some(call), level, text } => (call, Reply::Log(level, shortened(&text))),
            ToHost::Log { call: None, level, text } => {
                (self.log)(&self.pack, level, &shortened(&text));
                return Ok(());
            }
            ToHost::Hello { .. } | ToHost::Refused { .. } => return Err("a first message comes once".to_owned()),
            ToHost::Buffers(_) | ToHost::Release(_) | ToHost::Forget(_) => return Ok(()),
        };
        if call >= self.next.load(Ordering::Relaxed) {
            return Err(format!("expected the number of a call, got {call}"));
        }
        if let Some(waiting) = lock(&self.calls).get(&call) {
            let _ = waiting.send(reply);
        }
        Ok(())
    }

    /// Begins a call.
    pub(super) fn call(&self) -> Call<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = channel();
        lock(&self.calls).insert(number, sender);
        // A process that ended in between told all calls that it knew.
        if self.death.get().is_some() {
            lock(&self.calls).remove(&number);
        }
        Call { process: self, number, replies }
    }

    /// Notes that it runs a node.
    pub(super) fn runs(&self, instance: u64) {
        if *self.first.get_or_init(|| instance) != instance {
            self.ran_others.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it ran several nodes, of which each may have left a thread that goes on.
    pub(super) fn ran_others(&self) -> bool {
        self.ran_others.load(Ordering::Relaxed)
    }

    /// Turns values into messages. An object that this process holds goes back to it as its number.
    pub(super) fn encode(&self, values: &[Value]) -> Result<Vec<Wire>, Error> {
        self.channel.encode(values, &|value| {
            let remote = as_remote(value)?;
            let held = (&*remote as &dyn std::any::Any).downcast_ref::<Held>()?;
            let is_here = held.process.upgrade().is_some_and(|process| std::ptr::eq(&raw const *process, self));
            is_here.then_some(Wire::Held(held.id))
        })
    }

    fn decode(self: &Arc<Self>, wires: Vec<Wire>) -> Result<Vec<Value>, Error> {
        self.channel.decode(wires, &|wire| match wire {
            Wire::Object { id, type_name, about } => {
                let (process, fields) = (Arc::downgrade(self), Mutex::default());
                Ok(remote(Arc::new(Held { process, id, type_name, about, fields })))
            }
            other => Err(Error::new(format!("expected a value, got {other:?}"))),
        })
    }

    /// Why the process ended; `None` while it lives.
    pub(super) fn death(&self) -> Option<&str> {
        self.death.get().map(|death| death.why.as_str())
    }

    /// Whether at most one call ended with the process, which is then the reason.
    pub(super) fn was_alone(&self) -> bool {
        self.death.get().is_none_or(|death| death.calls <= 1)
    }

    /// Ends the process, unless it ended, and tells all calls. `did` is what it did wrong; without it, it ended by itself.
    /// Returns why it ended.
    pub(super) fn die(&self, did: Option<&str>) -> String {
        let status = self.wait(if did.is_none() { END_LIMIT } else { Duration::ZERO });
        let death = self.death.get_or_init(|| {
            let how = match (did, status) {
                (Some(did), _) => format!("its process {did}"),
                (None, Some(status)) => format!("its process ended {}", how(status)),
                (None, None) if self.channel.is_stuck() => {
                    let limit = READ_LIMIT.as_secs();
                    format!("its process did not read a message within {limit} seconds")
                }
                (None, None) => "its process closed its connection and did not end".to_owned(),
            };
            let hint = match status
                .filter(|_| did.is_none())
                .and_then(|s| std::os::unix::process::ExitStatusExt::signal(&s))
            {
                Some(9) => ", perhaps because the machine had no memory left",
                _ => "",
            };
            Death { why: format!("{how}{hint}{}", self.last_lines()), calls: lock(&self.calls).len() }
        });
        lock(&self.calls).clear();
        death.why.clone()
    }

    /// Waits for the end of the process, and ends it with all its children after the limit.
    fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        let mut child = lock(&self.child);
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                end(&mut child);
                return Some(status);
            }
            if Instant::now() >= deadline {
                end(&mut child);
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for what the process printed. All of it has come a moment after its end, unless another process holds the pipe.
    fn drain(&self) {
        if let Some(printing) = lock(&self.printing).take() {
            let deadline = Instant::now() + Duration::from_millis(200);
            while !printing.is_finished() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// What the process printed last.
    fn last_lines(&self) -> String {
        self.drain();
        let printed = lock(&self.printed);
        let lines: Vec<&str> = printed.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { String::new() } else { format!("; it printed last:\n  {}", lines.join("\n  ")) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.channel.socket.shutdown(std::net::Shutdown::Both);
        end(&mut lock(&self.child));
        self.drain();
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
        insta::assert_snapshot!(why, @r"
        its process did not say within 1 seconds what its nodes are; it printed last:
          importing everything
        ");
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
