//! Checks the manifest of a pack, before graphs rely on it.

use std::collections::HashSet;

use crate::graph;
use splatgraph_sdk::spec::Manifest;

/// The faults of a manifest, one in each text. `stamped_id` is the id in the stamp of the library.
pub(super) fn faults(manifest: &Manifest, stamped_id: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if manifest.id != stamped_id {
        faults.push(format!("expected the id of the stamp, `{stamped_id}`, got `{}`", manifest.id));
    }
    if !is_pack_id(&manifest.id) {
        faults.push(format!(
            "expected an id of lower-case letters, digits, `_` and `-` that begins with a letter, got `{}`",
            manifest.id
        ));
    }
    let mut nodes = HashSet::new();
    for node in &manifest.nodes {
        if !is_name(&node.name) {
            faults.push(format!("expected a node name of letters, digits and `_`, got `{}`", node.name));
        }
        if !nodes.insert(&node.name) {
            faults.push(format!("two nodes have the name `{}`", node.name));
        }
        let inputs = node.inputs.iter().map(|input| input.name.as_str());
        let outputs = node.outputs.iter().map(|output| output.name.as_str());
        faults.extend(socket_faults(&node.name, "inputs", inputs));
        faults.extend(socket_faults(&node.name, "outputs", outputs));
    }
    for file in manifest.web.iter().filter(|file| !is_web_name(&file.name)) {
        faults.push(format!(
            "expected the path of a web file inside its folder, of letters, digits, `_`, `-` and `.`, got `{}`",
            file.name
        ));
    }
    faults.extend(graph::faults(manifest));
    faults
}

fn socket_faults<'a>(node: &str, kind: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for name in names {
        if !is_name(name) {
            faults
                .push(format!("{kind} of the node `{node}`: expected a name of letters, digits and `_`, got `{name}`"));
        }
        if !seen.insert(name) {
            faults.push(format!("the node `{node}` has two {kind} with the name `{name}`"));
        }
    }
    faults
}

/// Whether a text can be the id of a pack, which is part of class names and file names.
pub(super) fn is_pack_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(allowed)
}

/// Whether a text is a path inside a folder that means the same in every file system and address.
fn is_web_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
    name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed))
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use splatgraph_sdk::spec::{InputSpec, NodeSpec, WebFile};

    #[test]
    fn every_fault_is_named() {
        let input = |name: &str| InputSpec { name: name.into(), ..InputSpec::default() };
        let node = |name: &str, inputs: Vec<InputSpec>| NodeSpec { name: name.into(), inputs, ..NodeSpec::default() };
        let nodes = vec![node("Add", vec![input("a"), input("a")]), node("Add", vec![input("b c")])];
        let web_file = |name: &str| WebFile { name: name.into(), size: 1 };
        let web = ["../a.js", "/etc/a.js", "a//b.js", "a b.js", "c:a.js", "parts/brush-2.js"].map(web_file).into();
        let manifest = Manifest { id: "My.Pack".into(), nodes, web, ..Manifest::default() };
        insta::assert_snapshot!(faults(&manifest, "mine").join("\n"), @"
        expected the id of the stamp, `mine`, got `My.Pack`
        expected an id of lower-case letters, digits, `_` and `-` that begins with a letter, got `My.Pack`
        the node `Add` has two inputs with the name `a`
        two nodes have the name `Add`
        inputs of the node `Add`: expected a name of letters, digits and `_`, got `b c`
        expected the path of a web file inside its folder, of letters, digits, `_`, `-` and `.`, got `../a.js`
        expected the path of a web file inside its folder, of letters, digits, `_`, `-` and `.`, got `/etc/a.js`
        expected the path of a web file inside its folder, of letters, digits, `_`, `-` and `.`, got `a//b.js`
        expected the path of a web file inside its folder, of letters, digits, `_`, `-` and `.`, got `a b.js`
        expected the path of a web file inside its folder, of letters, digits, `_`, `-` and `.`, got `c:a.js`
        ");
    }

    #[test]
    fn a_sound_manifest_has_no_faults() {
        let nodes = vec![NodeSpec { name: "LoadImage".into(), ..NodeSpec::default() }];
        let manifest = Manifest { id: "std".into(), nodes, ..Manifest::default() };
        assert!(faults(&manifest, "std").is_empty());
    }
}
