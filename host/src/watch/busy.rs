//! The time that the nodes of a run take.

use crate::run::Event;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The time during which at least one node of a run works.
#[derive(Default)]
pub struct BusyTime(Mutex<Nodes>);

#[derive(Default)]
struct Nodes {
    running: usize,
    since: Option<Instant>,
    total: Duration,
}

impl BusyTime {
    /// Notes an event at the time of the call.
    pub fn note(&self, event: &Event) {
        self.note_at(event, Instant::now());
    }

    fn note_at(&self, event: &Event, now: Instant) {
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { .. } => {
                nodes.running += 1;
                nodes.since.get_or_insert(now);
            }
            Event::Finished { cached: false, .. } | Event::Failed(_) => {
                nodes.running = nodes.running.saturating_sub(1);
                if nodes.running == 0
                    && let Some(since) = nodes.since.take()
                {
                    nodes.total += now.saturating_duration_since(since);
                }
            }
            _ => {}
        }
    }

    /// The time up to now. Nodes that have not finished count until now.
    #[must_use]
    pub fn total(&self) -> Duration {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.total + nodes.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_that_run_side_by_side_count_once() {
        let (busy, start) = (BusyTime::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let started = |node: &str| Event::Started { node: node.into() };
        let finished = |node: &str, cached| Event::Finished { node: node.into(), ms: 0.0, cached, outputs: Vec::new() };
        busy.note_at(&finished("cached", true), at(0));
        busy.note_at(&started("a"), at(10));
        busy.note_at(&started("b"), at(15));
        busy.note_at(&finished("a", false), at(20));
        busy.note_at(&finished("b", false), at(40));
        busy.note_at(&started("c"), at(100));
        busy.note_at(&finished("c", false), at(101));
        assert_eq!(busy.total(), Duration::from_millis(31));
    }
}
