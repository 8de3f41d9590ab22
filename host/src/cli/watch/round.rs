//! A round of a watch: reads, checks and runs the graph.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use splatgraph::graph::{self, Checked, Given, Problems};
use splatgraph::run::{CancelToken, Runner, Settings};
use splatgraph::watch::{BusyTime, Watched};

use super::changes::{Cause, Changes, Done, Message};
use super::options::Options;
use crate::cli::device::{RunDevice, say_unless};
use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::given::create_out_dir;
use crate::cli::graphs::located;
use crate::cli::previews::ShownPreviews;
use crate::cli::progress::Progress;
use crate::cli::{output, source};

/// Everything that stays from round to round.
pub(super) struct Rounds<'a> {
    pub(super) options: &'a Options,
    pub(super) given: Given,
    runner: Arc<Runner>,
    device: RunDevice<'a>,
    watched: Watched,
    /// The last printed warnings about the graph.
    warned: Vec<String>,
    /// Whether the line about ending the watch was printed.
    pub(super) introduced: bool,
}

/// A graph that is ready to run.
pub(super) struct Ready {
    checked: Checked,
    settings: Settings,
    previews: ShownPreviews,
}

/// The reason why the graph can't run.
pub(super) enum Wrong {
    Problems(Problems),
    Failure(Failure),
}

/// A run in progress.
pub(super) struct Run {
    pub(super) checked: Checked,
    pub(super) cancel: CancelToken,
    pub(super) progress: Arc<Progress>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(options: &'a Options, given: Given, runner: Arc<Runner>) -> Self {
        let (watched, warned) = (Watched::default(), Vec::new());
        Self { options, given, runner, device: options.device.for_runs(), watched, warned, introduced: false }
    }

    /// Reads and checks the graph, and watches the files that it depends on.
    pub(super) fn prepare(&mut self, changes: &mut Changes) -> Outcome<Result<Ready, Wrong>> {
        let mut watched = Watched::new(&located(&self.options.graph), &self.given, changes.packs());
        let ready = self.read(changes, &mut watched);
        match &ready {
            Ok(_) => {}
            Err(Wrong::Problems(problems)) => watched = watched.with_problems(problems, &self.watched, &self.given),
            // Then only the graph file itself has to change.
            Err(Wrong::Failure(_)) => {}
        }
        self.watched = watched.clone();
        changes.watch.set(watched).map_err(|error| Failure::new(FAILED, error))?;
        Ok(ready)
    }

    fn read(&self, changes: &Changes, watched: &mut Watched) -> Result<Ready, Wrong> {
        let file = source::parse(&self.options.graph).map_err(Wrong::Failure)?.map_err(Wrong::Problems)?;
        *watched = std::mem::take(watched).with_file(&file, &self.given);
        let checked = graph::check(file, changes.registry(), &self.given).map_err(Wrong::Problems)?;
        // When a missing file appears, the graph can run.
        *watched = std::mem::take(watched).with_nodes(&checked);
        checked.check_files().map_err(Wrong::Problems)?;
        create_out_dir(&self.given).map_err(Wrong::Failure)?;
        let mut settings = Settings::new();
        self.options.pixels.insert_into(&mut settings);
        let quiet = self.options.quiet() || self.options.json;
        self.device.choose(&checked, &mut settings, say_unless(quiet)).map_err(Wrong::Failure)?;
        self.options.metadata.add_to(&mut settings, &checked, changes.registry()).map_err(Wrong::Failure)?;
        let folder = self.options.previews.as_deref();
        let previews = ShownPreviews::new(folder, &checked, &mut settings).map_err(Wrong::Failure)?;
        Ok(Ready { checked, settings, previews })
    }

    /// Starts a run in another thread.
    pub(super) fn start(&mut self, ready: Ready, cause: &Cause, changes: &Changes) -> Outcome<Run> {
        let Ready { checked, settings, previews } = ready;
        let (quiet, json) = (self.options.quiet(), self.options.json);
        if !quiet && !json {
            self.say_cause(cause);
        }
        self.warn(&checked);
        let classes = checked.nodes.iter().map(|node| (node.id.to_string(), node.class.full_name.clone())).collect();
        // Without a terminal, the lines at the end of a round are enough.
        let no_bars = json || !std::io::IsTerminal::is_terminal(&std::io::stderr());
        let progress = Arc::new(Progress::new(quiet, no_bars, classes));
        let run = Run { checked, cancel: CancelToken::new(), progress };
        self.runner.keep_only_nodes_of(&run.checked);
        // The next round replaces the files of this one, also if the graph comes from elsewhere.
        for file in run.checked.nodes.iter().flat_map(|node| &node.writes) {
            if !self.given.replaces.contains(&file.path) {
                self.given.replaces.push(file.path.clone());
            }
        }
        let (runner, sender) = (self.runner.clone(), changes.sender());
        let (checked, cancel, progress) = (run.checked.clone(), run.cancel.clone(), run.progress.clone());
        let spawned = std::thread::Builder::new().name("run".into()).spawn(move || {
            let busy = Arc::new(BusyTime::default());
            let clock = busy.clone();
            let show = move |event| {
                clock.note(&event);
                progress.show(&event);
                previews.show(&event);
            };
            let result = runner.run(&checked, &settings, show, &cancel);
            let done = Done { result, at: Instant::now(), busy: busy.total() };
            // An error is ignored, as the command may have ended.
            let _ = sender.send(Message::Done(Box::new(done)));
        });
        spawned.map_err(|error| Failure::new(FAILED, format!("a thread for the run cannot be started: {error}")))?;
        Ok(run)
    }

    /// Prints the warnings of the check, unless the last round had the same ones.
    fn warn(&mut self, checked: &Checked) {
        let warnings: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
        if !self.options.quiet() && warnings != self.warned {
            checked.warnings.iter().for_each(output::about_graph);
        }
        self.warned = warnings;
    }

    /// Prints the cause: `graph.json changed`.
    pub(super) fn say_cause(&self, cause: &Cause) {
        if !cause.changed.is_empty() {
            output::note(&format!("{} changed", self.names(&cause.changed).join(", ")));
        }
    }

    /// Paths relative to the current directory, if they lie inside.
    pub(super) fn names(&self, paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| output::relative(path, &self.given.cwd)).collect()
    }

    /// The number of files that are watched besides the graph.
    pub(super) fn others(&self) -> usize {
        self.watched.files.len().saturating_sub(1) + self.watched.trees.len()
    }
}
