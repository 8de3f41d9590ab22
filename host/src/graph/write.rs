//! Writes graphs as JSON.

use super::file::{File, Link, OutputName, Requirement, Source};
use super::parse::VERSION;
use super::parse_repeat::OWN_GRAPH;
use crate::registry::{Class, Registry};
use semver::VersionReq;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;

impl File {
    /// This graph in this program's own format.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut out: Map<String, Json> = self.extra.iter().cloned().collect();
        // Version 2 adds `packs`, `each` and `fold`. A graph without them stays one that every release reads.
        let is_old = self.packs.is_empty() && self.nodes.iter().all(|node| node.repeat.is_none());
        out.insert("version".to_owned(), if is_old { 1 } else { VERSION }.into());
        for (key, text) in [("title", &self.title), ("description", &self.description)] {
            if !text.is_empty() {
                out.insert(key.to_owned(), text.clone().into());
            }
        }
        if !self.requires.is_empty() {
            out.insert("requires".to_owned(), requires_json(&self.requires));
        }
        if !self.packs.is_empty() {
            let packs = self.packs.iter().map(|(pack, version)| (pack.clone(), version.to_string().into()));
            out.insert("packs".to_owned(), packs.collect::<Map<_, _>>().into());
        }
        if !self.inputs.is_empty() {
            let inputs = self.inputs.iter().map(|input| {
                let mut targets: Vec<Json> = input.targets.iter().map(|target| target.to_string().into()).collect();
                (input.name.clone(), if targets.len() == 1 { targets.remove(0) } else { targets.into() })
            });
            out.insert("inputs".to_owned(), inputs.collect::<Map<_, _>>().into());
        }
        if !self.outputs.is_empty() {
            let outputs = self.outputs.iter().map(|output| (output.name.clone(), link_json(&output.link)));
            out.insert("outputs".to_owned(), outputs.collect::<Map<_, _>>().into());
        }
        let nodes = self.nodes.iter().map(|node| {
            let inputs: Map<_, _> =
                node.inputs.iter().map(|input| (input.name.clone(), source_json(&input.source, &link_json))).collect();
            let mut json = Map::new();
            let graph = node.repeat.as_ref().and_then(|repeat| repeat.graph.as_ref());
            if graph.is_none() || node.class_type != OWN_GRAPH {
                json.insert("class_type".to_owned(), node.class_type.clone().into());
            }
            json.extend(node.repeat.as_ref().map(|repeat| (repeat.key().to_owned(), repeat.to_json())));
            json.insert("inputs".to_owned(), inputs.into());
            json.extend(graph.map(|graph| ("graph".to_owned(), graph.to_json())));
            (node.id.clone(), json.into())
        });
        out.insert("nodes".to_owned(), nodes.collect::<Map<_, _>>().into());
        out.into()
    }

    /// This graph as a bare prompt, with full class names and positions of outputs. Classes and outputs that the registry
    /// does not know stay as they are.
    #[must_use]
    pub fn to_prompt(&self, registry: &Registry) -> Json {
        let classes: HashMap<&str, Class> =
            self.nodes.iter().filter_map(|node| Some((node.id.as_str(), registry.class(&node.class_type)?))).collect();
        let indexed = |link: &Link| {
            let outputs = classes.get(link.node.as_str()).map(|class| &class.spec.outputs);
            match &link.output {
                OutputName::Name(name) => match outputs.and_then(|all| all.iter().position(|o| o.name == *name)) {
                    Some(index) => json!([link.node, index]),
                    None => link_json(link),
                },
                OutputName::Index(_) => link_json(link),
            }
        };
        let nodes = self.nodes.iter().map(|node| {
            let class = classes.get(node.id.as_str()).map_or(node.class_type.as_str(), |class| &class.full_name);
            let inputs: Map<_, _> =
                node.inputs.iter().map(|input| (input.name.clone(), source_json(&input.source, &indexed))).collect();
            (node.id.clone(), json!({ "class_type": class, "inputs": inputs }))
        });
        nodes.collect::<Map<_, _>>().into()
    }
}

/// The requirements as JSON. Several parts of a graph may require the same pack, and all of their versions have to fit.
fn requires_json(requires: &[Requirement]) -> Json {
    let mut out = Map::new();
    for Requirement { pack, .. } in requires {
        let same = || requires.iter().filter(|other| other.pack == *pack);
        let versions: Vec<&VersionReq> = same().filter_map(|other| other.version.as_ref()).collect();
        let mut all: Vec<String> = Vec::new();
        for version in versions.iter().flat_map(|version| &version.comparators).map(ToString::to_string) {
            if !all.contains(&version) {
                all.push(version);
            }
        }
        let mut entry = Map::new();
        if !versions.is_empty() {
            entry.insert("version".to_owned(), if all.is_empty() { "*".into() } else { all.join(", ").into() });
        }
        if let Some(url) = same().find_map(|other| other.url.as_ref()) {
            entry.insert("url".to_owned(), url.clone().into());
        }
        if let Some(sum) = same().find_map(|other| other.sha256.as_ref()) {
            entry.insert("sha256".to_owned(), sum.clone().into());
        }
        out.insert(pack.clone(), entry.into());
    }
    out.into()
}

fn link_json(link: &Link) -> Json {
    match &link.output {
        OutputName::Name(name) => json!([link.node, name]),
        OutputName::Index(index) => json!([link.node, index]),
    }
}

fn source_json(source: &Source, link_json: &dyn Fn(&Link) -> Json) -> Json {
    match source {
        // An object that looks like a wrapped literal has to be wrapped itself.
        Source::Literal(value) if value.is_array() || value.get("__value__").is_some() => json!({ "__value__": value }),
        Source::Literal(value) => value.clone(),
        Source::Link(link) => link_json(link),
        Source::Links(links) => links.iter().map(link_json).collect(),
    }
}
