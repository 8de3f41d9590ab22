//! A pack whose nodes run in a worker process. The process starts with the first call, and again after it ended.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use splatgraph_sdk::host::{self, read_manifest};
use splatgraph_sdk::spec::{DeviceSpec, NodeSpec};
use splatgraph_sdk::{Code, Ctx, Error, Value};

use super::super::helper::DEVICES_LIMIT;
use super::super::load::Log;
use super::message::ToWorker;
use super::process::{Process, Reply};
use crate::file_state::FileState;
use crate::lock::lock;
use crate::registry::{Instance, NodeSource};
use crate::words::shown;

/// How long a cancelled node may go on before its process is ended.
const GRACE: Duration = Duration::from_millis(1500);

/// A run that costs little to repeat.
const SHORT: Duration = Duration::from_secs(5);

/// A pack in a worker process.
pub(crate) struct Contained {
    worker: Arc<Worker>,
    generation: u64,
}

/// A pack that was looked over.
pub(crate) struct Pack {
    pub(crate) id: String,
    /// The file that was looked over: a library, or the source of a pack in another language.
    pub(crate) path: PathBuf,
    /// The files and folders of a pack in another language; empty for a library.
    pub(crate) files: Vec<PathBuf>,
    /// The state of the file for which the manifest holds.
    pub(crate) state: FileState,
    /// JSON.
    pub(crate) manifest: String,
    /// The worker.
    pub(crate) command: WorkerCommand,
}

/// How a worker is started.
#[derive(Clone)]
pub(crate) struct WorkerCommand {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// The most bytes of its memory.
    pub(crate) memory: Option<u64>,
    /// The process is stopped at its start.
    pub(crate) waits: bool,
}

impl WorkerCommand {
    /// Starts a process, and returns it with the manifest of its pack.
    ///
    /// # Errors
    /// See [`Process::start`].
    pub(super) fn start(&self, pack: &str, log: &Log) -> Result<(Arc<Process>, String), String> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if let Some(memory) = self.memory {
            command.env(super::MEMORY_VARIABLE, memory.to_string());
        }
        let start = if self.waits { Process::start_stopped } else { Process::start };
        start(pack, command, log.clone())
    }

    /// The manifest of the pack, for which a process starts and ends.
    pub(crate) fn look_over(&self, pack: &str, log: &Log) -> Result<String, String> {
        let command = Self { waits: false, ..self.clone() };
        command.start(pack, log).map(|(_, manifest)| manifest)
    }
}

/// The processes of a pack, one after the other.
struct Worker {
    pack: Pack,
    nodes: Vec<NodeSpec>,
    node_timeout: Option<Duration>,
    log: Log,
    process: Mutex<Option<Arc<Process>>>,
    instances: AtomicU64,
    /// Calls share it. A call that may have ended the process is made again without others.
    turn: RwLock<()>,
}

impl Contained {
    pub(crate) fn new(pack: Pack, node_timeout: Option<Duration>, log: &Log, generation: u64) -> Self {
        let nodes = read_manifest(&pack.manifest).map(|manifest| manifest.nodes).unwrap_or_default();
        // Whoever looks at a process with a debugger needs time.
        let node_timeout = node_timeout.filter(|_| !pack.command.waits);
        let worker = Worker {
            pack,
            nodes,
            node_timeout,
            log: log.clone(),
            process: Mutex::default(),
            instances: AtomicU64::new(1),
            turn: RwLock::new(()),
        };
        Self { worker: Arc::new(worker), generation }
    }
}

impl NodeSource for Contained {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        let number = self.worker.instances.fetch_add(1, Ordering::Relaxed);
        let saves = self.worker.nodes.iter().any(|spec| spec.name == node && spec.saves);
        let suspect = AtomicBool::new(false);
        Ok(Box::new(ContainedNode { worker: self.worker.clone(), number, node: node.to_owned(), saves, suspect }))
    }

    fn devices(&self) -> Result<Vec<DeviceSpec>, Error> {
        match self.worker.ask("while it listed its devices", |call| ToWorker::Devices { call })? {
            Reply::Devices(devices) => Ok(devices),
            Reply::Done(done) => done.map(|_| Vec::new()),
            _ => Ok(Vec::new()),
        }
    }

    fn web_file(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let asked = |call| ToWorker::WebFile { call, name: name.to_owned() };
        let Reply::Done(done) = self.worker.ask("while it gave a file for web pages", asked)? else { return Ok(None) };
        let content = done?.into_iter().next().filter(|value| !value.is_none());
        content.map(|value| Ok(value.field("content")?.bytes().to_vec())).transpose()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.worker.pack.files.clone()
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

impl Worker {
    /// The process, which is started if there is none.
    fn process(&self) -> Result<Arc<Process>, Error> {
        let mut current = lock(&self.process);
        if let Some(process) = current.as_ref().filter(|process| process.death().is_none()) {
            return Ok(process.clone());
        }
        let process = self.start().map_err(|reason| {
            let path = shown(&self.pack.path);
            let message =
                format!("the pack `{}` cannot be opened: {}: {path}", self.pack.id, reason.trim_end_matches('.'));
            Error { location: String::new(), ..Error::missing(message) }
        })?;
        *current = Some(process.clone());
        Ok(process)
    }

    fn start(&self) -> Result<Arc<Process>, String> {
        if FileState::of(&self.pack.path) != self.pack.state {
            return Err("its file changed after it was looked over; run the command again".to_owned());
        }
        let (process, manifest) = self.pack.command.start(&self.pack.id, &self.log)?;
        // The graph was checked with the manifest of the look.
        let is_same = manifest == self.pack.manifest || read_manifest(&manifest).is_ok_and(|m| m.nodes == self.nodes);
        is_same
            .then_some(process)
            .ok_or_else(|| "it declares other nodes than when it was looked over; run the command again".to_owned())
    }

    /// The answer to a question outside a run. `during` says what the pack did if its process ended.
    fn ask(&self, during: &str, message: impl FnOnce(u64) -> ToWorker) -> Result<Reply, Error> {
        let process = self.process()?;
        let call = process.call();
        let ended = || self.ended(&process, during);
        process.channel.send(&message(call.number)).map_err(|_| ended())?;
        loop {
            match call.wait(DEVICES_LIMIT) {
                Ok(reply @ (Reply::Done(_) | Reply::Devices(_))) => return Ok(reply),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) => {
                    let limit = DEVICES_LIMIT.as_secs();
                    process.die(Some(&format!("did not answer within {limit} seconds")));
                    return Err(ended());
                }
            }
        }
    }

    /// The error of a call whose process ended.
    fn ended(&self, process: &Process, during: &str) -> Error {
        // The thread that reads from the process knows why, or is about to.
        let death = process.die(None);
        let message = format!("the pack `{}` failed {during}: {death}", self.pack.id);
        Error { code: Code::Failed, message, location: String::new(), input: None, detail: String::new() }
    }
}

/// A node in a worker process.
struct ContainedNode {
    worker: Arc<Worker>,
    number: u64,
    node: String,
    saves: bool,
    /// The last call ended with its process, to which other calls belonged too.
    suspect: AtomicBool,
}

/// Why a call gave no result.
enum Failed {
    /// The node failed, or it ended the process.
    Node(Error),
    /// The process ended, and other calls in it, at that time or before, may be the reason.
    Together(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Node(error)
    }
}

impl Instance for ContainedNode {
    fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error> {
        // Their makers have to run first.
        let lost = || Error { code: Code::Lost, ..Error::new("the process that held an input ended") };
        if inputs.iter().any(host::is_lost) {
            return Err(lost());
        }
        if !self.suspect.swap(false, Ordering::Relaxed) {
            let _turn = self.worker.turn.read().unwrap_or_else(PoisonError::into_inner);
            match self.call(ctx, inputs) {
                Ok(outputs) => return Ok(outputs),
                Err(Failed::Node(error)) => return Err(error),
                Err(Failed::Together(_)) => {}
            }
        }
        let _turn = self.worker.turn.write().unwrap_or_else(PoisonError::into_inner);
        if inputs.iter().any(host::is_lost) {
            self.suspect.store(true, Ordering::Relaxed);
            return Err(lost());
        }
        self.call(ctx, inputs).map_err(|failed| match failed {
            Failed::Node(error) | Failed::Together(error) => error,
        })
    }
}

impl ContainedNode {
    fn call(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Failed> {
        let process = self.worker.process()?;
        if inputs.iter().any(host::is_lost) {
            return Err(Failed::Together(Error::new("the process that held an input ended")));
        }
        let call = process.call();
        process.runs(self.number);
        let start = Instant::now();
        let ended = || {
            let error = self.worker.ended(&process, &format!("in the node {}", self.node));
            // A thread that an earlier node left may be the reason. A long run is not repeated for that.
            let is_clear = process.was_alone() && (start.elapsed() > SHORT || !process.ran_others());
            if is_clear { Failed::Node(error) } else { Failed::Together(error) }
        };
        let inputs = process.encode(inputs).map_err(|error| match process.channel.is_broken() {
            true => ended(),
            false => error.into(),
        })?;
        let (instance, node) = (self.number, self.node.clone());
        let settings = host::settings_text(ctx);
        let run = ToWorker::Run { call: call.number, instance, node, settings, inputs };
        process.channel.send(&run).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Error::new(error).into(),
            _ => ended(),
        })?;
        let mut asked: Option<Instant> = None;
        loop {
            match call.next() {
                Ok(Reply::Done(result)) => return Ok(result?),
                Ok(Reply::Progress { done, total, note }) => {
                    let step = |number| usize::try_from(number).unwrap_or(usize::MAX);
                    ctx.progress(step(done), step(total), &note);
                }
                Ok(Reply::Preview(value)) => ctx.preview(&value),
                Ok(Reply::Log(level, text)) => host::log(ctx, level, &text),
                Ok(Reply::Devices(_)) => {
                    return Err(Error::new("expected the outputs of the node, got a list of devices").into());
                }
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if ctx.cancelled() {
                let since = *asked.get_or_insert_with(|| {
                    let _ = process.channel.send(&ToWorker::Cancel { call: call.number });
                    Instant::now()
                });
                if since.elapsed() > GRACE && !self.saves {
                    process.die(Some("was ended, as a node did not stop when its run was cancelled"));
                    return Err(Error::cancelled().into());
                }
            }
            if let Some(limit) = self.worker.node_timeout.filter(|limit| start.elapsed() > *limit) {
                process.die(Some("was ended, as a node took too long"));
                let limit = limit.as_secs_f64();
                let message =
                    format!("expected the node to end within {limit} seconds, got a longer run; its process was ended");
                let error = Error { location: String::new(), ..Error::new(message) };
                // A node that stops the process, or holds a lock of it, makes others late too.
                return Err(if process.was_alone() { Failed::Node(error) } else { Failed::Together(error) });
            }
        }
    }
}

impl Drop for ContainedNode {
    fn drop(&mut self) {
        if let Some(process) = lock(&self.worker.process).as_ref().filter(|process| process.death().is_none()) {
            let _ = process.channel.send(&ToWorker::Drop { instances: vec![self.number], objects: Vec::new() });
        }
    }
}
