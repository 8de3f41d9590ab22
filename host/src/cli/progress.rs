//! Shows the progress of a run: bars on a terminal, else lines.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use splatgraph::run::{Event, NodeFailure};
use splatgraph_sdk::host::LogLevel;

use crate::cli::output;

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

    /// Prints a line on stderr without tearing the bars.
    pub(crate) fn print(&self, line: &str) {
        match self {
            Self::Bars(bars) => bars.print(line),
            Self::Silent { .. } | Self::Lines { .. } => output::note(line),
        }
    }

    /// Removes the bars.
    pub(crate) fn finish(&self) {
        if let Self::Bars(bars) = self {
            // An error is ignored: the terminal may be gone, and the result of the run does not depend on it.
            let _ = bars.all.clear();
        }
    }

    fn log(&self, node: &str, level: LogLevel, text: &str) {
        let text = format!("node `{node}`: {text}");
        match (level, self) {
            (LogLevel::Debug, _) | (LogLevel::Info | LogLevel::Warn, Self::Silent { warnings: false }) => {}
            (LogLevel::Info, Self::Silent { .. }) => {}
            (LogLevel::Info, _) => self.print(&text),
            (LogLevel::Warn, _) => self.print(&output::warning_line(&text)),
            (LogLevel::Error, _) => self.print(&output::error_line(&text)),
        }
    }
}

fn lines(classes: &HashMap<String, String>, event: &Event) {
    let few = classes.len() <= MANY_NODES;
    let class = |node: &str| classes.get(node).map_or("", String::as_str).to_owned();
    match event {
        Event::Started { node } if few => output::note(&format!("{node} ({}) ...", class(node))),
        Event::Finished { node, cached: true, .. } if few => output::note(&format!("{node} unchanged")),
        Event::Finished { node, ms, cached: false, .. } if few || *ms >= A_WHILE_MS => {
            output::note(&format!("{node} done in {}", duration(*ms)));
        }
        Event::Failed(NodeFailure { node, .. }) => output::note(&format!("{node} failed")),
        _ => {}
    }
}

/// A time in milliseconds as text: `12 ms`, `3.4 s`.
pub(crate) fn duration(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
}

/// The bars of a run.
pub(crate) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    running: Mutex<HashMap<String, ProgressBar>>,
    classes: HashMap<String, String>,
}

impl Bars {
    fn new(classes: HashMap<String, String>) -> Self {
        let all = MultiProgress::new();
        let overall = all.add(ProgressBar::new(classes.len() as u64));
        overall.set_style(style("{bar:30} nodes {pos}/{len}  {elapsed}"));
        overall.enable_steady_tick(Duration::from_millis(200));
        Self { all, overall, running: Mutex::default(), classes }
    }

    fn show(&self, event: &Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { node } => {
                let bar = ProgressBar::new_spinner();
                bar.set_style(style("{spinner} {prefix}  {elapsed}"));
                let class = self.classes.get(&**node).map_or("", String::as_str);
                bar.set_prefix(format!("{node} ({class})"));
                running.insert(node.to_string(), self.all.insert_before(&self.overall, bar));
            }
            Event::Progress { node, done, total, note } => {
                if let Some(bar) = running.get(&**node) {
                    if bar.length() != Some(*total) && *total > 0 {
                        bar.set_length(*total);
                        bar.set_style(style("{bar:30} {pos}/{len} {prefix}  {elapsed}  {msg}"));
                    }
                    bar.set_position(*done);
                    bar.set_message(note.clone());
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

    fn print(&self, line: &str) {
        self.all.suspend(|| output::note(line));
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are in this file, so the fallback is only for a mistake in one of them.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_short() {
        assert_eq!([0.4, 12.0, 3420.0].map(duration), ["0 ms", "12 ms", "3.4 s"]);
    }
}
