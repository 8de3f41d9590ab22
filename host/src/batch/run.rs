//! Running the items that are left.

use super::{
    Batch, CACHE_BYTES, Error, Table,
    collect::Shards,
    items::Key,
    journal::{Entry, Head, Journal, Line, Status, path_of},
    record::{Ended, Recorder},
    table::{self, scalar},
    tidy::remove_left_overs,
};
use crate::{
    graph::{Checked, Origin},
    run::{self, CancelToken, Event, RunResult, Runner, Settings},
};
use sha2::{Digest, Sha256};
use splatgraph_sdk::{Code, Record};
use std::{
    fs,
    num::NonZeroUsize,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

/// What happens while a batch runs, from any thread.
#[non_exhaustive]
pub enum Update<'a> {
    /// The items begin.
    Begun {
        /// How many are run.
        items: usize,
        /// How many were done before.
        earlier: usize,
    },
    /// A node of an item has something to say.
    Event {
        /// The item's name; `None` for what is run once for all.
        item: Option<&'a str>,
        /// What.
        event: &'a Event,
    },
    /// An item is over.
    Ended {
        /// Whether it failed.
        failed: bool,
    },
}

/// An item that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its name.
    pub item: String,
    /// Why.
    pub error: String,
}

/// How a batch ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How many items the part has.
    pub items: usize,
    /// How many were done now.
    pub done: usize,
    /// How many were done before.
    pub earlier: usize,
    /// Those that failed, now or before.
    pub failed: Vec<Failed>,
    /// How many files were written now.
    pub files: usize,
    /// The shards that were written now, in the batch's folder.
    pub shards: Vec<String>,
    /// How long the batch took, in milliseconds.
    pub ms: f64,
    /// How long all nodes took together, in milliseconds.
    pub node_ms: f64,
    /// Whether it was cancelled before all items were over.
    pub cancelled: bool,
    /// The table, where one was asked for and the batch came to its end.
    pub table: Option<Table>,
    /// The journal.
    pub journal: PathBuf,
}

/// Where updates go.
pub(super) type Watch = Arc<dyn Fn(Update<'_>) + Send + Sync>;

/// What workers share.
struct Work<'a, S> {
    batch: &'a Batch,
    runner: Runner,
    settings: &'a S,
    watch: &'a Watch,
    cancel: &'a CancelToken,
    recorder: Mutex<Recorder>,
    /// The items to be run, in order.
    items: Vec<(usize, Key)>,
    /// Why the batch can't go on.
    broken: Mutex<Option<Error>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Batch {
    /// Runs the items of the part that the journal does not have yet. `settings` gives what nodes are told about an item,
    /// or why it can't be run.
    ///
    /// # Errors
    /// The folder or the journal can't be written or belong to another batch, or what all items need failed. Items that
    /// fail are no error.
    pub fn run(
        &self,
        settings: &(impl Fn(&Checked) -> Result<Settings, String> + Sync),
        watch: impl Fn(Update<'_>) + Send + Sync + 'static,
        cancel: &CancelToken,
    ) -> Result<Summary, Error> {
        let start = Instant::now();
        let watch: Watch = Arc::new(watch);
        let options = &self.options;
        let folder = &options.folder;
        fs::create_dir_all(folder).map_err(|error| {
            Error::failed(format!("the folder for output cannot be created: {error}\n  {}", folder.display()))
        })?;
        self.refuse_shards_without_journal()?;
        let mut journal = Journal::open(folder, options.part, &self.head())?;
        let mine: Vec<(usize, Key)> = (0..self.items.len())
            .filter(|item| options.part.is_none_or(|part| part.has(*item)))
            .map(|item| (item, self.items.key(item)))
            .collect();
        let is_over = |entry: &Entry| entry.status == Status::Done || !options.retry_failed;
        let (over, items): (Vec<_>, Vec<_>) =
            mine.iter().copied().partition(|(_, key)| journal.entries.get(key).is_some_and(is_over));
        self.refuse_to_overwrite_earlier(&mut journal)?;
        let folders = self.written.folders();
        remove_left_overs(folder, &folders, || journal.is_alone(folder, options.part));

        let failed_before = over.iter().filter_map(|(_, key)| journal.entries.get(key));
        let failed_before: Vec<Failed> = failed_before.filter_map(failed).collect();
        let earlier = over.len() - failed_before.len();
        watch(Update::Begun { items: items.len(), earlier });
        let shards = options.collect.as_ref().map(|collect| {
            let size = collect.shard.get();
            Shards::new(folder, &collect.output, options.part, size, journal.shards, items.len())
        });
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let jobs = options.jobs.map_or_else(cores, NonZeroUsize::get).clamp(1, items.len().max(1));
        let threads = (options.threads.map_or_else(cores, NonZeroUsize::get) / jobs).max(1);
        let runner = Runner::new(run::Options { threads: Some(threads), cache_bytes: CACHE_BYTES })
            .map_err(|error| Error::failed(format!("threads for the batch cannot be started: {error}")))?;
        let recorder = Mutex::new(Recorder::new(journal, shards));
        let work = Work {
            batch: self,
            runner,
            settings,
            watch: &watch,
            cancel,
            recorder,
            items,
            broken: Mutex::default(),
        };
        work.run_once()?;
        work.run_items(jobs)?;

        let Work { recorder, items, .. } = work;
        let recorder = recorder.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Recorder { journal, shards, done, failed: failed_now, files, node_ms } = recorder;
        let cancelled = cancel.is_cancelled() && done + failed_now.len() < items.len();
        let table = if cancelled { None } else { self.table(&mine, &journal)? };
        remove_left_overs(folder, &folders, || journal.is_alone(folder, options.part));
        let failed_now = failed_now.into_iter().map(|(item, error)| Failed { item, error });
        Ok(Summary {
            items: mine.len(),
            done,
            earlier,
            failed: failed_before.into_iter().chain(failed_now).collect(),
            files,
            shards: shards.map(|shards| shards.written).unwrap_or_default(),
            ms: start.elapsed().as_secs_f64() * 1e3,
            node_ms,
            cancelled,
            table,
            journal: journal.path,
        })
    }

    fn head(&self) -> Head {
        let mut graph = self.file.to_json();
        if let Some(graph) = graph.as_object_mut() {
            // They change no result.
            graph.shift_remove("title");
            graph.shift_remove("description");
        }
        let sha256 = Sha256::digest(graph.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = match &self.file.origin {
            Origin::File(path) | Origin::Picture(path) => path.file_name(),
            Origin::Text => None,
        };
        let name = name.map_or("standard input".to_owned(), |name| name.to_string_lossy().into_owned());
        let collect = self.options.collect.as_ref().map(|collect| (collect.output.clone(), collect.shard.get()));
        Head::new(name, sha256, self.options.part, collect)
    }

    /// Shards of a batch whose journal is gone would be taken for those of this one.
    fn refuse_shards_without_journal(&self) -> Result<(), Error> {
        let (folder, part) = (&self.options.folder, self.options.part);
        let Some(collect) = &self.options.collect else { return Ok(()) };
        let first = folder.join(Shards::new(folder, &collect.output, part, 1, 0, 0).next_file());
        if path_of(folder, part).exists() || !first.exists() {
            return Ok(());
        }
        let message = "the folder has shards, but no journal that says what is in them";
        Err(Error::usage(format!("{message}; give another with --out, or remove them\n  {}", first.display())))
    }

    /// Items that are to be run may not write over what others wrote in an earlier run.
    fn refuse_to_overwrite_earlier(&self, journal: &mut Journal) -> Result<(), Error> {
        for (path, by) in std::mem::take(&mut journal.earlier_files) {
            let Some(item) = self.written.item_of(&path) else { continue };
            let key = self.items.key(item);
            if key == by || journal.entries.get(&key).is_some_and(|entry| entry.status == Status::Done) {
                continue;
            }
            let writer = journal.entries.get(&by).map_or("", |entry| entry.item.as_str());
            let message = format!("the item `{}` would write over a file of an earlier run", self.items.name(item));
            let message = format!("{message}, of the item `{writer}` with other values; give another folder with --out");
            return Err(Error::usage(format!("{message}, or names made of the values\n  {}", path.display())));
        }
        Ok(())
    }

    fn table(&self, mine: &[(usize, Key)], journal: &Journal) -> Result<Option<Table>, Error> {
        let Some(name) = &self.options.table else { return Ok(None) };
        let entries = mine.iter().filter_map(|(item, key)| Some((*item, journal.entries.get(key)?)));
        let done: Vec<_> = entries.filter(|(_, entry)| entry.status == Status::Done).collect();
        let results: Vec<&str> = self.shape.outputs().collect();
        let path = table::path_of(&self.options.folder, name, self.options.part);
        let table = Table::new(path, &self.items, &done, &results);
        table.save()?;
        Ok(Some(table))
    }
}

fn failed(entry: &Entry) -> Option<Failed> {
    let error = || entry.error.clone().unwrap_or_default();
    (entry.status == Status::Failed).then(|| Failed { item: entry.item.clone(), error: error() })
}

impl<S: Fn(&Checked) -> Result<Settings, String> + Sync> Work<'_, S> {
    /// Runs the nodes that are the same for all items, so that their results are there when the first ones begin.
    fn run_once(&self) -> Result<(), Error> {
        let once = &self.batch.shape.once;
        let (Some((item, _)), false) = (self.items.first(), once.is_empty()) else { return Ok(()) };
        // What is wrong with this one item is told when its turn comes.
        let Ok(checked) = self.batch.checked(*item) else { return Ok(()) };
        let settings = (self.settings)(&checked).map_err(Error::failed)?;
        let result = self.run_graph(&checked.until(once), &settings, None);
        lock(&self.recorder).node_ms += node_ms(&result);
        if result.cancelled || result.failures.is_empty() {
            return Ok(());
        }
        let only_missing = result.failures.iter().all(|failure| failure.error.code == Code::Missing);
        let mut messages: Vec<String> = result.failures.iter().map(ToString::to_string).collect();
        if let Some(last) = messages.last_mut() {
            last.push_str("\nevery item needs this, so none was run");
        }
        Err(Error { messages, exit_code: if only_missing { 3 } else { 1 } })
    }

    fn run_items(&self, jobs: usize) -> Result<(), Error> {
        let rows = self.rows(jobs);
        let next = AtomicUsize::new(0);
        let worker = || {
            while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                for position in row.clone() {
                    if self.cancel.is_cancelled() || !self.run_item(position) {
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
        lock(&self.broken).take().map_or(Ok(()), Err)
    }

    /// Positions in `items` that one worker takes, in order.
    fn rows(&self, jobs: usize) -> Vec<Range<usize>> {
        let length = self.batch.shape.items_in_a_row(self.items.len(), jobs);
        let mut rows: Vec<Range<usize>> = Vec::new();
        for (position, (item, _)) in self.items.iter().enumerate() {
            let starts = position == 0 || self.items[position - 1].0 / length != item / length;
            match rows.last_mut() {
                Some(row) if !starts => row.end = position + 1,
                _ => rows.push(position..position + 1),
            }
        }
        rows
    }

    /// Ends the batch.
    fn stop(&self, error: Error) {
        lock(&self.broken).get_or_insert(error);
        self.cancel.cancel();
    }

    /// Runs one item; false when the batch is to stop.
    fn run_item(&self, position: usize) -> bool {
        let Some(ended) = self.end_of(position) else { return false };
        let failed = ended.line.status == Status::Failed;
        if let Err(error) = lock(&self.recorder).take(position, ended) {
            self.stop(error);
            return false;
        }
        (self.watch)(Update::Ended { failed });
        true
    }

    /// Runs an item to its end; `None` when it was cancelled.
    fn end_of(&self, position: usize) -> Option<Ended> {
        let (item, key) = self.items[position];
        let start = Instant::now();
        let batch = self.batch;
        let mut line = Line {
            item: batch.items.name(item).to_owned(),
            values: batch.items.values_json(item),
            status: Status::Done,
            files: Vec::new(),
            outputs: serde_json::Map::new(),
            ms: 0.0,
            error: None,
        };
        let checked = batch.checked(item).map_err(|problems| {
            let problems: Vec<String> = problems.problems.iter().map(ToString::to_string).collect();
            problems.join("\n")
        });
        let prepared = checked.and_then(|checked| Ok(((self.settings)(&checked)?, checked)));
        let (mut record, mut took) = (None, 0.0);
        let outcome = prepared.and_then(|(settings, checked)| {
            let result = self.run_graph(&checked, &settings, Some(&line.item));
            took = node_ms(&result);
            line.files = result.written.iter().map(|(_, path)| relative(path, &batch.options.folder)).collect();
            if !result.failures.is_empty() || result.cancelled {
                let failures: Vec<String> = result.failures.iter().map(ToString::to_string).collect();
                return Err(failures.join("\n"));
            }
            record = self.collected(&result)?;
            let scalars = result.outputs.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?)));
            line.outputs = scalars.collect();
            Ok(())
        });
        if let Err(error) = outcome {
            // What fails while all is being stopped may fail because of that.
            if self.cancel.is_cancelled() {
                return None;
            }
            line.status = Status::Failed;
            line.error = Some(error);
        }
        line.ms = (start.elapsed().as_secs_f64() * 1e4).round() / 10.0;
        Some(Ended { key, line, record, node_ms: took })
    }

    fn run_graph(&self, checked: &Checked, settings: &Settings, item: Option<&str>) -> RunResult {
        let (watch, item) = (self.watch.clone(), item.map(str::to_owned));
        let events = move |event: Event| watch(Update::Event { item: item.as_deref(), event: &event });
        self.runner.run(checked, settings, events, self.cancel)
    }

    /// What is collected of an item, in host memory.
    fn collected(&self, result: &RunResult) -> Result<Option<Record>, String> {
        let Some(collect) = &self.batch.options.collect else { return Ok(None) };
        let found = result.outputs.iter().find(|(name, _)| *name == collect.output);
        let Some((name, value)) = found else { return Err(format!("there is no output `{}`", collect.output)) };
        let record = Record::from_value(value);
        record.map(Some).map_err(|error| format!("the output `{name}` can't be collected: {}", error.message))
    }
}

fn node_ms(result: &RunResult) -> f64 {
    result.nodes.iter().map(|node| node.ms).sum()
}

fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}
