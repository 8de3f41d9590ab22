//! Shows the progress of a batch: a bar on a terminal, else a line every few seconds.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use splatgraph::batch::Update;
use splatgraph::run::Event;
use splatgraph_sdk::host::LogLevel;

use crate::cli::bars::{self, style};
use crate::cli::output::{self, error_line, one_line, warning_line};

/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(5);
/// The most messages of nodes that are shown.
const SAID: usize = 20;

/// Shows the updates of a batch.
pub(super) struct Progress {
    shows: Shows,
    warnings: bool,
    state: Mutex<State>,
}

enum Shows {
    Nothing,
    Lines,
    Bar(ProgressBar),
}

struct State {
    items: usize,
    over: usize,
    failed: usize,
    said: usize,
    start: Instant,
    last: Instant,
}

impl Progress {
    pub(super) fn new(quiet: bool, json: bool) -> Self {
        let shows = if quiet || json {
            Shows::Nothing
        } else if std::io::stderr().is_terminal() {
            let style = style("{bar:30} items {pos}/{len}{msg}  {per_sec}  {elapsed}, {eta} left");
            Shows::Bar(ProgressBar::new(0).with_style(style))
        } else {
            Shows::Lines
        };
        let now = Instant::now();
        let state = State { items: 0, over: 0, failed: 0, said: 0, start: now, last: now };
        Self { shows, warnings: !quiet, state: Mutex::new(state) }
    }

    /// Shows one update; called from any thread.
    pub(super) fn show(&self, update: &Update<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match update {
            Update::Begun { items, earlier, again, changed } => {
                state.items = *items;
                state.start = Instant::now();
                if let Shows::Bar(bar) = &self.shows {
                    bars::show().add(bar.clone());
                    bar.set_length(*items as u64);
                    bar.enable_steady_tick(bars::PAUSE);
                }
                if *earlier > 0 && !matches!(self.shows, Shows::Nothing) {
                    output::note(&format!("{} done before, {items} to run", output::count(*earlier, "item")));
                }
                let whys = [(*again, "files are gone"), (*changed, "the content of files to read changed")];
                for (items, why) in whys.into_iter().filter(|(items, _)| *items > 0) {
                    if !matches!(self.shows, Shows::Nothing) {
                        let verb = if items == 1 { "runs" } else { "run" };
                        output::note(&format!("{} {verb} again, because {why}", output::count(items, "item")));
                    }
                }
            }
            Update::Unready { items, of, first, problem } if self.warnings => {
                let first = one_line(first);
                let who = match (items, of) {
                    (_, Some(of)) => format!("{items} of the first {of} items will fail, first `{first}`"),
                    (1, None) => format!("item `{first}` will fail"),
                    (_, None) => format!("{} will fail, first `{first}`", output::count(*items, "item")),
                };
                output::note(&warning_line(&format!("{who}: {}", one_line(problem))));
            }
            Update::Ended { failed } => {
                state.over += 1;
                state.failed += usize::from(*failed);
                match &self.shows {
                    Shows::Bar(bar) => {
                        if *failed {
                            bar.set_message(format!(", {} failed", state.failed));
                        }
                        bar.inc(1);
                    }
                    Shows::Lines if state.last.elapsed() >= PAUSE => {
                        state.last = Instant::now();
                        output::note(&state.line());
                    }
                    Shows::Lines | Shows::Nothing => {}
                }
            }
            Update::Event { item, event: Event::Log { node, level, text } } => {
                self.said(&mut state, *item, node, *level, text);
            }
            _ => {}
        }
    }

    fn said(&self, state: &mut State, item: Option<&str>, node: &str, level: LogLevel, text: &str) {
        let item = item.map(|item| format!("item `{}`, ", one_line(item))).unwrap_or_default();
        let text = format!("{item}node `{}`: {}", one_line(node), one_line(text.trim_end()));
        let line = match level {
            LogLevel::Warn if self.warnings => warning_line(&text),
            LogLevel::Error => error_line(&text),
            _ => return,
        };
        state.said += 1;
        match state.said {
            1..=SAID => output::note(&line),
            n if n == SAID + 1 => output::note("further messages of nodes are not shown"),
            _ => {}
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Shows::Bar(bar) = &self.shows {
            bar.finish_and_clear();
            bars::hide();
        }
    }
}

impl State {
    fn line(&self) -> String {
        let rate = self.over as f64 / self.start.elapsed().as_secs_f64().max(1e-3);
        let left = self.items.saturating_sub(self.over) as f64 / rate.max(1e-9);
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        format!("{}/{}{failed}, {rate:.1} a second, {left:.0} s left", self.over, output::count(self.items, "item"))
    }
}
