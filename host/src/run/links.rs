//! The links of nodes: those that a node always needs, and those that another input of the node chooses.

use crate::graph::{CheckedNode, Socket};
use splatgraph_sdk::spec::InputSpec;
use std::sync::atomic::{AtomicBool, AtomicU32};

/// A link to an input that another input chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChosenLink {
    /// The node with the input.
    pub(super) node: usize,
    /// The position of the input.
    pub(super) input: usize,
    /// The position of the link in the list of the input.
    pub(super) link: usize,
    pub(super) socket: Socket,
}

/// The state of such a link.
#[derive(Default)]
pub(super) struct LinkState {
    pub(super) chosen: AtomicBool,
    /// Whether its node no longer waits for it: it is not chosen, or the node that feeds it ended.
    pub(super) settled: AtomicBool,
}

/// The links of a node whose inputs other inputs choose, each with the positions of its input and of the link.
pub(super) fn chosen_links(node: &CheckedNode) -> impl Iterator<Item = (usize, usize, Socket)> {
    let inputs = node.class.spec.inputs.iter().zip(&node.feeds).enumerate();
    let inputs = inputs.filter(|(_, (spec, _))| decides(node, spec).is_some());
    inputs.flat_map(|(input, (_, feed))| {
        feed.sockets().iter().enumerate().map(move |(link, socket)| (input, link, *socket))
    })
}

/// The links of a node that it always needs.
pub(super) fn plain_links(node: &CheckedNode) -> impl Iterator<Item = Socket> {
    let inputs = node.class.spec.inputs.iter().zip(&node.feeds);
    let inputs = inputs.filter(|(spec, _)| decides(node, spec).is_none());
    inputs.flat_map(|(_, feed)| feed.sockets().iter().copied())
}

/// The position of the input that chooses an input.
pub(super) fn decides(node: &CheckedNode, spec: &InputSpec) -> Option<usize> {
    let by = spec.chosen_by.as_ref()?;
    let found = node.class.spec.inputs.iter().position(|other| other.name == *by)?;
    // An input that is itself chosen can't decide.
    node.class.spec.inputs[found].chosen_by.is_none().then_some(found)
}

/// For each node, one flag.
pub(super) fn flags(set: &[bool]) -> Vec<AtomicBool> {
    set.iter().map(|&set| AtomicBool::new(set)).collect()
}

/// For each node, how many links it may still choose or wait for, and one more for the choice itself.
pub(super) fn counters(choices: &[Vec<usize>]) -> Vec<AtomicU32> {
    choices.iter().map(|links| AtomicU32::new(links.len() as u32 + 1)).collect()
}
