//! `splatgraph bench`.

mod machine;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph::graph::{self, Checked};
use splatgraph::run::{self, CancelToken, RunResult, Runner, Settings};
use splatgraph_sdk::{
    Value,
    settings::{DEVICE, PRECISION, WAIT},
};
use tempfile::TempDir;

use super::device::{DeviceOptions, say_unless};
use super::failure::{FAILED, Failure, INTERRUPTED, Outcome};
use super::given::{GivenOptions, create_out_dir};
use super::options::{PixelsOption, ThreadsOption};
use super::output::{self, columns, count};
use super::progress::duration;
use super::run::report::failure_code;
use super::run_packs::RunPacks;
use super::signals::Signals;
use super::source;
use machine::{Machine, peak_memory_bytes};

/// Measure how long a graph and each of its nodes take
///
/// The graph runs several times in one process. Models stay loaded, but every node runs each time. The graph writes its
/// files into a temporary folder, unless --out names another one. Send the result of --json with reports about speed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A .json graph, or a picture with a graph in it
    graph: PathBuf,
    #[command(flatten)]
    given: GivenOptions,
    #[command(flatten)]
    packs: RunPacks,
    /// How many runs to measure
    #[arg(long, value_name = "N", default_value = "5")]
    repeat: NonZeroUsize,
    /// How many runs to make before these; the first one loads models
    #[arg(long, value_name = "N", default_value = "1")]
    warm_up: usize,
    #[command(flatten)]
    threads: ThreadsOption,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    pixels: PixelsOption,
    /// Print JSON, and no progress
    #[arg(long)]
    json: bool,
}

/// The result of a measurement.
#[derive(Serialize)]
struct Measured {
    graph: String,
    /// The time of the very first run.
    first_ms: f64,
    whole: Times,
    nodes: Vec<Node>,
    peak_memory_bytes: Option<u64>,
    threads: usize,
    /// The device; `None` if the packs of the graph have no choice.
    device: Option<Json>,
    precision: Json,
    /// The outputs of the graph that are numbers.
    outputs: Map<String, Json>,
    /// These outputs in f32, if the measured runs were less precise.
    outputs_in_f32: Option<Map<String, Json>>,
    machine: Machine,
    splatgraph: &'static str,
    packs: Map<String, Json>,
}

#[derive(Serialize)]
struct Node {
    id: String,
    class: String,
    #[serde(flatten)]
    times: Times,
}

/// The times of the measured runs.
#[derive(Serialize)]
struct Times {
    median_ms: f64,
    min_ms: f64,
    all_ms: Vec<f64>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let file = source::read(&options.graph)?;
    let registry = options.packs.folders()?.load_for_graph(&file, &[])?;
    let mut given = options.given.given(Some((&file, &registry)))?;
    let folder = temporary_folder()?;
    given.out_dir.get_or_insert_with(|| folder.path().to_owned());
    let checked = graph::check_with_files(file, &registry, &given).map_err(|problems| Failure::problems(&problems))?;
    create_out_dir(&given)?;
    let mut settings = Settings::new();
    options.pixels.insert_into(&mut settings);
    options.device.for_runs().choose(&checked, &mut settings, say_unless(options.json))?;
    // Without this, a node on a graphics card ends when its work is queued, and the node that reads a result back takes the
    // time of all.
    settings.insert(WAIT.to_owned(), true.into());
    let cancel = CancelToken::new();
    let signals = Signals::cancel(&cancel, || output::note("cancelling; press Ctrl-C again to end at once"))
        .map_err(|error| Failure::usage(format!("Ctrl-C cannot be listened for: {error}")))?;
    let runs = measure(options, &checked, &settings, &cancel)?;
    let Some(runs) = runs else { return Err(Failure::new(signals.code().unwrap_or(INTERRUPTED), "")) };
    let mut measured = measured(options, &checked, &settings, &runs);
    if settings.remove(PRECISION).is_some() {
        let Some(exact) = one(&runner(options)?, &checked, &settings, &cancel)? else {
            return Err(Failure::new(signals.code().unwrap_or(INTERRUPTED), ""));
        };
        measured.outputs_in_f32 = Some(numbers(&exact.result));
    }
    if options.json { output::print_json(&measured) } else { print(&measured, options) }
}

/// One run with its time.
struct Run {
    ms: f64,
    result: RunResult,
}

/// All runs, with the warm-up runs first; `None` if they were cancelled.
fn measure(
    options: &Options,
    checked: &Checked,
    settings: &Settings,
    cancel: &CancelToken,
) -> Outcome<Option<Vec<Run>>> {
    let runner = runner(options)?;
    let mut runs = Vec::new();
    for number in 1..=options.warm_up + options.repeat.get() {
        let Some(run) = one(&runner, checked, settings, cancel)? else { return Ok(None) };
        if !options.json {
            let what = if number <= options.warm_up { "warm-up" } else { "run" };
            output::note(&format!("{what} {}", duration(run.ms)));
        }
        runs.push(run);
    }
    Ok(Some(runs))
}

fn runner(options: &Options) -> Outcome<Runner> {
    let threads = options.threads.get();
    // Keeps no results, so that every node runs each time.
    Runner::new(run::Options { threads, ..run::Options::default() })
        .map_err(|error| Failure::new(FAILED, format!("threads for the run cannot be started: {error}")))
}

/// Runs the graph once; `None` if it was cancelled.
fn one(runner: &Runner, checked: &Checked, settings: &Settings, cancel: &CancelToken) -> Outcome<Option<Run>> {
    let start = Instant::now();
    let result = runner.run(checked, settings, |_| {}, cancel);
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    if result.cancelled {
        return Ok(None);
    }
    if !result.failures.is_empty() {
        for failure in &result.failures {
            output::error(&failure.to_string());
        }
        return Err(Failure::new(failure_code(&result.failures), ""));
    }
    Ok(Some(Run { ms, result }))
}

/// The outputs of a graph that are numbers.
fn numbers(result: &RunResult) -> Map<String, Json> {
    let number = |value: &Value| value.as_float().map(Json::from);
    result.outputs.iter().filter_map(|(name, value)| Some((name.clone(), number(value)?))).collect()
}

fn measured(options: &Options, checked: &Checked, settings: &Settings, runs: &[Run]) -> Measured {
    let counted = &runs[options.warm_up..];
    let nodes = checked.nodes.iter().enumerate().filter(|(position, _)| {
        let ran = |run: &Run| run.result.nodes[*position].status == run::Status::Done;
        counted.iter().all(ran)
    });
    let nodes = nodes.map(|(position, node)| Node {
        id: node.id.to_string(),
        class: node.class.full_name.clone(),
        times: times(counted.iter().map(|run| run.result.nodes[position].ms)),
    });
    let manifests = checked.nodes.iter().map(|node| &node.class.pack.manifest);
    let machine = Machine::this();
    Measured {
        graph: options.graph.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        first_ms: runs[0].ms,
        whole: times(counted.iter().map(|run| run.ms)),
        nodes: nodes.collect(),
        peak_memory_bytes: peak_memory_bytes(),
        threads: options.threads.get().unwrap_or(machine.cores),
        device: settings.get(DEVICE).cloned(),
        precision: settings.get(PRECISION).cloned().unwrap_or_else(|| "f32".into()),
        outputs: counted.last().map(|run| numbers(&run.result)).unwrap_or_default(),
        outputs_in_f32: None,
        machine,
        splatgraph: env!("CARGO_PKG_VERSION"),
        packs: manifests.map(|manifest| (manifest.id.clone(), manifest.version.clone().into())).collect(),
    }
}

/// The times of at least one run.
fn times(all: impl Iterator<Item = f64>) -> Times {
    let all_ms: Vec<f64> = all.collect();
    let mut sorted = all_ms.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median_ms = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    Times { median_ms, min_ms: sorted[0], all_ms }
}

fn print(measured: &Measured, options: &Options) -> Outcome {
    let row = |name: &str, class: &str, times: &Times| {
        let ms = |ms: f64| format!("{ms:.1}");
        vec![name.to_owned(), class.to_owned(), ms(times.median_ms), ms(times.min_ms)]
    };
    let mut rows = vec![["", "", "median ms", "min ms"].map(str::to_owned).to_vec()];
    rows.extend(measured.nodes.iter().map(|node| row(&node.id, &node.class, &node.times)));
    rows.push(row("whole", "", &measured.whole));
    let table = columns(0, &rows);
    let Measured { machine, threads, .. } = measured;
    let megabytes = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), |bytes| format!("{} MB", bytes >> 20));
    let packs: Vec<String> =
        measured.packs.iter().map(|(id, version)| format!("{id} {}", version.as_str().unwrap_or_default())).collect();
    let facts = [
        ("runs", format!("{}, after {}", options.repeat, count(options.warm_up, "warm-up"))),
        ("first run", duration(measured.first_ms)),
        ("peak memory", megabytes(measured.peak_memory_bytes)),
        (
            "machine",
            format!(
                "{}, {}, {} used, {}, {}",
                machine.processor.as_deref().unwrap_or("unknown processor"),
                count(machine.cores, "core"),
                threads,
                megabytes(machine.memory_bytes),
                machine.system
            ),
        ),
        ("built", format!("splatgraph {}, {}", measured.splatgraph, packs.join(", "))),
    ];
    let mut facts = facts.map(|(name, value)| vec![name.to_owned(), value]).to_vec();
    facts.extend(measured.outputs.iter().map(|(name, value)| vec![name.clone(), output_text(measured, name, value)]));
    output::print(&(table + &columns(0, &facts)))
}

/// Shows a number and its difference to f32: `22.147, in f32 22.148: -0.001`.
fn output_text(measured: &Measured, name: &str, value: &Json) -> String {
    let exact = measured.outputs_in_f32.as_ref().and_then(|exact| exact.get(name)).and_then(Json::as_f64);
    match (value.as_f64(), exact) {
        (Some(value), Some(exact)) => format!("{value:.4}, in f32 {exact:.4}: {:+.4}", value - exact),
        (Some(value), None) => format!("{value:.4}"),
        (None, _) => value.to_string(),
    }
}

/// A temporary folder for the files of the graph. Removed when dropped.
fn temporary_folder() -> Outcome<TempDir> {
    tempfile::Builder::new().prefix("splatgraph-bench-").tempdir().map_err(|error| {
        let folder = output::shown(&std::env::temp_dir());
        let text = format!("a temporary folder for output cannot be created: {error}; name a folder with --out");
        Failure::new(FAILED, format!("{text}\n  {folder}"))
    })
}
