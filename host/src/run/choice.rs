//! Inputs that only one branch feeds: the host computes what feeds them only if another input of the node chooses them.
//!
//! A node with such inputs starts when all its other inputs are there. It then reads the deciding inputs, wakes the nodes of the chosen
//! links, and waits for these. A node that only links of other branches need stays asleep, and counts as not needed.

use super::{
    links::{ChosenLink, decides, plain_links},
    work::{State, Work},
};
use crate::{
    graph::{CheckedNode, Feed, Socket},
    lock::lock,
};
use serde_json::Value as Json;
use splatgraph_sdk::Value;
use std::sync::{Arc, atomic::Ordering};

impl Work {
    /// Chooses the links of a node that has links to choose from. Returns the nodes that are ready now; with `node` itself among
    /// them if it waits for nothing.
    pub(super) fn choose(self: &Arc<Self>, node: usize) -> Vec<usize> {
        let about = &self.checked.nodes[node];
        let mut ready = Vec::new();
        for &number in &self.plan.choices[node] {
            let ChosenLink { input, link, socket, .. } = self.plan.chosen_links[number];
            let state = &self.links[number];
            if self.is_chosen(about, input, link) {
                state.chosen.store(true, Ordering::SeqCst);
                ready.extend(self.wake(socket.node));
            } else {
                self.take(socket);
                if !state.settled.swap(true, Ordering::SeqCst) {
                    self.choosing[node].fetch_sub(1, Ordering::SeqCst);
                }
            }
        }
        // The last one is that of the choice itself.
        if self.choosing[node].fetch_sub(1, Ordering::SeqCst) == 1 {
            ready.insert(0, node);
        }
        ready
    }

    /// Whether the deciding input chooses a link.
    fn is_chosen(&self, about: &CheckedNode, input: usize, link: usize) -> bool {
        let spec = &about.class.spec.inputs[input];
        let Some(by) = decides(about, spec) else { return true };
        let value = match &about.feeds[by] {
            Feed::Nothing => about.class.spec.inputs[by].default.clone(),
            Feed::Value(value) => Some(value.clone()),
            Feed::Link(socket) => self.peek(*socket).as_ref().and_then(Value::to_json),
            Feed::Links(_) => None,
        };
        match (&spec.chosen_when, &about.feeds[input]) {
            (Some(when), _) => value.as_ref() == Some(when),
            // One link to a list is the whole list.
            (None, Feed::Links(_)) => value.as_ref().and_then(Json::as_u64) == Some(link as u64),
            (None, _) => true,
        }
    }

    /// The value of an output, which stays for whoever takes it.
    fn peek(&self, socket: Socket) -> Option<Value> {
        lock(&self.slots[self.plan.output(socket.node, socket.output)]).value.clone()
    }

    /// Wakes a node and those that it needs. Returns those that are ready.
    fn wake(&self, node: usize) -> Vec<usize> {
        let mut ready = Vec::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if !self.plan.may_run[node] || self.awake[node].swap(true, Ordering::SeqCst) {
                continue;
            }
            open.extend(plain_links(&self.checked.nodes[node]).map(|socket| socket.node));
            if self.waiting_for[node].load(Ordering::SeqCst) == 0 && self.queue(node) {
                ready.push(node);
            }
        }
        ready
    }

    /// Whether a node that waits for nothing is to be queued now: it is awake, and nobody else has queued it.
    pub(super) fn queue(&self, node: usize) -> bool {
        let is_awake = self.awake[node].load(Ordering::SeqCst) && matches!(*lock(&self.states[node]), State::Waiting);
        is_awake && !self.queued[node].swap(true, Ordering::SeqCst)
    }

    /// Whether an input of a node takes the value of a link.
    pub(super) fn takes(&self, node: usize, input: usize, link: usize) -> bool {
        let is_it = |number: &&usize| {
            let of = self.plan.chosen_links[**number];
            (of.input, of.link) == (input, link)
        };
        let number = self.plan.choices[node].iter().find(is_it);
        number.is_none_or(|number| self.links[*number].chosen.load(Ordering::SeqCst))
    }

    /// The node that failed, if a chosen link of a node leads to one that failed or was skipped.
    pub(super) fn chosen_failed(&self, node: usize) -> Option<Arc<str>> {
        self.plan.choices[node].iter().find_map(|&number| {
            let socket = self.plan.chosen_links[number].socket;
            if !self.links[number].chosen.load(Ordering::SeqCst) {
                return None;
            }
            match &*lock(&self.states[socket.node]) {
                State::Failed(failure) => Some(failure.node.clone()),
                State::Skipped(because_of) => Some(because_of.clone()),
                _ => None,
            }
        })
    }
}
