//! Finds the classes of the nodes.

use super::{
    super::{
        changes::was_renamed,
        problem::{Kind, Problem},
        repeat_class::class_of,
    },
    Checker, HOW_TO_INSTALL,
};
use crate::{
    registry::{Class, Registry},
    words::{nearest, some_of},
};

impl Checker<'_> {
    pub(super) fn resolve_classes(&mut self) {
        for position in 0..self.file.nodes.len() {
            let node = &self.file.nodes[position];
            // Only bare prompts may leave out the name of the pack.
            let found = if node.repeat.is_some() {
                class_of(node, self.registry)
            } else if node.bare || node.class_type.contains('.') {
                self.registry.class(&node.class_type)
            } else {
                None
            };
            // The class is empty if it could not be read. A missing pack that the graph requires is reported once, not for
            // each node.
            let pack = node.class_type.split_once('.').map(|(pack, _)| pack);
            let reported = node.class_type.is_empty() || pack.is_some_and(|pack| self.unmet.contains(pack));
            if found.is_none() && !reported {
                let problem = if node.is_graph() {
                    not_expanded(&node.class_type)
                } else {
                    let problem = unknown_class(self.registry, &node.class_type);
                    let renamed = was_renamed(self.registry, &node.class_type, None);
                    problem.hint(renamed.map(|renamed| self.or_name_version(position, &renamed)))
                };
                let problem = problem.node(&node.id).at(node.place.clone());
                self.problems.push(problem);
            }
            if let Some(problem) = found.as_ref().and_then(absent) {
                let problem = problem.node(&self.file.nodes[position].id).at(self.file.nodes[position].place.clone());
                self.problems.push(problem);
            }
            self.classes.push(found);
        }
    }

    /// A hint about a new name. A graph may also say with which version it was made, but a bare prompt has no place for that.
    pub(super) fn or_name_version(&self, node: usize, renamed: &str) -> String {
        let or = if self.file.nodes[node].bare {
            ""
        } else {
            ", or name the version with which the graph was made under `packs`"
        };
        format!("{renamed}; write that{or}")
    }

    /// The class of the node at a position.
    pub(super) fn class(&self, position: usize) -> Option<&Class> {
        self.classes[position].as_ref()
    }
}

/// The problem of a class that its pack declares, but can't run in this build.
fn absent(class: &Class) -> Option<Problem> {
    let why = class.pack.manifest.absent.get(&class.spec.name)?;
    let message = format!("this build of the pack `{}` can't run `{}`", class.pack.manifest.id, class.full_name);
    Some(Problem::new(Kind::AbsentNode, message).hint(why.clone()))
}

/// The problem of a program that uses the library without expanding the graph.
fn not_expanded(graph: &str) -> Problem {
    let message = format!("expected an expanded graph, got the graph node `{graph}`");
    Problem::new(Kind::Part, message).hint("call `graph::expand` first".to_owned())
}

/// The problem of a class that no loaded pack has; its hint names the nearest class.
#[must_use]
pub fn unknown_class(registry: &Registry, name: &str) -> Problem {
    let Some((pack, node)) = name.split_once('.') else { return unknown_bare_name(registry, name) };
    let same_node = registry.with_bare_name(node);
    if registry.pack(pack).is_some() {
        let message = format!("the pack `{pack}` has no node `{node}`");
        if let Some(renamed) = was_renamed(registry, name, None) {
            return Problem::new(Kind::UnknownClass, message).hint(renamed);
        }
        let near = nearest_class(registry, name);
        let hint = match (near, same_node) {
            (_, [other, ..]) => format!("did you mean `{other}`?"),
            (Some(near), _) => format!("did you mean `{near}`?"),
            _ => format!("`splatgraph nodes {pack}` lists its nodes"),
        };
        return Problem::new(Kind::UnknownClass, message).hint(hint);
    }
    if let Some(reason) = registry.refused(pack) {
        let message = format!("`{name}` needs the pack `{pack}`, which cannot be loaded: {reason}");
        return Problem::new(Kind::MissingPack, message);
    }
    let loaded: Vec<&str> = registry.packs().iter().map(|pack| pack.manifest.id.as_str()).collect();
    let loaded_text = if loaded.is_empty() { "none".to_owned() } else { some_of(loaded.iter().copied()) };
    let message = format!("`{name}` needs the pack `{pack}`, but the loaded packs are: {loaded_text}");
    let near_pack = nearest(pack, loaded).map(|pack| format!("{pack}.{node}"));
    let likely = near_pack.filter(|name| registry.class(name).is_some()).or_else(|| same_node.first().cloned());
    Problem::new(Kind::MissingPack, message).hint(match likely {
        Some(likely) => format!("did you mean `{likely}`?"),
        None => HOW_TO_INSTALL.to_owned(),
    })
}

fn unknown_bare_name(registry: &Registry, name: &str) -> Problem {
    let same_name = registry.with_bare_name(name);
    let problem = match same_name {
        [] => Problem::new(Kind::UnknownClass, format!("no pack has a node `{name}`")),
        [_] => Problem::new(Kind::UnknownClass, format!("expected a class with the name of its pack, got `{name}`")),
        _ => Problem::new(Kind::UnknownClass, format!("several packs have a node `{name}`")),
    };
    problem.hint(match same_name {
        [] => match nearest_class(registry, name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`splatgraph nodes` lists all nodes".to_owned(),
        },
        [only] => format!("write `{only}`"),
        several => format!("write one of {}", some_of(several.iter().map(String::as_str))),
    })
}

/// The full name of the nearest class, by the part after the dot.
fn nearest_class<'a>(registry: &'a Registry, name: &str) -> Option<&'a str> {
    let all = registry.class_names();
    let bare = |full: &str| full.split_once('.').map_or(full.len(), |(pack, _)| pack.len() + 1);
    let wanted = name.split_once('.').map_or(name, |(_, node)| node);
    let near = nearest(wanted, all.iter().map(|full| &full[bare(full)..]))?;
    let (pack, _) = name.split_once('.').unwrap_or_default();
    let same_pack = all.iter().find(|full| full.strip_prefix(pack).is_some_and(|rest| rest.get(1..) == Some(near)));
    same_pack.or_else(|| registry.with_bare_name(near).first()).map(String::as_str)
}
