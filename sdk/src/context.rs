//! What a running node may ask of its host.

use crate::{
    Error, Result, Value,
    settings::{self, Settings},
};
use splatgraph_abi::{Context, log_level};
use std::{fmt::Display, sync::OnceLock};

/// What a running node may ask of its host.
pub struct Ctx {
    host: Context,
    settings: OnceLock<Settings>,
}

impl Ctx {
    pub(crate) fn new(host: Context) -> Self {
        Self { host, settings: OnceLock::new() }
    }

    pub(crate) fn host(&self) -> &Context {
        &self.host
    }

    /// Reports `done` of `total` steps and stops the node, with `?`, when the user asked for it. Cheap: call it often.
    ///
    /// # Errors
    /// The run was cancelled.
    #[track_caller]
    pub fn step(&self, done: usize, total: usize) -> Result<()> {
        self.progress(done, total, "");
        self.check()
    }

    /// Reports `done` of `total` steps with a word about what is going on.
    pub fn progress(&self, done: usize, total: usize, note: &str) {
        self.host.progress(done as u64, total as u64, note.into());
    }

    /// Stops the node, with `?`, when the user asked for it.
    ///
    /// # Errors
    /// The run was cancelled.
    #[track_caller]
    pub fn check(&self) -> Result<()> {
        if self.cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Whether the user asked to stop.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.host.cancelled()
    }

    /// Whether anybody looks at previews. Ask before one is made that costs anything; with `false` none should be.
    #[must_use]
    pub fn wants_previews(&self) -> bool {
        settings::previews(self.settings())
    }

    /// Shows something while the node goes on, such as a half-finished picture: an IMAGE, best with one picture. See
    /// [`wants_previews`](Self::wants_previews).
    pub fn preview(&self, value: &Value) {
        self.host.preview(value.0.clone());
    }

    /// A line for the log.
    pub fn info(&self, text: impl Display) {
        self.host.log(log_level::INFO, text.to_string().as_str().into());
    }

    /// A line for the log: the result may not be what the user wants.
    pub fn warn(&self, text: impl Display) {
        self.host.log(log_level::WARN, text.to_string().as_str().into());
    }

    /// The settings of the run; the module [`settings`] names and reads them.
    pub fn settings(&self) -> &Settings {
        self.settings.get_or_init(|| serde_json::from_str(self.host.settings().as_str()).unwrap_or_default())
    }
}
