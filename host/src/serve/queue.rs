//! The queue: the jobs that wait and those that run.

use super::job::Job;
use crate::{lock::lock, run::CancelToken};
use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<Place, Arc<Job>>,
    running: Vec<(Arc<Job>, CancelToken)>,
    /// The number of the next job.
    next: f64,
    /// How many jobs were added.
    added: u64,
    ended: bool,
}

/// The place of a job: by its number, then by when it was added.
#[derive(Clone, Copy, PartialEq)]
struct Place(f64, u64);

impl Eq for Place {}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What was done about a job that somebody cancelled.
#[derive(Clone, Debug)]
pub(super) enum Cancelled {
    /// It never started.
    Waiting(Arc<Job>),
    /// It was asked to stop.
    Running,
    /// It neither waits nor runs.
    Unknown,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Sets the number of the next job.
    pub(super) fn start_at(&self, number: f64) {
        self.lock().next = number;
    }

    /// The number of a new job, which goes to the front if asked.
    pub(super) fn number(&self, front: bool) -> f64 {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1.0;
        if front { -number } else { number }
    }

    pub(super) fn add(&self, job: Job) {
        let mut state = self.lock();
        state.added += 1;
        let place = Place(job.number, state.added);
        state.waiting.insert(place, Arc::new(job));
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for the next job, and marks it as running. `None` when the queue ended.
    pub(super) fn next(&self) -> Option<(Arc<Job>, CancelToken)> {
        let mut state = self.lock();
        loop {
            if state.ended {
                return None;
            }
            if let Some((_, job)) = state.waiting.pop_first() {
                let cancel = CancelToken::new();
                state.running.push((job.clone(), cancel.clone()));
                return Some((job, cancel));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a job from those that run.
    pub(super) fn done(&self, id: &str) {
        self.lock().running.retain(|(job, _)| job.id != id);
    }

    /// Starts no further job, and cancels those that run.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        for (_, cancel) in &state.running {
            cancel.cancel();
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Takes a job from those that wait, or asks it to stop.
    pub(super) fn cancel(&self, id: &str) -> Cancelled {
        let mut state = self.lock();
        if state.cancel_running(|job| job.id == id) {
            return Cancelled::Running;
        }
        state.take_waiting(id).map_or(Cancelled::Unknown, Cancelled::Waiting)
    }

    /// Takes a job from those that wait.
    pub(super) fn take_waiting(&self, id: &str) -> Option<Arc<Job>> {
        self.lock().take_waiting(id)
    }

    /// Asks the jobs that run and that `which` accepts to stop.
    pub(super) fn cancel_running(&self, which: impl Fn(&Job) -> bool) {
        self.lock().cancel_running(which);
    }

    /// Takes all listed jobs that wait.
    pub(super) fn clear(&self) -> Vec<Arc<Job>> {
        let mut state = self.lock();
        let (unlisted, listed) = std::mem::take(&mut state.waiting).into_iter().partition(|(_, job)| job.body.unlisted);
        state.waiting = unlisted;
        BTreeMap::into_values(listed).collect()
    }

    /// The listed jobs that run and those that wait, in their order.
    pub(super) fn list(&self) -> (Vec<Arc<Job>>, Vec<Arc<Job>>) {
        let state = self.lock();
        let listed = |job: &&Arc<Job>| !job.body.unlisted;
        let running = state.running.iter().map(|(job, _)| job).filter(listed).cloned().collect();
        (running, state.waiting.values().filter(listed).cloned().collect())
    }

    /// How many listed jobs run or wait.
    pub(super) fn remaining(&self) -> usize {
        let state = self.lock();
        let jobs = state.running.iter().map(|(job, _)| job).chain(state.waiting.values());
        jobs.filter(|job| !job.body.unlisted).count()
    }
}

impl State {
    fn take_waiting(&mut self, id: &str) -> Option<Arc<Job>> {
        let place = self.waiting.iter().find(|(_, job)| job.id == id).map(|(place, _)| *place)?;
        self.waiting.remove(&place)
    }

    /// Returns whether there were any.
    fn cancel_running(&self, which: impl Fn(&Job) -> bool) -> bool {
        let mut some = false;
        for (_, cancel) in self.running.iter().filter(|(job, _)| which(job)) {
            cancel.cancel();
            some = true;
        }
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, number: f64) -> Job {
        Job { id: id.to_owned(), number, created: 0, body: super::super::job::Body::default() }
    }

    #[test]
    fn smaller_numbers_run_first_and_equal_ones_in_their_order() {
        let queue = Queue::default();
        for (id, number) in [("a", 1.0), ("b", 1.0), ("c", -2.5), ("d", 0.0), ("e", f64::INFINITY)] {
            queue.add(job(id, number));
        }
        let order: Vec<String> = (0..5).map(|_| queue.next().unwrap().0.id.clone()).collect();
        assert_eq!(order, ["c", "d", "a", "b", "e"]);
        assert_eq!(queue.remaining(), 5);
        for id in order {
            queue.done(&id);
        }
        assert_eq!(queue.remaining(), 0);
    }

    #[test]
    fn jobs_that_wait_are_taken_out_and_running_ones_are_asked_to_stop() {
        let queue = Queue::default();
        queue.add(job("a", 0.0));
        queue.add(job("b", 1.0));
        let (_, cancel) = queue.next().unwrap();
        assert!(matches!(queue.cancel("b"), Cancelled::Waiting(job) if job.id == "b"));
        assert!(matches!(queue.cancel("b"), Cancelled::Unknown));
        assert!(matches!(queue.cancel("a"), Cancelled::Running));
        assert!(cancel.is_cancelled());
        queue.end();
        assert!(queue.next().is_none());
    }

    #[test]
    fn an_unlisted_job_runs_and_is_not_cleared() {
        let queue = Queue::default();
        let mut unlisted = job("a", 1.0);
        unlisted.body.unlisted = true;
        queue.add(unlisted);
        queue.add(job("b", 0.0));
        assert_eq!((queue.remaining(), queue.list().1.len()), (1, 1));
        assert_eq!(queue.clear().len(), 1);
        assert_eq!((queue.remaining(), &*queue.next().unwrap().0.id), (0, "a"));
        assert!(queue.list().0.is_empty());
    }
}
