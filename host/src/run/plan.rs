//! The plan of a run: which nodes run, and which wait for which.

use crate::graph::{Checked, Feed};

/// Which nodes run, and which wait for which. Making it takes time proportional to nodes and links, and no recursion.
pub(super) struct Plan {
    /// For each node, whether a root needs it through nodes that run.
    pub(super) runs: Vec<bool>,
    /// For each node, the number of links that it waits for.
    pub(super) waiting_for: Vec<u32>,
    /// For each node, the nodes that wait for it, once for each link.
    pub(super) consumers: Vec<Vec<usize>>,
    /// The nodes that wait for nothing, in the order of the file.
    pub(super) ready: Vec<usize>,
    /// For each node, the position of its first output in `uses`.
    first_output: Vec<usize>,
    /// For each output of all nodes, how often its value is taken.
    pub(super) uses: Vec<u32>,
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
            waiting_for: vec![0; count],
            consumers: vec![Vec::new(); count],
            ready: Vec::new(),
            first_output,
            uses: vec![0; outputs],
        };
        let mut seen = vec![false; count];
        let mut needed = checked.roots.clone();
        while let Some(node) = needed.pop() {
            if std::mem::replace(&mut seen[node], true) || is_supplied(node) {
                continue;
            }
            plan.runs[node] = true;
            needed.extend(checked.nodes[node].feeds.iter().flat_map(Feed::sockets).map(|socket| socket.node));
        }
        for node in (0..count).filter(|&node| plan.runs[node]) {
            for socket in checked.nodes[node].feeds.iter().flat_map(Feed::sockets) {
                let output = plan.first_output[socket.node] + socket.output;
                plan.uses[output] += 1;
                if plan.runs[socket.node] {
                    plan.waiting_for[node] += 1;
                    plan.consumers[socket.node].push(node);
                }
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
