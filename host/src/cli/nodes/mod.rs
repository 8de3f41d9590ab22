//! `splatgraph nodes`.

mod describe;
mod snippet;

use serde_json::{Value as Json, json};
use splatgraph::graph::unknown_class;
use splatgraph::registry::{Pack, Registry};
use splatgraph::words::nearest;
use splatgraph_sdk::spec::{NodeSpec, socket_types_meet};

use super::failure::{Failure, MISSING, Outcome};
use super::options::JsonOption;
use super::output::{self, BOLD, DIM, columns};
use super::pack_folders::PackFolders;

pub(crate) use describe::{limits, summary};

/// List the nodes of all loaded packs or of one, or show a node with its inputs, outputs and help
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A node to show, such as std.LoadImage, a pack whose nodes to list, or a word to search in names and help
    #[arg(value_name = "NODE")]
    name: Option<String>,
    #[command(flatten)]
    packs: PackFolders,
    /// Print the node in the form of a graph file, to paste it
    #[arg(long, requires = "name")]
    snippet: bool,
    /// List only nodes with an input that takes this type
    #[arg(long, value_name = "TYPE")]
    takes: Option<String>,
    /// List only nodes with an output of this type
    #[arg(long, value_name = "TYPE")]
    makes: Option<String>,
    #[command(flatten)]
    output: JsonOption,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let registry = options.packs.load_for(|| options.name.iter().cloned().collect())?;
    let packs: Vec<&Pack> = registry.packs().iter().map(|pack| &**pack).collect();
    if packs.is_empty() && !options.output.json {
        let message = "no packs are loaded; `splatgraph packs --all` lists all files that were found";
        return Err(Failure::new(MISSING, message));
    }
    let name = options.name.as_deref();
    match (name, packs.iter().find(|pack| Some(pack.manifest.id.as_str()) == name)) {
        (None, _) => list(&packs, options),
        (Some(_), Some(pack)) => list(&[pack], options),
        (Some(name), None) if !options.snippet && registry.class(name).is_none() && is_word(&packs, name) => {
            list(&packs, options)
        }
        (Some(name), None) => one(&registry, name, options),
    }
}

fn one(registry: &Registry, name: &str, options: &Options) -> Outcome {
    let class = registry.class(name).ok_or_else(|| Failure::problem(&unknown_class(registry, name)))?;
    let (pack, node) = (&class.pack, &class.spec);
    if options.snippet {
        output::print_json_text(&snippet::of(pack, node))
    } else if options.output.json {
        output::print_json(&as_json(pack, node))
    } else {
        output::print(&describe::whole(pack, node))
    }
}

fn list(packs: &[&Pack], options: &Options) -> Outcome {
    let (takes, makes) = (wanted_type(&options.takes, packs)?, wanted_type(&options.makes, packs)?);
    let takes = |node: &NodeSpec| match &takes {
        Some(socket) => node.inputs.iter().any(|input| socket_types_meet(socket, &input.socket)),
        None => true,
    };
    let makes = |node: &NodeSpec| match &makes {
        Some(socket) => node.outputs.iter().any(|output| socket_types_meet(&output.socket, socket)),
        None => true,
    };
    let word = options.name.as_deref().filter(|name| !packs.iter().any(|pack| pack.manifest.id == *name));
    let has_word = |node: &NodeSpec| word.is_none_or(|word| mentions(node, word));
    let fits = |node: &&NodeSpec| takes(node) && makes(node) && has_word(node);
    if options.output.json {
        let nodes =
            packs.iter().flat_map(|pack| pack.manifest.nodes.iter().filter(fits).map(|node| as_json(pack, node)));
        return output::print_json(&nodes.collect::<Vec<_>>());
    }
    let mut text = String::new();
    for pack in packs {
        let nodes = pack.manifest.nodes.iter().filter(fits);
        let rows: Vec<_> = nodes.map(|node| vec![class_name(pack, node), summary(&node.help)]).collect();
        if rows.is_empty() {
            continue;
        }
        let manifest = &pack.manifest;
        text += &format!("{BOLD}{} {}{BOLD:#}  {DIM}{}{DIM:#}\n", manifest.id, manifest.version, manifest.description);
        text += &columns(2, &rows);
        text.push('\n');
    }
    if text.is_empty() {
        return Err(Failure::usage("no node has such sockets; `splatgraph nodes` lists all nodes"));
    }
    output::print(&text)
}

/// Whether any node has a word in its name or help.
fn is_word(packs: &[&Pack], word: &str) -> bool {
    packs.iter().flat_map(|pack| &pack.manifest.nodes).any(|node| mentions(node, word))
}

/// Whether the name or the help of a node has a word. Ignores case.
fn mentions(node: &NodeSpec, word: &str) -> bool {
    let word = word.to_lowercase();
    let inputs = node.inputs.iter().flat_map(|input| [&input.name, &input.help]);
    let outputs = node.outputs.iter().flat_map(|output| [&output.name, &output.help]);
    let mut texts = [&node.name, &node.help, &node.category].into_iter().chain(inputs).chain(outputs);
    texts.any(|text| text.to_lowercase().contains(&word))
}

/// The type that the user asks for, in upper case. Refuses types that no socket has.
fn wanted_type(given: &Option<String>, packs: &[&Pack]) -> Outcome<Option<String>> {
    let Some(wanted) = given.as_ref().map(|given| given.to_uppercase()) else { return Ok(None) };
    let known = types_in_use(packs);
    match wanted.split(',').find(|part| !known.iter().any(|known| known == part)) {
        None => Ok(Some(wanted)),
        Some(unknown) => Err(Failure::usage(format!(
            "no socket has the type {unknown}; {} types are: {}",
            match nearest(unknown, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}? The"),
                None => "the".to_owned(),
            },
            known.join(", ")
        ))),
    }
}

/// The full name of a class: `std.LoadImage`.
fn class_name(pack: &Pack, node: &NodeSpec) -> String {
    format!("{}.{}", pack.manifest.id, node.name)
}

fn types_in_use(packs: &[&Pack]) -> Vec<String> {
    let sockets = packs.iter().flat_map(|pack| &pack.manifest.nodes).flat_map(|node| {
        node.inputs.iter().map(|input| &input.socket).chain(node.outputs.iter().map(|output| &output.socket))
    });
    let mut types: Vec<String> = sockets.flat_map(|socket| socket.split(',').map(str::to_owned)).collect();
    types.sort();
    types.dedup();
    types
}

fn as_json(pack: &Pack, node: &NodeSpec) -> Json {
    let mut whole =
        json!({"class": class_name(pack, node), "pack": pack.manifest.id, "pack_version": pack.manifest.version});
    if let (Json::Object(whole), Ok(Json::Object(spec))) = (&mut whole, serde_json::to_value(node)) {
        whole.extend(spec);
    }
    whole
}
