//! The keys under which a workflow keeps what only graphs have.

/// In `extra`: the title, the description, the names and the requirements of the graph.
pub(in crate::graph) const EXTRA: &str = "splatgraph";
/// In the properties of a node: its id in the graph.
pub(super) const ID: &str = "splatgraph_id";
/// In the properties of a node: the names of the inputs to which the graph gives a value.
pub(super) const GIVEN: &str = "splatgraph_given";
/// In the properties of a node: values that no field can hold.
pub(super) const VALUES: &str = "splatgraph_values";
