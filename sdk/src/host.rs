//! Opens packs, creates nodes and runs them. For hosts; pack authors do not need this module.

pub use crate::remote::{Remote, as_remote, is_lost, remote, tensor_in};
use crate::{
    Ctx, Error, Result, Value,
    spec::{DeviceSpec, Manifest},
};
use splatgraph_abi::{self as abi, NodeBox, PackRef, log_level};
pub use splatgraph_abi::{ABI_MAJOR, ABI_MINOR, STAMP_ID, STAMP_MAGIC, STAMP_SYMBOL, StampText as Stamp, read_stamp};
use std::path::Path;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    fn to_abi(self) -> u32 {
        match self {
            Self::Debug => log_level::DEBUG,
            Self::Info => log_level::INFO,
            Self::Warn => log_level::WARN,
            Self::Error => log_level::ERROR,
        }
    }

    fn from_abi(level: u32) -> Self {
        match level {
            log_level::DEBUG => Self::Debug,
            log_level::WARN => Self::Warn,
            log_level::ERROR => Self::Error,
            _ => Self::Info,
        }
    }
}

/// The services that a host offers to a running node.
pub trait HostContext: Send + Sync + 'static {
    /// Reports `done` of `total` steps, with a note about the current step.
    fn progress(&self, done: u64, total: u64, note: &str);
    /// Shows a value while the node runs.
    fn preview(&self, value: Value);
    /// Whether the node should stop.
    fn cancelled(&self) -> bool;
    /// The run's settings: a JSON object.
    fn settings(&self) -> String;
    /// Writes a line to the log.
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

/// Writes a line to the log of a node.
pub fn log(ctx: &Ctx, level: LogLevel, text: &str) {
    ctx.log(level.to_abi(), text);
}

/// The settings of a run, as the host wrote them: a JSON object.
#[must_use]
pub fn settings_text(ctx: &Ctx) -> String {
    ctx.settings_text()
}

/// Creates the context for [`NodeInstance::run`].
pub fn context(host: impl HostContext) -> Ctx {
    Ctx::new(abi::context(Adapter(host)))
}

/// A pack with a compatible interface.
pub struct LoadedPack {
    stamp: Stamp,
    pack: PackRef,
}

/// Compares the interface of the loaded library at `path` with the interface of this host.
///
/// # Errors
/// The interfaces differ. The text says in a few lines where, and what to do.
pub fn open_pack(path: &Path, stamp: Stamp) -> Result<LoadedPack, String> {
    let pack = abi::open_pack(path, &stamp)?;
    Ok(LoadedPack { stamp, pack })
}

/// Reads the text of a manifest.
///
/// # Errors
/// The pack panicked when it made the manifest, or the manifest is malformed.
pub fn read_manifest(text: &str) -> Result<Manifest> {
    #[derive(serde::Deserialize)]
    struct Failed {
        error: String,
    }
    serde_json::from_str(text).map_err(|e| match serde_json::from_str(text) {
        Ok(Failed { error }) => Error::new(format!("the pack failed to list its nodes: {error}")),
        Err(_) => Error::new(format!("expected a manifest in the form of this SDK: {e}")),
    })
}

impl LoadedPack {
    /// The stamp of the pack.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Prepares the pack. Call it once, before anything else. `log` gets lines that belong to no node, such as panics of the pack's
    /// threads.
    pub fn init(&self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) {
        self.pack.init()(abi::context(Adapter(OnlyLog(log))));
    }

    /// The manifest, as the pack gives it.
    #[must_use]
    pub fn manifest_text(&self) -> String {
        self.pack.manifest()().into()
    }

    /// The pack's nodes.
    ///
    /// # Errors
    /// The pack panicked, or the manifest is malformed.
    pub fn manifest(&self) -> Result<Manifest> {
        read_manifest(&self.manifest_text())
    }

    /// The devices that the pack's nodes can compute on, the best one first; empty if the pack names none. This may take a while,
    /// as it starts drivers.
    ///
    /// # Errors
    /// The pack panicked, or the list is malformed.
    pub fn devices(&self) -> Result<Vec<DeviceSpec>> {
        let Some(devices) = self.pack.devices() else { return Ok(Vec::new()) };
        let json: serde_json::Value = serde_json::from_str(devices().as_str())
            .map_err(|e| Error::new(format!("expected a list of devices in the form of this SDK: {e}")))?;
        if let Some(error) = json["error"].as_str() {
            return Err(Error::new(format!("the pack failed to look for devices: {error}")));
        }
        serde_json::from_value(json)
            .map_err(|e| Error::new(format!("expected a list of devices in the form of this SDK: {e}")))
    }

    /// The content of the file `name` in the manifest's [`web`](Manifest::web); `None` if the pack has no such file.
    #[must_use]
    pub fn web_file(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.pack.web_file()?(name.into()).into_option()?;
        Some(file.to_vec())
    }

    /// Creates an instance of a node class.
    ///
    /// # Errors
    /// The pack has no such class, or creating the instance panicked.
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
    /// Runs the node on values in the order of its spec. [`Value::none`] stands for an input that the graph leaves out.
    ///
    /// # Errors
    /// The node failed or panicked.
    pub fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>> {
        let inputs: Vec<abi::Value> = inputs.iter().map(|v| v.0.clone()).collect();
        let outputs = self.0.run(ctx.host(), inputs.as_slice().into()).into_result().map_err(Error::from_abi)?;
        Ok(outputs.into_iter().map(Value).collect())
    }
}
