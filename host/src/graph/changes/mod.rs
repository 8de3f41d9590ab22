//! Applies what packs changed since the versions with which a graph was made.
//!
//! A graph names these versions under `packs`; a graph that names none is made with the loaded ones. A pack lists its changes in its
//! manifest ([`Change`](splatgraph_sdk::changes::Change)). The lines of later versions are applied to each node, in order, before anything
//! else looks at it. Places stay those of the file.

mod claims;
mod compare;
mod earlier;
mod faults;
mod follow;
mod line;
mod node;
mod notice;
mod outputs;
mod step;

pub use compare::{Difference, differences};
pub use earlier::{Earlier, EarlierInput};
pub use faults::faults;
pub(super) use line::version;
pub(super) use notice::was_renamed;
pub use step::Step;

use super::{
    file::{File, Node},
    problem::Problem,
};
use crate::registry::Registry;
use claims::{Claim, claims};
use line::Line;
use node::Renewal;
use notice::Notices;
use outputs::Outputs;
use semver::Version;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The changes of a loaded pack.
struct Log<'a> {
    pack: &'a str,
    lines: Vec<Line<'a>>,
    registry: &'a Registry,
}

impl Log<'_> {
    /// Whether the pack has a class now that had the name `class` before `lines`.
    fn exists(&self, class: &str, lines: &[Line<'_>]) -> bool {
        let ends = follow::classes(class, lines);
        ends.iter().any(|class| self.registry.class(&format!("{}.{class}", self.pack)).is_some())
    }
}

/// The version of a loaded pack; `None` if it has none.
fn loaded(pack: &str, registry: &Registry) -> Option<Version> {
    version(&registry.pack(pack)?.manifest.version)
}

/// Whether the class of a node may have changed since the node was made.
pub(super) fn is_earlier(class_type: &str, made: Option<&Version>, registry: &Registry) -> bool {
    let pack = class_type.split_once('.').map_or("", |(pack, _)| pack);
    made.is_some_and(|made| loaded(pack, registry).is_none_or(|there| *made < there))
}

/// The pack and the name of a class.
fn of_pack(node: &Node) -> Option<(&str, &str)> {
    node.class_type.split_once('.').filter(|_| !node.is_graph())
}

impl File {
    /// Gives each node the version of its pack.
    pub(super) fn set_versions(&mut self) {
        for node in &mut self.nodes {
            node.version = of_pack(node).and_then(|(pack, _)| self.packs.get(pack).cloned());
        }
    }

    /// This graph with the versions of packs that the header of a picture has, unless it names its own.
    pub(crate) fn made_with(mut self, packs: &BTreeMap<String, String>) -> Self {
        if self.packs.is_empty() {
            let packs = packs.iter();
            self.packs = packs.filter_map(|(pack, text)| Some((pack.clone(), version(text)?))).collect();
            self.set_versions();
        }
        self
    }

    /// This graph, and those that its nodes repeat, with the changes of their packs since they were made. Does so once.
    #[must_use]
    pub(in crate::graph) fn with_changes(mut self, registry: &Registry) -> Self {
        for node in &mut self.nodes {
            let Some(graph) = node.repeat.as_mut().and_then(|repeat| repeat.graph.as_mut()) else { continue };
            let mut changed = Self::clone(graph).with_changes(registry);
            let new: Vec<Problem> = std::mem::take(&mut changed.notices)
                .into_iter()
                .filter(|notice| !self.notices.contains(notice))
                .collect();
            self.notices.extend(new);
            *graph = Arc::new(changed);
        }
        self.with_own_changes(registry)
    }

    fn with_own_changes(mut self, registry: &Registry) -> Self {
        let manifests = || registry.packs().iter().map(|pack| &pack.manifest).filter(|pack| !pack.changes.is_empty());
        let takes_over = manifests().flat_map(|pack| &pack.changes).any(|change| change.class.contains('.'));
        if !takes_over && self.nodes.iter().all(|node| node.version.is_none()) {
            return self;
        }
        let logs = manifests().map(|pack| Log { pack: &pack.id, lines: Line::all(pack), registry });
        let logs: Vec<Log<'_>> = logs.collect();
        let (mut notices, mut outputs, mut changed) = (Notices::default(), BTreeMap::new(), BTreeMap::new());
        for node in &mut self.nodes {
            let Some((pack, class)) = of_pack(node) else { continue };
            let (pack, class) = (pack.to_owned(), class.to_owned());
            let (made, there) = (node.version.clone(), loaded(&pack, registry));
            if let (Some(made), Some(there)) = (&made, &there)
                && made > there
            {
                notices.newer(&pack, made, there);
                continue;
            }
            let claims = claims(node, (&pack, &class), registry, &logs);
            if there.is_some() {
                node.version = None;
            }
            let Claim { log, lines, class, made_with } = match claims {
                Ok(Some(claim)) => claim,
                Ok(None) => continue,
                Err(problem) => {
                    self.problems.push(problem.node(&node.id).at(node.place.clone()));
                    node.class_type.clear();
                    continue;
                }
            };
            node.version = None;
            let (id, file) = (node.id.clone(), node.place.as_ref().and_then(|place| place.file.clone()));
            let mut renewal = Renewal::new(node, log.pack, class, made_with);
            renewal.apply(lines, |class, lines| log.exists(class, lines));
            let (earlier, lines, said, problems) = renewal.finish();
            let now = loaded(log.pack, registry).map(|version| version.to_string()).unwrap_or_default();
            notices.add(file.clone(), &earlier, &now, said);
            if !lines.is_empty() {
                outputs.insert(id.clone(), Outputs { earlier: earlier.clone(), lines, now, file });
            }
            self.problems.extend(problems);
            changed.insert(id, earlier);
        }
        self.change_links(&outputs, &mut notices);
        self.change_targets(&changed);
        self.earlier.append(&mut changed);
        for notice in notices.problems() {
            if !self.notices.contains(&notice) {
                self.notices.push(notice);
            }
        }
        self
    }

    /// This graph with the versions of the packs that its nodes have now.
    #[must_use]
    pub(in crate::graph) fn with_pack_versions(mut self, registry: &Registry) -> Self {
        let mut packs = BTreeMap::new();
        for node in &mut self.nodes {
            if let Some(graph) = node.repeat.as_mut().and_then(|repeat| repeat.graph.as_mut()) {
                *graph = Arc::new(Self::clone(graph).with_pack_versions(registry));
            }
            let bare = || registry.class(&node.class_type).map(|class| class.pack.manifest.id.clone());
            let Some(pack) = of_pack(node).map(|(pack, _)| pack.to_owned()).or_else(bare) else { continue };
            if packs.contains_key(&pack) && node.version.is_none() {
                continue;
            }
            // A graph of a newer version stays one, and so does a graph of a pack that is not loaded.
            let there = loaded(&pack, registry).or_else(|| self.packs.get(&pack).cloned());
            if let Some(version) = node.version.clone().max(there).max(packs.get(&pack).cloned()) {
                packs.insert(pack, version);
            }
        }
        self.packs = packs;
        self
    }

    /// Adds to problems of nodes that the graph was made with a newer version of their pack, or with an older one.
    pub(in crate::graph) fn with_versions(&self, problems: Vec<Problem>, registry: &Registry) -> Vec<Problem> {
        let newer: HashMap<&str, String> = self.nodes.iter().filter_map(|node| Self::newer(node, registry)).collect();
        let with_version = |problem: Problem| match problem.node.as_deref().and_then(|node| newer.get(node)) {
            Some(note) => {
                let hint = problem.hint.as_ref().map_or_else(|| note.clone(), |hint| format!("{hint}; {note}"));
                Problem { hint: Some(hint), ..problem }
            }
            None => self.with_earlier_names(problem),
        };
        problems.into_iter().map(with_version).collect()
    }

    /// The id of a node that was made with a newer version of its pack, and a text about it.
    fn newer<'a>(node: &'a Node, registry: &Registry) -> Option<(&'a str, String)> {
        let (pack, made) = (of_pack(node)?.0, node.version.as_ref()?);
        let there = loaded(pack, registry).filter(|there| made > there)?;
        Some((&node.id, notice::newer(pack, made, &there)))
    }
}
