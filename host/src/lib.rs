//! A node-graph host: it reads graphs from JSON files, checks them against node packs, and runs them.
//!
//! [`packs`] loads packs from shared libraries into a [`Registry`](registry::Registry). [`graph`] reads a graph and checks it
//! as a whole. [`run`] runs it, and [`batch`] runs it over many files and values. A pack may also be part of the program, as
//! in this example:
//!
//! ```
//! use splatgraph::{graph, registry::{Instance, NodeSource, Pack, Registry}, run};
//! use splatgraph_sdk::{Ctx, Error, Value};
//! use std::sync::Arc;
//!
//! struct Double;
//!
//! impl Instance for Double {
//!     fn run(&self, _: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error> {
//!         let number = inputs[0].as_float().ok_or_else(|| Error::input("number", "expected a number"))?;
//!         Ok(vec![Value::float(2.0 * number)])
//!     }
//! }
//!
//! struct Nodes;
//!
//! impl NodeSource for Nodes {
//!     fn create(&self, _class: &str) -> Result<Box<dyn Instance>, Error> {
//!         Ok(Box::new(Double))
//!     }
//! }
//!
//! let manifest = serde_json::from_value(serde_json::json!({
//!     "id": "maths",
//!     "nodes": [{
//!         "name": "Double",
//!         "inputs": [{ "name": "number", "type": "FLOAT" }],
//!         "outputs": [{ "name": "double", "type": "FLOAT" }],
//!     }],
//! }))?;
//! let registry = Registry::new(vec![Pack { manifest, path: "".into(), nodes: Arc::new(Nodes) }]);
//!
//! let text = r#"{
//!     "inputs": { "number": "a.number" },
//!     "outputs": { "result": ["b", "double"] },
//!     "nodes": {
//!         "a": { "class_type": "maths.Double", "inputs": { "number": 1 } },
//!         "b": { "class_type": "maths.Double", "inputs": { "number": ["a", "double"] } }
//!     }
//! }"#;
//! let given = graph::Given {
//!     inputs: vec![("number".into(), "10.5".into())],
//!     cwd: std::env::current_dir()?,
//!     ..graph::Given::default()
//! };
//! let checked = graph::check(graph::File::parse(text, graph::Origin::Text)?, &registry, &given)?;
//! let runner = run::Runner::new(run::Options::default())?;
//! let result = runner.run(&checked, &run::Settings::new(), |_event| {}, &run::CancelToken::new());
//! assert_eq!(result.outputs[0].1.as_float(), Some(42.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

pub mod batch;
pub mod bundle;
pub mod calls;
pub mod debug;
pub mod devices;
pub mod durable;
mod file_state;
pub mod formats;
pub mod graph;
pub mod graph_source;
pub mod inspect;
mod lock;
pub mod locked;
pub mod metadata;
pub mod named_graphs;
pub mod packs;
pub mod picture;
pub mod preview;
pub mod reading;
mod record_png;
pub mod registry;
pub mod report;
pub mod run;
#[cfg(feature = "serve")]
pub mod serve;
pub mod sha256;
pub mod store;
mod sums;
pub mod watch;
pub mod words;

pub use graph::workflow;
