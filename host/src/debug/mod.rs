//! Records a run for debugging: every output of every node as a file, and a report about all of them in `run.json`.

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

/// Writes the outputs of a run into a folder while it runs.
pub struct Recorder {
    folder: Folder,
    checked: Checked,
    positions: HashMap<Arc<str>, usize>,
    recorded: Mutex<Recorded>,
    /// Whether outputs are still recorded. Locked for reading while an output is written, so that `finish` waits for it.
    open: RwLock<bool>,
    start: Instant,
}

#[derive(Default)]
struct Recorded {
    /// By the position of the node: its outputs, in the order of its class.
    outputs: HashMap<usize, Vec<OutputReport>>,
    made_nan: Vec<MadeNan>,
    unwritten: Vec<String>,
}

/// Findings about a run.
#[derive(Debug)]
pub struct Findings {
    /// Outputs with NaN of nodes whose inputs have none, in the order of time.
    pub made_nan: Vec<MadeNan>,
    /// An error for every file that could not be written.
    pub unwritten: Vec<String>,
}

impl Recorder {
    /// Creates the folder, or removes the files of an earlier debug run from it.
    ///
    /// # Errors
    /// The folder has other files, the graph reads or writes in it, or it can't be written to.
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

    /// Records the outputs of a node that finished. Ignores other events. May be called from several threads.
    pub fn record(&self, event: &Event) {
        if let Event::Inside { pass, event, .. } = event
            && let Event::Finished { node, outputs, .. } = &**event
        {
            self.record_inside(node, *pass, outputs);
        }
        let Event::Finished { node, cached, outputs, .. } = event else { return };
        let Some(&node) = self.positions.get(node) else { return };
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if *open {
            self.record_outputs(node, *cached, outputs);
        }
    }

    /// Writes the outputs of a node in a graph that a node repeats. The report has only how often it ran.
    fn record_inside(&self, node: &str, pass: usize, values: &[Value]) {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let mut unwritten = Vec::new();
        for (output, value) in values.iter().enumerate().filter(|_| *open) {
            if let Some(file) = self.folder.file_inside(node, output, pass) {
                OutputReport::of("", value, &file, &mut unwritten);
            }
        }
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).unwritten.append(&mut unwritten);
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
        // Cached outputs come from an earlier run, whose inputs are unknown.
        if !cached {
            let made = nan::made_by(&self.checked, node, &outputs, &recorded.outputs);
            recorded.made_nan.extend(made);
        }
        recorded.unwritten.append(&mut unwritten);
        recorded.outputs.insert(node, outputs);
    }

    /// Writes `run.json`, also if the run failed or was cancelled. Later outputs are ignored.
    ///
    /// # Errors
    /// `run.json` can't be written.
    pub fn finish(&self, result: &RunResult, settings: &Settings) -> Result<Findings, DebugError> {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = false;
        let recorded = std::mem::take(&mut *self.recorded.lock().unwrap_or_else(PoisonError::into_inner));
        let ms = self.start.elapsed().as_secs_f64() * 1e3;
        self.folder.write_run(&report::run(&self.checked, result, &recorded, settings, ms))?;
        Ok(Findings { made_nan: recorded.made_nan, unwritten: recorded.unwritten })
    }
}
