use super::{
    super::problem::{Kind, Problem},
    Checked, Socket,
};
use crate::words::suggest;

impl Checked {
    /// The same graph, run only as far as these nodes (positions in `nodes`), whose outputs become its only results,
    /// named `node.output`.
    #[must_use]
    pub fn until(&self, nodes: &[usize]) -> Self {
        let outputs = nodes.iter().flat_map(|&node| {
            let of = &self.nodes[node];
            let name = move |output: usize| format!("{}.{}", of.id, of.class.spec.outputs[output].name);
            (0..of.class.spec.outputs.len()).map(move |output| (name(output), Socket { node, output }))
        });
        Self { roots: nodes.to_vec(), outputs: outputs.collect(), ..self.clone() }
    }

    /// The positions in `nodes` of the node `id`, or of all nodes of the graph that stands under `id` in this one.
    ///
    /// # Errors
    /// There is no such node; says which is meant, or which there are.
    pub fn positions(&self, id: &str) -> Result<Vec<usize>, Problem> {
        let inside = |node: &str| node.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'));
        let all = || self.nodes.iter().enumerate();
        let found: Vec<usize> = match all().find(|(_, node)| &*node.id == id) {
            Some((position, _)) => vec![position],
            None => all().filter(|(_, node)| inside(&node.id)).map(|(position, _)| position).collect(),
        };
        if found.is_empty() {
            let problem = Problem::new(Kind::UnknownName, format!("there is no node `{id}`"));
            return Err(problem.hint(suggest(id, self.nodes.iter().map(|node| &*node.id), "the nodes are")));
        }
        Ok(found)
    }
}
