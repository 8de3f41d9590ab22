//! `splatgraph batch`.

mod progress;
mod report;
mod trial;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph::batch::{Batch, Collect, Error, ErrorKind, Options as BatchOptions, Part};
use splatgraph::graph::{self, Checked};
use splatgraph::registry::Registry;
use splatgraph::run::{CancelToken, Settings};
use splatgraph_sdk::settings::DURABLE;

use super::device::{DeviceOptions, say_unless};
use super::failure::{FAILED, Failure, INTERRUPTED, MISSING, Outcome};
use super::given::pairs;
use super::locked::{Locked, LockedOption};
use super::options::{MetadataOption, PixelsOption, ResultOptions, StoreOptions};
use super::output::{self, error_line};
use super::run_packs::RunPacks;
use super::signals::Signals;
use super::source;
use progress::Progress;

/// Run a graph over many files and values
///
/// Values of an input may be files that match a pattern (image='photos/**/*.jpg'), a list (tokens=64,128), a range of whole
/// numbers (seed=0..9, or with a step seed=0..36:4) or a column of a CSV file (image=@rows.csv). With @rows.csv alone, every column is an input. All
/// combinations run, and the last input varies fastest.
///
/// A .tar shard stands for the pictures in it (image='shards/*.tar'). An input may take the label of each file: the name of its
/// folder (class=@image:folder), the number of this folder (@image:class), a file beside it (@image:.cls) or its line in a list
/// (@image:labels.txt).
///
/// The folder for output has a journal. With it the same command continues where it stopped, for whatever reason, and does
/// not run items again that are done. With --store, an item that is done runs again if a file that it reads has other content.
#[derive(clap::Args)]
#[command(
    override_usage = "splatgraph batch [OPTIONS] <GRAPH> [NAME=VALUES | @ROWS.CSV]...",
    after_help = "Exit codes: 0 done; 1 an item failed, or a folder or the result cannot be written; 2 the command line, the graph or the journal is \
                  wrong; 3 a pack or a model is missing; 129, 130 or 143 cancelled; 141 the reader of the \
                  result went away."
)]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input
    graph: PathBuf,
    /// Values of the graph's named inputs; `splatgraph run GRAPH --help` lists them
    #[arg(value_name = "NAME=VALUES | @ROWS.CSV")]
    values: Vec<String>,
    /// Set any input of a node, for all items; may be given several times
    #[arg(long = "set", value_name = "NODE.INPUT=VALUE")]
    sets: Vec<String>,
    /// Write files, the journal and tables into this folder [default: the name of the graph with -batch]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many items run at the same time [default: one per core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run part I of N, which is every Nth item; parts may run at the same time in one folder
    #[arg(long, value_name = "I/N", value_parser = Part::parse)]
    part: Option<Part>,
    /// Stack this output of many items into one file, and leave out the nodes that write files
    #[arg(long, value_name = "OUTPUT")]
    collect: Option<String>,
    /// How many items each file of --collect has
    #[arg(long, value_name = "N", default_value = "1000", requires = "collect")]
    shard: NonZeroUsize,
    /// Write the outputs that are numbers or texts into this CSV file in the folder, with means and standard deviations
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Leave out the nodes that write files, and write only the table
    #[arg(long, requires = "table", conflicts_with = "collect")]
    no_files: bool,
    /// Replace files that exist, although the graph comes from a picture, from standard input or from another program
    #[arg(long)]
    overwrite: bool,
    /// Wait until files and the journal are on the disk before an item counts as done; without this option a power failure can
    /// take the last items
    #[arg(long)]
    durable: bool,
    /// Run again the items that failed before
    #[arg(long)]
    retry_failed: bool,
    #[command(flatten)]
    locked: LockedOption,
    #[command(flatten)]
    packs: RunPacks,
    /// Search for models in this folder too; may be given several times
    #[arg(long = "models", value_name = "DIR")]
    models: Vec<PathBuf>,
    /// How many threads all nodes may use together [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    pixels: PixelsOption,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    shown: ResultOptions,
    #[command(flatten)]
    metadata: MetadataOption,
    /// Run only this item, as a trial whether the process survives it. A batch does so itself
    #[arg(long, value_name = "ID", hide = true)]
    try_item: Option<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let file = source::read(&options.graph)?;
    let locked = options.locked.read(&file.origin)?;
    let registry = options.packs.folders()?.load_for_graph(&file, &[])?;
    let batch = Batch::new(file, &registry, options.of_batch()?).map_err(failure)?;
    if !options.shown.quiet() {
        for warning in &batch.warnings {
            output::about_graph(warning);
        }
        if !batch.left_out.is_empty() {
            let nodes: Vec<String> = batch.left_out.iter().map(|(id, class)| format!("{id} ({class})")).collect();
            let option = if options.no_files { "--no-files" } else { "--collect" };
            output::note(&format!("not run because of {option}: {}", output::one_line(&nodes.join(", "))));
        }
    }
    // The items differ only in values of the command line, which the lock does not have.
    let mut settings = Settings::new();
    if locked.is_there() {
        options.device.for_runs().choose(batch.first(), &mut settings, |_| {})?;
    }
    locked.check(batch.first(), &settings)?;
    execute(options, &batch, &registry, &locked)
}

impl Options {
    fn of_batch(&self) -> Outcome<BatchOptions> {
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::usage(format!("the current directory cannot be read: {error}")))?;
        let folder = self.out.clone().unwrap_or_else(|| default_folder(&self.graph));
        let folder = std::path::absolute(&folder).map_err(|error| {
            Failure::usage(format!("--out: expected the path of a folder: {error}\n  {}", output::shown(&folder)))
        })?;
        let collect = self.collect.clone().map(|output| Collect { output, shard: self.shard });
        Ok(BatchOptions {
            values: self.values.clone(),
            sets: pairs(&self.sets, "--set NODE.INPUT=VALUE")?,
            cwd,
            folder,
            model_dirs: graph::model_folders(&self.models),
            part: self.part,
            collect,
            no_files: self.no_files,
            table: self.table.clone(),
            overwrite: self.overwrite,
            durable: self.durable,
            retry_failed: self.retry_failed,
            jobs: self.jobs,
            threads: self.threads,
            store: self.store.open()?,
        })
    }
}

/// A folder in the current directory, with the name of the graph.
fn default_folder(graph: &Path) -> PathBuf {
    let stem = graph.file_stem().filter(|_| graph != Path::new("-"));
    format!("{}-batch", stem.map_or("graph".into(), |stem| stem.to_string_lossy())).into()
}

fn execute(options: &Options, batch: &Batch, registry: &Registry, locked: &Locked) -> Outcome {
    let progress = Arc::new(Progress::new(options.shown.quiet(), options.shown.json));
    let cancel = CancelToken::new();
    let signals = Signals::cancel(&cancel, || output::note("cancelling; press Ctrl-C again to end at once"))
        .map_err(|error| Failure::usage(format!("Ctrl-C cannot be listened for: {error}")))?;
    let device = options.device.for_runs();
    let settings = |checked: &Checked| {
        let mut settings = Settings::new();
        if options.durable {
            settings.insert(DURABLE.to_owned(), true.into());
        }
        options.pixels.insert_into(&mut settings);
        let chosen = device.choose(checked, &mut settings, say_unless(options.shown.quiet() || options.shown.json));
        // A value of the item may be a model.
        let fits = chosen.and_then(|()| locked.check(checked, &settings));
        let added = fits.and_then(|()| options.metadata.add_to(&mut settings, checked, registry));
        added.map(|()| settings).map_err(|failure| failure.message)
    };
    let shown = Arc::clone(&progress);
    if let Some(id) = &options.try_item {
        trial::end_with_parent();
        batch.try_item(id, &settings, &cancel);
        return output::print(trial::SURVIVED);
    }
    let is_stdin = options.graph == Path::new("-");
    // The other process can't read the graph again from standard input.
    let survives = |id: &str| is_stdin || trial::survives(id);
    let summary = batch.run(&settings, &survives, move |update| shown.show(&update), &cancel);
    progress.finish();
    let summary = summary.map_err(failure)?;
    let printed = if options.shown.json {
        output::print_json(&summary.to_json())
    } else {
        report::print(&summary, options.shown.quiet())
    };
    let code = match () {
        () if summary.cancelled => signals.code().unwrap_or(INTERRUPTED),
        () if !summary.failed.is_empty() => FAILED,
        () => 0,
    };
    Failure::after(printed, code)
}

/// A failure with one error for each message.
fn failure(error: Error) -> Failure {
    let lines = error.messages.iter().enumerate();
    // The first message gets its "error:" when the failure is printed.
    let lines: Vec<String> = lines.map(|(i, line)| if i == 0 { line.clone() } else { error_line(line) }).collect();
    let text = lines.join("\n");
    match error.kind {
        ErrorKind::Usage => Failure::usage(text),
        ErrorKind::Replaces => Failure::usage(format!("{text}\n  --overwrite replaces it, --out names another folder")),
        ErrorKind::Folder => Failure::usage(format!("{text}\n  --out names another folder")),
        ErrorKind::Failed => Failure::new(FAILED, text),
        ErrorKind::Missing => Failure::new(MISSING, text),
    }
}
