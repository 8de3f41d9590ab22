//! The events of a watch, one after the other: changes of files, the end of a run, Ctrl-C.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use splatgraph::packs::HotPacks;
use splatgraph::registry::Registry;
use splatgraph::run::{CancelToken, RunResult};
use splatgraph::watch::{Touched, Watch};

use super::super::failure::{Failure, INTERRUPTED, Outcome};
use super::super::output;
use super::super::signals::Signals;

/// Files count as written after this time without events, ...
const QUIET: Duration = Duration::from_millis(15);
/// ... or at the latest after this time.
const SETTLED: Duration = Duration::from_millis(200);
/// How long a problem stays unreported, as editors and linkers need a moment to write files.
pub(super) const PATIENCE: Duration = Duration::from_millis(400);

/// The cause of a round.
pub(super) struct Cause {
    /// The time of the first change, or of the start of the program.
    pub(super) since: Instant,
    /// The files that changed; empty at the start.
    pub(super) changed: Vec<PathBuf>,
    is_start: bool,
}

impl Cause {
    pub(super) fn start(since: Instant) -> Self {
        Self { since, changed: Vec::new(), is_start: true }
    }

    pub(super) fn is_start(&self) -> bool {
        self.is_start
    }

    pub(super) fn add(&mut self, changed: Vec<PathBuf>) {
        self.changed.extend(changed);
        self.changed.sort();
        self.changed.dedup();
    }

    pub(super) fn put_off(&mut self, by: Duration) {
        self.since += by;
    }
}

/// The end of a run.
pub(super) struct Done {
    pub(super) result: RunResult,
    pub(super) at: Instant,
    /// The time during which at least one node worked.
    pub(super) busy: Duration,
}

pub(super) enum Message {
    Touched(Touched),
    Done(Box<Done>),
    Stop,
}

/// The next event.
pub(super) enum Next {
    Change(Cause),
    Done(Box<Done>),
    Stop,
    /// There was no event in time.
    Quiet,
}

/// The watched files and packs, and the events about them.
pub(super) struct Changes {
    pub(super) watch: Watch,
    packs: HotPacks,
    registry: Registry,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    /// Messages that came while files settled.
    put_back: Vec<Message>,
    signals: Signals,
    /// The warnings about packs that were printed and still hold.
    told: HashSet<String>,
    /// The time to print further warnings.
    tell_at: Option<Instant>,
}

impl Changes {
    pub(super) fn new(packs: HotPacks) -> Outcome<Self> {
        let (sender, messages) = channel();
        let for_signals = sender.clone();
        // The token is not used, as each round has another run to cancel.
        let signals = Signals::cancel(&CancelToken::new(), move || {
            // The receiver lives as long as the command.
            let _ = for_signals.send(Message::Stop);
        });
        let signals = signals.map_err(|error| Failure::usage(format!("Ctrl-C cannot be listened for: {error}")))?;
        let for_files = sender.clone();
        let watch = Watch::new(move |touched| {
            let _ = for_files.send(Message::Touched(touched));
        });
        let registry = packs.found().registry();
        let (put_back, told) = (Vec::new(), HashSet::new());
        let mut changes = Self { watch, packs, registry, sender, messages, put_back, signals, told, tell_at: None };
        changes.tell_about_packs();
        Ok(changes)
    }

    pub(super) fn packs(&self) -> &HotPacks {
        &self.packs
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The sender for the end of a run.
    pub(super) fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }

    /// The exit code of the signal.
    pub(super) fn signal(&self) -> u8 {
        self.signals.code().unwrap_or(INTERRUPTED)
    }

    /// Starts a round, before the graph is read. Returns the files that changed since the last round.
    pub(super) fn begin(&mut self) -> Vec<PathBuf> {
        let changed = self.changed();
        self.watch.look();
        changed
    }

    /// Waits for the next event, at most for `patience`.
    pub(super) fn next(&mut self, patience: Option<Duration>) -> Next {
        let until = patience.map(|patience| Instant::now() + patience);
        loop {
            match self.receive([until, self.tell_at].into_iter().flatten().min()) {
                Some(Message::Stop) => return Next::Stop,
                Some(Message::Done(done)) => return Next::Done(done),
                Some(Message::Touched(touched)) => {
                    if self.watch.concerns(&touched) {
                        self.settle(touched.at);
                        let changed = self.changed();
                        if !changed.is_empty() {
                            return Next::Change(Cause { since: touched.at, changed, is_start: false });
                        }
                    }
                }
                None => {
                    if self.tell_at.is_some_and(|at| at <= Instant::now()) {
                        self.tell_about_packs();
                    }
                    if until.is_some_and(|until| until <= Instant::now()) {
                        return Next::Quiet;
                    }
                }
            }
        }
    }

    /// The next message; `None` at the time `until`.
    fn receive(&mut self, until: Option<Instant>) -> Option<Message> {
        if !self.put_back.is_empty() {
            return Some(self.put_back.remove(0));
        }
        match until {
            None => self.messages.recv().ok(),
            Some(until) => self.messages.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
        }
    }

    /// Waits until no more files are written.
    fn settle(&mut self, first: Instant) {
        let (mut last, end) = (first, first + SETTLED);
        loop {
            let until = end.min(last + QUIET);
            match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Touched(touched)) => {
                    if self.watch.concerns(&touched) {
                        last = touched.at;
                    }
                }
                Ok(other) => self.put_back.push(other),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The files that changed. Reloads packs that changed.
    fn changed(&mut self) -> Vec<PathBuf> {
        let mut changed = self.watch.changed();
        if self.watch.packs_touched() {
            let packs = self.packs.refresh();
            if !packs.is_empty() {
                self.registry = self.packs.found().registry();
            }
            changed.extend(packs);
            self.tell_at = Some(Instant::now() + PATIENCE);
        }
        changed
    }

    /// Warns about packs that are not used, each time once.
    fn tell_about_packs(&mut self) {
        self.tell_at = None;
        let found = self.packs.found();
        let hidden = found.hidden.iter().map(ToString::to_string);
        let now: HashSet<String> = found.refused.iter().map(ToString::to_string).chain(hidden).collect();
        let mut new: Vec<&String> = now.difference(&self.told).collect();
        new.sort();
        for text in new {
            output::warning(text);
        }
        self.told = now;
    }

    /// Waits for the end of a run that was cancelled.
    pub(super) fn wait_for_end(&mut self) -> Option<Box<Done>> {
        let mut others = Vec::new();
        let done = loop {
            match self.receive(None) {
                Some(Message::Done(done)) => break Some(done),
                Some(Message::Touched(touched)) => {
                    // Remembers the change, which counts before the next run.
                    self.watch.concerns(&touched);
                }
                Some(other) => others.push(other),
                None => break None,
            }
        };
        self.put_back.extend(others);
        done
    }
}
