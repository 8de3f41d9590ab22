//! In what a result that was stored differs from one that is wanted, in lines for people.

use super::about::{About, AboutInput, AboutNode};
use splatgraph_sdk::settings::PNG_TEXT;
use std::collections::{BTreeSet, HashSet};

/// Where two results differ; empty if their descriptions are equal.
pub(super) fn differences(then: &About, now: &About) -> Vec<String> {
    let mut found = Vec::new();
    let mut compared = HashSet::new();
    let mut pairs = vec![(0, 0)];
    let mut packs = BTreeSet::new();
    while let Some((old, new)) = pairs.pop() {
        let (Some(a), Some(b)) = (then.nodes.get(old), now.nodes.get(new)) else { continue };
        if compared.insert((old, new)) {
            of_classes(a, b, &mut packs, &mut found);
            // The last pair is compared first, and people read inputs in their order.
            let before = pairs.len();
            of_inputs((a, then), (b, now), &mut pairs, &mut found);
            pairs[before..].reverse();
        }
    }
    for name in then.settings.keys().chain(now.settings.keys()).collect::<BTreeSet<_>>() {
        let shown = |about: &About| about.settings.get(name).map_or("none", String::as_str).to_owned();
        let (old, new) = (shown(then), shown(now));
        if old != new && name == PNG_TEXT {
            found.push("the graph that is written into pictures changed".to_owned());
        } else if old != new {
            found.push(format!("the setting `{name}`: {old} then, {new} now"));
        }
    }
    found
}

fn of_classes(then: &AboutNode, now: &AboutNode, packs: &mut BTreeSet<String>, found: &mut Vec<String>) {
    if then.class != now.class {
        found.push(format!("the class of `{}`: {} then, {} now", now.id, then.class, now.class));
        return;
    }
    let pack = now.class.split('.').next().unwrap_or_default().to_owned();
    if then.class_version != now.class_version {
        found.push(format!("the version of {}: {} then, {} now", now.class, then.class_version, now.class_version));
    }
    // Once for all nodes of a pack.
    if then.pack_version != now.pack_version && packs.insert(pack.clone()) {
        found.push(format!("the version of the pack `{pack}`: {} then, {} now", then.pack_version, now.pack_version));
    } else if then.code != now.code && packs.insert(pack.clone()) {
        found.push(format!("the library of the pack `{pack}` changed, and its version did not"));
    }
}

/// Compares the inputs of two nodes, and adds the pairs of nodes from which they take values.
fn of_inputs(
    (then, old): (&AboutNode, &About),
    (now, new): (&AboutNode, &About),
    pairs: &mut Vec<(usize, usize)>,
    found: &mut Vec<String>,
) {
    if then.class != now.class {
        return;
    }
    let nothing = AboutInput::Nothing;
    for name in then.inputs.keys().chain(now.inputs.keys()).collect::<BTreeSet<_>>() {
        let (a, b) = (then.inputs.get(name).unwrap_or(&nothing), now.inputs.get(name).unwrap_or(&nothing));
        let input = format!("input `{name}` of `{}`", now.id);
        match (a, b) {
            (AboutInput::Links(a), AboutInput::Links(b)) => {
                let outputs = |links: &[(usize, usize)]| links.iter().map(|(_, output)| *output).collect::<Vec<_>>();
                if outputs(a) == outputs(b) {
                    pairs.extend(a.iter().zip(b).map(|(a, b)| (a.0, b.0)));
                } else {
                    found.push(format!("{input}: {} then, {} now", links(a, old), links(b, new)));
                }
            }
            (AboutInput::File { text: a, content: one }, AboutInput::File { text: b, content: other }) => {
                if a != b {
                    found.push(format!("{input}: {a} then, {b} now"));
                }
                if one != other {
                    found.push(format!("{input}: the content of {b} changed"));
                }
            }
            (AboutInput::Value { text: a, sum: one }, AboutInput::Value { text: b, sum: other }) if one != other => {
                found.push(if a == b {
                    format!("{input}: it changed beyond its start, {b}")
                } else {
                    format!("{input}: {a} then, {b} now")
                });
            }
            (a, b) if std::mem::discriminant(a) != std::mem::discriminant(b) => {
                found.push(format!("{input}: {} then, {} now", words(a, old), words(b, new)));
            }
            _ => {}
        }
    }
}

fn words(input: &AboutInput, about: &About) -> String {
    match input {
        AboutInput::Nothing => "nothing".to_owned(),
        AboutInput::Value { text, .. } | AboutInput::File { text, .. } => text.clone(),
        AboutInput::Links(of) => links(of, about),
        AboutInput::Unknown => "a path that can't be compared".to_owned(),
    }
}

fn links(links: &[(usize, usize)], about: &About) -> String {
    let source = |(node, output): &(usize, usize)| {
        let id = about.nodes.get(*node).map_or("another node", |node| &node.id);
        format!("output {output} of `{id}`")
    };
    links.iter().map(source).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn node(id: &str, inputs: Vec<(&str, AboutInput)>) -> AboutNode {
        AboutNode {
            id: id.to_owned(),
            class: "acme.Blur".to_owned(),
            class_version: 1,
            pack_version: "0.1.0".to_owned(),
            code: "c".to_owned(),
            inputs: inputs.into_iter().map(|(name, input)| (name.to_owned(), input)).collect(),
        }
    }

    fn value(text: &str) -> AboutInput {
        AboutInput::Value { text: text.to_owned(), sum: text.to_owned() }
    }

    fn file(content: &str) -> AboutInput {
        AboutInput::File { text: "\"a.png\"".to_owned(), content: content.to_owned() }
    }

    fn about(nodes: Vec<AboutNode>) -> About {
        About { nodes, settings: BTreeMap::from([("device".to_owned(), "\"cpu\"".to_owned())]) }
    }

    fn chain(radius: &str, content: &str) -> About {
        let blur = node("blur", vec![("image", AboutInput::Links(vec![(1, 0)])), ("radius", value(radius))]);
        about(vec![blur, node("load", vec![("path", file(content))])])
    }

    #[test]
    fn values_files_and_nodes_before_are_compared() {
        assert_eq!(differences(&chain("3", "x"), &chain("3", "x")), Vec::<String>::new());
        insta::assert_snapshot!(differences(&chain("3", "x"), &chain("4", "y")).join("\n"), @r#"
        input `radius` of `blur`: 3 then, 4 now
        input `path` of `load`: the content of "a.png" changed
        "#);
    }

    #[test]
    fn a_pack_is_named_once() {
        let (then, mut now) = (chain("3", "x"), chain("3", "x"));
        now.nodes.iter_mut().for_each(|node| node.code = "d".to_owned());
        insta::assert_snapshot!(differences(&then, &now).join("\n"), @"the library of the pack `acme` changed, and its version did not");
        now.nodes.iter_mut().for_each(|node| node.pack_version = "0.2.0".to_owned());
        insta::assert_snapshot!(differences(&then, &now).join("\n"), @"the version of the pack `acme`: 0.1.0 then, 0.2.0 now");
    }

    #[test]
    fn settings_links_and_kinds_of_inputs_are_compared() {
        let (then, mut now) = (chain("3", "x"), chain("3", "x"));
        now.settings.insert("device".to_owned(), "\"cuda:0\"".to_owned());
        now.nodes[0].inputs.insert("image".to_owned(), AboutInput::Links(vec![(1, 1)]));
        now.nodes[0].inputs.insert("radius".to_owned(), AboutInput::Links(vec![(1, 0)]));
        insta::assert_snapshot!(differences(&then, &now).join("\n"), @r#"
        input `image` of `blur`: output 0 of `load` then, output 1 of `load` now
        input `radius` of `blur`: 3 then, output 0 of `load` now
        the setting `device`: "cpu" then, "cuda:0" now
        "#);
    }
}
