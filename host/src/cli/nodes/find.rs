//! Finds a node by its name, or the names like it.

use splatgraph::registry::Pack;
use splatgraph_sdk::spec::NodeSpec;

use super::class_name;
use crate::cli::failure::{Failure, MISSING, Outcome};

/// How alike two names have to be to be offered, from 0 to 1.
const LIKE: f64 = 0.85;

/// The node called `name`: a whole class name, or the part after the dot if only one pack has it.
pub(super) fn find<'p>(packs: &[&'p Pack], name: &str) -> Outcome<(&'p Pack, &'p NodeSpec)> {
    let all = || packs.iter().flat_map(|pack| pack.manifest.nodes.iter().map(move |node| (*pack, node)));
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
    match pack.filter(|pack| !packs.iter().any(|loaded| loaded.manifest.id == *pack)) {
        Some(pack) => Err(Failure::new(
            MISSING,
            format!(
                "there is no node `{name}`: no pack `{pack}` is loaded;{hint} `splatgraph packs` lists what is loaded"
            ),
        )),
        None => Err(Failure::usage(format!("there is no node `{name}`;{hint} `splatgraph nodes` lists all"))),
    }
}

/// The class names most like `name`, as a question; empty when none is.
fn nearest(name: &str, classes: &[String]) -> String {
    let node_of = |class: &str| class.split_once('.').map_or(class, |(_, node)| node).to_lowercase();
    let (wanted, wanted_node) = (name.to_lowercase(), node_of(name));
    let likeness = |class: &str| {
        let node = node_of(class);
        let contains = if node.contains(&wanted_node) { 0.9 } else { 0.0 };
        strsim::jaro_winkler(&class.to_lowercase(), &wanted)
            .max(strsim::jaro_winkler(&node, &wanted_node))
            .max(contains)
    };
    let mut near: Vec<(f64, String)> = classes.iter().map(|class| (likeness(class), format!("`{class}`"))).collect();
    near.retain(|(likeness, _)| *likeness > LIKE);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<String> = near.into_iter().take(3).map(|(_, class)| class).collect();
    if near.is_empty() { String::new() } else { format!(" did you mean {}?", near.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_classes_are_offered_best_first() {
        let classes = ["std.LoadImage", "std.SaveImage", "std.LoadRecord", "gpstoken.Decode"].map(str::to_owned);
        insta::assert_snapshot!(nearest("std.LodImage", &classes), @" did you mean `std.LoadImage` or `std.LoadRecord`?");
        insta::assert_snapshot!(nearest("decod", &classes), @" did you mean `gpstoken.Decode`?");
        assert_eq!(nearest("Xyz", &classes), "");
    }
}
