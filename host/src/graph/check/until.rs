//! Runs a graph only as far as some nodes.

use super::{
    super::problem::{Kind, Problem},
    Checked, Checker, Feed, Socket,
};
use crate::words::suggest;

impl Checker<'_> {
    /// For each node, whether a run as far as the nodes `until` needs it; without any, all nodes.
    pub(super) fn needed(&self, until: &[String], feeds: &[Vec<Feed>]) -> Vec<bool> {
        let is_end = |id: &str| until.iter().any(|end| id == end || is_inside(id, end));
        let mut needed: Vec<bool> = self.file.nodes.iter().map(|node| until.is_empty() || is_end(&node.id)).collect();
        let mut open: Vec<usize> = (0..needed.len()).filter(|node| needed[*node]).collect();
        while let Some(node) = open.pop() {
            for socket in feeds[node].iter().flat_map(Feed::sockets) {
                if !std::mem::replace(&mut needed[socket.node], true) {
                    open.push(socket.node);
                }
            }
        }
        needed
    }
}

/// Whether a node is inside the graph node `id`.
fn is_inside(node: &str, id: &str) -> bool {
    node.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'))
}

impl Checked {
    /// This graph, run only as far as the nodes at these positions in `nodes`. Their outputs become its only results, with
    /// the names `node.output`.
    #[must_use]
    pub fn until(&self, nodes: &[usize]) -> Self {
        let outputs = nodes.iter().flat_map(|&node| {
            let of = &self.nodes[node];
            let name = move |output: usize| format!("{}.{}", of.id, of.class.spec.outputs[output].name);
            (0..of.class.spec.outputs.len()).map(move |output| (name(output), Socket { node, output }))
        });
        Self { roots: nodes.to_vec(), outputs: outputs.collect(), ..self.clone() }
    }

    /// This graph as [`until`](Self::until) has it, for nodes and graph nodes by their ids; without any, the whole graph.
    ///
    /// # Errors
    /// The graph has no such node: its id, and the problem.
    pub fn until_named(self, ids: &[String]) -> Result<Self, (String, Problem)> {
        let mut nodes = Vec::new();
        for id in ids {
            let found = self.positions(id).map_err(|problem| (id.clone(), problem))?;
            nodes.extend(found.into_iter().filter(|node| !nodes.contains(node)).collect::<Vec<_>>());
        }
        Ok(if nodes.is_empty() { self } else { self.until(&nodes) })
    }

    /// The position in `nodes` of the node `id`, or the positions of all nodes inside the graph node `id`.
    ///
    /// # Errors
    /// The graph has no such node. The problem names the nearest node, or all nodes.
    pub fn positions(&self, id: &str) -> Result<Vec<usize>, Problem> {
        let all = || self.nodes.iter().enumerate();
        let found: Vec<usize> = match all().find(|(_, node)| &*node.id == id) {
            Some((position, _)) => vec![position],
            None => all().filter(|(_, node)| is_inside(&node.id, id)).map(|(position, _)| position).collect(),
        };
        if found.is_empty() {
            let problem = Problem::new(Kind::UnknownName, format!("the graph has no node `{id}`"));
            return Err(problem.hint(suggest(id, self.nodes.iter().map(|node| &*node.id), "the nodes are")));
        }
        Ok(found)
    }
}
