//! Moves a graph to another folder: rewrites its relative paths.

use super::{
    expand,
    file::{Base, File, GraphNode, Node, Source},
    parse_repeat::OWN_GRAPH,
    paths::{folder_of, identity},
    repeat_class::class_of,
};
use crate::{registry::Registry, words::with_slashes};
use serde_json::Value as Json;
use splatgraph_sdk::spec::{InputSpec, PathKind};
use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

impl File {
    /// This graph for a file in `folder` (empty: the current directory). Paths to read lead to the same files from there, and
    /// classes name their packs. Values from the command line stay as they are.
    #[must_use]
    pub fn moved_to(&self, folder: &Path, registry: &Registry) -> Self {
        let own_folder = self.origin.folder().unwrap_or(Path::new(""));
        let graph = |path: &str| graph_path(path, own_folder, folder);
        let mut file = self.with_paths(registry, &graph, &|value, spec, base| {
            let from = match base {
                Base::Graph | Base::Value => own_folder,
                Base::Part(path) => folder_of(path),
                Base::CommandLine => return,
            };
            relocate(value, spec, from, folder);
        });
        for (key, value) in &mut file.extra {
            if let ("$schema", Json::String(path)) = (key.as_str(), value)
                && !path.contains("://")
            {
                *path = relocated(path, own_folder, folder);
            }
        }
        file
    }

    /// This graph with other paths, and with classes that name their packs. `graph` gives the new path of a graph node, and `literal`
    /// changes the value of an input, which may be a path.
    pub(crate) fn with_paths(
        &self,
        registry: &Registry,
        graph: &dyn Fn(&str) -> String,
        literal: &dyn Fn(&mut Json, &InputSpec, &Base),
    ) -> Self {
        let expanded = if self.nodes.iter().any(Node::is_graph) {
            Cow::Owned(expand(self.clone()).adapted(registry))
        } else {
            Cow::Borrowed(self)
        };
        let specs = Specs::new(&expanded, registry);
        let mut file = self.clone();
        for node in &mut file.nodes {
            if let Some(own) = node.repeat.as_mut().and_then(|repeat| repeat.graph.as_mut()) {
                *own = Arc::new(own.with_paths(registry, graph, literal));
            }
            if node.is_graph() && node.class_type != OWN_GRAPH {
                node.class_type = graph(&node.class_type);
            } else if let Some(class) = registry.class(&node.class_type).filter(|_| node.bare) {
                node.class_type = class.full_name;
            }
            for input in &mut node.inputs {
                if let Source::Literal(value) = &mut input.source
                    && let Some(spec) = specs.of(&node.id, &input.name)
                {
                    literal(value, &spec, &input.base);
                }
            }
        }
        file
    }
}

/// The declarations of the inputs of an expanded graph.
pub(super) struct Specs<'a> {
    nodes: HashMap<&'a str, &'a Node>,
    graphs: HashMap<&'a str, &'a GraphNode>,
    registry: &'a Registry,
}

impl<'a> Specs<'a> {
    pub(super) fn new(expanded: &'a File, registry: &'a Registry) -> Self {
        Self {
            nodes: expanded.nodes.iter().map(|node| (node.id.as_str(), node)).collect(),
            graphs: expanded.graph_nodes.iter().map(|node| (node.id.as_str(), node)).collect(),
            registry,
        }
    }

    /// The declaration of an input. For an input of a graph node, the declaration of the first inner input that it sets.
    pub(super) fn of(&self, node: &str, input: &str) -> Option<InputSpec> {
        let (node, input) = match self.graphs.get(node) {
            Some(graph) => {
                let named = graph.inputs.iter().find(|named| named.name == input)?;
                let target = named.targets.first()?;
                (target.node.as_str(), target.input.as_str())
            }
            None => (node, input),
        };
        let class = class_of(self.nodes.get(node)?, self.registry)?;
        class.spec.inputs.iter().find(|spec| spec.name == input).cloned()
    }
}

/// Rewrites the path that a value is, from the folder `from` for the folder `to`.
pub(super) fn relocate(value: &mut Json, spec: &InputSpec, from: &Path, to: &Path) {
    match (value, spec.path) {
        (Json::Array(items), _) => items.iter_mut().for_each(|item| relocate(item, spec, from, to)),
        (Json::String(text), Some(PathKind::Read | PathKind::ReadDir)) => *text = relocated(text, from, to),
        // Built-in models and models in model folders are found from any folder.
        (Json::String(text), Some(PathKind::Model))
            if !spec.builtin.contains(text) && from.join(text.as_str()).exists() =>
        {
            *text = relocated(text, from, to);
        }
        _ => {}
    }
}

/// The path of a graph in the folder `from`, rewritten for the folder `to`.
pub(super) fn graph_path(path: &str, from: &Path, to: &Path) -> String {
    let path = relocated(path, from, to);
    // The slash marks the class as a path.
    if path.contains('/') { path } else { format!("./{path}") }
}

/// A path in the folder `from`, rewritten for the folder `to`.
pub(super) fn relocated(path: &str, from: &Path, to: &Path) -> String {
    if from == to {
        return path.to_owned();
    }
    let real = |folder: &Path| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // Follows links first, as the system takes `..` after links.
        identity(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()))
    };
    let (from, to) = (real(from), real(to));
    if path.is_empty() || Path::new(path).is_absolute() || from == to {
        return path.to_owned();
    }
    // `..` at the start can be taken by name, as `from` has no links. Later folders of the path may be links.
    let mut target = from.clone();
    let mut rest = Path::new(path).components().peekable();
    while let Some(Component::ParentDir | Component::CurDir) = rest.peek() {
        if rest.next() == Some(Component::ParentDir) {
            target.pop();
        }
    }
    target.extend(rest);
    let shared = to.components().zip(target.components()).take_while(|(a, b)| a == b).count();
    if !to.components().take(shared).any(|component| matches!(component, Component::Normal(_) | Component::RootDir)) {
        return target.to_string_lossy().into_owned();
    }
    let up = to.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(target.components().skip(shared)).collect();
    if relative.as_os_str().is_empty() { ".".to_owned() } else { with_slashes(&relative.to_string_lossy()) }
}
