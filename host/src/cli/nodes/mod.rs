//! `splatgraph nodes`.

mod describe;
mod snippet;

use serde_json::{Value as Json, json};
use splatgraph::registry::{Pack, Registry};
use splatgraph_sdk::spec::{NodeSpec, socket_types_meet};

use super::failure::{Failure, MISSING, Outcome};
use super::output::{self, BOLD, DIM, columns};
use super::pack_folders::PackFolders;

pub(crate) use describe::{limits, summary};

/// List the nodes of all loaded packs, or show one with its inputs, outputs and help
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A node to show, such as std.LoadImage
    class: Option<String>,
    #[command(flatten)]
    packs: PackFolders,
    /// Print the node as it stands in a graph file, to paste
    #[arg(long, requires = "class")]
    snippet: bool,
    /// List only nodes with an input that accepts this type
    #[arg(long, value_name = "TYPE", conflicts_with = "class")]
    takes: Option<String>,
    /// List only nodes with an output of this type
    #[arg(long, value_name = "TYPE", conflicts_with = "class")]
    makes: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let registry = options.packs.load()?;
    match &options.class {
        Some(class) => one(&registry, class, options),
        None => list(&registry, options),
    }
}

fn one(registry: &Registry, name: &str, options: &Options) -> Outcome {
    let (pack, node) = find(registry, name)?;
    if options.snippet {
        output::print(&snippet::of(pack, node));
    } else if options.json {
        output::print_json(&as_json(pack, node));
    } else {
        output::print(&describe::whole(pack, node));
    }
    Ok(())
}

fn list(registry: &Registry, options: &Options) -> Outcome {
    let takes = |node: &NodeSpec| match options.takes.as_deref() {
        Some(socket) => node.inputs.iter().any(|input| socket_types_meet(socket, &input.socket)),
        None => true,
    };
    let makes = |node: &NodeSpec| match options.makes.as_deref() {
        Some(socket) => node.outputs.iter().any(|output| socket_types_meet(&output.socket, socket)),
        None => true,
    };
    let chosen: Vec<(&Pack, Vec<&NodeSpec>)> = registry
        .packs()
        .iter()
        .map(|pack| (&**pack, pack.manifest.nodes.iter().filter(|node| takes(node) && makes(node)).collect()))
        .collect();
    if options.json {
        let nodes = chosen.iter().flat_map(|(pack, nodes)| nodes.iter().map(|node| as_json(pack, node)));
        output::print_json(&nodes.collect::<Vec<_>>());
        return Ok(());
    }
    if registry.packs().is_empty() {
        return Err(Failure::new(
            MISSING,
            "no node packs are loaded; `splatgraph packs --all` shows what was found where",
        ));
    }
    let mut text = String::new();
    for (pack, nodes) in chosen.iter().filter(|(_, nodes)| !nodes.is_empty()) {
        let manifest = &pack.manifest;
        text += &format!("{BOLD}{} {}{BOLD:#}  {DIM}{}{DIM:#}\n", manifest.id, manifest.version, manifest.description);
        let rows: Vec<_> =
            nodes.iter().map(|node| vec![class_name(pack, node), summary(&node.help).to_owned()]).collect();
        text += &columns(2, &rows);
        text.push('\n');
    }
    if text.is_empty() {
        let types: Vec<&str> = [&options.takes, &options.makes].into_iter().flatten().map(String::as_str).collect();
        return Err(Failure::usage(format!(
            "no node has such a socket: {}; the types in use are {}",
            types.join(", "),
            types_in_use(registry).join(", ")
        )));
    }
    output::print(&text);
    Ok(())
}

/// `std.LoadImage`.
fn class_name(pack: &Pack, node: &NodeSpec) -> String {
    format!("{}.{}", pack.manifest.id, node.name)
}

/// The node called `name`: a whole class name, or the part after the dot if only one pack has it.
fn find<'r>(registry: &'r Registry, name: &str) -> Outcome<(&'r Pack, &'r NodeSpec)> {
    let packs = || registry.packs().iter().map(|pack| &**pack);
    let all = || packs().flat_map(|pack| pack.manifest.nodes.iter().map(move |node| (pack, node)));
    if let Some(found) = all().find(|(pack, node)| class_name(pack, node) == name) {
        return Ok(found);
    }
    let bare: Vec<_> = all().filter(|(_, node)| node.name == name).collect();
    match bare.as_slice() {
        [found] => return Ok(*found),
        [] => {}
        several => {
            let names: Vec<String> = several.iter().map(|(pack, node)| class_name(pack, node)).collect();
            return Err(Failure::usage(format!("several packs have a node `{name}`: {}", names.join(", "))));
        }
    }
    let names: Vec<String> = all().map(|(pack, node)| class_name(pack, node)).collect();
    let hint = nearest(name, &names);
    let pack = name.split_once('.').map(|(pack, _)| pack);
    match pack.filter(|pack| !registry.packs().iter().any(|loaded| loaded.manifest.id == *pack)) {
        Some(pack) => Err(Failure::new(
            MISSING,
            format!(
                "there is no node `{name}`: no pack `{pack}` is loaded{hint}; `splatgraph packs` lists what is loaded"
            ),
        )),
        None => Err(Failure::usage(format!("there is no node `{name}`{hint}; `splatgraph nodes` lists all"))),
    }
}

/// The class names most like `name`, as the middle of a message; without the pack's part when `name` has none.
fn nearest(name: &str, classes: &[String]) -> String {
    let wanted = name.to_lowercase();
    let likeness = |class: &str| {
        let class = class.to_lowercase();
        let bare = class.split_once('.').map_or(class.as_str(), |(_, node)| node);
        let bare_wanted = wanted.split_once('.').map_or(wanted.as_str(), |(_, node)| node);
        let contains = if bare.contains(bare_wanted) { 0.9 } else { 0.0 };
        strsim::jaro_winkler(&class, &wanted).max(strsim::jaro_winkler(bare, bare_wanted)).max(contains)
    };
    let mut near: Vec<(f64, &String)> = classes.iter().map(|class| (likeness(class), class)).collect();
    near.retain(|(likeness, _)| *likeness > 0.8);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<&str> = near.iter().take(3).map(|(_, class)| class.as_str()).collect();
    if near.is_empty() { String::new() } else { format!("; do you mean {}?", near.join(" or ")) }
}

fn types_in_use(registry: &Registry) -> Vec<String> {
    let sockets = registry.packs().iter().flat_map(|pack| &pack.manifest.nodes).flat_map(|node| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_classes_are_offered_best_first() {
        let classes = ["std.LoadImage", "std.SaveImage", "std.LoadRecord", "gpstoken.Decode"].map(str::to_owned);
        insta::assert_snapshot!(nearest("std.LodImage", &classes), @"; do you mean std.LoadImage or std.LoadRecord or std.SaveImage?");
        insta::assert_snapshot!(nearest("decod", &classes), @"; do you mean gpstoken.Decode?");
        insta::assert_snapshot!(nearest("Xyz", &classes), @"");
    }
}
