//! The worker process of a pack in a library: opens the library, and runs its nodes for the host.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use splatgraph_sdk::host::{self, HostContext, LoadedPack, LogLevel, NodeInstance};
use splatgraph_sdk::{Code, DType, Error, Record, Tensor, Value};

use super::super::{library, trust};
use super::channel::Channel;
use super::frame;
use super::message::{PROTOCOL, ToHost, ToWorker, Wire};
use crate::lock::lock;
use crate::words::shortened;

/// The variable with the most bytes of memory of a worker.
pub const MEMORY_VARIABLE: &str = "SPLATGRAPH_WORKER_MEMORY";

/// What the threads of the process share.
struct Service {
    channel: Arc<Channel>,
    pack: LoadedPack,
    instances: Mutex<HashMap<u64, Arc<NodeInstance>>>,
    objects: Mutex<HashMap<u64, Value>>,
    next_object: AtomicU64,
    /// The calls that run, each with whether it should stop.
    calls: Mutex<HashMap<u64, Arc<AtomicBool>>>,
}

/// Serves the pack in the library at `path` to the host that started this process, whose socket is the standard input. Returns when
/// the host is gone.
///
/// # Errors
/// There is no host, or it breaks the protocol.
pub fn serve(path: &Path) -> io::Result<()> {
    let socket = take_socket()?;
    limit();
    let channel = Channel::new(socket);
    let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let Some((text, _)) = frame::read(&channel.socket)? else { return Ok(()) };
    match serde_json::from_slice(&text)? {
        ToWorker::Hello { protocol: PROTOCOL, .. } => {}
        ToWorker::Hello { protocol, host } => {
            // The host compares the versions, and says what to do.
            channel.send(&ToHost::Hello { protocol: PROTOCOL, manifest: String::new() })?;
            return Err(wrong(format!(
                "expected version {PROTOCOL} of the protocol of workers, got {protocol} of {host}"
            )));
        }
        other => return Err(wrong(format!("expected a first message, got {other:?}"))),
    }
    let said = channel.clone();
    let log = move |level: LogLevel, text: &str| {
        let _ = said.send(&ToHost::Log { call: None, level, text: shortened(text) });
    };
    let opened =
        trust::check(path).and_then(|()| library::open(path)).and_then(|stamp| library::facts(path, stamp, log));
    let (pack, facts) = match opened {
        Ok(opened) => opened,
        Err(reason) => return channel.send(&ToHost::Refused { reason }),
    };
    channel.send(&ToHost::Hello { protocol: PROTOCOL, manifest: facts.manifest })?;
    let service = Arc::new(Service {
        channel,
        pack,
        instances: Mutex::default(),
        objects: Mutex::default(),
        next_object: AtomicU64::new(1),
        calls: Mutex::default(),
    });
    let (waste, janitor) = channel_of_waste()?;
    let served = service.listen(&waste);
    drop((waste, janitor));
    served
}

/// The socket of the host. Nodes that read the standard input find nothing.
fn take_socket() -> io::Result<UnixStream> {
    let socket: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(UnixStream::from(socket))
}

/// Limits the memory of this process. A crash writes no core file, and the system ends this process before the host.
fn limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let all = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    // Without a limit, or where the system refuses it, the pack has all memory.
    let _ = setrlimit(Resource::Core, all(0));
    if let Some(bytes) = std::env::var(MEMORY_VARIABLE).ok().and_then(|bytes| bytes.parse().ok()) {
        let _ = setrlimit(Resource::Data, all(bytes));
    }
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

/// Values and instances that nobody needs any more. Their destructors are code of the pack, and may send messages.
type Waste = (Vec<Arc<NodeInstance>>, Vec<Value>);

fn channel_of_waste() -> io::Result<(Sender<Waste>, thread::JoinHandle<()>)> {
    let (sender, receiver) = channel::<Waste>();
    let janitor = thread::Builder::new().name("janitor".into()).spawn(move || receiver.into_iter().for_each(drop))?;
    Ok((sender, janitor))
}

impl Service {
    /// Reads the messages of the host until it is gone. Each call has a thread.
    fn listen(self: &Arc<Self>, waste: &Sender<Waste>) -> io::Result<()> {
        while let Some((text, files)) = frame::read(&self.channel.socket)? {
            let message = match serde_json::from_slice::<ToWorker>(&text)?.about_memory() {
                Ok(about) => {
                    self.channel.take_in(about, files)?;
                    continue;
                }
                Err(message) => message,
            };
            match message {
                ToWorker::Run { call, instance, node, settings, inputs } => {
                    let cancel = Arc::new(AtomicBool::new(false));
                    lock(&self.calls).insert(call, cancel.clone());
                    // The buffers of the inputs are known now, and may be forgotten later.
                    let inputs = self.decode(inputs);
                    self.answer(call, move |service| {
                        let ctx = host::context(Context { service: service.clone(), call, settings, cancel });
                        let result = inputs.and_then(|inputs| service.instance(instance, &node)?.run(&ctx, &inputs));
                        lock(&service.calls).remove(&call);
                        result
                    })?;
                }
                ToWorker::Cancel { call } => {
                    if let Some(cancel) = lock(&self.calls).get(&call) {
                        cancel.store(true, Ordering::Relaxed);
                    }
                }
                ToWorker::Field { call, object, field } => self.answer(call, move |service| {
                    let value = lock(&service.objects).get(&object).cloned();
                    let value = value.ok_or_else(|| Error::new("expected an object that the worker holds"))?;
                    let fields = vec![(field.clone(), value.field(&field)?)];
                    Ok(vec![Record { fields, ..Record::default() }.into_value()])
                })?,
                ToWorker::WebFile { call, name } => self.answer(call, move |service| {
                    let Some(content) = service.pack.web_file(&name) else { return Ok(vec![Value::none()]) };
                    let tensor = Tensor::from_bytes([content.len()], DType::U8, &content)?;
                    let fields = vec![("content".to_owned(), tensor)];
                    Ok(vec![Record { fields, ..Record::default() }.into_value()])
                })?,
                ToWorker::Devices { call } => {
                    let service = self.clone();
                    spawn(move || match service.pack.devices() {
                        Ok(devices) => service.send(&ToHost::Devices { call, devices }),
                        Err(error) => service.send(&ToHost::Failed { call, error: error.into() }),
                    })?;
                }
                ToWorker::Drop { instances, objects } => {
                    let mut known = lock(&self.instances);
                    let instances = instances.iter().filter_map(|id| known.remove(id)).collect();
                    drop(known);
                    let mut known = lock(&self.objects);
                    let objects = objects.iter().filter_map(|id| known.remove(id)).collect();
                    drop(known);
                    let _ = waste.send((instances, objects));
                }
                ToWorker::Buffers(_) | ToWorker::Release(_) | ToWorker::Forget(_) => {}
                ToWorker::Hello { .. } => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a first message comes once"));
                }
            }
        }
        Ok(())
    }

    /// Answers a call in a thread of its own.
    fn answer(
        self: &Arc<Self>,
        call: u64,
        work: impl FnOnce(&Arc<Self>) -> Result<Vec<Value>, Error> + Send + 'static,
    ) -> io::Result<()> {
        let service = self.clone();
        spawn(move || {
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                work(&service).and_then(|outputs| service.encode(&outputs))
            }));
            let panicked = |_| Err(Error { code: Code::Panic, ..Error::new("the worker panicked") });
            match worked.unwrap_or_else(panicked) {
                Ok(outputs) => service.send(&ToHost::Done { call, outputs }),
                Err(error) => {
                    let (message, detail) = (shortened(&error.message), shortened(&error.detail));
                    let error = Error { message, detail, ..error };
                    service.send(&ToHost::Failed { call, error: error.into() });
                }
            }
        })
    }

    fn instance(&self, number: u64, node: &str) -> Result<Arc<NodeInstance>, Error> {
        if let Some(instance) = lock(&self.instances).get(&number) {
            return Ok(instance.clone());
        }
        // Outside the lock, as this runs code of the pack.
        let instance = Arc::new(self.pack.create(node)?);
        Ok(lock(&self.instances).entry(number).or_insert(instance).clone())
    }

    /// Sends a message. Ends this process if that is not possible: the host is gone, or the pack closed the socket, and then the thread
    /// that reads does not notice.
    fn send(&self, message: &ToHost) {
        match self.channel.send(message) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                if let ToHost::Done { call, .. } = message {
                    let error = Error::new(error).into();
                    let _ = self.channel.send(&ToHost::Failed { call: *call, error });
                }
            }
            Err(_) => std::process::abort(),
        }
    }

    /// Turns values into messages. An object that is no record stays here.
    fn encode(&self, values: &[Value]) -> Result<Vec<Wire>, Error> {
        self.channel.encode(values, &|value| {
            let about = value.describe();
            let has_fields = about["fields"].as_object().is_some_and(|fields| !fields.is_empty());
            let is_record = has_fields && about["resident"] != true && about["device"] == "cpu";
            (!is_record).then(|| {
                let id = self.next_object.fetch_add(1, Ordering::Relaxed);
                lock(&self.objects).insert(id, value.clone());
                Wire::Object { id, type_name: value.type_name(), about: about.to_string() }
            })
        })
    }

    fn decode(&self, wires: Vec<Wire>) -> Result<Vec<Value>, Error> {
        self.channel.decode(wires, &|wire| match wire {
            Wire::Held(id) => {
                let value = lock(&self.objects).get(&id).cloned();
                value.ok_or_else(|| Error::new("expected an object that the worker holds"))
            }
            Wire::Foreign(type_name) => Ok(host::remote(Arc::new(Foreign(type_name)))),
            other => Err(Error::new(format!("expected a value, got {other:?}"))),
        })
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("node".into()).spawn(work).map(|_| ())
}

/// The host as a node of this process sees it.
struct Context {
    service: Arc<Service>,
    call: u64,
    settings: String,
    cancel: Arc<AtomicBool>,
}

impl HostContext for Context {
    fn progress(&self, done: u64, total: u64, note: &str) {
        self.service.send(&ToHost::Progress { call: self.call, done, total, note: shortened(note) });
    }

    fn preview(&self, value: Value) {
        // A preview that can't be sent is left out.
        if let Ok(mut wires) = self.service.encode(&[value])
            && let Some(value) = wires.pop()
        {
            self.service.send(&ToHost::Preview { call: self.call, value });
        }
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn settings(&self) -> String {
        self.settings.clone()
    }

    fn log(&self, level: LogLevel, text: &str) {
        self.service.send(&ToHost::Log { call: Some(self.call), level, text: shortened(text) });
    }
}

/// An object that only another pack understands.
struct Foreign(String);

impl host::Remote for Foreign {
    fn type_name(&self) -> &str {
        &self.0
    }

    fn describe(&self) -> String {
        "{}".to_owned()
    }

    fn field(&self, name: &str) -> Result<Tensor, Error> {
        Err(Error::new(format!("expected a value with fields outside its pack, got {} for the field `{name}`", self.0)))
    }

    fn is_lost(&self) -> bool {
        false
    }
}
