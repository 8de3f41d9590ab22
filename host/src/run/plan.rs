use crate::graph::{Checked, Feed};

/// What has to run, and what waits for what. Made in time proportional to nodes and links, without recursion.
pub(super) struct Plan {
    /// Per node: whether a root needs it, through nodes that run.
    pub(super) runs: Vec<bool>,
    /// Per node: the links that it waits for.
    pub(super) waiting_for: Vec<u32>,
    /// Per node: those that wait for it, once for each link.
    pub(super) consumers: Vec<Vec<usize>>,
    /// The nodes that wait for nothing, in the order of the file.
    pub(super) ready: Vec<usize>,
    /// Where the outputs of a node begin in `uses`.
    first_output: Vec<usize>,
    /// Per output of all nodes: how often its value is taken.
    pub(super) uses: Vec<u32>,
}

impl Plan {
    /// `is_supplied` says of a node that its outputs are there already; it is asked once for each node needed.
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
