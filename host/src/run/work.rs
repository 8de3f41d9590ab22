//! A run in progress: the values that wait to be taken, the state of every node, and the messages of the tasks.

use super::{
    cancel::CancelToken,
    equal::Equal,
    event::{Event, NodeFailure, RunResult},
    links::{LinkState, counters, flags},
    plan::Plan,
    settings::SettingsText,
    shared::Shared,
    supply::Reads,
};
use crate::{
    graph::{Checked, CheckedNode, Socket},
    lock::lock,
    registry::Instance,
};
use splatgraph_sdk::{Error, Value};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};
use tokio::sync::mpsc;

/// The outputs of nodes that ran again, by their positions.
pub(super) type Made = HashMap<usize, Vec<Value>>;

/// A run in progress, which its tasks share.
pub(super) struct Work {
    pub(super) checked: Checked,
    pub(super) plan: Plan,
    pub(super) equal: Equal,
    /// One for each output of all nodes.
    pub(super) slots: Vec<Mutex<Slot>>,
    /// For each node, the number of links that it still waits for.
    pub(super) waiting_for: Vec<AtomicU32>,
    /// For each node, whether it runs. One that only a chosen link needs is asleep until then.
    pub(super) awake: Vec<AtomicBool>,
    /// For each node, whether it was queued to run.
    pub(super) queued: Vec<AtomicBool>,
    /// For each node, whether it has chosen its links.
    pub(super) has_chosen: Vec<Mutex<bool>>,
    /// The states of [`Plan::chosen_links`].
    pub(super) links: Vec<LinkState>,
    /// For each node, how many of its links it may still choose or wait for, and one more until it has chosen.
    pub(super) choosing: Vec<AtomicU32>,
    pub(super) states: Vec<Mutex<State>>,
    pub(super) ready: Mutex<VecDeque<usize>>,
    /// What was made again because the process that held it ended.
    pub(super) made_again: Mutex<Made>,
    /// The files that nodes are known to read.
    pub(super) reads: Reads,
    pub(super) settings: Arc<SettingsText>,
    pub(super) cancel: CancelToken,
    /// Set when the run is over: events of abandoned nodes are dropped from then on.
    over: AtomicBool,
    pub(super) hooks: Hooks,
    pub(super) messages: mpsc::UnboundedSender<Message>,
}

/// Functions that a run calls.
pub(super) struct Hooks {
    pub(super) event: Listen,
    /// Returns the instance of a node.
    pub(super) instance: Box<MakeInstance>,
    /// Keeps the outputs of a node for later runs.
    pub(super) keep: Box<KeepOutputs>,
    /// Runs a pass of a repeated graph in this thread.
    pub(super) pass: Box<RunPass>,
    /// Whether later runs may have the results of this one.
    pub(super) keeps_results: bool,
    /// How many passes of a node run at the same time.
    pub(super) passes_at_once: usize,
    /// The store of results, if the runner has one.
    pub(super) shared: Option<Shared>,
}

/// Listens to the events of a run.
pub(super) type Listen = Box<dyn Fn(Event) + Send + Sync>;
/// Takes the graph with the values of the pass, how many passes run at the same time inside it, and what belongs to the whole run.
type RunPass =
    dyn Fn((&Checked, Vec<Value>), usize, &Arc<SettingsText>, Listen, &CancelToken) -> RunResult + Send + Sync;

type MakeInstance = dyn Fn(&CheckedNode) -> Result<Arc<dyn Instance>, Error> + Send + Sync;
/// Takes the position of a node, its id, its outputs and the files that it wrote.
type KeepOutputs = dyn Fn(usize, &Arc<str>, &[Value], &[PathBuf]) + Send + Sync;

#[derive(Default)]
pub(super) struct Slot {
    pub(super) value: Option<Value>,
    pub(super) uses: u32,
}

/// What a node that repeats its graph did besides its outputs.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    /// The files that nodes of the graph wrote, in the order of the passes.
    pub(super) written: Vec<PathBuf>,
    /// By the ids of the nodes of the graph, how often they ran, and how often their results came from the cache.
    pub(super) nodes: BTreeMap<Arc<str>, (u64, u64)>,
}

/// How far a node is.
#[derive(Clone, Debug, Default)]
pub(super) enum State {
    #[default]
    Waiting,
    /// A node that it needs failed. It is skipped once all other nodes that it waits for are done.
    Doomed(Arc<str>),
    Running,
    Done {
        ms: f64,
        written: Vec<PathBuf>,
        inside: Inside,
    },
    /// Another run made the result, and it came from the store.
    Stored,
    Failed(NodeFailure),
    Skipped(Arc<str>),
    Cancelled,
    Abandoned,
}

pub(super) enum Message {
    /// Nodes became ready.
    Ready,
    TaskEnded,
    Cancelled,
}

impl Work {
    /// `supplied` are outputs from the cache, by the positions of their nodes.
    pub(super) fn new(
        (checked, equal): (Checked, Equal),
        plan: Plan,
        supplied: Vec<(usize, Vec<Value>)>,
        settings: Arc<SettingsText>,
        cancel: CancelToken,
        hooks: Hooks,
    ) -> (Arc<Self>, Messages) {
        let (messages, receiver) = mpsc::unbounded_channel();
        let mut slots: Vec<Slot> = plan.uses.iter().map(|&uses| Slot { value: None, uses }).collect();
        for (node, outputs) in supplied {
            for (output, value) in outputs.into_iter().enumerate() {
                let slot = &mut slots[plan.output(node, output)];
                slot.value = (slot.uses > 0).then_some(value);
            }
        }
        let ready = plan.ready.clone();
        let work = Self {
            slots: slots.into_iter().map(Mutex::new).collect(),
            waiting_for: plan.waiting_for.iter().map(|&count| AtomicU32::new(count)).collect(),
            awake: flags(&plan.runs),
            queued: flags(&vec![false; checked.nodes.len()]),
            has_chosen: checked.nodes.iter().map(|_| Mutex::default()).collect(),
            links: plan.chosen_links.iter().map(|_| LinkState::default()).collect(),
            choosing: counters(&plan.choices),
            states: checked.nodes.iter().map(|_| Mutex::default()).collect(),
            ready: Mutex::default(),
            made_again: Mutex::default(),
            reads: Reads::new(checked.nodes.iter().flat_map(|node| node.reads.iter().cloned()).collect()),
            over: AtomicBool::new(false),
            checked,
            plan,
            equal,
            settings,
            cancel,
            hooks,
            messages,
        };
        *lock(&work.ready) = ready.into_iter().filter(|&node| work.queue(node)).collect();
        // A link to a value that is there is settled.
        for (link, state) in work.plan.chosen_links.iter().zip(&work.links) {
            if !work.plan.may_run[link.socket.node] {
                state.settled.store(true, Ordering::SeqCst);
                work.choosing[link.node].fetch_sub(1, Ordering::SeqCst);
            }
        }
        (Arc::new(work), Messages(receiver))
    }

    /// Takes the value of an output. The last consumer gets the value itself, all others a copy.
    pub(super) fn take(&self, socket: Socket) -> Option<Value> {
        let mut slot = lock(&self.slots[self.plan.output(socket.node, socket.output)]);
        slot.uses -= 1;
        if slot.uses == 0 { slot.value.take() } else { slot.value.clone() }
    }

    /// Whether nodes should stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.cancel.is_cancelled() || self.over.load(Ordering::Acquire)
    }

    pub(super) fn emit(&self, event: Event) {
        if !self.over.load(Ordering::Acquire) {
            // A listener that panics must not end the run.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.hooks.event)(event)));
        }
    }

    /// Tells that a node and its equals have these outputs, which took `ms` unless they were `cached`.
    pub(super) fn emit_finished(&self, node: usize, ms: f64, cached: bool, outputs: Vec<Value>) {
        let id = |node: usize| self.checked.nodes[node].id.clone();
        let equals = self.equal.followers(node).iter();
        let equals: Vec<_> = equals.map(|&equal| (id(equal), outputs.clone())).collect();
        self.emit(Event::Finished { node: id(node), ms, cached, outputs });
        for (node, outputs) in equals {
            self.emit(Event::Finished { node, ms: 0.0, cached: true, outputs });
        }
    }

    /// Tells that nothing becomes of the equals of a node because `because_of` failed.
    pub(super) fn skip_equals(&self, node: usize, because_of: &Arc<str>) {
        for &equal in self.equal.followers(node) {
            self.emit(Event::Skipped { node: self.checked.nodes[equal].id.clone(), because_of: because_of.clone() });
        }
    }

    /// Changes the state of a running node. Returns false if the node was abandoned meanwhile.
    pub(super) fn leave_running(&self, node: usize, state: State) -> bool {
        let mut current = lock(&self.states[node]);
        let runs = matches!(*current, State::Running);
        if runs {
            *current = state;
        }
        runs
    }

    /// Whether a node runs that saves its work when the run is cancelled.
    pub(super) fn is_saving(&self) -> bool {
        let nodes = self.checked.nodes.iter().zip(&self.states);
        nodes.into_iter().any(|(node, state)| node.class.spec.saves && matches!(*lock(state), State::Running))
    }

    /// Abandons the nodes that still run, and stops listening to them.
    pub(super) fn finish(&self) {
        self.over.store(true, Ordering::Release);
        for state in &self.states {
            let mut state = lock(state);
            if matches!(*state, State::Running) {
                *state = State::Abandoned;
            }
        }
    }
}

/// Messages from the tasks of a run.
pub(super) struct Messages(pub(super) mpsc::UnboundedReceiver<Message>);
