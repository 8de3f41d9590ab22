//! `splatgraph check`.

use std::path::PathBuf;

use serde_json::json;
use splatgraph::{devices::Devices, graph, run::Settings};
use splatgraph_sdk::settings::DEVICE;

use super::failure::{Failure, Outcome, problems_json};
use super::given::GivenOptions;
use super::locked::LockedOption;
use super::options::JsonOption;
use super::pack_folders::PackFolders;
use super::{output, source};

/// Check a graph without running it, and print all problems
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input
    graph: PathBuf,
    #[command(flatten)]
    given: GivenOptions,
    /// Also check that the nodes can compute on a device: cpu, gpu, cuda, ...
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    #[command(flatten)]
    locked: LockedOption,
    #[command(flatten)]
    packs: PackFolders,
    #[command(flatten)]
    output: JsonOption,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let file = match source::parse(&options.graph)? {
        Ok(file) => file,
        Err(problems) => return Err(wrong(&problems, options.output.json)),
    };
    let locked = options.locked.read(&file.origin)?;
    let registry = options.packs.load_for_graph(&file, &[])?;
    let given = options.given.given(Some((&file, &registry)))?;
    let checked = graph::check_with_files(file.clone(), &registry, &given)
        .map_err(|problems| wrong(&locked.with_differences(problems, &file, &registry), options.output.json))?;
    let mut settings = Settings::new();
    if options.device.is_some() || locked.is_there() {
        let chosen = Devices::default().choose(&checked, options.device.as_deref());
        if let Some(chosen) = chosen.map_err(|error| Failure::usage(error.to_string()))? {
            settings.insert(DEVICE.to_owned(), chosen.device.id.into());
        }
    }
    locked.compare(&checked, &settings)?.map_err(|problems| wrong(&problems, options.output.json))?;
    if options.output.json {
        return output::print_json(&json!({"ok": true, "nodes": checked.nodes.len(), "warnings": checked.warnings}));
    }
    for warning in &checked.warnings {
        output::about_graph(warning);
    }
    let nodes = output::count(checked.nodes.len(), "node");
    output::print(&format!("{}: {nodes}, no problems", output::shown(&options.graph)))
}

fn wrong(problems: &graph::Problems, json: bool) -> Failure {
    if json {
        let mut whole = json!({"ok": false});
        whole["problems"] = problems_json(problems);
        let message = output::print_json(&whole).map_or_else(|failure| failure.message, |()| String::new());
        return Failure::new(Failure::code_of(problems), message);
    }
    Failure::problems(problems)
}
