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
    cancelled: Arc<AtomicBool>,
    settings: Arc<Mutex<Json>>,
}

impl Recorder {
    /// The reports so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
