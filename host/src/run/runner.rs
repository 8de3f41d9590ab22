//! The runner, which keeps nodes and results from run to run.

use super::{
    cache::Cache,
    cancel::CancelToken,
    digest::Digests,
    equal::Equal,
    event::{Event, NodeReport, RunResult, Status},
    execute::drive,
    keys::{Fingerprint, Keep, Key, PassValues, fingerprints},
    plan::Plan,
    settings::{Settings, SettingsText},
    why::{Why, why_it_runs},
    work::{Hooks, Listen, State, Work},
    written::Written,
};
use crate::{
    file_state::FileState,
    graph::{Checked, CheckedNode},
    lock::lock,
    registry::{Instance, NodeSource},
};
use splatgraph_sdk::{Error, Value, settings::THREADS};
use std::{
    collections::HashMap,
    io,
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
}

/// Runs graphs, and keeps their nodes and results from run to run.
pub struct Runner {
    /// `None` only while the runner is dropped.
    runtime: Option<Runtime>,
    limit: usize,
    threads: Option<usize>,
    kept: Arc<Mutex<Kept>>,
}

/// Everything that stays from run to run.
struct Kept {
    /// By node id and class. The source that made an instance stands beside it: a reloaded pack makes new instances.
    instances: HashMap<(Arc<str>, String), Made>,
    cache: Cache,
    digests: Digests,
    /// By node id, everything that its last result depended on.
    last: HashMap<Arc<str>, Fingerprint>,
    /// The files that output nodes wrote.
    written: Written,
}

/// An instance with the source that made it.
type Made = (Arc<dyn NodeSource>, Arc<dyn Instance>);

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
            kept: Arc::new(Mutex::new(Kept {
                instances: HashMap::new(),
                cache: Cache::new(options.cache_bytes),
                digests: Digests::default(),
                last: HashMap::new(),
                written: Written::default(),
            })),
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
        let Prepared { plan, supplied, fingerprints, whys } = self.prepare(&checked, &settings, keep, &[]);
        let hooks = self.hooks(events, fingerprints);
        let cached = supplied.clone();
        let text = Arc::new(SettingsText::new(settings));
        let (work, messages) = Work::new((checked, equal), plan, supplied, text, cancel.clone(), hooks);
        for (node, outputs) in cached {
            work.emit_finished(node, 0.0, true, outputs);
        }
        if let Some(runtime) = &self.runtime {
            runtime.block_on(drive(work.clone(), messages, self.limit));
        }
        self.result(&work, whys, cancel)
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
        let Prepared { plan, supplied, fingerprints, whys } =
            self.prepare(checked, settings.given(), &|_| true, &values);
        let hooks = Hooks { passes_at_once: at_once, ..self.hooks(events, fingerprints) };
        let graph = (checked.clone(), Equal::none());
        let (work, _messages) = Work::new(graph, plan, supplied, settings.clone(), cancel.clone(), hooks);
        work.run_ready_nodes();
        work.finish();
        self.result(&work, whys, cancel)
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

    /// For each node, whether [`run`](Self::run) would run it, as far as is known before.
    #[cfg(feature = "serve")]
    pub(crate) fn would_run(&self, checked: &Checked, settings: &Settings) -> Vec<bool> {
        self.prepare(&Equal::merge(checked).0, &self.with_threads(settings), &|_| true, &[]).plan.runs
    }

    /// The outputs of a node, if its last result is in the cache and would be taken from there.
    #[cfg(feature = "serve")]
    pub(crate) fn cached(&self, checked: &Checked, settings: &Settings, node: usize) -> Option<Vec<Value>> {
        let settings = self.with_threads(settings);
        let mut kept = lock(&self.kept);
        let fingerprints = fingerprints(checked, &mut kept.digests, &settings, &|_| true, PassValues::Any);
        let key = fingerprints[node].as_ref().and_then(Fingerprint::key)?;
        kept.cache.get(&key)
    }

    fn with_threads(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        if let Some(threads) = self.threads {
            settings.entry(THREADS).or_insert_with(|| threads.into());
        }
        settings
    }

    /// Decides which nodes run. `values` are those of a pass, for the node [`Checked::values`].
    fn prepare(&self, checked: &Checked, settings: &Settings, keep: &Keep<'_>, values: &[Value]) -> Prepared {
        let mut kept = lock(&self.kept);
        let count = checked.nodes.len();
        let of_pass = checked.values.map(|node| (node, values.to_vec()));
        if !kept.cache.is_on() {
            let plan = Plan::new(checked, |node| Some(node) == checked.values);
            return Prepared {
                whys: plan.may_run.iter().map(|&runs| if runs { Why::CacheOff } else { Why::NotNeeded }).collect(),
                plan,
                supplied: of_pass.into_iter().collect(),
                fingerprints: vec![None; count],
            };
        }
        let fingerprints = fingerprints(checked, &mut kept.digests, settings, keep, PassValues::Are(values));
        let mut supplied: Vec<_> = of_pass.into_iter().collect();
        let plan = Plan::new(checked, |node| {
            if Some(node) == checked.values {
                return true;
            }
            let key = fingerprints[node].as_ref().and_then(Fingerprint::key);
            // An output node runs unless the files that it would write are there.
            let at = &checked.nodes[node];
            let key = key.filter(|key| !at.class.spec.output || kept.written.untouched(&at.id, key));
            match key.and_then(|key| kept.cache.get(&key)) {
                Some(outputs) => {
                    supplied.push((node, outputs));
                    true
                }
                None => false,
            }
        });
        supplied.sort_by_key(|(node, _)| *node);
        let why = |(node, fingerprint): (usize, &Option<Fingerprint>)| match fingerprint {
            Some(now) if plan.may_run[node] => {
                let at = &checked.nodes[node];
                let why = why_it_runs(at, |source| checked.nodes[source].id.to_string(), kept.last.get(&at.id), now);
                match (why, now.key()) {
                    (Why::NotKept, Some(key)) if at.class.spec.output => kept.written.why_again(&at.id, &key),
                    (why, _) => why,
                }
            }
            Some(_) if checked.nodes[node].class.spec.output => Why::Written,
            Some(_) => Why::Cached,
            None => Why::NotNeeded,
        };
        let whys = fingerprints.iter().enumerate().map(why).collect();
        Prepared { plan, supplied, fingerprints, whys }
    }

    fn hooks(&self, events: impl Fn(Event) + Send + Sync + 'static, fingerprints: Vec<Option<Fingerprint>>) -> Hooks {
        let (for_instance, for_keep) = (self.kept.clone(), self.kept.clone());
        let same = Self { runtime: None, limit: self.limit, threads: self.threads, kept: self.kept.clone() };
        let keys: Vec<Option<Key>> = fingerprints.iter().map(|f| f.as_ref().and_then(Fingerprint::key)).collect();
        Hooks {
            event: Box::new(events),
            pass: Box::new(move |graph, at_once, settings, events, cancel| {
                same.run_pass(graph, at_once, settings, events, cancel)
            }),
            passes_at_once: self.limit,
            instance: Box::new(move |node| instance(&for_instance, node)),
            keep: Box::new(move |node, id, outputs, written| {
                let Some(fingerprint) = &fingerprints[node] else { return };
                let files = written.iter().map(|path| (path.clone(), FileState::of(path))).collect();
                let mut kept = lock(&for_keep);
                kept.last.insert(id.clone(), fingerprint.clone());
                if let Some(key) = keys[node] {
                    kept.written.remember(id, key, files);
                    kept.cache.insert(key, outputs.to_vec());
                }
            }),
        }
    }

    fn result(&self, work: &Work, whys: Vec<Why>, cancel: &CancelToken) -> RunResult {
        let mut result = RunResult {
            outputs: Vec::new(),
            failures: Vec::new(),
            nodes: Vec::new(),
            written: Vec::new(),
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
                State::Waiting | State::Doomed(_) if matches!(why, Why::Cached | Why::Written) => Status::Cached,
                State::Waiting | State::Doomed(_) => Status::NotNeeded,
                State::Done { ms, written, inside } => {
                    took = ms;
                    nodes_inside = inside.nodes.into_iter().map(|(node, (ran, cached))| (node, ran, cached)).collect();
                    result.written.extend(written.into_iter().map(|path| (node.id.clone(), path)));
                    Status::Done
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

struct Prepared {
    plan: Plan,
    supplied: Vec<(usize, Vec<Value>)>,
    fingerprints: Vec<Option<Fingerprint>>,
    whys: Vec<Why>,
}

fn instance(kept: &Mutex<Kept>, node: &CheckedNode) -> Result<Arc<dyn Instance>, Error> {
    let name = (node.id.clone(), node.class.full_name.clone());
    let source = &node.class.pack.nodes;
    if let Some((made_by, instance)) = lock(kept).instances.get(&name)
        && Arc::as_ptr(made_by).addr() == Arc::as_ptr(source).addr()
    {
        return Ok(instance.clone());
    }
    // Outside the lock, as this runs code of the pack, which may take long or panic.
    let instance: Arc<dyn Instance> = source.create(&node.class.spec.name)?.into();
    lock(kept).instances.insert(name, (source.clone(), instance.clone()));
    Ok(instance)
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Does not wait for abandoned nodes.
            runtime.shutdown_background();
        }
    }
}
