//! Shows the progress of a run: bars on a terminal, else lines.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar};
use splatgraph::run::{Event, NodeFailure};
use splatgraph_sdk::host::LogLevel;

use crate::cli::bars::{self, PAUSE, style};
use crate::cli::output::{self, one_line};

/// In graphs with more nodes than this, lines show only nodes that took a while.
const MANY_NODES: usize = 100;
/// "A while" in milliseconds.
const A_WHILE_MS: f64 = 100.0;

/// Shows the events of a run.
pub(crate) enum Progress {
    /// Shows only warnings and errors of nodes, or with `--quiet` only errors.
    Silent { warnings: bool },
    /// Shows a line when a node starts, and when it ends.
    Lines { classes: HashMap<String, String> },
    /// Shows a bar for the whole run, and a bar for each running node.
    Bars(Bars),
}

impl Progress {
    /// `classes` are the classes of all nodes, by their ids.
    pub(crate) fn new(quiet: bool, json: bool, classes: HashMap<String, String>) -> Self {
        if quiet || json {
            Self::Silent { warnings: !quiet }
        } else if std::io::stderr().is_terminal() {
            Self::Bars(Bars::new(classes))
        } else {
            Self::Lines { classes }
        }
    }

    /// Shows one event; called from any thread.
    pub(crate) fn show(&self, event: &Event) {
        if let Event::Log { node, level, text } = event {
            self.log(node, *level, text);
            return;
        }
        match self {
            Self::Silent { .. } => {}
            Self::Lines { classes } => lines(classes, event),
            Self::Bars(bars) => bars.show(event),
        }
    }

    /// Removes the bars.
    pub(crate) fn finish(&self) {
        if let Self::Bars(_) = self {
            bars::hide();
        }
    }

    fn log(&self, node: &str, level: LogLevel, text: &str) {
        let text = format!("node `{}`: {}", one_line(node), one_line(text.trim_end()));
        match (level, self) {
            (LogLevel::Debug, _) | (LogLevel::Info | LogLevel::Warn, Self::Silent { warnings: false }) => {}
            (LogLevel::Info, Self::Silent { .. }) => {}
            (LogLevel::Info, _) => output::note(&text),
            (LogLevel::Warn, _) => output::warning(&text),
            (LogLevel::Error, _) => output::error(&text),
        }
    }
}

fn lines(classes: &HashMap<String, String>, event: &Event) {
    let few = classes.len() <= MANY_NODES;
    let class = |node: &str| classes.get(node).map_or("", String::as_str).to_owned();
    match event {
        Event::Started { node } if few => output::note(&format!("{} ({}) ...", one_line(node), class(node))),
        Event::Finished { node, cached: true, .. } if few => output::note(&format!("{} unchanged", one_line(node))),
        Event::Finished { node, ms, cached: false, .. } if few || *ms >= A_WHILE_MS => {
            output::note(&format!("{} done in {}", one_line(node), duration(*ms)));
        }
        Event::Failed(NodeFailure { node, .. }) => output::note(&format!("{} failed", one_line(node))),
        _ => {}
    }
}

/// A time in milliseconds as text: `12 ms`, `3.4 s`.
pub(crate) fn duration(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
}

/// The bars of running nodes, by their ids.
type Running = Mutex<HashMap<String, ProgressBar>>;

/// The bars of a run.
pub(crate) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    running: Arc<Running>,
    classes: HashMap<String, String>,
}

impl Bars {
    fn new(classes: HashMap<String, String>) -> Self {
        let all = bars::show();
        let style = style("{bar:30} nodes {pos}/{len}  {elapsed}");
        let overall = all.add(ProgressBar::new(classes.len() as u64).with_style(style));
        let running = Arc::default();
        keep_moving(&overall, &running);
        Self { all, overall, running, classes }
    }

    fn show(&self, event: &Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { node } => {
                let class = self.classes.get(&**node).map_or("", String::as_str);
                let style = style("{spinner} {prefix}  {elapsed}");
                let bar = ProgressBar::no_length().with_style(style);
                let bar = bar.with_prefix(format!("{} ({class})", one_line(node)));
                let bar = self.all.insert_before(&self.overall, bar);
                bar.tick();
                running.insert(node.to_string(), bar);
            }
            Event::Progress { node, done, total, note } => {
                if let Some(bar) = running.get(&**node) {
                    if bar.length() != Some(*total) && *total > 0 {
                        bar.set_length(*total);
                        bar.set_style(style("{bar:30} {pos}/{len} {prefix}  {elapsed}  {msg}"));
                    }
                    bar.set_position(*done);
                    bar.set_message(one_line(note).into_owned());
                }
            }
            Event::Finished { node, .. } | Event::Failed(NodeFailure { node, .. }) | Event::Skipped { node, .. } => {
                if let Some(bar) = running.remove(&**node) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                self.overall.inc(1);
            }
            _ => {}
        }
    }
}

/// Moves spinners and clocks in a thread of their own, as long as there is somebody who adds to `running`.
fn keep_moving(overall: &ProgressBar, running: &Arc<Running>) {
    let (overall, running) = (overall.clone(), Arc::downgrade(running));
    let moving = move || {
        while let Some(running) = running.upgrade() {
            overall.tick();
            running.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(ProgressBar::tick);
            drop(running);
            std::thread::sleep(PAUSE);
        }
    };
    // Without the thread, bars move when nodes report something.
    let _ = std::thread::Builder::new().name("bars".into()).spawn(moving);
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_short() {
        assert_eq!([0.4, 12.0, 3420.0].map(duration), ["0 ms", "12 ms", "3.4 s"]);
    }
}
