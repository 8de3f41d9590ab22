//! `splatgraph bundle`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use splatgraph::bundle::{self, Bundle, BundleError};
use splatgraph::graph;
use splatgraph::run::Settings;

use super::device::{DeviceOptions, say_unless};
use super::failure::{FAILED, Failure, Outcome};
use super::given::{GivenOptions, ValueOptions};
use super::output::{self, count, one_line};
use super::pack_folders::PackFolders;
use super::source;

/// Make one zip file of a graph with all that it reads, which `splatgraph run` runs on another machine
///
/// The bundle has the graph with the given values, the graphs in it, the files that it reads and its lock. Their paths in the graph lead
/// to the files in the bundle. Packs are not in it. `run` checks a bundle against its lock before it unpacks anything, and `run --locked`
/// also compares packs, device and processor.
#[derive(clap::Args)]
#[command(
    override_usage = "splatgraph bundle [OPTIONS] <GRAPH> [NAME=VALUE]...",
    after_help = "Exit codes: 0 done; 1 a file cannot be read or written; 2 the command line or the graph is wrong; 3 a pack or a model is missing."
)]
pub(crate) struct Options {
    /// A .json graph, or a picture with a graph in it
    graph: PathBuf,
    #[command(flatten)]
    inputs: ValueOptions,
    /// Take the models into the bundle too. Without this option, the other machine needs them in a folder of models
    #[arg(long)]
    models: bool,
    /// Write the bundle into this file [default: graph.zip beside graph.json]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    packs: PackFolders,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let file = source::as_written(&options.graph)?;
    let no_file =
        || Failure::usage("expected a file, got standard input; save the graph first, or name a file with --out");
    let beside = || file.origin.path().map(|path| path.with_extension("zip"));
    let path = options.out.clone().or_else(beside).ok_or_else(no_file)?;
    refuse_other_file(&path)?;
    let registry = options.packs.load_for_graph(&file, &[])?;
    let given = GivenOptions::of(&options.inputs, &[]);
    let given = given.given(Some((&file, &registry)))?;
    let check = |file: &graph::File, given: &graph::Given| {
        let checked = graph::check_with_files(graph::expand(file.clone()), &registry, given);
        checked.map_err(|problems| Failure::problems(&problems))
    };
    check(&file, &given)?.warnings.iter().for_each(output::about_graph);
    let file = file.with_given(&given, &registry);
    let checked = check(&file, &graph::Given { inputs: Vec::new(), sets: Vec::new(), ..given })?;
    let mut settings = Settings::new();
    options.device.for_runs().choose(&checked, &mut settings, say_unless(true))?;
    let bundle = Bundle::of(&file, &checked, &settings, &registry, options.models).map_err(failure)?;
    bundle.write(&path).map_err(failure)?;
    if !bundle.left_out.is_empty() {
        let models = one_line(&bundle.left_out.join(", ")).into_owned();
        output::note(&format!("not in the bundle: {models}; --models takes models into it"));
    }
    let size = path.metadata().map_or(0, |about| about.len());
    output::print(&format!(
        "Bundled {} in {size} bytes\n  {}",
        count(1 + bundle.files().count(), "file"),
        output::shown(&path)
    ))
}

/// Refuses to replace a file that is no zip archive.
fn refuse_other_file(path: &Path) -> Outcome {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bundle::SIGNATURE.len() as u64).read_to_end(&mut start));
    if read.is_ok() && start == bundle::SIGNATURE { Ok(()) } else { source::refuse_existing(path) }
}

fn failure(error: BundleError) -> Failure {
    match error {
        BundleError::Graph(problems) => Failure::problems(&problems),
        BundleError::Unknown(_)
        | BundleError::Earlier(_)
        | BundleError::Twins(_)
        | BundleError::TooMany(_)
        | BundleError::Name { .. } => Failure::usage(error),
        error => Failure::new(FAILED, error),
    }
}
