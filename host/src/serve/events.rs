//! Tells clients how a job goes.

use super::{
    job::{Ended, Job, now},
    server::Server,
    shown,
};
use crate::{
    graph::Checked,
    lock::lock,
    record_png::{self, Pictures},
    run::{Event, NodeFailure, RunResult, Status},
};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::{Record, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// Messages of one kind that only the newest of matters: progress, the nodes that run, previews.
const PAUSE: Duration = Duration::from_millis(100);

/// The events of one job.
pub(super) struct Reporter {
    server: Arc<Server>,
    job: Arc<Job>,
    checked: Checked,
    positions: HashMap<Arc<str>, usize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Steps done and all steps of each node that runs.
    running: BTreeMap<usize, (u64, u64)>,
    executed: Vec<String>,
    ended: Ended,
    executing_at: Option<Instant>,
    progress_at: Option<Instant>,
    preview_at: HashMap<Arc<str>, Instant>,
}

/// Whether it is time for another message. Remembers that there is one.
fn is_time(last: &mut Option<Instant>) -> bool {
    let is_time = last.is_none_or(|last| last.elapsed() >= PAUSE);
    if is_time {
        *last = Some(Instant::now());
    }
    is_time
}

impl Reporter {
    pub(super) fn new(server: &Arc<Server>, job: &Arc<Job>, checked: &Checked) -> Self {
        let positions = checked.nodes.iter().enumerate().map(|(position, node)| (node.id.clone(), position)).collect();
        let (server, job, checked) = (server.clone(), job.clone(), checked.clone());
        Self { server, job, checked, positions, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn client(&self) -> Option<&str> {
        self.job.body.client.as_deref()
    }

    fn send(&self, name: &str, data: &Json) {
        self.server.clients.send(self.client(), name, data);
    }

    /// The nodes whose results are known before anything runs.
    pub(super) fn start(&self, cached: &[&str]) {
        let started = json!({ "prompt_id": self.job.id, "timestamp": now() });
        let known = json!({ "nodes": cached, "prompt_id": self.job.id, "timestamp": now() });
        for (name, data) in [("execution_start", started), ("execution_cached", known)] {
            self.send(name, &data);
            self.lock().ended.messages.push((name.to_owned(), data));
        }
    }

    pub(super) fn show(&self, event: Event) {
        match event {
            Event::Started { node } => {
                let Some(&position) = self.positions.get(&node) else { return };
                let mut state = self.lock();
                state.running.insert(position, (0, 0));
                if is_time(&mut state.executing_at) {
                    drop(state);
                    self.send(
                        "executing",
                        &json!({ "node": &*node, "display_node": &*node, "prompt_id": self.job.id }),
                    );
                }
            }
            Event::Progress { node, done, total, note } => self.progress(&node, done, total, &note),
            Event::Preview { node, value } => self.preview(&node, &value),
            Event::Finished { node, ms, cached, outputs } => self.finished(&node, ms, cached, &outputs),
            Event::Failed(failure) => {
                let mut state = self.lock();
                if let Some(position) = self.positions.get(&failure.node) {
                    state.running.remove(position);
                }
            }
            Event::Log { .. } | Event::Skipped { .. } | Event::Inside { .. } => {}
        }
    }

    fn progress(&self, node: &Arc<str>, done: u64, total: u64, note: &str) {
        let Some(&position) = self.positions.get(node) else { return };
        let mut state = self.lock();
        state.running.insert(position, (done, total));
        if !is_time(&mut state.progress_at) {
            return;
        }
        let id = &self.job.id;
        let about = |position: &usize, (done, total): &(u64, u64)| {
            let node = self.checked.nodes[*position].id.to_string();
            let data = json!({
                "node_id": node, "display_node_id": node, "real_node_id": node, "parent_node_id": null, "prompt_id": id,
                "state": "running", "value": done, "max": (*total).max(1),
            });
            (node, data)
        };
        let nodes: Map<String, Json> = state.running.iter().map(|(node, steps)| about(node, steps)).collect();
        drop(state);
        let newest = json!({ "node": &**node, "value": done, "max": total.max(1), "note": note, "prompt_id": id });
        self.server.clients.send_progress(self.client(), &json!({ "prompt_id": id, "nodes": nodes }), &newest);
    }

    fn preview(&self, node: &Arc<str>, value: &Value) {
        if !record_png::is_picture(&value.type_name()) {
            return;
        }
        let mut state = self.lock();
        let mut last = state.preview_at.get(node).copied();
        if !is_time(&mut last) {
            return;
        }
        state.preview_at.extend(last.map(|last| (node.clone(), last)));
        drop(state);
        self.send_preview(node, value, None);
    }

    /// Sends a picture. `output` is the name of the output if it is a result.
    fn send_preview(&self, node: &Arc<str>, value: &Value, output: Option<&str>) {
        let Ok(record) = Record::from_value(value) else { return };
        let Ok(pictures) = Pictures::of(&record) else { return };
        let Some(Ok(picture)) = pictures.png(0) else { return };
        let mut about = json!({
            "node_id": &**node, "display_node_id": &**node, "real_node_id": &**node, "parent_node_id": null,
            "prompt_id": self.job.id, "image_type": "image/png",
        });
        if let Some(output) = output {
            about["output"] = output.into();
        }
        self.server.clients.send_preview(self.client(), preview_message(&about, &picture));
    }

    fn finished(&self, node: &Arc<str>, ms: f64, cached: bool, outputs: &[Value]) {
        let Some(&position) = self.positions.get(node) else { return };
        let checked = &self.checked.nodes[position];
        let shown = checked.class.spec.output.then(|| shown::shown(&self.server.folders, &self.job, checked, outputs));
        let mut state = self.lock();
        state.running.remove(&position);
        state.executed.push(node.to_string());
        let showed_previews = state.preview_at.remove(node).is_some();
        if let Some(shown) = &shown {
            state.ended.outputs.insert(node.to_string(), shown.clone());
        }
        drop(state);
        // The last preview shows the result.
        let mut named = checked.class.spec.outputs.iter().zip(outputs);
        if showed_previews
            && let Some((spec, picture)) = named.find(|(_, value)| record_png::is_picture(&value.type_name()))
        {
            self.send_preview(node, picture, Some(&spec.name));
        }
        if let Some(shown) = shown {
            let id = &self.job.id;
            self.send(
                "executed",
                &json!({ "node": &**node, "display_node": &**node, "output": shown, "prompt_id": id }),
            );
        }
        if self.server.clients.features(self.client()).ours {
            let outputs = checked.class.spec.outputs.iter().zip(outputs);
            let outputs: Vec<Json> =
                outputs.map(|(spec, value)| json!({ "name": spec.name, "type": value.type_name() })).collect();
            let data = json!({
                "prompt_id": self.job.id, "node": &**node, "ms": ms, "cached": cached, "outputs": outputs,
            });
            self.server.clients.send_ours(self.client(), "node_finished", &data);
        }
    }

    /// What stays of the job, and its last event.
    pub(super) fn end(&self, result: &RunResult) -> (Ended, Last) {
        let mut state = self.lock();
        let mut ended = std::mem::take(&mut state.ended);
        ended.nodes = result.nodes.iter().zip(self.checked.nodes.iter()).map(|(report, node)| {
            json!({
                "node": &*report.node, "class": node.class.full_name, "status": report.status.name(), "ms": report.ms,
                "why": report.why.to_string(),
            })
        }).collect();
        let results = result.outputs.iter().filter_map(|(name, value)| Some((name.clone(), value.to_json()?)));
        ended.results = results.collect();
        let executed = &state.executed;
        let last = match result.failures.first() {
            _ if result.cancelled => {
                let unfinished = |status: &Status| matches!(status, Status::Cancelled | Status::Abandoned);
                let at = result.nodes.iter().position(|report| unfinished(&report.status)).unwrap_or(0);
                let node = &self.checked.nodes[at];
                Last::interrupted(&self.job.id, &node.id, &node.class.full_name, executed)
            }
            Some(failure) => Last::failed(&self.job.id, failure, &result.failures, executed),
            None => Last::succeeded(&self.job.id),
        };
        ended.messages.push((last.name.to_owned(), last.data.clone()));
        if last.name == "execution_error" {
            ended.error = Some(last.data.clone());
        }
        (ended, last)
    }
}

/// The last event of a job.
pub(super) struct Last {
    pub(super) name: &'static str,
    pub(super) data: Json,
}

impl Last {
    fn succeeded(id: &str) -> Self {
        Self { name: "execution_success", data: json!({ "prompt_id": id, "timestamp": now() }) }
    }

    pub(super) fn interrupted(id: &str, node: &str, class: &str, executed: &[String]) -> Self {
        let data = json!({
            "prompt_id": id, "node_id": node, "node_type": class, "executed": executed, "timestamp": now(),
        });
        Self { name: "execution_interrupted", data }
    }

    fn failed(id: &str, failure: &NodeFailure, all: &[NodeFailure], executed: &[String]) -> Self {
        let trace: Vec<&str> = failure.error.detail.lines().collect();
        let data = json!({
            "prompt_id": id, "node_id": &*failure.node, "node_type": failure.class, "executed": executed,
            "exception_message": failure.to_string(), "exception_type": failure.to_json()["code"], "traceback": trace,
            "current_inputs": {}, "current_outputs": [], "timestamp": now(),
            "failures": all.iter().map(NodeFailure::to_json).collect::<Vec<_>>(),
        });
        Self { name: "execution_error", data }
    }

    /// Of a job that could not start.
    pub(super) fn refused(id: &str, node: Option<&str>, class: Option<&str>, why: &str) -> Self {
        let data = json!({
            "prompt_id": id, "node_id": node.unwrap_or_default(), "node_type": class.unwrap_or_default(), "executed": [],
            "exception_message": why, "exception_type": "refused", "traceback": [], "current_inputs": {},
            "current_outputs": [], "timestamp": now(),
        });
        Self { name: "execution_error", data }
    }
}

/// A binary message with a preview: the number 4, the length of its description, the description, the picture.
fn preview_message(about: &Json, picture: &[u8]) -> Vec<u8> {
    let about = about.to_string();
    let length = u32::try_from(about.len()).unwrap_or_default();
    let mut message = 4u32.to_be_bytes().to_vec();
    message.extend(length.to_be_bytes());
    message.extend(about.as_bytes());
    message.extend(picture);
    message
}
