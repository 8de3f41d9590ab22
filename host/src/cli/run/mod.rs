//! `splatgraph run`.

mod debug;
mod help;
pub(crate) mod report;
mod swap;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use splatgraph::durable;
use splatgraph::graph::{self, Checked};
use splatgraph::run::{CancelToken, Runner, Settings};

use splatgraph_sdk::settings::DURABLE;

use super::device::{DeviceOptions, say_unless};
use super::failure::{FAILED, Failure, INTERRUPTED, Outcome};
use super::given::{GivenOptions, create_out_dir};
use super::locked::LockedOption;
use super::options::{MetadataOption, PixelsOption, ResultOptions, StoreOptions, ThreadsOption};
use super::previews::ShownPreviews;
use super::progress::Progress;
use super::run_packs::RunPacks;
use super::signals::Signals;
use super::{help_of, output, source};

/// Run a graph
///
/// At the end, prints the named results and the names of written files. Ctrl-C stops each node within one step and leaves no
/// half-written file. A second Ctrl-C ends the program at once.
#[derive(clap::Args)]
#[command(
    disable_help_flag = true,
    override_usage = "splatgraph run [OPTIONS] <GRAPH> [NAME=VALUE]...",
    after_help = "Exit codes: 0 done; 1 a node failed or the result cannot be written; 2 the command line or the graph \
                  is wrong, or a file that it names is missing; 3 a pack or a model is missing; 129, 130 or 143 cancelled; 141 the reader \
                  of the result went away."
)]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input
    #[arg(required_unless_present = "help")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    given: GivenOptions,
    #[command(flatten)]
    locked: LockedOption,
    #[command(flatten)]
    swap: swap::SwapOptions,
    #[command(flatten)]
    packs: RunPacks,
    #[command(flatten)]
    threads: ThreadsOption,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    pixels: PixelsOption,
    #[command(flatten)]
    shown: ResultOptions,
    /// Run only this node and the nodes that it needs, and print its outputs; may be given several times. The id of a graph
    /// in the graph stands for all of its nodes
    #[arg(long, value_name = "NODE")]
    until: Vec<String>,
    #[command(flatten)]
    store: StoreOptions,
    /// Write every output of every node into this folder as a record, and pictures also as PNG. The file run.json describes
    /// all outputs, and names the nodes that made NaN. Files of an earlier debug run are replaced. Every node runs, as without
    /// a store
    #[arg(long, value_name = "DIR")]
    debug: Option<PathBuf>,
    /// Write previews of running nodes into this folder: the newest picture of each as NODE.png. Without this option nodes
    /// make no previews
    #[arg(long, value_name = "DIR")]
    previews: Option<PathBuf>,
    /// Print for each node why it ran or did not run
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    metadata: MetadataOption,
    /// Wait until written files are on the disk, so that a power failure can't take them
    #[arg(long)]
    durable: bool,
    /// Print the inputs and outputs of the graph, or without a graph this help
    #[arg(short, long)]
    help: bool,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let Some(path) = &options.graph else {
        return output::print_as_is(&help_of("run"));
    };
    if options.help {
        let registry = options.packs.folders()?.load()?;
        return output::print(&help::of_graph(path, &source::read(path)?.adapted(&registry), &registry));
    }
    let file = source::as_written(path)?;
    let locked = options.locked.read(&file.origin)?;
    let registry = options.packs.folders()?.load_for_graph(&file, &options.swap.classes())?;
    let mut given = options.given.given(Some((&file, &registry)))?;
    given.until.clone_from(&options.until);
    let swapped = options.swap.apply(file, &registry, options.shown.quiet())?;
    let file = graph::expand(swapped.clone());
    let checked = graph::check_with_files(file, &registry, &given);
    let checked = checked.map_err(|problems| {
        Failure::problems(&locked.with_differences(problems, &graph::expand(swapped.clone()), &registry))
    })?;
    let checked = checked.until_named(&options.until);
    let checked = checked.map_err(|(id, problem)| Failure::usage(format!("`--until {id}`: {problem}")))?;
    if !options.shown.quiet() {
        for warning in &checked.warnings {
            output::about_graph(warning);
        }
    }
    let mut settings = Settings::new();
    options.pixels.insert_into(&mut settings);
    options.device.for_runs().choose(
        &checked,
        &mut settings,
        say_unless(options.shown.quiet() || options.shown.json),
    )?;
    locked.check(&checked, &settings)?;
    options.swap.save(swapped, &given, &registry)?;
    create_out_dir(&given)?;
    options.metadata.add_to(&mut settings, &checked, &registry)?;
    if options.durable {
        settings.insert(DURABLE.to_owned(), true.into());
    }
    let previews = ShownPreviews::new(options.previews.as_deref(), &checked, &mut settings)?;
    execute(options, &checked, &settings, previews, &given.cwd)
}

fn execute(options: &Options, checked: &Checked, settings: &Settings, previews: ShownPreviews, cwd: &Path) -> Outcome {
    let classes = checked.nodes.iter().map(|node| (node.id.to_string(), node.class.full_name.clone())).collect();
    let progress = Arc::new(Progress::new(options.shown.quiet(), options.shown.json, classes));
    let cancel = CancelToken::new();
    let signals = Signals::cancel(&cancel, || output::note("cancelling; press Ctrl-C again to end at once"))
        .map_err(|error| Failure::usage(format!("Ctrl-C cannot be listened for: {error}")))?;
    // Keeps no results in memory, as there is only this run.
    let (threads, cache_bytes) = (options.threads.get(), 0);
    let store = if options.debug.is_some() { None } else { options.store.open()? };
    let runner = Runner::new(splatgraph::run::Options { threads, cache_bytes, store })
        .map_err(|error| Failure::new(FAILED, format!("threads for the run cannot be started: {error}")))?;
    let recorder = options.debug.as_deref().map(|folder| debug::recorder(folder, checked)).transpose()?;
    let (shown, recording) = (Arc::clone(&progress), recorder.clone());
    let on_event = move |event| {
        shown.show(&event);
        previews.show(&event);
        if let Some(recorder) = &recording {
            recorder.record(&event);
        }
    };
    let start = Instant::now();
    let result = runner.run(checked, settings, on_event, &cancel);
    progress.finish();
    let recorded = recorder.map_or(0, |recorder| debug::finish(&recorder, &result, settings, options));
    let synced = match options.durable {
        true => durable::sync(result.written.iter().map(|(_, path)| path.as_path())),
        false => Ok(()),
    };
    let code = if result.cancelled {
        signals.code().unwrap_or(INTERRUPTED)
    } else {
        report::failure_code(&result.failures).max(recorded)
    };
    let report = report::Report { result: &result, checked, cwd, elapsed: start.elapsed(), unchanged: true };
    let printed = if options.shown.json {
        output::print_json(&report.as_json())
    } else {
        report.print(options.shown.quiet(), options.explain)
    };
    synced.map_err(|error| Failure::new(FAILED, error))?;
    Failure::after(printed, code)
}
