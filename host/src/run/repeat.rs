//! Runs the graph of a node several times: for each element of lists, or with values that go from pass to pass.
//!
//! A pass is a run of its own in the thread that asks for it, with the same instances of nodes, cache and token to cancel. The values of the
//! pass are the outputs of one node of the graph, as if they came from the cache.

use super::{
    elements::{Elements, Passes, plain},
    event::{Event, NodeFailure, RunResult, Status},
    work::{Inside, Work},
};
use crate::{
    graph::{Each, Feed, Fold, Mode, Repeated},
    lock::lock,
    words::shown,
};
use splatgraph_sdk::{Error, Value, host::LogLevel};
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// The least time between two reports of progress.
const PAUSE: Duration = Duration::from_millis(50);
/// The most warnings about passes that failed.
const WARNINGS: usize = 20;

/// Why a node failed.
pub(super) enum Failed {
    /// By its own error.
    Itself(Error),
    /// Because of a node in the graph that it repeats.
    Inside(Box<NodeFailure>),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Itself(error)
    }
}

/// A node that repeats its graph, while it does.
struct Repeating<'a> {
    work: &'a Arc<Work>,
    node: usize,
    repeated: &'a Repeated,
    inside: Mutex<Inside>,
    files: Mutex<Files>,
    said: Mutex<Option<Instant>>,
}

/// The files that passes wrote.
#[derive(Default)]
struct Files {
    known: HashSet<PathBuf>,
    /// Each with its pass, in the order of time.
    written: Vec<(usize, PathBuf)>,
}

/// The result of a pass: the named outputs, or the failure of a node.
type Pass = Result<Vec<Value>, Failed>;

impl Work {
    /// Runs the graph of a node with the values of its inputs.
    pub(super) fn repeat(
        self: &Arc<Self>,
        node: usize,
        repeated: &Repeated,
        inputs: &[Value],
    ) -> Result<(Vec<Value>, Inside), Failed> {
        let repeating = Repeating {
            work: self,
            node,
            repeated,
            inside: Mutex::default(),
            files: Mutex::default(),
            said: Mutex::default(),
        };
        let outputs = match &repeated.repeat.mode {
            Mode::Each(each) => repeating.each(each, inputs),
            Mode::Fold(fold) => repeating.fold(fold, inputs),
        }?;
        let mut inside = repeating.inside.into_inner().unwrap_or_default();
        let mut written = repeating.files.into_inner().unwrap_or_default().written;
        // Passes end in any order.
        written.sort_by_key(|(pass, _)| *pass);
        inside.written = written.into_iter().map(|(_, path)| path).collect();
        Ok((outputs, inside))
    }
}

impl Repeating<'_> {
    /// The position of a named input among the inputs of the node.
    fn input(&self, name: &str) -> Option<usize> {
        self.work.checked.nodes[self.node].class.spec.inputs.iter().position(|spec| spec.name == name)
    }

    /// The position of a named output among the outputs of the node.
    fn output(&self, name: &str) -> Option<usize> {
        self.work.checked.nodes[self.node].class.spec.outputs.iter().position(|spec| spec.name == name)
    }

    fn each(&self, each: &Each, inputs: &[Value]) -> Result<Vec<Value>, Failed> {
        let about = &self.work.checked.nodes[self.node];
        let mut lists = Vec::with_capacity(each.over.len());
        for name in &each.over {
            let Some(input) = self.input(name) else { continue };
            let is_one = match &about.feeds[input] {
                Feed::Link(socket) => !self.work.checked.nodes[socket.node].class.spec.outputs[socket.output].list,
                _ => false,
            };
            lists.push((name.as_str(), input, Elements::of(&inputs[input], is_one)));
        }
        let lengths: Vec<(&str, usize)> = lists.iter().map(|(name, _, elements)| (*name, elements.len())).collect();
        let passes = Passes::new(&lengths, each.cross, each.limit)?;
        let values = |pass: usize| -> Result<Vec<Value>, Error> {
            let positions = passes.positions(pass);
            let value = |input: &Option<usize>| match input {
                None => Ok(Value::uint(pass as u64)),
                Some(input) => match lists.iter().position(|(_, over, _)| over == input) {
                    Some(list) => lists[list].2.get(positions[list]),
                    None => Ok(inputs[*input].clone()),
                },
            };
            self.repeated.from.iter().map(value).collect()
        };
        // Passes that run side by side keep all cores busy without further threads inside them.
        let at_once = self.work.hooks.passes_at_once;
        let threads = at_once.min(passes.count);
        let inside = if threads > 1 { 1 } else { at_once };
        let results: Mutex<Vec<Option<Pass>>> = Mutex::new((0..passes.count).map(|_| None).collect());
        let (next, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            while !stop.load(Ordering::Relaxed) && !self.work.is_stopping() {
                let pass = next.fetch_add(1, Ordering::Relaxed);
                if pass >= passes.count {
                    break;
                }
                let result = values(pass).map_err(Failed::from).and_then(|values| self.pass(pass, values, inside));
                if result.is_err() && !each.keep_going {
                    stop.store(true, Ordering::Relaxed);
                }
                lock(&results)[pass] = Some(result);
                self.progress(done.fetch_add(1, Ordering::Relaxed) + 1, passes.count);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Without another thread, the passes run in this one.
                let _ = std::thread::Builder::new().name("pass".to_owned()).spawn_scoped(scope, work);
            }
            work();
        });
        let results = results.into_inner().unwrap_or_default();
        self.listed(results, each.keep_going)
    }

    /// The named outputs as lists over the passes, in their order.
    fn listed(&self, results: Vec<Option<Pass>>, keep_going: bool) -> Result<Vec<Value>, Failed> {
        let outputs = self.work.checked.nodes[self.node].class.spec.outputs.len();
        let mut lists: Vec<Vec<Value>> = (0..outputs).map(|_| Vec::with_capacity(results.len())).collect();
        let (mut failed, all) = (0, results.len());
        for result in results {
            match result {
                Some(Ok(values)) => lists.iter_mut().zip(values).for_each(|(list, value)| list.push(value)),
                Some(Err(Failed::Inside(failure))) if keep_going => {
                    failed += 1;
                    if failed <= WARNINGS {
                        self.warn(format!("left out: {}", failure.error.message));
                    }
                }
                Some(Err(failed)) => return Err(failed),
                // A pass that did not run: another failed, or the run was cancelled.
                None => {}
            }
        }
        if self.work.is_stopping() {
            return Err(Error::cancelled().into());
        }
        if failed > 0 {
            self.warn(format!("{failed} of {all} passes failed and are left out of the lists"));
        }
        let lists = lists.into_iter().enumerate();
        Ok(lists.map(|(output, list)| if self.is_wanted(output) { Value::list(list) } else { Value::none() }).collect())
    }

    fn fold(&self, fold: &Fold, inputs: &[Value]) -> Result<Vec<Value>, Failed> {
        let mut now: Vec<Value> = inputs.to_vec();
        let carry: Vec<(usize, usize)> =
            fold.carry.iter().filter_map(|(to, from)| Some((self.input(to)?, self.output(from)?))).collect();
        let until = fold.until.as_deref().and_then(|name| self.output(name));
        let collected: Vec<usize> = fold.collect.iter().filter_map(|name| self.output(name)).collect();
        let mut lists: Vec<Vec<Value>> = collected.iter().map(|_| Vec::new()).collect();
        let mut last = Vec::new();
        let times = usize::try_from(fold.times).unwrap_or(usize::MAX);
        let mut is_met = until.is_none();
        for pass in 0..times {
            let value = |input: &Option<usize>| match input {
                None => Value::uint(pass as u64),
                Some(input) => now[*input].clone(),
            };
            let values = self.repeated.from.iter().map(value).collect();
            last = self.pass(pass, values, self.work.hooks.passes_at_once)?;
            for (list, output) in lists.iter_mut().zip(&collected) {
                list.push(last[*output].clone());
            }
            for &(to, from) in &carry {
                now[to] = last[from].clone();
            }
            self.progress(pass + 1, times);
            if let Some(until) = until {
                let name = fold.until.as_deref().unwrap_or_default();
                let ends = last[until].as_bool().ok_or_else(|| {
                    let got = last[until].type_name();
                    plain(&format!("expected true or false in the output `{name}` of pass {pass}, got {got}"))
                })?;
                if ends {
                    is_met = true;
                    break;
                }
            }
        }
        if !is_met {
            let until = fold.until.as_deref().unwrap_or_default();
            self.warn(format!("`{until}` was not true after {times} passes; the outputs are those of the last one"));
        }
        for (list, output) in lists.into_iter().zip(collected) {
            last[output] = Value::list(list);
        }
        Ok(last)
    }

    /// Runs the graph once. `at_once` is how many passes run at the same time inside it.
    fn pass(&self, pass: usize, values: Vec<Value>, at_once: usize) -> Pass {
        let work = self.work;
        let checked = self.repeated.numbered(pass);
        let listener = work.clone();
        let node = work.checked.nodes[self.node].id.clone();
        let listen = move |event: Event| match event {
            Event::Log { node: inner, level, text } => {
                let inner = inner.strip_prefix(&*node).and_then(|inner| inner.strip_prefix(':')).unwrap_or(&inner);
                listener.emit(Event::Log {
                    node: node.clone(),
                    level,
                    text: format!("pass {pass}, `{inner}`: {text}"),
                });
            }
            Event::Preview { value, .. } => listener.emit(Event::Preview { node: node.clone(), value }),
            Event::Finished { node: inner, cached, ms, outputs } => listener.emit(Event::Inside {
                node: node.clone(),
                pass,
                event: Box::new(Event::Finished { node: inner, ms, cached, outputs }),
            }),
            _ => {}
        };
        let result = (work.hooks.pass)((&checked, values), at_once, &work.settings, Box::new(listen), &work.cancel);
        self.count(pass, &result)?;
        if let Some(failure) = result.failures.first() {
            return Err(Failed::Inside(Box::new(self.failure(pass, failure))));
        }
        if result.cancelled || work.is_stopping() {
            return Err(Error::cancelled().into());
        }
        let outputs = result.outputs.into_iter().enumerate();
        Ok(outputs.map(|(output, (_, value))| if self.is_wanted(output) { value } else { Value::none() }).collect())
    }

    /// Whether somebody takes an output of the node, or a later run may have it. All others would only fill the memory.
    fn is_wanted(&self, output: usize) -> bool {
        let inside = match &self.repeated.repeat.mode {
            Mode::Each(_) => false,
            Mode::Fold(fold) => {
                let name = &self.work.checked.nodes[self.node].class.spec.outputs[output].name;
                fold.until.as_ref() == Some(name) || fold.carry.iter().any(|(_, from)| from == name)
            }
        };
        inside || self.work.hooks.keeps_results || self.work.plan.uses[self.work.plan.output(self.node, output)] > 0
    }

    /// Counts what the nodes of a pass did.
    fn count(&self, pass: usize, result: &RunResult) -> Result<(), Error> {
        let mut inside = lock(&self.inside);
        for report in &result.nodes {
            let (ran, cached) = match report.status {
                Status::Done => (1, 0),
                Status::Cached => (0, 1),
                _ => continue,
            };
            match inside.nodes.get_mut(&report.node) {
                Some(counted) => *counted = (counted.0 + ran, counted.1 + cached),
                None => drop(inside.nodes.insert(report.node.clone(), (ran, cached))),
            }
        }
        if result.written.is_empty() {
            return Ok(());
        }
        let mut files = lock(&self.files);
        for (node, path) in &result.written {
            if !files.known.insert(path.clone()) {
                let message = format!("expected a file of its own for each pass, got {} twice", shown(path));
                return Err(plain(&format!("`{node}`: {message}; put the number of the pass into the name")));
            }
            files.written.push((pass, path.clone()));
        }
        Ok(())
    }

    /// The failure of this node, because a node of its graph failed.
    fn failure(&self, pass: usize, inner: &NodeFailure) -> NodeFailure {
        let about = &self.work.checked.nodes[self.node];
        let own = inner.to_string();
        // The pack and the place in the source stand at the end, once.
        let message = own.rsplit_once(" [").map_or(own.as_str(), |(message, _)| message);
        let error = Error { message: format!("pass {pass}: {message}"), input: None, ..inner.error.clone() };
        NodeFailure {
            node: about.id.clone(),
            class: about.class.full_name.clone(),
            error,
            came_from: Vec::new(),
            ..inner.clone()
        }
    }

    fn progress(&self, done: usize, all: usize) {
        let mut said = lock(&self.said);
        if done < all && said.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        *said = Some(Instant::now());
        let node = self.work.checked.nodes[self.node].id.clone();
        self.work.emit(Event::Progress { node, done: done as u64, total: all as u64, note: String::new() });
    }

    fn warn(&self, text: String) {
        let node = self.work.checked.nodes[self.node].id.clone();
        self.work.emit(Event::Log { node, level: LogLevel::Warn, text });
    }
}
