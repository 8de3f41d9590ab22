//! Nodes of one run that have equal classes and inputs. Only one of them runs, and the others have its results.

use super::keys::sources_first;
use crate::graph::{Checked, CheckedNode, Feed, Socket};
use splatgraph_sdk::spec::PathKind;
use std::collections::HashMap;

/// Which nodes are equal to which.
pub(super) struct Equal {
    /// For each node that runs for others, their positions in [`Checked::nodes`].
    followers: HashMap<usize, Vec<usize>>,
}

impl Equal {
    /// No nodes that are equal.
    pub(super) fn none() -> Self {
        Self { followers: HashMap::new() }
    }

    /// Finds the equal nodes of a graph, and returns the graph in which the first of them in the file stands for all. Nodes that write run each
    /// for themselves.
    pub(super) fn merge(checked: &Checked) -> (Checked, Self) {
        let order = sources_first(checked);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for &node in &order {
            *counts.entry(&checked.nodes[node].class.full_name).or_default() += 1;
        }
        // For each node, one of its equals.
        let mut one: Vec<usize> = (0..checked.nodes.len()).collect();
        let mut groups: HashMap<(&str, String), Vec<usize>> = HashMap::new();
        for node in order {
            let at = &checked.nodes[node];
            let class = at.class.full_name.as_str();
            // Most classes stand once in a graph, and long inputs take time.
            if counts[class] > 1 && at.repeat.is_none() && !writes(at) {
                let group = groups.entry((class, inputs(at, &one))).or_default();
                group.push(node);
                one[node] = group[0];
            }
        }
        let mut first: Vec<usize> = (0..checked.nodes.len()).collect();
        let mut followers: HashMap<usize, Vec<usize>> = HashMap::new();
        for mut group in groups.into_values().filter(|group| group.len() > 1) {
            group.sort_unstable();
            group.iter().for_each(|&node| first[node] = group[0]);
            followers.insert(group[0], group.split_off(1));
        }
        let mut merged = checked.clone();
        if !followers.is_empty() {
            let moved = |socket: &Socket| Socket { node: first[socket.node], ..*socket };
            let nodes = checked.nodes.iter().map(|node| {
                let feed = |feed: &Feed| match feed {
                    Feed::Link(socket) => Feed::Link(moved(socket)),
                    Feed::Links(sockets) => Feed::Links(sockets.iter().map(moved).collect()),
                    other => other.clone(),
                };
                CheckedNode { feeds: node.feeds.iter().map(feed).collect(), ..node.clone() }
            });
            merged.nodes = nodes.collect();
            merged.roots.iter_mut().for_each(|root| *root = first[*root]);
            merged.outputs.iter_mut().for_each(|(_, socket)| *socket = moved(socket));
        }
        (merged, Self { followers })
    }

    /// The nodes that have the results of this one.
    pub(super) fn followers(&self, node: usize) -> &[usize] {
        self.followers.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Each node that runs for others, with them.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &[usize])> {
        self.followers.iter().map(|(first, followers)| (*first, followers.as_slice()))
    }
}

/// Whether a node may write files.
pub(super) fn writes(node: &CheckedNode) -> bool {
    let spec = &node.class.spec;
    spec.output || spec.saves || spec.inputs.iter().any(|input| input.path == Some(PathKind::Write))
}

/// The inputs as text, with links to `one` of the equals of each node.
fn inputs(node: &CheckedNode, one: &[usize]) -> String {
    let mut text = String::new();
    for feed in &node.feeds {
        // No part of a value looks like a link: values are JSON, in which no text begins with `@`.
        match feed {
            Feed::Nothing => text.push('-'),
            Feed::Value(value) => text.push_str(&value.to_string()),
            Feed::Link(_) | Feed::Links(_) => {
                text.push_str(if matches!(feed, Feed::Link(_)) { "@" } else { "@@" });
                for socket in feed.sockets() {
                    text.push_str(&format!("{}.{} ", one[socket.node], socket.output));
                }
            }
        }
        text.push('\n');
    }
    text
}
