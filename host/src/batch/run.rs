//! Runs the items of a batch that are not done yet.

use super::{
    check::Batch,
    collect::Shards,
    earlier::{Earlier, State},
    error::Error,
    found::Lines,
    journal::Journal,
    lines::Head,
    record::Recorder,
    summary::{Failed, Summary, Update},
    table::Table,
    work::{Watch, Work},
};
use crate::{
    durable,
    graph::Checked,
    run::{self, CancelToken, FileContents, Runner, Settings},
    sha256::hex,
    words::shown,
};
use sha2::{Digest, Sha256};
use splatgraph_sdk::remove_left_over_files;
use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

/// Host memory for results that several items share: 2 GiB. What only successive items share is dropped after the last of them.
pub const CACHE_BYTES: u64 = 2 << 30;

impl Batch {
    /// Runs the items of the part that the journal does not have yet. `settings` returns the settings for the nodes of an
    /// item, or the reason why it can't run.
    ///
    /// If a process ended while an item ran, `survives` gets the item's id before the item runs again. It tries the item with
    /// [`try_item`](Self::try_item) in another process, and returns whether that process survived.
    ///
    /// # Errors
    /// The folder or the journal can't be written or belongs to another batch, a file that all items need is missing, or a node
    /// that all items need failed. An item that fails is not an error.
    pub fn run(
        &self,
        settings: &(impl Fn(&Checked) -> Result<Settings, String> + Sync),
        survives: &(dyn Fn(&str) -> bool + Sync),
        watch: impl Fn(Update<'_>) + Send + Sync + 'static,
        cancel: &CancelToken,
    ) -> Result<Summary, Error> {
        let start = Instant::now();
        let watch: Watch = Arc::new(watch);
        let options = &self.options;
        let folder = &options.folder;
        fs::create_dir_all(folder).map_err(|error| {
            Error::failed(format!("the folder for output cannot be created: {error}\n  {}", shown(folder)))
        })?;
        self.refuse_shards_without_journal()?;
        let head = self.head();
        let journal = Journal::open(self, &head)?;
        let known = &journal.earlier;
        let (mut items, mut alone): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let (mut earlier, mut again, mut changed, mut failed_before) = (0, 0, 0, Vec::new());
        let mut contents = FileContents::default();
        for item in self.mine() {
            match known.state(item) {
                State::Done if !self.reads_other_content(item, known, &mut contents) => earlier += 1,
                State::Failed if !options.retry_failed => {
                    let failed = known.failed.get(&item).cloned();
                    failed_before.extend(failed.map(|(item, error)| Failed { item, error }));
                }
                state => {
                    again += usize::from(state == State::Gone);
                    changed += usize::from(state == State::Done);
                    // Items that may end the process come last, so that all others are done before.
                    let list = if known.steps.are_open(|| self.items.key(item)) { &mut alone } else { &mut items };
                    // A batch has at most ten million items.
                    list.push(u32::try_from(item).unwrap_or(u32::MAX));
                }
            }
        }
        let first_alone = items.len();
        items.append(&mut alone);
        self.refuse_to_overwrite_earlier(&journal)?;
        self.refuse_to_replace_others(&items, &journal)?;
        if !items.is_empty() {
            self.refuse_shared_problems()?;
        }
        let folders: Vec<PathBuf> = {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.folders().map(Path::to_owned).collect()
        };
        let tidy = || folders.iter().map(PathBuf::as_path).chain([folder.as_path()]).for_each(remove_left_over_files);
        tidy();

        watch(Update::Begun { items: items.len(), earlier, again, changed });
        self.say_unready(&items, &|update| watch(update));
        let shards = options.collect.as_ref().map(|collect| {
            let size = collect.shard.get();
            Shards::new(folder, &collect.output, options.part, size, journal.shards, items.len())
        });
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let jobs = options.jobs.map_or_else(cores, NonZeroUsize::get).clamp(1, items.len().max(1));
        let threads = (options.threads.map_or_else(cores, NonZeroUsize::get) / jobs).max(1);
        let runner = Runner::new(run::Options {
            threads: Some(threads),
            cache_bytes: CACHE_BYTES,
            store: options.store.clone(),
        })
        .map_err(|error| Error::failed(format!("threads for the batch cannot be started: {error}")))?;
        let recorder = Mutex::new(Recorder::new(journal, shards));
        let (batch, watch, broken, once_ran) = (self, &watch, Mutex::default(), Mutex::default());
        let work =
            Work { batch, runner, settings, survives, watch, cancel, recorder, items, first_alone, broken, once_ran };
        work.run_once()?;
        work.run_items(jobs)?;

        let Work { recorder, items, .. } = work;
        let recorder = recorder.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Recorder { journal, shards, done, failed: failed_now, ended, files, work, .. } = recorder;
        let cancelled = cancel.is_cancelled() && ended < items.len();
        let table = if cancelled { None } else { self.table(&journal)? };
        tidy();
        // Files can go while the batch runs, and done means that they are there.
        let gone = if items.is_empty() { Vec::new() } else { journal.gone(self, &head)? };
        let gone = gone.into_iter().filter(|item| self.is_mine(*item)).map(|item| Failed {
            item: self.items.name(item),
            error: "its files are gone; the same command makes them again".to_owned(),
        });
        let gone: Vec<Failed> = gone.collect();
        let done = done.saturating_sub(gone.len());
        let failed_now = failed_now.into_iter().map(|(item, error)| Failed { item, error }).chain(gone);
        Ok(Summary {
            items: self.mine().count(),
            done,
            earlier,
            failed: failed_before.into_iter().chain(failed_now).collect(),
            files,
            shards: shards.map(|shards| shards.written).unwrap_or_default(),
            ms: start.elapsed().as_secs_f64() * 1e3,
            nodes: work.nodes,
            node_ms: work.ms,
            cancelled,
            table,
            journal: journal.path,
        })
    }

    /// Runs one item without a journal, and drops its results. A batch does so in a process of its own for an item that may end
    /// the process. `id` is what `survives` got in [`run`](Self::run).
    pub fn try_item(&self, id: &str, settings: &impl Fn(&Checked) -> Result<Settings, String>, cancel: &CancelToken) {
        let Some(item) = (0..self.items.len()).find(|item| hex(&self.items.key(*item)) == id) else { return };
        // All errors are reported when the item runs in the batch.
        let Ok(checked) = self.checked(item) else { return };
        let (Ok(settings), Ok(runner)) = (settings(&checked), Runner::new(run::Options::default())) else { return };
        runner.run(&checked, &settings, |_| {}, cancel);
    }

    fn head(&self) -> Head {
        let mut graph = self.file.to_json();
        if let Some(graph) = graph.as_object_mut() {
            // These change no result.
            graph.shift_remove("title");
            graph.shift_remove("description");
            graph.shift_remove("packs");
            // With `packs`, the format has another version.
            graph.insert("version".to_owned(), 1.into());
        }
        let sha256 = hex(&Sha256::digest(graph.to_string()));
        let name = self.file.origin.path().and_then(Path::file_name);
        let name = name.map_or("standard input".to_owned(), |name| name.to_string_lossy().into_owned());
        Head::new(name, sha256, &self.options)
    }

    /// Whether a file that an item reads has other content than when the item was done. Only a batch with a store of results knows, and
    /// only if it makes no shards, as a shard keeps the item as it was.
    fn reads_other_content(&self, item: usize, known: &Earlier, contents: &mut FileContents) -> bool {
        let Some(then) = known.content(item).filter(|_| self.options.collect.is_none()) else { return false };
        // What can't be read any more does not make the item wrong.
        let now = self.checked(item).ok().and_then(|checked| contents.of(&checked));
        now.is_some_and(|now| now != *then)
    }

    /// Refuses a folder that has shards but no journal: they would be mistaken for shards of this batch.
    fn refuse_shards_without_journal(&self) -> Result<(), Error> {
        let (folder, part) = (&self.options.folder, self.options.part);
        let Some(collect) = &self.options.collect else { return Ok(()) };
        let first = folder.join(Shards::new(folder, &collect.output, part, 1, 0, 0).next_file());
        if self.options.journal().exists() || !first.exists() {
            return Ok(());
        }
        let message = "the folder has shards, but no journal that describes them";
        Err(Error::folder(format!("{message}; use another folder, or remove them\n  {}", shown(&first))))
    }

    /// The items of the part.
    fn mine(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|item| self.is_mine(*item))
    }

    fn is_mine(&self, item: usize) -> bool {
        self.options.part.is_none_or(|part| part.has(item))
    }

    /// Refuses to write over files that other items wrote in an earlier run.
    fn refuse_to_overwrite_earlier(&self, journal: &Journal) -> Result<(), Error> {
        let known = &journal.earlier;
        let clashes =
            known.clashes.iter().filter(|(item, _)| !matches!(known.state(**item), State::Done | State::Gone));
        let Some((item, (path, writer))) = { clashes }.next() else { return Ok(()) };
        let message = format!("the item `{}` would write over a file of an earlier run", self.items.name(*item));
        let message = format!("{message}, of the item `{writer}` with other values; use another folder");
        Err(Error::folder(format!("{message}, or file names made of the values\n  {}", shown(path))))
    }

    /// Refuses to replace files that no earlier run wrote, if the graph comes from elsewhere.
    fn refuse_to_replace_others(&self, items: &[u32], journal: &Journal) -> Result<(), Error> {
        if !self.file.is_foreign() || self.options.overwrite {
            return Ok(());
        }
        let known = &journal.earlier;
        let is_new = |item: usize| known.state(item) == State::New && !known.steps.are_open(|| self.items.key(item));
        for item in items.iter().map(|item| *item as usize).filter(|item| is_new(*item)) {
            // Its problems are reported when it runs.
            let Ok(checked) = self.checked(item) else { continue };
            let needed = checked.nodes.iter().zip(&self.shape().needed).filter(|(_, needed)| **needed);
            let Some(file) = needed.flat_map(|(node, _)| &node.writes).find(|file| file.would_replace()) else {
                continue;
            };
            let message = format!(
                "the item `{}` would replace a file, and its graph comes from elsewhere",
                self.items.name(item)
            );
            return Err(Error::replaces(format!("{message}\n  {}", shown(&file.path))));
        }
        Ok(())
    }

    fn table(&self, journal: &Journal) -> Result<Option<Table>, Error> {
        let Some(path) = self.options.table_file() else { return Ok(None) };
        let is_done = |item: &usize| matches!(journal.earlier.state(*item), State::Done | State::Gone);
        // A batch has at most ten million items.
        let done: Vec<u32> = self.mine().filter(is_done).map(|item| u32::try_from(item).unwrap_or(u32::MAX)).collect();
        let results: Vec<&str> = self.shape().outputs().collect();
        let table = Table::write(path, &self.items, &done, &results, Lines::new(journal))?;
        if journal.durable {
            durable::sync([table.path.as_path()]).map_err(Error::failed)?;
        }
        Ok(Some(table))
    }
}
