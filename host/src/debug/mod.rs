//! A run laid open: every output of every node as a file, and `run.json` about all of them.

mod folder;
mod nan;
mod output;
mod report;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use splatgraph_sdk::Value;

pub use folder::DebugError;
pub use nan::MadeNan;
pub use output::OutputReport;

use crate::graph::Checked;
use crate::run::{Event, RunResult, Settings};
use folder::Folder;
pub(crate) use folder::distinct;

/// Writes the outputs of a run into a folder while it goes on.
pub struct Recorder {
    folder: Folder,
    checked: Checked,
    positions: HashMap<Arc<str>, usize>,
    recorded: Mutex<Recorded>,
    /// Whether outputs are still taken. Held for reading while one is written, so that the end waits for it.
    open: RwLock<bool>,
    start: Instant,
}

#[derive(Default)]
struct Recorded {
    /// Per node that gave outputs: these, in the order of its class.
    outputs: HashMap<usize, Vec<OutputReport>>,
    made_nan: Vec<MadeNan>,
    unwritten: Vec<String>,
}

/// What stands out in a run.
#[derive(Debug)]
pub struct Findings {
    /// Outputs with NaN of nodes that got none, in the order of time.
    pub made_nan: Vec<MadeNan>,
    /// Of every file that could not be written: why, and which.
    pub unwritten: Vec<String>,
}

impl Recorder {
    /// Prepares the folder: makes it, or removes from it what an earlier run recorded.
    ///
    /// # Errors
    /// There are other things in the folder, the graph reads or writes there, or it cannot be written to.
    pub fn new(folder: &Path, checked: &Checked) -> Result<Self, DebugError> {
        let nodes = checked.nodes.iter().enumerate();
        Ok(Self {
            folder: Folder::prepare(folder, checked)?,
            positions: nodes.map(|(position, node)| (node.id.clone(), position)).collect(),
            checked: checked.clone(),
            recorded: Mutex::default(),
            open: RwLock::new(true),
            start: Instant::now(),
        })
    }

    /// Takes the outputs of a node that ended; passes over all other events. May be called from several threads.
    pub fn record(&self, event: &Event) {
        let Event::Finished { node, cached, outputs, .. } = event else { return };
        let Some(&node) = self.positions.get(node) else { return };
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if *open {
            self.record_outputs(node, *cached, outputs);
        }
    }

    fn record_outputs(&self, node: usize, cached: bool, values: &[Value]) {
        let specs = &self.checked.nodes[node].class.spec.outputs;
        let mut unwritten = Vec::new();
        let outputs: Vec<OutputReport> = specs
            .iter()
            .zip(values)
            .enumerate()
            .map(|(output, (spec, value))| {
                OutputReport::of(&spec.name, value, &self.folder.file(node, output), &mut unwritten)
            })
            .collect();
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        // What came from the cache was made in an earlier run, from values that nobody looked at.
        if !cached {
            let made = nan::made_by(&self.checked, node, &outputs, &recorded.outputs);
            recorded.made_nan.extend(made);
        }
        recorded.unwritten.append(&mut unwritten);
        recorded.outputs.insert(node, outputs);
    }

    /// Writes `run.json`, also about a run that failed or was cancelled. Outputs that come later are passed over.
    ///
    /// # Errors
    /// `run.json` cannot be written.
    pub fn finish(&self, result: &RunResult, settings: &Settings) -> Result<Findings, DebugError> {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = false;
        let recorded = std::mem::take(&mut *self.recorded.lock().unwrap_or_else(PoisonError::into_inner));
        let ms = self.start.elapsed().as_secs_f64() * 1e3;
        self.folder.write_run(&report::run(&self.checked, result, &recorded, settings, ms))?;
        Ok(Findings { made_nan: recorded.made_nan, unwritten: recorded.unwritten })
    }
}
