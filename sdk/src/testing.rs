//! Runs one node without a host, for the tests of a pack.
//!
//! ```
//! use splatgraph_sdk::{prelude::*, testing};
//!
//! /// Doubles a number.
//! #[node(category = "Math", outputs(doubled))]
//! pub fn double(#[input(min = 0)] number: i64) -> Result<i64> {
//!     Ok(number * 2)
//! }
//!
//! let outputs = testing::run::<double>(testing::json!({"number": 4}), []).unwrap();
//! assert_eq!(outputs[0].to_json(), Some(8.into()));
//! ```

use crate::{
    Error, Result, Value,
    host::{HostContext, LogLevel, context},
    node::{Node, call},
};
use serde_json::Value as Json;
pub use serde_json::json;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// A report of a node to its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The number of finished steps, and of all steps.
    Progress(u64, u64),
    /// The type of a preview.
    Preview(String),
    /// A line for the log.
    Log(LogLevel, String),
}

/// A host that records the reports of a node.
#[derive(Clone, Default)]
pub struct Recorder {
    events: Arc<Mutex<Vec<Event>>>,
    previews: Arc<Mutex<Vec<Value>>>,
    cancelled: Arc<AtomicBool>,
    settings: Arc<Mutex<Json>>,
}

impl Recorder {
    /// The reports so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the node showed while it ran.
    #[must_use]
    pub fn previews(&self) -> Vec<Value> {
        self.previews.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the node to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Sets the settings of the run, a JSON object.
    pub fn set(&self, settings: Json) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    fn note(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl HostContext for Recorder {
    fn progress(&self, done: u64, total: u64, _: &str) {
        self.note(Event::Progress(done, total));
    }
    fn preview(&self, value: Value) {
        self.note(Event::Preview(value.type_name()));
        self.previews.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
    fn settings(&self) -> String {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).to_string()
    }
    fn log(&self, level: LogLevel, text: &str) {
        self.note(Event::Log(level, text.to_owned()));
    }
}

/// Runs a node on `literals`, an object of plain inputs as in a graph file, and on `values`, the inputs that come over links.
///
/// # Errors
/// The node failed, an input is unusable, or the node has no input of a given name.
pub fn run<N: Node>(literals: Json, values: impl IntoIterator<Item = (&'static str, Value)>) -> Result<Vec<Value>> {
    run_with::<N>(&Recorder::default(), literals, values)
}

/// Runs a node like [`run`], with a host that records the reports of the node.
///
/// # Errors
/// See [`run`].
pub fn run_with<N: Node>(
    host: &Recorder,
    literals: Json,
    values: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Vec<Value>> {
    run_node(&N::create(), host, literals, values)
}

/// Runs an instance of a node like [`run_with`]. The caller keeps the instance and its state.
///
/// # Errors
/// See [`run`].
pub fn run_node<N: Node>(
    node: &N,
    host: &Recorder,
    literals: Json,
    values: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Vec<Value>> {
    let spec = N::spec();
    let mut inputs = vec![Value::none(); spec.inputs.len()];
    let literals = literals.as_object().cloned().unwrap_or_default();
    let literals = literals.iter().map(|(name, json)| (name.as_str(), Value::from_json(json)));
    let values: Vec<_> = values.into_iter().collect();
    for (name, value) in literals.chain(values) {
        let index = spec.inputs.iter().position(|i| i.name == name);
        let index =
            index.ok_or_else(|| Error::new(format!("expected an input of the node {}, got `{name}`", spec.name)))?;
        inputs[index] = value;
    }
    call(node, &spec, &context(host.clone()), &inputs)
}

/// The bytes of a .tar shard with these members, each a name and a content.
#[must_use]
pub fn shard<'a>(members: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        if name.len() > 100 {
            add_member(&mut bytes, b'L', "././@LongLink", name.as_bytes());
        }
        add_member(&mut bytes, b'0', name, content);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Adds a member of any kind to a .tar file. A name is cut off behind 100 bytes.
pub fn add_member(tar: &mut Vec<u8>, kind: u8, name: &str, content: &[u8]) {
    let start = tar.len();
    tar.resize(start + 512, 0);
    let header = &mut tar[start..];
    let name = &name.as_bytes()[..name.len().min(100)];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[156] = kind;
    header[257..262].copy_from_slice(b"ustar");
    header[263..265].copy_from_slice(b"00");
    sign_header(header);
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// Writes the sum of a header of a .tar file into it, after a test has changed the header.
pub fn sign_header(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}
