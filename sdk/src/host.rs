//! What a host needs: opening packs, making nodes, running them. Pack authors don't.

use crate::{
    Ctx, Error, Result, Value,
    spec::{DeviceSpec, Manifest},
};
use splatgraph_abi::{self as abi, NodeBox, PackRef, log_level};
pub use splatgraph_abi::{ABI_MAJOR, ABI_MINOR, STAMP_SYMBOL, StampText as Stamp, read_stamp};
use std::path::Path;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    fn from_abi(level: u32) -> Self {
        match level {
            log_level::DEBUG => Self::Debug,
            log_level::WARN => Self::Warn,
            log_level::ERROR => Self::Error,
            _ => Self::Info,
        }
    }
}

/// What a host gives a running node.
pub trait HostContext: Send + Sync + 'static {
    /// `done` of `total` steps, with a word about what is going on.
    fn progress(&self, done: u64, total: u64, note: &str);
    /// Something to look at while the node runs.
    fn preview(&self, value: Value);
    /// Whether to stop.
    fn cancelled(&self) -> bool;
    /// The run's settings: a JSON object.
    fn settings(&self) -> String;
    /// A line for the log.
    fn log(&self, level: LogLevel, text: &str);
}

struct Adapter<H>(H);

impl<H: HostContext> abi::HostContext for Adapter<H> {
    fn progress(&self, done: u64, total: u64, note: &str) {
        self.0.progress(done, total, note);
    }
    fn preview(&self, value: abi::Value) {
        self.0.preview(Value(value));
    }
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
    fn settings(&self) -> String {
        self.0.settings()
    }
    fn log(&self, level: u32, text: &str) {
        self.0.log(LogLevel::from_abi(level), text);
    }
}

/// A context for [`NodeInstance::run`].
pub fn context(host: impl HostContext) -> Ctx {
    Ctx::new(abi::context(Adapter(host)))
}

/// A pack whose interface was found compatible.
pub struct LoadedPack {
    stamp: Stamp,
    pack: PackRef,
}

/// Compares the interface of the library at `path`, which is loaded already, with this host's.
///
/// # Errors
/// They differ; the text says where in a few lines and what to do.
pub fn open_pack(path: &Path, stamp: Stamp) -> Result<LoadedPack, String> {
    let pack = abi::open_pack(path, &stamp)?;
    Ok(LoadedPack { stamp, pack })
}

impl LoadedPack {
    /// What its stamp says.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Prepares the pack; `log` gets lines that belong to no node, such as panics of its threads. Call it once, first.
    pub fn init(&self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) {
        self.pack.init()(abi::context(Adapter(OnlyLog(log))));
    }

    /// The pack's nodes.
    ///
    /// # Errors
    /// Making the manifest panicked, or it is malformed.
    pub fn manifest(&self) -> Result<Manifest> {
        let text = self.pack.manifest()();
        let json: serde_json::Value =
            serde_json::from_str(text.as_str()).map_err(|e| Error::new(format!("its manifest is malformed: {e}")))?;
        if let Some(error) = json["error"].as_str() {
            return Err(Error::new(format!("it failed while listing its nodes: {error}")));
        }
        serde_json::from_value(json).map_err(|e| Error::new(format!("its manifest is malformed: {e}")))
    }

    /// What the pack's nodes may compute on, the best first; nothing where it says nothing about it. Looking may take a
    /// while: drivers are started.
    ///
    /// # Errors
    /// Looking panicked, or the list is malformed.
    pub fn devices(&self) -> Result<Vec<DeviceSpec>> {
        let Some(devices) = self.pack.devices() else { return Ok(Vec::new()) };
        let json: serde_json::Value = serde_json::from_str(devices().as_str())
            .map_err(|e| Error::new(format!("its list of devices is malformed: {e}")))?;
        if let Some(error) = json["error"].as_str() {
            return Err(Error::new(format!("it failed while looking for devices: {error}")));
        }
        serde_json::from_value(json).map_err(|e| Error::new(format!("its list of devices is malformed: {e}")))
    }

    /// A new instance of a node class.
    ///
    /// # Errors
    /// There is no such class, or making it panicked.
    pub fn create(&self, node: &str) -> Result<NodeInstance> {
        self.pack.create()(node.into()).into_result().map(NodeInstance).map_err(Error::from_abi)
    }
}

struct OnlyLog<F>(F);

impl<F: Fn(LogLevel, &str) + Send + Sync + 'static> HostContext for OnlyLog<F> {
    fn progress(&self, _: u64, _: u64, _: &str) {}
    fn preview(&self, _: Value) {}
    fn cancelled(&self) -> bool {
        false
    }
    fn settings(&self) -> String {
        "{}".to_owned()
    }
    fn log(&self, level: LogLevel, text: &str) {
        (self.0)(level, text);
    }
}

/// An instance of a node class.
pub struct NodeInstance(NodeBox);

impl NodeInstance {
    /// Runs it on values in the order of its spec; [`Value::none`] stands for an input that was left out.
    ///
    /// # Errors
    /// The node failed or panicked.
    pub fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>> {
        let inputs: Vec<abi::Value> = inputs.iter().map(|v| v.0.clone()).collect();
        let outputs = self.0.run(ctx.host(), inputs.as_slice().into()).into_result().map_err(Error::from_abi)?;
        Ok(outputs.into_iter().map(Value).collect())
    }
}
