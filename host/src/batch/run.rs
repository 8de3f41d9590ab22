//! Runs the items of a batch that are not done yet.

use super::{
    check::Batch,
    collect::Shards,
    error::Error,
    items::Key,
    journal::{Entry, Head, Journal, Status, path_of},
    record::Recorder,
    summary::{Failed, Summary, Update},
    table::{self, Table},
    tidy::remove_left_overs,
    work::{Watch, Work},
};
use crate::{
    graph::{Checked, Origin},
    run::{self, CancelToken, Runner, Settings},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

/// Host memory for results that several items share: 2 GiB.
pub const CACHE_BYTES: u64 = 2 << 30;

impl Batch {
    /// Runs the items of the part that the journal does not have yet. `settings` returns the settings for the nodes of an
    /// item, or the reason why it can't run.
    ///
    /// # Errors
    /// The folder or the journal can't be written or belongs to another batch, or a node that all items need failed. An
    /// item that fails is not an error.
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
        let mut journal = Journal::open(folder, options.part, &self.head(), options.table.is_some())?;
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
        let work =
            Work { batch: self, runner, settings, watch: &watch, cancel, recorder, items, broken: Mutex::default() };
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
            // These change no result.
            graph.shift_remove("title");
            graph.shift_remove("description");
        }
        let sha256 = Sha256::digest(graph.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = match &self.file.origin {
            Origin::File(path) | Origin::Picture(path) => path.file_name(),
            Origin::Text => None,
        };
        let name = name.map_or("standard input".to_owned(), |name| name.to_string_lossy().into_owned());
        Head::new(name, sha256, &self.options)
    }

    /// Refuses a folder that has shards but no journal: they would be mistaken for shards of this batch.
    fn refuse_shards_without_journal(&self) -> Result<(), Error> {
        let (folder, part) = (&self.options.folder, self.options.part);
        let Some(collect) = &self.options.collect else { return Ok(()) };
        let first = folder.join(Shards::new(folder, &collect.output, part, 1, 0, 0).next_file());
        if path_of(folder, part).exists() || !first.exists() {
            return Ok(());
        }
        let message = "the folder has shards, but no journal that describes them";
        Err(Error::folder(format!("{message}; use another folder, or remove them\n  {}", first.display())))
    }

    /// Refuses to write over files that other items wrote in an earlier run.
    fn refuse_to_overwrite_earlier(&self, journal: &mut Journal) -> Result<(), Error> {
        for (path, by) in std::mem::take(&mut journal.earlier_files) {
            let Some(item) = self.written.item_of(&path) else { continue };
            let key = self.items.key(item);
            if key == by || journal.entries.get(&key).is_some_and(|entry| entry.status == Status::Done) {
                continue;
            }
            let writer = journal.entries.get(&by).map_or("", |entry| entry.item.as_str());
            let message = format!("the item `{}` would write over a file of an earlier run", self.items.name(item));
            let message = format!("{message}, of the item `{writer}` with other values; use another folder");
            return Err(Error::folder(format!("{message}, or file names made of the values\n  {}", path.display())));
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
