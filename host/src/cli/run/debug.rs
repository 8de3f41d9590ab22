//! The option `run --debug DIR`.

use std::path::Path;
use std::sync::Arc;

use splatgraph::debug::{DebugError, Recorder};
use splatgraph::graph::Checked;
use splatgraph::run::{RunResult, Settings};
use splatgraph_sdk::settings::{PNG_TEXT, THREADS};

use super::Options;
use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output;

pub(super) fn recorder(folder: &Path, checked: &Checked) -> Outcome<Arc<Recorder>> {
    let recorder = Recorder::new(folder, checked).map_err(|error| match error {
        DebugError::Io { .. } => Failure::new(FAILED, error),
        DebugError::Foreign { .. } | DebugError::Used { .. } => Failure::usage(error),
    });
    recorder.map(Arc::new)
}

/// Writes `run.json` and prints the findings. Returns the exit code.
pub(super) fn finish(recorder: &Recorder, result: &RunResult, settings: &Settings, options: &Options) -> u8 {
    // The texts for pictures would repeat the graph.
    let mut settings = settings.clone();
    settings.remove(PNG_TEXT);
    if let Some(threads) = options.threads.get() {
        settings.insert(THREADS.to_owned(), threads.into());
    }
    let findings = match recorder.finish(result, &settings) {
        Ok(findings) => findings,
        Err(error) => {
            output::error(&error.to_string());
            return FAILED;
        }
    };
    for why in &findings.unwritten {
        output::error(&output::one_line(why));
    }
    if !options.shown.quiet() {
        for made in &findings.made_nan {
            output::warning(&made.to_string());
        }
    }
    if findings.unwritten.is_empty() { 0 } else { FAILED }
}
