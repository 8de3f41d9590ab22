//! Runs a graph over many items for Python.

use crate::{
    ending::detached,
    graph::{Graph, RunOptions},
    problems::{error, raised},
    watching::{self, News},
};
use pyo3::prelude::*;
use splatgraph::batch::{Batch, Collect, ErrorKind, Options, Update};
use std::{num::NonZeroUsize, path::PathBuf};

/// The options of a batch.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Given {
    /// `NAME=VALUES`, as on a command line.
    values: Vec<String>,
    sets: Vec<(String, String)>,
    cwd: PathBuf,
    out: PathBuf,
    collect: Option<String>,
    shard: usize,
    table: Option<PathBuf>,
    files: bool,
    overwrite: bool,
    retry_failed: bool,
    jobs: Option<usize>,
}

/// Runs the graph over many items. Returns warnings and the summary, in JSON.
pub(crate) fn run(
    graph: &Graph,
    py: Python<'_>,
    given: Given,
    options: RunOptions,
    watch: Option<Py<PyAny>>,
) -> PyResult<(Vec<String>, String)> {
    graph.shared.check_process(py)?;
    let at_least_one = |name: &str, number: usize| {
        NonZeroUsize::new(number).ok_or_else(|| error(py, format!("{name}: expected at least 1, got 0")))
    };
    let of_batch = Options {
        values: given.values,
        sets: given.sets,
        cwd: given.cwd,
        folder: given.out,
        model_dirs: graph.shared.models.clone(),
        part: None,
        collect: match given.collect {
            Some(output) => Some(Collect { output, shard: at_least_one("shard", given.shard)? }),
            None => None,
        },
        no_files: !given.files,
        table: given.table,
        overwrite: given.overwrite,
        durable: false,
        retry_failed: given.retry_failed,
        jobs: given.jobs.map(|jobs| at_least_one("jobs", jobs)).transpose()?,
        threads: options.threads.map(|threads| at_least_one("threads", threads)).transpose()?,
        store: options.open_store().map_err(|why| error(py, why))?,
    };
    let registry = &graph.shared.registry;
    let batch = detached(py, || Batch::new(graph.file.clone(), registry, of_batch));
    let batch = batch.map_err(|found| failure(py, &found))?;
    let cancel = graph.begin(py)?;
    let ran = watching::run(py, &cancel, watch.as_ref(), |sender| {
        let settings = |checked: &_| options.settings(checked, &graph.shared, registry);
        let tell = move |update: Update<'_>| {
            let news = match update {
                Update::Begun { items, earlier, .. } => News::Begun(items, earlier),
                Update::Event { item, event } => News::Event(item.map(str::to_owned), Box::new(event.clone())),
                Update::Ended { failed } => News::Ended(failed),
                _ => return,
            };
            let _ = sender.send(news);
        };
        // No other process can try an item, as the graph is in this one.
        batch.run(&settings, &|_| true, tell, &cancel)
    });
    graph.end();
    let summary = ran?.map_err(|found| failure(py, &found))?;
    if summary.cancelled {
        return Err(raised(py, "Cancelled", ("the batch was cancelled; the same call goes on with it",)));
    }
    Ok((batch.warnings.iter().map(ToString::to_string).collect(), summary.to_json().to_string()))
}

fn failure(py: Python<'_>, found: &splatgraph::batch::Error) -> PyErr {
    let text = found.messages.join("\n");
    let hint = match found.kind {
        ErrorKind::Replaces => "\n  overwrite=True replaces it, out= names another folder",
        ErrorKind::Folder => "\n  out= names another folder",
        _ => "",
    };
    error(py, text + hint)
}
