//! The runner, which keeps nodes and results from run to run.

use super::{
    cancel::CancelToken,
    equal::Equal,
    event::{Event, NodeReport, RunResult, Status},
    execute::drive,
    kept::{Kept, instance},
    keys::{Fingerprint, Keep, Key, content_of_files},
    prepare::{Prepared, prepare},
    settings::{Settings, SettingsText},
    shared::Shared,
    why::Why,
    work::{Hooks, Listen, State, Work},
};
use crate::{file_state::FileState, graph::Checked, lock::lock, registry::NodeSource, store::Store};
use splatgraph_sdk::{Value, settings::THREADS};
use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    thread::available_parallelism,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// How long a thread waits for the next node: until the runner is dropped.
const KEEP_ALIVE: Duration = Duration::from_secs(1 << 32);

/// The options of a [`Runner`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many nodes run at the same time. Nodes get the number as the setting `threads`. `None` means one for each core.
    pub threads: Option<usize>,
    /// Bytes of host memory for results that are kept from run to run. 0 keeps no results and compares no files, which is
    /// right for a single run.
    pub cache_bytes: u64,
    /// Keeps results for other processes, and has theirs.
    pub store: Option<Arc<Store>>,
}

/// Runs graphs, and keeps their nodes and results from run to run.
pub struct Runner {
    /// `None` only while the runner is dropped.
    runtime: Option<Runtime>,
    limit: usize,
    threads: Option<usize>,
    kept: Arc<Mutex<Kept>>,
    store: Option<Arc<Store>>,
}

impl Runner {
    /// A runner without nodes and results.
    ///
    /// # Errors
    /// The operating system refuses an event queue or a thread.
    pub fn new(options: Options) -> io::Result<Self> {
        // The runtime panics if it has no thread and can't start one. So it gets a thread here, which never ends.
        let tried = std::thread::Builder::new().name("node".to_owned()).spawn(|| {})?;
        // The thread does nothing that could panic.
        let _ = tried.join();
        let runtime =
            Builder::new_current_thread().enable_time().thread_name("node").thread_keep_alive(KEEP_ALIVE).build()?;
        drop(runtime.spawn_blocking(|| {}));
        let cores = || available_parallelism().map_or(1, usize::from);
        Ok(Self {
            runtime: Some(runtime),
            limit: options.threads.unwrap_or_else(cores).max(1),
            threads: options.threads,
            kept: Arc::new(Mutex::new(Kept::new(options.cache_bytes, options.store.is_some()))),
            store: options.store,
        })
    }

    /// Runs a graph and reports how every node ended. The runner calls `events` from any thread, also from several at the
    /// same time.
    ///
    /// If a node fails, only the nodes that need it are skipped. After [`CancelToken::cancel`], running nodes have a little
    /// less than a second to stop. The runner abandons nodes that don't stop, and these still run in their threads. It waits for
    /// nodes that save their work.
    ///
    /// # Panics
    /// Panics inside an async runtime; call it from a blocking thread there.
    pub fn run(
        &self,
        checked: &Checked,
        settings: &Settings,
        events: impl Fn(Event) + Send + Sync + 'static,
        cancel: &CancelToken,
    ) -> RunResult {
        self.run_keeping(checked, settings, &|_| true, events, cancel)
    }

    /// Runs a graph as [`run`](Self::run) does, but keeps only the results of the nodes that `keep` accepts, by their
    /// positions in [`Checked::nodes`].
    pub(crate) fn run_keeping(
        &self,
        checked: &Checked,
        settings: &Settings,
        keep: &Keep<'_>,
        events: impl Fn(Event) + Send + Sync + 'static,
        cancel: &CancelToken,
    ) -> RunResult {
        let settings = self.with_threads(settings);
        let (checked, equal) = Equal::merge(checked);
        let Prepared { plan, supplied, unchanged, fingerprints, shared, whys } =
            prepare(&self.kept, self.store.as_ref(), (&checked, &[]), &settings, keep);
        let kept = (0..checked.nodes.len()).map(|node| fingerprints[node].is_some() && keep(node)).collect();
        let hooks = self.hooks(events, fingerprints, kept, shared);
        let cached = supplied.clone();
        let text = Arc::new(SettingsText::new(settings));
        let (work, messages) = Work::new((checked, equal), plan, supplied, text, cancel.clone(), hooks);
        if let Some(root) = work.checked.roots.first() {
            work.warn_about_store(*root);
        }
        for (node, outputs) in cached {
            work.emit_finished(node, 0.0, true, outputs);
        }
        if let Some(runtime) = &self.runtime {
            runtime.block_on(drive(work.clone(), messages, self.limit));
        }
        self.result(&work, whys, unchanged, cancel)
    }

    /// Runs a pass of a repeated graph in this thread. `values` are those of the pass, and `at_once` is how many passes of graphs that it
    /// repeats itself run at the same time.
    fn run_pass(
        &self,
        (checked, values): (&Checked, Vec<Value>),
        at_once: usize,
        settings: &Arc<SettingsText>,
        events: Listen,
        cancel: &CancelToken,
    ) -> RunResult {
        let Prepared { plan, supplied, unchanged, fingerprints, shared, whys } =
            prepare(&self.kept, self.store.as_ref(), (checked, &values), settings.given(), &|_| true);
        let kept = fingerprints.iter().map(Option::is_some).collect();
        let hooks = Hooks { passes_at_once: at_once, ..self.hooks(events, fingerprints, kept, shared) };
        let graph = (checked.clone(), Equal::none());
        let (work, _messages) = Work::new(graph, plan, supplied, settings.clone(), cancel.clone(), hooks);
        work.run_ready_nodes();
        work.finish();
        self.result(&work, whys, unchanged, cancel)
    }

    /// Drops the instances that no run of this graph would use again, as they may hold large models.
    pub fn keep_only_nodes_of(&self, checked: &Checked) {
        let used: HashMap<_, _> = checked
            .pack_nodes()
            .into_iter()
            .map(|node| ((node.id.clone(), node.class.full_name.clone()), &node.class.pack))
            .collect();
        let is_used = |name: &_, made_by: &Arc<dyn NodeSource>| {
            used.get(name).is_some_and(|pack| Arc::as_ptr(&pack.nodes).addr() == Arc::as_ptr(made_by).addr())
        };
        let unused =
            lock(&self.kept).instances.extract_if(|name, (made_by, _)| !is_used(name, made_by)).collect::<Vec<_>>();
        // Outside the lock, as dropping an instance runs code of its pack.
        drop(unused);
    }

    /// Forgets all nodes and results, which gives their memory back.
    #[cfg(feature = "serve")]
    pub(crate) fn forget(&self) {
        let mut kept = lock(&self.kept);
        let (instances, cache) = (std::mem::take(&mut kept.instances), kept.cache.take());
        drop(kept);
        // Outside the lock, as dropping them runs code of packs.
        drop((instances, cache));
    }

    /// For each node, whether [`run_keeping`](Self::run_keeping) would run it, as far as is known before.
    pub(crate) fn would_run(&self, checked: &Checked, settings: &Settings, keep: &Keep<'_>) -> Vec<bool> {
        let settings = self.with_threads(settings);
        prepare(&self.kept, self.store.as_ref(), (&Equal::merge(checked).0, &[]), &settings, keep).plan.runs
    }

    /// The outputs of a node, if its last result is in the cache and would be taken from there.
    #[cfg(feature = "serve")]
    pub(crate) fn cached(&self, checked: &Checked, settings: &Settings, node: usize) -> Option<Vec<Value>> {
        let settings = self.with_threads(settings);
        let mut kept = lock(&self.kept);
        let fingerprints = kept.fingerprints(checked, &settings, &|_| true, super::keys::PassValues::Any);
        let key = fingerprints[node].as_ref().and_then(Fingerprint::key)?;
        kept.cache.get(&key)
    }

    /// Drops the results of the nodes that `which` accepts, among those that [`run_keeping`](Self::run_keeping) kept with `keep`.
    pub(crate) fn drop_results(
        &self,
        checked: &Checked,
        settings: &Settings,
        keep: &Keep<'_>,
        which: impl Fn(usize) -> bool,
    ) {
        let nodes: Vec<usize> = (0..checked.nodes.len()).filter(|node| which(*node)).collect();
        if nodes.is_empty() {
            return;
        }
        let settings = self.with_threads(settings);
        let mut kept = lock(&self.kept);
        let fingerprints = kept.fingerprints(checked, &settings, keep, super::keys::PassValues::Any);
        let keys = nodes.iter().filter_map(|node| fingerprints[*node].as_ref()?.key());
        let dropped: Vec<_> = keys.filter_map(|key| kept.cache.remove(&key)).collect();
        drop(kept);
        // Outside the lock, as dropping values may run code of packs.
        drop(dropped);
    }

    /// The digest of all files that a graph reads; `None` if one of them can't be read.
    pub(crate) fn content_of_files(&self, checked: &Checked) -> Option<Key> {
        content_of_files(checked, &mut lock(&self.kept).digests)
    }

    fn with_threads(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        if let Some(threads) = self.threads {
            settings.entry(THREADS).or_insert_with(|| threads.into());
        }
        settings
    }

    fn hooks(
        &self,
        events: impl Fn(Event) + Send + Sync + 'static,
        fingerprints: Arc<[Option<Fingerprint>]>,
        keep: Vec<bool>,
        shared: Option<Shared>,
    ) -> Hooks {
        let (for_instance, for_keep) = (self.kept.clone(), self.kept.clone());
        let (kept, store) = (self.kept.clone(), self.store.clone());
        let same = Self { runtime: None, limit: self.limit, threads: self.threads, kept, store };
        let keys: Vec<Option<Key>> = fingerprints.iter().map(|f| f.as_ref().and_then(Fingerprint::key)).collect();
        let keeps_results = self.store.is_some() || lock(&self.kept).cache.is_on();
        Hooks {
            event: Box::new(events),
            keeps_results,
            pass: Box::new(move |graph, at_once, settings, events, cancel| {
                same.run_pass(graph, at_once, settings, events, cancel)
            }),
            passes_at_once: self.limit,
            instance: Box::new(move |node| instance(&for_instance, node)),
            keep: Box::new(move |node, id, outputs, written| {
                let Some(fingerprint) = fingerprints[node].as_ref().filter(|_| keep[node]) else { return };
                let files = written.iter().map(|path| (path.clone(), FileState::of(path))).collect();
                let mut kept = lock(&for_keep);
                kept.last.insert(id.clone(), fingerprint.clone());
                if let Some(key) = keys[node] {
                    kept.written.remember(id, key, files);
                    kept.cache.insert(key, outputs.to_vec());
                }
            }),
            shared,
        }
    }

    fn result(
        &self,
        work: &Work,
        whys: Vec<Why>,
        unchanged: Vec<(Arc<str>, PathBuf)>,
        cancel: &CancelToken,
    ) -> RunResult {
        let mut result = RunResult {
            outputs: Vec::new(),
            failures: Vec::new(),
            nodes: Vec::new(),
            written: Vec::new(),
            unchanged,
            cancelled: false,
        };
        let nodes = work.checked.nodes.iter().zip(&work.states);
        for (position, ((node, state), mut why)) in nodes.zip(whys).enumerate() {
            // No link that leads to it was chosen.
            let sleeps = work.plan.may_run[position] && !work.awake[position].load(Ordering::SeqCst);
            if sleeps {
                why = Why::NotNeeded;
            }
            let (mut took, mut nodes_inside) = (0.0, Vec::new());
            let status = match lock(state).clone() {
                _ if sleeps => Status::NotNeeded,
                State::Waiting | State::Doomed(_) if work.plan.may_run[position] => Status::Cancelled,
                State::Waiting | State::Doomed(_) if matches!(why, Why::Cached | Why::Stored | Why::Written) => {
                    Status::Cached
                }
                State::Waiting | State::Doomed(_) => Status::NotNeeded,
                State::Done { ms, written, inside } => {
                    took = ms;
                    nodes_inside = inside.nodes.into_iter().map(|(node, (ran, cached))| (node, ran, cached)).collect();
                    result.written.extend(written.into_iter().map(|path| (node.id.clone(), path)));
                    Status::Done
                }
                State::Stored => {
                    why = Why::Stored;
                    Status::Cached
                }
                State::Failed(failure) => {
                    result.failures.push(failure);
                    Status::Failed
                }
                State::Skipped(because_of) => Status::Skipped(because_of),
                State::Cancelled => Status::Cancelled,
                State::Running | State::Abandoned => {
                    // The instance may still work, so the next run must not use it.
                    lock(&self.kept).instances.remove(&(node.id.clone(), node.class.full_name.clone()));
                    Status::Abandoned
                }
            };
            result.nodes.push(NodeReport { node: node.id.clone(), status, ms: took, why, inside: nodes_inside });
        }
        for (first, equals) in work.equal.all() {
            let NodeReport { node, status, .. } = result.nodes[first].clone();
            let status = match status {
                Status::Done | Status::Cached => Status::Cached,
                Status::Failed => Status::Skipped(node.clone()),
                other => other,
            };
            for &equal in equals {
                let report = &mut result.nodes[equal];
                (report.status, report.why) = (status.clone(), Why::EqualTo(node.to_string()));
            }
        }
        let unfinished = |report: &NodeReport| matches!(report.status, Status::Cancelled | Status::Abandoned);
        result.cancelled = cancel.is_cancelled() && result.nodes.iter().any(unfinished);
        for (name, socket) in &work.checked.outputs {
            let is_there = matches!(result.nodes[socket.node].status, Status::Done | Status::Cached);
            if let Some(value) = work.take(*socket).filter(|_| is_there) {
                result.outputs.push((name.clone(), value));
            }
        }
        result
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Does not wait for abandoned nodes.
            runtime.shutdown_background();
        }
    }
}
