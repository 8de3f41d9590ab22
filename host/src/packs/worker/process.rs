//! A worker process, as the host sees it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use splatgraph_sdk::host::{LogLevel, as_remote, remote};
use splatgraph_sdk::spec::DeviceSpec;
use splatgraph_sdk::{Error, Value};

use super::super::helper::{end, how};
use super::super::load::Log;
use super::channel::Channel;
use super::frame;
use super::held::Held;
use super::message::{ToHost, Wire};
use crate::lock::lock;
use crate::words::shortened;

/// How often whoever waits for a process looks whether it is still there.
pub(super) const TICK: Duration = Duration::from_millis(20);
/// How long the end of a process is waited for after it closed its socket.
const END_LIMIT: Duration = Duration::from_secs(1);
/// How long a process may leave a message unread.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(30);

/// A worker process. It ends when this is dropped.
pub(super) struct Process {
    pub(super) pack: String,
    pub(super) channel: Arc<Channel>,
    pub(super) child: Mutex<Child>,
    pub(super) calls: Mutex<HashMap<u64, Sender<Reply>>>,
    pub(super) next: AtomicU64,
    /// The first node that it ran, and whether it ran others too.
    pub(super) first: OnceLock<u64>,
    pub(super) ran_others: AtomicBool,
    /// Why it ended, once it has.
    pub(super) death: OnceLock<Death>,
    pub(super) printed: Arc<Mutex<VecDeque<String>>>,
    pub(super) printing: Mutex<Option<thread::JoinHandle<()>>>,
    pub(super) log: Log,
}

/// The end of a process.
pub(super) struct Death {
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
    /// Looks whether the process ended. A process that it started may still hold its socket, and then the thread that reads would wait for
    /// ever.
    pub(super) fn look(&self) {
        let mut child = lock(&self.child);
        if matches!(child.try_wait(), Ok(Some(_))) {
            end(&mut child);
            // What the process sent before is still read.
            let _ = self.channel.socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Reads the messages of the process in a thread, until the process ends.
    pub(super) fn listen(self: &Arc<Self>) -> io::Result<()> {
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
            let deadline = Instant::now() + Duration::from_secs(1);
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
        if lines.is_empty() { String::new() } else { format!("; it printed last: {}", lines.join(" | ")) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.channel.socket.shutdown(std::net::Shutdown::Both);
        end(&mut lock(&self.child));
        self.drain();
    }
}
