//! The workers of a batch.

use super::{
    check::Batch,
    error::{Error, ErrorKind},
    items::Key,
    lines::{Line, Status},
    record::{Ended, NodeWork, Recorder},
    summary::Update,
    table::scalar,
};
use crate::{
    durable,
    graph::Checked,
    lock::lock,
    run::{CancelToken, Event, RunResult, Runner, Settings},
    sha256::hex,
    words::shown,
};
use splatgraph_sdk::{Code, Record};
use std::{
    ops::Range,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

/// The error of an item that takes its process with it.
const ENDED_THE_PROCESS: &str = "ended the process twice: a node may crash or exit, or need more memory than there is";

/// Takes the updates of a batch.
pub(super) type Watch = Arc<dyn Fn(Update<'_>) + Send + Sync>;

/// Whether no later item needs the results of a node.
type IsLast<'a> = dyn Fn(usize) -> bool + 'a;

/// Everything that the workers share.
pub(super) struct Work<'a, S> {
    pub(super) batch: &'a Batch,
    pub(super) runner: Runner,
    pub(super) settings: &'a S,
    /// Whether an item, by its id, leaves a process alive.
    pub(super) survives: &'a (dyn Fn(&str) -> bool + Sync),
    pub(super) watch: &'a Watch,
    pub(super) cancel: &'a CancelToken,
    pub(super) recorder: Mutex<Recorder>,
    /// The items that run, in order.
    pub(super) items: Vec<u32>,
    /// From this position on, items run one at a time.
    pub(super) first_alone: usize,
    /// The error that stops the batch.
    pub(super) broken: Mutex<Option<Error>>,
    /// Whether an item needed the nodes that are the same for all.
    pub(super) once_ran: Mutex<bool>,
}

impl<S: Fn(&Checked) -> Result<Settings, String> + Sync> Work<'_, S> {
    /// Runs the nodes that are the same for all items, so that their results are ready when the first items start. With a store of
    /// results, maybe no item needs them; see [`run_once_for`](Self::run_once_for).
    pub(super) fn run_once(&self) -> Result<(), Error> {
        if self.batch.options.store.is_some() { Ok(()) } else { self.run_once_now() }
    }

    /// Runs the nodes that are the same for all items, if this item needs one of them and is the first one that does.
    fn run_once_for(&self, checked: &Checked, settings: &Settings) -> Result<(), Error> {
        let once = &self.batch.shape().once;
        if self.batch.options.store.is_none() || once.is_empty() || *lock(&self.once_ran) {
            return Ok(());
        }
        let runs = self.runner.would_run(checked, settings, &|node| self.batch.shape().keeps(node));
        // Other items wait here until the results are ready.
        let mut once_ran = lock(&self.once_ran);
        if *once_ran || !once.iter().any(|node| runs[*node]) {
            return Ok(());
        }
        *once_ran = true;
        self.run_once_now()
    }

    fn run_once_now(&self) -> Result<(), Error> {
        let once = &self.batch.shape().once;
        if once.is_empty() {
            return Ok(());
        }
        let Some(item) = self.batch.first_ready(&self.items) else { return Ok(()) };
        // A problem of this item is reported when the item runs.
        let Ok(checked) = self.batch.checked(item) else { return Ok(()) };
        let settings = (self.settings)(&checked).map_err(Error::failed)?;
        let result = self.run_graph(&checked.until(once), &settings, None);
        lock(&self.recorder).work.add(NodeWork::of(&result));
        if result.cancelled || result.failures.is_empty() {
            return Ok(());
        }
        let only_missing = result.failures.iter().all(|failure| failure.error.code == Code::Missing);
        let mut messages: Vec<String> = result.failures.iter().map(ToString::to_string).collect();
        if let Some(last) = messages.last_mut() {
            last.push_str("\nevery item needs this node, so no item ran");
        }
        let kind = if only_missing { ErrorKind::Missing } else { ErrorKind::Failed };
        Err(Error { messages, kind })
    }

    pub(super) fn run_items(&self, jobs: usize) -> Result<(), Error> {
        let length = self.batch.shape().items_in_a_row(self.first_alone, jobs);
        let next = Mutex::new(0);
        let worker = || {
            while let Some(row) = self.next_row(&next, length) {
                let end = row.end;
                for position in row {
                    let next = Some(position + 1).filter(|next| *next < end).map(|next| self.item(next));
                    let is_last = |node| self.batch.shape().is_last(node, self.item(position), next, length);
                    if self.cancel.is_cancelled() || !self.run_item(position, &is_last) {
                        return;
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..jobs {
                if let Err(error) = thread::Builder::new().name("item".to_owned()).spawn_scoped(scope, worker) {
                    self.stop(Error::failed(format!("a thread for the batch cannot be started: {error}")));
                    break;
                }
            }
        });
        for position in self.first_alone..self.items.len() {
            let survives = (self.survives)(&hex(&self.batch.items.key(self.item(position))));
            if self.cancel.is_cancelled()
                || !(if survives { self.run_item(position, &|_| false) } else { self.fail(position) })
            {
                break;
            }
        }
        lock(&self.broken).take().map_or(Ok(()), Err)
    }

    /// The item at a position.
    fn item(&self, position: usize) -> usize {
        self.items[position] as usize
    }

    /// The next positions for one worker, which runs their items in order: those that lie in the same `length` items.
    fn next_row(&self, next: &Mutex<usize>, length: usize) -> Option<Range<usize>> {
        let mut next = lock(next);
        let start = *next;
        if start >= self.first_alone {
            return None;
        }
        let is_in = |position: &usize| self.item(*position) / length == self.item(start) / length;
        *next = (start..self.first_alone).take_while(is_in).last().unwrap_or(start) + 1;
        Some(start..*next)
    }

    /// Stops the batch because of an error.
    fn stop(&self, error: Error) {
        lock(&self.broken).get_or_insert(error);
        self.cancel.cancel();
    }

    /// Records an item that ends its process as failed. Returns false if the batch has to stop.
    fn fail(&self, position: usize) -> bool {
        let item = self.item(position);
        let (name, values) = (self.batch.items.name(item), self.batch.items.values_json(item));
        let line = Line::failed(name, values, ENDED_THE_PROCESS.to_owned());
        let key = self.batch.items.key(item);
        self.record(position, Ended { item, key, line, record: None, work: NodeWork::default() })
    }

    /// Runs one item. `is_last` tells of a node whether no later item needs its results. Returns false if the batch has to stop.
    fn run_item(&self, position: usize, is_last: &IsLast<'_>) -> bool {
        let item = self.item(position);
        let (name, key) = (self.batch.items.name(item), self.batch.items.key(item));
        if let Err(error) = lock(&self.recorder).journal.start(&name, &key) {
            self.stop(error);
            return false;
        }
        let Some(ended) = self.end_of(item, name.clone(), key, is_last) else {
            if let Err(error) = lock(&self.recorder).journal.leave(&name, &key) {
                self.stop(error);
            }
            return false;
        };
        self.record(position, ended)
    }

    fn record(&self, position: usize, ended: Ended) -> bool {
        let failed = ended.line.status == Status::Failed;
        if let Err(error) = lock(&self.recorder).take(position, ended) {
            self.stop(error);
            return false;
        }
        (self.watch)(Update::Ended { failed });
        true
    }

    /// Runs an item to its end. Returns `None` if it was cancelled.
    fn end_of(&self, item: usize, name: String, key: Key, is_last: &IsLast<'_>) -> Option<Ended> {
        let start = Instant::now();
        let batch = self.batch;
        let mut line = Line {
            item: name,
            values: batch.items.values_json(item),
            status: Status::Done,
            files: Vec::new(),
            empty: Vec::new(),
            content: None,
            outputs: serde_json::Map::new(),
            ms: 0.0,
            error: None,
        };
        let ready = |checked: Checked| checked.check_files().map(|()| checked);
        let checked = batch.checked(item).and_then(ready).map_err(|problems| {
            let problems: Vec<String> = problems.problems.iter().map(ToString::to_string).collect();
            problems.join("\n")
        });
        let prepared = checked.and_then(|checked| Ok(((self.settings)(&checked)?, checked)));
        let (mut record, mut work) = (None, NodeWork::default());
        let outcome = prepared.and_then(|(settings, checked)| {
            if batch.options.store.is_some() {
                line.content = self.runner.content_of_files(&checked).map(|sum| hex(&sum));
            }
            if let Err(error) = self.run_once_for(&checked, &settings) {
                let text = error.messages.join("\n");
                self.stop(error);
                return Err(text);
            }
            let result = self.run_graph(&checked, &settings, Some(&line.item));
            work = NodeWork::of(&result);
            let keeps = |node| batch.shape().keeps(node);
            self.runner.drop_results(&checked, &settings, &keeps, is_last);
            let mut missing = None;
            for (node, path) in result.written.iter().chain(&result.unchanged) {
                let name = relative(path, &batch.options.folder);
                match path.metadata() {
                    Ok(about) if about.is_file() && about.len() == 0 => line.empty.push(name.clone()),
                    Ok(_) => {}
                    Err(_) => missing = missing.or(Some((node, path))),
                }
                line.files.push(name);
            }
            if !result.failures.is_empty() || result.cancelled {
                let failures: Vec<String> = result.failures.iter().map(ToString::to_string).collect();
                return Err(failures.join("\n"));
            }
            if let Some((node, path)) = missing {
                return Err(format!("node `{node}`: expected a file, got none\n  {}", shown(path)));
            }
            if batch.options.durable {
                durable::sync(result.written.iter().map(|(_, path)| path.as_path()))?;
            }
            record = self.collected(&result)?;
            let scalars = result.outputs.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?)));
            line.outputs = scalars.collect();
            Ok(())
        });
        if let Err(error) = outcome {
            // An item that fails while the batch stops may fail because of that.
            if self.cancel.is_cancelled() {
                return None;
            }
            line.status = Status::Failed;
            line.error = Some(error);
        }
        line.ms = (start.elapsed().as_secs_f64() * 1e4).round() / 10.0;
        Some(Ended { item, key, line, record, work })
    }

    fn run_graph(&self, checked: &Checked, settings: &Settings, item: Option<&str>) -> RunResult {
        let (watch, item) = (self.watch.clone(), item.map(str::to_owned));
        let events = move |event: Event| watch(Update::Event { item: item.as_deref(), event: &event });
        self.runner.run_keeping(checked, settings, &|node| self.batch.shape().keeps(node), events, self.cancel)
    }

    /// The collected output of an item, in host memory; `None` if the batch collects none.
    fn collected(&self, result: &RunResult) -> Result<Option<Record>, String> {
        let Some(collect) = &self.batch.options.collect else { return Ok(None) };
        let found = result.outputs.iter().find(|(name, _)| *name == collect.output);
        let Some((name, value)) = found else { return Err(format!("the run gave no output `{}`", collect.output)) };
        let record = Record::from_value(value);
        record.map(Some).map_err(|error| format!("the output `{name}` cannot be collected: {}", error.message))
    }
}

fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}
