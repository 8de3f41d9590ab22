//! Finds the nodes that make NaN.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::OutputReport;
use crate::graph::{Checked, Feed};
use crate::words::count;

/// An output with NaN of a node whose inputs have none.
#[derive(Clone, Debug, Serialize)]
pub struct MadeNan {
    /// The node's id.
    pub node: String,
    /// Its class.
    pub class: String,
    /// The output's name.
    pub output: String,
    /// The number of NaN in it.
    pub nan: usize,
    /// The number of all its numbers.
    pub numbers: usize,
}

/// Shows `decode (acme.Decode) made NaN from clean inputs: output image, 12 of 196608 numbers`.
impl fmt::Display for MadeNan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, class, output, nan, numbers } = self;
        write!(
            f,
            "{node} ({class}) made NaN from clean inputs: output {output}, {nan} of {}",
            count(*numbers, "number")
        )
    }
}

/// The outputs of a node that have NaN, unless one of its inputs has NaN. `before` are the outputs of the nodes that ended
/// before it, which include all of its sources.
pub(super) fn made_by(
    checked: &Checked,
    node: usize,
    outputs: &[OutputReport],
    before: &HashMap<usize, Vec<OutputReport>>,
) -> Vec<MadeNan> {
    let about = &checked.nodes[node];
    let mut taken = about.feeds.iter().flat_map(Feed::sockets);
    if taken.any(|socket| before.get(&socket.node).and_then(|all| all.get(socket.output)).is_some_and(|o| o.nan > 0)) {
        return Vec::new();
    }
    let with_nan = outputs.iter().filter(|output| output.nan > 0).map(|output| MadeNan {
        node: about.id.to_string(),
        class: about.class.full_name.clone(),
        output: output.name.clone(),
        nan: output.nan,
        numbers: output.numbers,
    });
    with_nan.collect()
}
