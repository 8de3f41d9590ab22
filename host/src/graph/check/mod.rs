//! Whole-graph checking: every problem at once, before anything runs and without opening a file that an input names.

mod classes;
mod cycles;
mod files;
mod inputs;
mod requires;
mod targets;
mod until;

pub use classes::unknown_class;

use super::{
    file::File,
    given::Given,
    paths::PathRules,
    problem::{Kind, Problem, Problems},
};
use crate::{
    registry::{Class, Registry},
    words::some_of,
};
use serde_json::Value as Json;
use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::PathBuf,
    sync::Arc,
};

/// What to do about a pack that is missing.
const HOW_TO_INSTALL: &str = "install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS";

/// A graph without problems, ready to run.
#[derive(Clone)]
pub struct Checked {
    file: Arc<File>,
    /// What is odd about the graph but does not keep it from running.
    pub warnings: Vec<Problem>,
    /// All nodes, in the order of the file.
    pub nodes: Arc<[CheckedNode]>,
    /// The nodes that a run is for (positions in `nodes`): output nodes and those of named results.
    pub roots: Vec<usize>,
    /// The named results.
    pub outputs: Vec<(String, Socket)>,
    pub(crate) paths: Arc<PathRules>,
}

impl Checked {
    /// The graph with the values of the command line in place, its paths as they were given.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// A node whose inputs are known to fit.
#[derive(Clone)]
pub struct CheckedNode {
    /// Its id.
    pub id: Arc<str>,
    /// Its class.
    pub class: Class,
    /// What each input gets, in the order of the class.
    pub feeds: Vec<Feed>,
    /// The files and folders that it reads, as far as they are known before the run.
    pub reads: Vec<PathBuf>,
    /// The files that it writes; `{b}` stands for the position in a batch.
    pub writes: Vec<PathBuf>,
}

/// What an input gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// Nothing: the pack's default, if there is one.
    Nothing,
    /// A value; paths are absolute.
    Value(Json),
    /// An output of another node.
    Link(Socket),
    /// Outputs of other nodes, together one list.
    Links(Vec<Socket>),
}

impl Feed {
    /// The outputs that it takes.
    #[must_use]
    pub fn sockets(&self) -> &[Socket] {
        match self {
            Self::Link(socket) => std::slice::from_ref(socket),
            Self::Links(sockets) => sockets,
            Self::Nothing | Self::Value(_) => &[],
        }
    }
}

/// An output of a node: positions in [`Checked::nodes`] and in the class's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The node.
    pub node: usize,
    /// Its output.
    pub output: usize,
}

/// Checks a graph and what the command line says about it against the packs that are loaded.
///
/// # Errors
/// Everything that is wrong.
pub fn check(file: File, registry: &Registry, given: &Given) -> Result<Checked, Problems> {
    check_all(file, registry, given, true)
}

/// As [`check`], but does not look whether a file that is written is one of the others, which takes most of the time.
///
/// # Errors
/// Everything else that is wrong.
pub(crate) fn check_without_overwriting(file: File, registry: &Registry, given: &Given) -> Result<Checked, Problems> {
    check_all(file, registry, given, false)
}

fn check_all(file: File, registry: &Registry, given: &Given, overwriting: bool) -> Result<Checked, Problems> {
    let mut checker = Checker::new(file, registry);
    checker.check_requirements();
    checker.resolve_classes();
    checker.apply(given);
    checker.check_named_inputs();
    let outputs = checker.check_named_outputs();
    let feeds: Vec<Vec<Feed>> = (0..checker.file.nodes.len()).map(|node| checker.check_inputs(node)).collect();
    checker.check_cycles(&feeds);
    let roots = checker.roots(&outputs);
    let paths = checker.path_rules(given);
    let (nodes, files) = checker.resolve_paths(feeds, &paths);
    if overwriting {
        checker.check_overwriting(&files);
    }
    let Checker { file, problems, warnings, .. } = checker;
    if problems.is_empty() && nodes.len() == file.nodes.len() {
        let paths = Arc::new(paths);
        Ok(Checked { file: Arc::new(file), warnings, nodes: nodes.into(), roots, outputs, paths })
    } else {
        Err(Problems::new(problems, file.origin.to_string()))
    }
}

/// What is wrong with the text, the classes and the links of a graph, whatever else is.
pub(super) fn check_links(file: File, registry: &Registry) -> Vec<Problem> {
    let mut checker = Checker::new(file, registry);
    checker.resolve_classes();
    let mut problems = Vec::new();
    for (position, node) in checker.file.nodes.iter().enumerate() {
        for input in &node.inputs {
            for problem in input.source.links().iter().filter_map(|link| checker.socket(link).err()) {
                let about = checker.about(problem.kind, "", position).input(&input.name).at(input.place.clone());
                let Problem { node, class, input, place, .. } = about;
                problems.push(Problem { node, class, input, place, ..problem });
            }
        }
    }
    checker.problems.append(&mut problems);
    checker.check_named_outputs();
    checker.problems
}

struct Checker<'a> {
    registry: &'a Registry,
    file: File,
    /// The positions of the nodes.
    by_id: HashMap<String, usize>,
    /// Per node; `None` when its class is unknown.
    classes: Vec<Option<Class>>,
    /// Packs that the graph requires and that are not there as it requires them.
    unmet: HashSet<String>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn new(mut file: File, registry: &'a Registry) -> Self {
        let by_id = file.nodes.iter().enumerate().map(|(position, node)| (node.id.clone(), position)).collect();
        let problems = std::mem::take(&mut file.problems);
        Self { registry, file, by_id, classes: Vec::new(), unmet: HashSet::new(), problems, warnings: Vec::new() }
    }

    /// A problem that names a node and its class.
    fn about(&self, kind: Kind, message: impl Into<String>, node: usize) -> Problem {
        let class = self.classes.get(node).and_then(Option::as_ref);
        let problem = Problem::new(kind, message).node(&self.file.nodes[node].id);
        match class {
            Some(class) => problem.class(&class.full_name),
            None => problem,
        }
    }

    /// The ids of all nodes, to find the nearest.
    fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        let graph_nodes = self.file.graph_nodes.iter().map(|node| node.id.as_str());
        self.file.nodes.iter().map(|node| node.id.as_str()).chain(graph_nodes)
    }

    /// What a run is for. An unknown class may be one that writes, so then nothing is said about an empty list.
    fn roots(&mut self, outputs: &[(String, Socket)]) -> Vec<usize> {
        let named: HashSet<usize> = outputs.iter().map(|(_, socket)| socket.node).collect();
        let writes = |node: usize| self.classes[node].as_ref().is_some_and(|class| class.spec.output);
        let roots: Vec<usize> =
            (0..self.file.nodes.len()).filter(|node| named.contains(node) || writes(*node)).collect();
        if roots.is_empty() && self.file.outputs.is_empty() && self.classes.iter().all(Option::is_some) {
            let writing = self.registry.packs().iter().flat_map(|pack| {
                let nodes = pack.manifest.nodes.iter().filter(|spec| spec.output);
                nodes.map(move |spec| format!("{}.{}", pack.manifest.id, spec.name))
            });
            let writing: Vec<String> = writing.collect();
            let problem = Problem::new(Kind::NothingToDo, "the graph has nothing to do")
                .expected("named results under `outputs`, or a node that writes");
            let shown = some_of(writing.iter().map(String::as_str));
            self.problems.push(problem.hint((!writing.is_empty()).then(|| format!("nodes that write: {shown}"))));
        }
        roots
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<String> =
            self.nodes.iter().map(|node| format!("{}: {} {:?}", node.id, node.class.full_name, node.feeds)).collect();
        f.debug_struct("Checked").field("nodes", &nodes).field("roots", &self.roots).finish_non_exhaustive()
    }
}
