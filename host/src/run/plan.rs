//! The plan of a run: which nodes run, and which wait for which.

use super::links::{ChosenLink, chosen_links, plain_links};
use crate::graph::Checked;

/// Which nodes run, and which wait for which. Making it takes time proportional to nodes and links, and no recursion.
pub(super) struct Plan {
    /// For each node, whether a root needs it through nodes that run.
    pub(super) runs: Vec<bool>,
    /// For each node, whether it runs, or may run if another node chooses it.
    pub(super) may_run: Vec<bool>,
    /// For each node, the number of links that it waits for before it starts or chooses.
    pub(super) waiting_for: Vec<u32>,
    /// For each node, the nodes that wait for it, once for each link.
    pub(super) consumers: Vec<Vec<Consumer>>,
    /// The links that inputs of nodes choose.
    pub(super) chosen_links: Vec<ChosenLink>,
    /// For each node, the positions of its links in `chosen_links`.
    pub(super) choices: Vec<Vec<usize>>,
    /// The nodes that wait for nothing, in the order of the file.
    pub(super) ready: Vec<usize>,
    /// For each node, the position of its first output in `uses`.
    first_output: Vec<usize>,
    /// For each output of all nodes, how often its value is taken.
    pub(super) uses: Vec<u32>,
}

/// A node that waits for another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consumer {
    pub(super) node: usize,
    /// The position of the link in [`Plan::chosen_links`], if it is one of these.
    pub(super) chosen: Option<usize>,
}

impl Plan {
    /// `is_supplied` tells whether the outputs of a node are in the cache. It is called once for each node that is needed.
    pub(super) fn new(checked: &Checked, mut is_supplied: impl FnMut(usize) -> bool) -> Self {
        let count = checked.nodes.len();
        let mut first_output = Vec::with_capacity(count);
        let mut outputs = 0;
        for node in checked.nodes.iter() {
            first_output.push(outputs);
            outputs += node.class.spec.outputs.len();
        }
        let mut plan = Self {
            runs: vec![false; count],
            may_run: vec![false; count],
            waiting_for: vec![0; count],
            consumers: vec![Vec::new(); count],
            chosen_links: Vec::new(),
            choices: vec![Vec::new(); count],
            ready: Vec::new(),
            first_output,
            uses: vec![0; outputs],
        };
        let mut seen = vec![false; count];
        let mut needed = checked.roots.clone();
        let mut maybe = Vec::new();
        let mut is_sure = true;
        loop {
            while let Some(node) = needed.pop() {
                if std::mem::replace(&mut seen[node], true) || is_supplied(node) {
                    continue;
                }
                plan.runs[node] = is_sure;
                plan.may_run[node] = true;
                needed.extend(plain_links(&checked.nodes[node]).map(|socket| socket.node));
                maybe.extend(chosen_links(&checked.nodes[node]).map(|(_, _, socket)| socket.node));
            }
            // What only chosen links need comes last, so that all that runs in any case is known before.
            is_sure = false;
            if maybe.is_empty() {
                break;
            }
            needed.append(&mut maybe);
        }
        for node in (0..count).filter(|&node| plan.may_run[node]) {
            for socket in plain_links(&checked.nodes[node]) {
                let output = plan.first_output[socket.node] + socket.output;
                plan.uses[output] += 1;
                if plan.may_run[socket.node] {
                    plan.waiting_for[node] += 1;
                    plan.consumers[socket.node].push(Consumer { node, chosen: None });
                }
            }
            for (input, link, socket) in chosen_links(&checked.nodes[node]) {
                let output = plan.first_output[socket.node] + socket.output;
                plan.uses[output] += 1;
                let chosen = Some(plan.chosen_links.len());
                plan.choices[node].push(plan.chosen_links.len());
                plan.chosen_links.push(ChosenLink { node, input, link, socket });
                plan.consumers[socket.node].push(Consumer { node, chosen });
            }
        }
        for (_, socket) in &checked.outputs {
            let output = plan.output(socket.node, socket.output);
            plan.uses[output] += 1;
        }
        plan.ready = (0..count).filter(|&node| plan.runs[node] && plan.waiting_for[node] == 0).collect();
        plan
    }

    /// The position of an output in `uses`.
    pub(super) fn output(&self, node: usize, output: usize) -> usize {
        self.first_output[node] + output
    }
}
