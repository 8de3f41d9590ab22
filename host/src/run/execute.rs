use super::{
    CancelToken,
    context::NodeContext,
    event::{Event, NodeFailure},
    plan::Plan,
    supply,
};
use crate::{
    graph::{Checked, CheckedNode, Feed, Socket},
    registry::Instance,
};
use splatgraph_sdk::{
    Code, Error, Value, host,
    spec::{PathKind, scalar},
};
use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long running nodes have to react when a run is cancelled.
const GRACE: Duration = Duration::from_millis(900);

/// A run in progress, shared by its tasks.
pub(super) struct Work {
    pub(super) checked: Checked,
    pub(super) plan: Plan,
    /// Per output of all nodes.
    slots: Vec<Mutex<Slot>>,
    /// Per node: the links that it still waits for.
    waiting_for: Vec<AtomicU32>,
    pub(super) states: Vec<Mutex<State>>,
    ready: Mutex<VecDeque<usize>>,
    /// All files that are known to be read.
    reads: Vec<PathBuf>,
    /// JSON.
    pub(super) settings: String,
    cancel: CancelToken,
    /// The run is over: nodes that were left behind are not listened to.
    over: AtomicBool,
    pub(super) hooks: Hooks,
    messages: mpsc::UnboundedSender<Message>,
}

/// What a run calls.
pub(super) struct Hooks {
    pub(super) event: Box<dyn Fn(Event) + Send + Sync>,
    /// The instance of a node.
    pub(super) instance: Box<MakeInstance>,
    /// Keeps the outputs of a node.
    pub(super) keep: Box<KeepOutputs>,
}

type MakeInstance = dyn Fn(&CheckedNode) -> Result<Arc<dyn Instance>, Error> + Send + Sync;
/// Gets the node's position, its id, its outputs and the files that it says it has written.
type KeepOutputs = dyn Fn(usize, &Arc<str>, &[Value], &[PathBuf]) + Send + Sync;

#[derive(Default)]
struct Slot {
    value: Option<Value>,
    uses: u32,
}

/// What became of a node so far.
#[derive(Clone, Debug, Default)]
pub(super) enum State {
    #[default]
    Waiting,
    /// A node that it needs failed; it is skipped when all others it waits for are done.
    Doomed(Arc<str>),
    Running,
    Done {
        ms: f64,
        written: Vec<PathBuf>,
    },
    Failed(NodeFailure),
    Skipped(Arc<str>),
    Cancelled,
    Abandoned,
}

enum Message {
    /// A node became ready.
    Ready,
    TaskEnded,
    Cancelled,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic half-way runs under a lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work {
    /// `supplied` are outputs that are there already.
    pub(super) fn new(
        checked: Checked,
        plan: Plan,
        supplied: Vec<(usize, Vec<Value>)>,
        settings: String,
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
        let work = Self {
            slots: slots.into_iter().map(Mutex::new).collect(),
            waiting_for: plan.waiting_for.iter().map(|&count| AtomicU32::new(count)).collect(),
            states: checked.nodes.iter().map(|_| Mutex::default()).collect(),
            ready: Mutex::new(plan.ready.iter().copied().collect()),
            reads: checked.nodes.iter().flat_map(|node| node.reads.iter().cloned()).collect(),
            over: AtomicBool::new(false),
            checked,
            plan,
            settings,
            cancel,
            hooks,
            messages,
        };
        (Arc::new(work), Messages(receiver))
    }

    /// Takes the value of an output once; the last time it leaves the run.
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
            // A listener that panics must not take the run with it.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.hooks.event)(event)));
        }
    }

    /// Changes the state of a node that runs; false when it was abandoned meanwhile.
    fn leave_running(&self, node: usize, state: State) -> bool {
        let mut current = lock(&self.states[node]);
        let runs = matches!(*current, State::Running);
        if runs {
            *current = state;
        }
        runs
    }

    /// Runs nodes until none is ready: first those that follow from the one before, in the same thread.
    fn run_ready_nodes(self: &Arc<Self>) {
        let mut next = None;
        while !self.cancel.is_cancelled()
            && let Some(node) = next.take().or_else(|| lock(&self.ready).pop_front())
        {
            let mut ready = self.run_node(node).into_iter();
            next = ready.next();
            let others: Vec<usize> = ready.collect();
            if !others.is_empty() {
                lock(&self.ready).extend(others);
                let _ = self.messages.send(Message::Ready);
            }
        }
    }

    /// The nodes that can run now because this one is done.
    fn run_node(self: &Arc<Self>, node: usize) -> Vec<usize> {
        let about = &self.checked.nodes[node];
        *lock(&self.states[node]) = State::Running;
        self.emit(Event::Started { node: about.id.clone() });
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| self.call(node))).unwrap_or_else(|panic| Err(panicked(&*panic)));
        let ms = start.elapsed().as_secs_f64() * 1e3;
        match result {
            Ok(outputs) => {
                let written = written(about, &outputs);
                if !self.leave_running(node, State::Done { ms, written: written.clone() }) {
                    return Vec::new();
                }
                (self.hooks.keep)(node, &about.id, &outputs, &written);
                for (output, value) in outputs.iter().enumerate() {
                    let mut slot = lock(&self.slots[self.plan.output(node, output)]);
                    slot.value = (slot.uses > 0).then(|| value.clone());
                }
                self.emit(Event::Finished { node: about.id.clone(), ms, cached: false, outputs });
                self.release(node, None)
            }
            Err(error) if error.code == Code::Cancelled && self.cancel.is_cancelled() => {
                self.leave_running(node, State::Cancelled);
                Vec::new()
            }
            Err(error) => {
                let failure = self.failure(about, error);
                if !self.leave_running(node, State::Failed(failure.clone())) {
                    return Vec::new();
                }
                self.emit(Event::Failed(failure));
                self.release(node, Some(about.id.clone()))
            }
        }
    }

    fn call(self: &Arc<Self>, node: usize) -> Result<Vec<Value>, Error> {
        let about = &self.checked.nodes[node];
        let take = |socket| self.take(socket).unwrap_or_else(Value::none);
        let inputs = supply::inputs(about, &self.checked.paths, &self.reads, take)?;
        let instance = (self.hooks.instance)(about)?;
        let ctx = host::context(NodeContext::new(self.clone(), node));
        let outputs = instance.run(&ctx, &inputs)?;
        let expected = about.class.spec.outputs.len();
        if outputs.len() != expected {
            let message = format!("it gave {} values, but its class declares {expected} outputs", outputs.len());
            let error = Error::new(format!("{message}; tell the author of the pack"));
            return Err(Error { location: String::new(), ..error });
        }
        Ok(outputs)
    }

    fn failure(&self, node: &CheckedNode, error: Error) -> NodeFailure {
        let blamed = node.class.spec.inputs.iter().position(|spec| error.input.as_ref() == Some(&spec.name));
        let sockets = blamed.and_then(|input| node.feeds.get(input)).map_or(&[][..], Feed::sockets);
        let came_from = sockets.iter().map(|socket| {
            let source = &self.checked.nodes[socket.node];
            format!("{}.{}", source.id, source.class.spec.outputs[socket.output].name)
        });
        let came_from = came_from.collect();
        NodeFailure::new(node, error, came_from)
    }

    /// Tells those that wait for a node that it is done, or which node's failure keeps it from being done.
    /// The nodes that can run now; what can't ever run is skipped on the way.
    fn release(&self, node: usize, failed: Option<Arc<str>>) -> Vec<usize> {
        let mut ready = Vec::new();
        let mut over = vec![(node, failed)];
        while let Some((node, failed)) = over.pop() {
            for &consumer in &self.plan.consumers[node] {
                if let Some(failed) = &failed {
                    let mut state = lock(&self.states[consumer]);
                    if matches!(*state, State::Waiting) {
                        *state = State::Doomed(failed.clone());
                    }
                }
                if self.waiting_for[consumer].fetch_sub(1, Ordering::AcqRel) != 1 {
                    continue;
                }
                let state = lock(&self.states[consumer]).clone();
                if let State::Doomed(because_of) = state {
                    *lock(&self.states[consumer]) = State::Skipped(because_of.clone());
                    let about = &self.checked.nodes[consumer];
                    for socket in about.feeds.iter().flat_map(Feed::sockets) {
                        self.take(*socket);
                    }
                    self.emit(Event::Skipped { node: about.id.clone(), because_of: because_of.clone() });
                    over.push((consumer, Some(because_of)));
                } else {
                    ready.push(consumer);
                }
            }
        }
        ready
    }

    /// Gives up on nodes that run, and stops listening to them.
    fn finish(&self) {
        self.over.store(true, Ordering::Release);
        for state in &self.states {
            let mut state = lock(state);
            if matches!(*state, State::Running) {
                *state = State::Abandoned;
            }
        }
    }
}

/// What the tasks of a run report.
pub(super) struct Messages(mpsc::UnboundedReceiver<Message>);

/// Starts tasks on the blocking pool, at most `limit` at a time, until all nodes are done. When the run is cancelled,
/// nodes that run have [`GRACE`] to react.
pub(super) async fn drive(work: Arc<Work>, mut messages: Messages, limit: usize) {
    let watch = tokio::spawn({
        let (cancel, sender) = (work.cancel.clone(), work.messages.clone());
        async move {
            cancel.cancelled().await;
            let _ = sender.send(Message::Cancelled);
        }
    });
    let mut tasks = 0;
    let mut deadline = None;
    loop {
        let ready = lock(&work.ready).len();
        if !work.cancel.is_cancelled() {
            for _ in 0..ready.min(limit.saturating_sub(tasks)) {
                tasks += 1;
                let task = Task(work.clone());
                tokio::task::spawn_blocking(move || task.0.run_ready_nodes());
            }
        }
        if tasks == 0 {
            break;
        }
        let message = match deadline {
            None => messages.0.recv().await,
            Some(deadline) => match tokio::time::timeout_at(deadline, messages.0.recv()).await {
                Ok(message) => message,
                Err(_) => break,
            },
        };
        match message {
            Some(Message::TaskEnded) => tasks -= 1,
            Some(Message::Cancelled) => deadline = Some(tokio::time::Instant::now() + GRACE),
            Some(Message::Ready) | None => {}
        }
    }
    watch.abort();
    work.finish();
}

/// Reports its end even when it panics.
struct Task(Arc<Work>);

impl Drop for Task {
    fn drop(&mut self) {
        let _ = self.0.messages.send(Message::TaskEnded);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error { code: Code::Panic, location: String::new(), ..Error::new(message.unwrap_or("a panic without a message")) }
}

/// The files that a node says it has written, each once: the texts it gives, or else the paths it was given.
fn written(node: &CheckedNode, outputs: &[Value]) -> Vec<PathBuf> {
    let spec = &node.class.spec;
    if !spec.inputs.iter().any(|input| input.path == Some(PathKind::Write)) {
        return Vec::new();
    }
    let texts = |value: &Value| match value.as_list() {
        Some(values) => values.iter().filter_map(|value| value.as_text().map(PathBuf::from)).collect(),
        None => value.as_text().map(PathBuf::from).into_iter().collect::<Vec<_>>(),
    };
    let outputs = spec.outputs.iter().zip(outputs).filter(|(spec, _)| spec.socket == scalar::STRING);
    let mut said: Vec<PathBuf> = Vec::new();
    for path in outputs.flat_map(|(_, value)| texts(value)) {
        if !said.contains(&path) {
            said.push(path);
        }
    }
    if said.is_empty() { node.writes.clone() } else { said }
}
