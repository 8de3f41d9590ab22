//! Finds cycles of links.

use super::{
    super::problem::{Kind, Problem},
    Checker, Feed,
};

impl Checker<'_> {
    /// Reports every cycle. Of cycles that share nodes, it reports only the first one.
    pub(super) fn check_cycles(&mut self, feeds: &[Vec<Feed>]) {
        let sources = |node: usize| feeds[node].iter().flat_map(Feed::sockets).map(|socket| socket.node);
        let left = left_after_peeling(feeds);
        let mut seen = vec![false; feeds.len()];
        for start in 0..feeds.len() {
            let mut walk = Vec::new();
            let mut node = start;
            // Every node that is left has a source that is left, so the walk ends at a node that it saw before.
            while left[node] && !seen[node] {
                seen[node] = true;
                walk.push(node);
                match sources(node).find(|&source| left[source]) {
                    Some(source) => node = source,
                    None => break,
                }
            }
            // A walk that ends in an earlier walk finds no new cycle.
            let Some(first) = walk.iter().position(|&n| n == node) else { continue };
            let mut cycle: Vec<usize> = walk[first..].to_vec();
            // The walk goes from consumers to sources. The problem shows the direction of the values, and starts with the node
            // that is first in the file.
            cycle.reverse();
            let lowest = cycle.iter().enumerate().min_by_key(|&(_, node)| *node).map_or(0, |(position, _)| position);
            cycle.rotate_left(lowest);
            cycle.push(cycle[0]);
            let ids: Vec<String> = cycle.iter().map(|&n| format!("`{}`", self.file.nodes[n].id)).collect();
            let problem = Problem::new(Kind::Cycle, format!("expected links without a cycle, got {}", ids.join(" > ")));
            let problem =
                problem.at(self.file.nodes[cycle[0]].place.clone()).hint("remove one of these links".to_owned());
            self.problems.push(problem);
        }
    }
}

/// Repeatedly removes nodes that need none of the remaining nodes. The nodes that are left lie on a cycle or behind one.
fn left_after_peeling(feeds: &[Vec<Feed>]) -> Vec<bool> {
    let mut waiting_for = vec![0_usize; feeds.len()];
    let mut consumers = vec![Vec::new(); feeds.len()];
    for (node, feeds) in feeds.iter().enumerate() {
        for socket in feeds.iter().flat_map(Feed::sockets) {
            waiting_for[node] += 1;
            consumers[socket.node].push(node);
        }
    }
    let mut left = vec![true; feeds.len()];
    let mut free: Vec<usize> = (0..feeds.len()).filter(|&node| waiting_for[node] == 0).collect();
    while let Some(node) = free.pop() {
        left[node] = false;
        for &consumer in &consumers[node] {
            waiting_for[consumer] -= 1;
            if waiting_for[consumer] == 0 {
                free.push(consumer);
            }
        }
    }
    left
}
