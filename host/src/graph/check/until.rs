//! Runs a graph only as far as some nodes.

use super::{
    super::problem::{Kind, Problem},
    Checked, Socket,
};
use crate::words::suggest;

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

    /// The position in `nodes` of the node `id`, or the positions of all nodes inside the graph node `id`.
    ///
    /// # Errors
    /// The graph has no such node. The problem names the nearest node, or all nodes.
    pub fn positions(&self, id: &str) -> Result<Vec<usize>, Problem> {
        let inside = |node: &str| node.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'));
        let all = || self.nodes.iter().enumerate();
        let found: Vec<usize> = match all().find(|(_, node)| &*node.id == id) {
            Some((position, _)) => vec![position],
            None => all().filter(|(_, node)| inside(&node.id)).map(|(position, _)| position).collect(),
        };
        if found.is_empty() {
            let problem = Problem::new(Kind::UnknownName, format!("the graph has no node `{id}`"));
            return Err(problem.hint(suggest(id, self.nodes.iter().map(|node| &*node.id), "the nodes are")));
        }
        Ok(found)
    }
}
