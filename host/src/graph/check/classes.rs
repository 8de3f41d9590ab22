//! The classes of a graph's nodes.

use super::{
    super::problem::{Kind, Problem},
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
            // Only bare prompts may leave out the pack.
            let found =
                if node.bare || node.class_type.contains('.') { self.registry.class(&node.class_type) } else { None };
            // An empty class is one that could not be read. What the graph requires is said once, not of every node.
            let pack = node.class_type.split_once('.').map(|(pack, _)| pack);
            let said = node.class_type.is_empty() || pack.is_some_and(|pack| self.unmet.contains(pack));
            if found.is_none() && !said {
                let problem = if node.is_graph() {
                    not_expanded(&node.class_type)
                } else {
                    unknown_class(self.registry, &node.class_type)
                };
                let problem = problem.node(&node.id).at(node.place.clone());
                self.problems.push(problem);
            }
            self.classes.push(found);
        }
    }

    /// The class of the node at a position.
    pub(super) fn class(&self, position: usize) -> Option<&Class> {
        self.classes[position].as_ref()
    }
}

/// For programs that use the library.
fn not_expanded(graph: &str) -> Problem {
    let message = format!("the graph `{graph}` was not put in the place of the node");
    Problem::new(Kind::Part, message).hint("`graph::expand` does so".to_owned())
}

/// The problem of a class that no loaded pack has; its hint names the nearest class.
#[must_use]
pub fn unknown_class(registry: &Registry, name: &str) -> Problem {
    let Some((pack, node)) = name.split_once('.') else { return unknown_bare_name(registry, name) };
    let same_node = registry.with_bare_name(node);
    if registry.pack(pack).is_some() {
        let near = nearest_class(registry, name);
        let hint = match (near, same_node) {
            (_, [other, ..]) => format!("did you mean `{other}`?"),
            (Some(near), _) => format!("did you mean `{near}`?"),
            _ => format!("`splatgraph nodes {pack}` lists what the pack has"),
        };
        let message = format!("the pack `{pack}` has no node `{node}`");
        return Problem::new(Kind::UnknownClass, message).hint(hint);
    }
    let loaded: Vec<&str> = registry.packs().iter().map(|pack| pack.manifest.id.as_str()).collect();
    let loaded_text = if loaded.is_empty() { "none".to_owned() } else { some_of(loaded.iter().copied()) };
    let message = format!("`{name}` needs the pack `{pack}`, which is not among those loaded: {loaded_text}");
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
        [] => Problem::new(Kind::UnknownClass, format!("there is no node `{name}`")),
        [_] => Problem::new(Kind::UnknownClass, format!("the class `{name}` does not name its pack")),
        _ => Problem::new(Kind::UnknownClass, format!("several packs have a node `{name}`")),
    };
    problem.hint(match same_name {
        [] => match nearest_class(registry, name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`splatgraph nodes` lists all".to_owned(),
        },
        [only] => format!("write `{only}`"),
        several => format!("write one of {}", some_of(several.iter().map(String::as_str))),
    })
}

/// By the full name, or by the part after the dot.
fn nearest_class<'a>(registry: &'a Registry, name: &str) -> Option<&'a str> {
    let all = registry.class_names();
    let bare = |full: &str| full.split_once('.').map_or(full.len(), |(pack, _)| pack.len() + 1);
    let wanted = name.split_once('.').map_or(name, |(_, node)| node);
    let near = nearest(wanted, all.iter().map(|full| &full[bare(full)..]))?;
    let (pack, _) = name.split_once('.').unwrap_or_default();
    let same_pack = all.iter().find(|full| full.strip_prefix(pack).is_some_and(|rest| rest.get(1..) == Some(near)));
    same_pack.or_else(|| registry.with_bare_name(near).first()).map(String::as_str)
}
