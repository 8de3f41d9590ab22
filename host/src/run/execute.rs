//! Runs the nodes of a run in parallel tasks.

use super::{
    context::NodeContext,
    event::{Event, NodeFailure},
    links::plain_links,
    plan::Consumer,
    repeat::Failed,
    shared::{Shared, Taken},
    supply,
    work::{Inside, Message, Messages, State, Work},
};
use crate::{
    calls,
    graph::{CheckedNode, Feed},
    lock::lock,
    store::Claim,
    words::count,
};
use splatgraph_sdk::{
    Code, Error, Value,
    host::{self, LogLevel},
    spec::{PathKind, scalar},
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// How long running nodes have to stop after a run is cancelled. Nodes that save their work have any time.
const GRACE: Duration = Duration::from_millis(900);

/// The end of a node that did not fail.
struct Called {
    outputs: Vec<Value>,
    inside: Inside,
    /// Whether another run made the outputs.
    stored: bool,
    /// When the node began to compute.
    start: Instant,
    /// Other runs wait for the result until it is dropped.
    _claim: Option<Claim>,
}

/// How often a node runs again because a process that held an input ended, for which other nodes are to blame.
const MOST_TRIES: usize = 100;

impl Work {
    /// Runs nodes until none is ready. Consumers of the last node come first, so that a chain stays in one thread.
    pub(super) fn run_ready_nodes(self: &Arc<Self>) {
        let (mut next, mut last) = (None, None);
        while !self.cancel.is_cancelled()
            && let Some(node) = next.take().or_else(|| lock(&self.ready).pop_front())
        {
            let mut ready = self.run_node(node).into_iter();
            last = Some(node);
            next = ready.next();
            let others: Vec<usize> = ready.collect();
            if !others.is_empty() {
                lock(&self.ready).extend(others);
                let _ = self.messages.send(Message::Ready);
            }
        }
        if let Some(node) = last {
            self.check_process(node, true);
        }
    }

    /// Warns about what packs changed in the process. `last` says that no other node follows at once.
    fn check_process(&self, node: usize, last: bool) {
        for text in calls::check(last) {
            let node = self.checked.nodes[node].id.clone();
            self.emit(Event::Log { node, level: LogLevel::Warn, text });
        }
    }

    /// Runs a node. Returns the nodes that are ready because it finished.
    fn run_node(self: &Arc<Self>, node: usize) -> Vec<usize> {
        let about = &self.checked.nodes[node];
        if !self.plan.choices[node].is_empty() {
            if !std::mem::replace(&mut *lock(&self.has_chosen[node]), true) {
                return self.choose(node);
            }
            if let Some(because_of) = self.chosen_failed(node) {
                return self.skip(node, because_of);
            }
        }
        *lock(&self.states[node]) = State::Running;
        self.emit(Event::Started { node: about.id.clone() });
        // It also covers what packs do when their values are dropped.
        let _call = calls::enter(format_args!("the node `{}` ({})", about.id, about.class.full_name));
        let result =
            catch_unwind(AssertUnwindSafe(|| self.call(node))).unwrap_or_else(|panic| Err(panicked(&*panic).into()));
        self.check_process(node, false);
        match result {
            Ok(Called { outputs, inside, stored, start, _claim }) => {
                let took = start.elapsed();
                let ms = if stored { 0.0 } else { took.as_secs_f64() * 1e3 };
                let written = match &about.repeat {
                    Some(_) => inside.written.clone(),
                    None => written_files(about, &outputs),
                };
                let state = if stored { State::Stored } else { State::Done { ms, written: written.clone(), inside } };
                if !self.leave_running(node, state) {
                    return Vec::new();
                }
                let shared = self.hooks.shared.as_ref().filter(|_| !stored);
                if shared.is_none_or(|shared| shared.belongs(&self.checked, node)) {
                    if let Some(shared) = shared {
                        shared.give(&self.checked, node, took, &outputs, &written);
                        self.warn_about_store(node);
                    }
                    for equal in [node].iter().chain(self.equal.followers(node)) {
                        (self.hooks.keep)(node, &self.checked.nodes[*equal].id, &outputs, &written);
                    }
                }
                for (output, value) in outputs.iter().enumerate() {
                    let mut slot = lock(&self.slots[self.plan.output(node, output)]);
                    slot.value = (slot.uses > 0).then(|| value.clone());
                }
                self.emit_finished(node, ms, stored, outputs);
                self.release(node, None)
            }
            Err(Failed::Itself(error)) if error.code == Code::Cancelled && self.cancel.is_cancelled() => {
                self.leave_running(node, State::Cancelled);
                Vec::new()
            }
            Err(failed) => {
                let failure = match failed {
                    Failed::Itself(error) => self.failure(about, error),
                    Failed::Inside(failure) => *failure,
                };
                if !self.leave_running(node, State::Failed(failure.clone())) {
                    return Vec::new();
                }
                self.emit(Event::Failed(failure));
                self.skip_equals(node, &about.id);
                self.release(node, Some(about.id.clone()))
            }
        }
    }

    /// Tells once if the store of results does not work.
    pub(super) fn warn_about_store(&self, node: usize) {
        if let Some(text) = self.hooks.shared.as_ref().and_then(Shared::warning) {
            self.emit(Event::Log { node: self.checked.nodes[node].id.clone(), level: LogLevel::Warn, text });
        }
    }

    fn call(self: &Arc<Self>, node: usize) -> Result<Called, Failed> {
        let about = &self.checked.nodes[node];
        let take = |input, link, socket| match self.takes(node, input, link) {
            true => self.take(socket).unwrap_or_else(Value::none),
            false => Value::none(),
        };
        let mut inputs = supply::inputs(about, &self.checked.paths, &self.reads, take)?;
        if let Some(repeated) = &about.repeat {
            if inputs.iter().any(host::is_lost) {
                inputs = self.inputs_again(node, inputs)?;
            }
            // Without a claim: other runs share the work of the passes.
            let start = Instant::now();
            let (outputs, inside) = self.repeat(node, repeated, &inputs)?;
            return Ok(Called { outputs, inside, stored: false, start, _claim: None });
        }
        let waits = || {
            let (node, note) = (about.id.clone(), "another run computes it".to_owned());
            self.emit(Event::Progress { node, done: 0, total: 0, note });
            self.is_stopping()
        };
        let taken = self.hooks.shared.as_ref().map(|shared| shared.take(&self.checked, node, &waits));
        let inside = Inside::default();
        let claim = match taken.transpose()? {
            Some(Taken::Outputs(outputs)) => {
                return Ok(Called { outputs, inside, stored: true, start: Instant::now(), _claim: None });
            }
            Some(Taken::Claim(claim)) => claim,
            None => None,
        };
        let start = Instant::now();
        let instance = (self.hooks.instance)(about)?;
        let ctx = host::context(NodeContext::new(self.clone(), node));
        let mut tries = 0;
        let outputs = loop {
            if inputs.iter().any(host::is_lost) {
                inputs = self.inputs_again(node, inputs)?;
            }
            match instance.run(&ctx, &inputs) {
                Err(error) if error.code == Code::Lost && tries < MOST_TRIES => tries += 1,
                result => break result?,
            }
        };
        let expected = about.class.spec.outputs.len();
        if outputs.len() != expected {
            let message =
                format!("expected {}, as the class declares, got {}", count(expected, "output"), outputs.len());
            let error = Error::new(format!("{message}; tell the author of the pack"));
            return Err(Error { location: String::new(), ..error }.into());
        }
        Ok(Called { outputs, inside, stored: false, start, _claim: claim })
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

    /// Tells the consumers of a node that it finished, or that it can't because the node `failed` failed. Skips the
    /// consumers that can never run. Returns the nodes that are ready.
    fn release(&self, node: usize, failed: Option<Arc<str>>) -> Vec<usize> {
        let mut ready = Vec::new();
        let mut over = vec![(node, failed)];
        while let Some((node, failed)) = over.pop() {
            for &Consumer { node: consumer, chosen } in &self.plan.consumers[node] {
                if let Some(link) = chosen {
                    // Whether the node failed matters only if the link is chosen, which its own node looks at.
                    let is_new = !self.links[link].settled.swap(true, Ordering::SeqCst);
                    if is_new && self.choosing[consumer].fetch_sub(1, Ordering::SeqCst) == 1 {
                        ready.push(consumer);
                    }
                    continue;
                }
                if let Some(failed) = &failed {
                    let mut state = lock(&self.states[consumer]);
                    if matches!(*state, State::Waiting) {
                        *state = State::Doomed(failed.clone());
                    }
                }
                if self.waiting_for[consumer].fetch_sub(1, Ordering::SeqCst) != 1 {
                    continue;
                }
                let state = lock(&self.states[consumer]).clone();
                if let State::Doomed(because_of) = state {
                    self.leave_out(consumer, &because_of);
                    over.push((consumer, Some(because_of)));
                } else if self.queue(consumer) {
                    ready.push(consumer);
                }
            }
        }
        ready
    }

    /// Skips a node that has chosen a link to a node that failed. Returns the nodes that are ready.
    fn skip(&self, node: usize, because_of: Arc<str>) -> Vec<usize> {
        self.leave_out(node, &because_of);
        self.release(node, Some(because_of))
    }

    /// Marks a node as skipped, and drops the values that it will not take.
    fn leave_out(&self, node: usize, because_of: &Arc<str>) {
        *lock(&self.states[node]) = State::Skipped(because_of.clone());
        let about = &self.checked.nodes[node];
        for socket in plain_links(about) {
            self.take(socket);
        }
        if self.awake[node].load(Ordering::SeqCst) {
            self.emit(Event::Skipped { node: about.id.clone(), because_of: because_of.clone() });
            self.skip_equals(node, because_of);
        }
    }
}

/// Starts tasks on the blocking pool, at most `limit` at a time, until all nodes are done. After the run is cancelled,
/// running nodes have [`GRACE`] to stop, and nodes that save their work have any time.
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
                Err(_) if work.is_saving() => messages.0.recv().await,
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

/// A task, which reports its end even if it panics.
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

/// The files that a node wrote, each once: the paths among its outputs, or else the paths in its inputs.
pub(crate) fn written_files(node: &CheckedNode, outputs: &[Value]) -> Vec<PathBuf> {
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
    if said.is_empty() { node.writes.iter().map(|file| file.path.clone()).collect() } else { said }
}
