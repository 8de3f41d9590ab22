//! `splatgraph why`.

use std::path::PathBuf;

use serde_json::json;
use splatgraph::graph;
use splatgraph::run::{Lookup, Settings, look_up};

use super::device::{DeviceOptions, say_unless};
use super::failure::{Failure, Outcome};
use super::given::GivenOptions;
use super::options::{JsonOption, MetadataOption, PixelsOption, StoreOptions};
use super::output::{self, one_line};
use super::run_packs::RunPacks;
use super::source;

/// Tell why a node would run although a store has results of earlier runs
///
/// Compares what the result of the node depends on with the results in the store: its class, the version and the library of its pack,
/// its inputs, the files that it reads, the settings, and the same of all nodes before it. Prints in what the nearest result differs. Give the
/// options of the run. Nothing runs.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 done; 2 the command line or the graph is wrong; 3 a pack is missing.")]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, or - for standard input
    graph: PathBuf,
    /// The node
    node: String,
    #[command(flatten)]
    given: GivenOptions,
    #[command(flatten)]
    packs: RunPacks,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    pixels: PixelsOption,
    #[command(flatten)]
    metadata: MetadataOption,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    output: JsonOption,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let Some(store) = options.store.open()? else {
        return Err(Failure::usage("expected a store to look into, got none; give --store DIR"));
    };
    let file = source::read(&options.graph)?;
    let registry = options.packs.folders()?.load_for_graph(&file, &[])?;
    let given = options.given.given(Some((&file, &registry)))?;
    let checked = graph::check_with_files(file, &registry, &given).map_err(|problems| Failure::problems(&problems))?;
    let Some(node) = checked.nodes.iter().position(|node| *node.id == *options.node) else {
        let ids = checked.nodes.iter().map(|node| node.id.to_string());
        let near = splatgraph::words::nearest(&options.node, ids.collect::<Vec<_>>().iter().map(String::as_str))
            .map(|near| format!("; did you mean `{}`?", one_line(near)))
            .unwrap_or_default();
        return Err(Failure::usage(format!("expected a node of the graph, got `{}`{near}", one_line(&options.node))));
    };
    let mut settings = Settings::new();
    options.pixels.insert_into(&mut settings);
    options.device.for_runs().choose(&checked, &mut settings, say_unless(true))?;
    options.metadata.add_to(&mut settings, &checked, &registry)?;
    let found = look_up(&store, &checked, &settings, node);
    let (status, differences) = match &found {
        Lookup::Stored => ("stored", &[][..]),
        Lookup::FilesTouched => ("files_touched", &[][..]),
        Lookup::Unknown(..) | Lookup::NoFiles => ("never_stored", &[][..]),
        Lookup::NoneOfClass => ("none_of_class", &[][..]),
        Lookup::Nearest(differences) => ("differs", &differences[..]),
    };
    let text = text(&found, &checked.nodes[node].class.full_name);
    if options.output.json {
        return output::print_json(
            &json!({"node": options.node, "status": status, "text": text, "differences": differences}),
        );
    }
    let lines = differences.iter().map(|line| format!("\n  {}", one_line(line)));
    output::print(&format!("{}: {text}{}", one_line(&options.node), lines.collect::<String>()))
}

fn text(found: &Lookup, class: &str) -> String {
    match found {
        Lookup::Stored => "its result is in the store".to_owned(),
        Lookup::FilesTouched => "it would run: a file that it wrote is gone or changed since".to_owned(),
        Lookup::Unknown(node, Some(input)) => format!(
            "it would run, and its result is never stored: the input `{}` of `{}` is a path from another node, or its file can't be read",
            one_line(input),
            one_line(node)
        ),
        Lookup::Unknown(node, None) => format!(
            "it would run, and its result is not stored: the files of the pack of `{}` can't be read",
            one_line(node)
        ),
        Lookup::NoFiles => {
            "it would run, and its result is never stored: it has an effect outside the graph".to_owned()
        }
        Lookup::NoneOfClass => format!(
            "it would run: the store has no result of {class}. Results that are made faster than they are read are not stored, nor objects that \
             only their pack understands"
        ),
        Lookup::Nearest(_) => "it would run. In the nearest result in the store, these are different:".to_owned(),
    }
}
