//! The host as a running node sees it.

use super::{event::Event, work::Work};
use crate::words::shortened;
use splatgraph_sdk::{
    Value,
    host::{HostContext, LogLevel},
};
use std::sync::Arc;

/// Answers what a node asks its run.
pub(super) struct NodeContext {
    work: Arc<Work>,
    node: usize,
}

impl NodeContext {
    pub(super) fn new(work: Arc<Work>, node: usize) -> Self {
        Self { work, node }
    }

    fn id(&self) -> Arc<str> {
        self.work.checked.nodes[self.node].id.clone()
    }
}

impl HostContext for NodeContext {
    fn progress(&self, done: u64, total: u64, note: &str) {
        self.work.emit(Event::Progress { node: self.id(), done, total, note: shortened(note) });
    }

    fn preview(&self, value: Value) {
        self.work.emit(Event::Preview { node: self.id(), value });
    }

    fn cancelled(&self) -> bool {
        self.work.is_stopping()
    }

    fn settings(&self) -> String {
        self.work.settings.of(&self.work.checked.nodes[self.node].class.spec).to_owned()
    }

    fn log(&self, level: LogLevel, text: &str) {
        self.work.emit(Event::Log { node: self.id(), level, text: shortened(text) });
    }
}
