//! The settings of a run.

use serde_json::{Map, Value as Json};

/// The settings of a run: a JSON object that every node gets as it is.
pub type Settings = Map<String, Json>;
