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

    /// Reports `done` of `total` steps and, with `?`, stops the node if the user cancelled the run. It is cheap: call it often.
    ///
    /// # Errors
    /// The run was cancelled.
    #[track_caller]
    pub fn step(&self, done: usize, total: usize) -> Result<()> {
        self.progress(done, total, "");
        self.check()
    }

    /// Reports `done` of `total` steps with a note about the current step.
    pub fn progress(&self, done: usize, total: usize, note: &str) {
        self.host.progress(done as u64, total as u64, note.into());
    }

    /// Stops the node, with `?`, if the user cancelled the run.
    ///
    /// # Errors
    /// The run was cancelled.
    #[track_caller]
    pub fn check(&self) -> Result<()> {
        if self.cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Whether the user cancelled the run.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.host.cancelled()
    }

    /// Whether somebody looks at previews. Ask before making a preview that takes time; make none if this is `false`.
    #[must_use]
    pub fn wants_previews(&self) -> bool {
        settings::previews(self.settings())
    }

    /// Whether somebody waits for the node's result and looks at a coarse one meanwhile, if it comes much sooner. Show it with
    /// [`preview`](Self::preview).
    #[must_use]
    pub fn wants_drafts(&self) -> bool {
        settings::drafts(self.settings())
    }

    /// Shows an IMAGE while the node runs, such as a half-finished picture. One picture is best. See
    /// [`wants_previews`](Self::wants_previews).
    pub fn preview(&self, value: &Value) {
        self.host.preview(value.0.clone());
    }

    /// Writes a line to the log.
    pub fn info(&self, text: impl Display) {
        self.host.log(log_level::INFO, text.to_string().as_str().into());
    }

    /// Writes a warning to the log: the result may not be what the user wants.
    pub fn warn(&self, text: impl Display) {
        self.host.log(log_level::WARN, text.to_string().as_str().into());
    }

    /// Writes a line to the log at a level. For hosts.
    pub(crate) fn log(&self, level: u32, text: &str) {
        self.host.log(level, text.into());
    }

    /// The settings of the run, as the host wrote them. For hosts.
    pub(crate) fn settings_text(&self) -> String {
        self.host.settings().into()
    }

    /// The settings of the run; the module [`settings`] names and reads them.
    pub fn settings(&self) -> &Settings {
        self.settings.get_or_init(|| serde_json::from_str(self.host.settings().as_str()).unwrap_or_default())
    }
}
