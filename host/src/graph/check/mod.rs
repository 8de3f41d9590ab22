//! Checks a whole graph before anything runs, and reports all problems at once. Opens no file that an input names; a check with
//! files looks whether they are there.

mod classes;
mod cycles;
mod disk;
mod files;
mod inputs;
mod repeats;
mod requires;
mod targets;
mod until;

pub use classes::unknown_class;
pub(crate) use disk::Disk;
pub use repeats::Repeated;

use super::{
    file::File,
    given::Given,
    paths::PathRules,
    problem::{Kind, Problem, Problems},
    written::WrittenFile,
};
use crate::{
    registry::{Class, Registry},
    words::{some_of, suggest},
};
use serde_json::{Map, Value as Json};
use std::{
    cell::Cell,
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
    /// Problems that do not keep the graph from running.
    pub warnings: Vec<Problem>,
    /// All nodes, in the order of the file.
    pub nodes: Arc<[CheckedNode]>,
    /// The nodes that a run is for, by their positions in `nodes`: output nodes, and nodes of named results.
    pub roots: Vec<usize>,
    /// The named results.
    pub outputs: Vec<(String, Socket)>,
    pub(crate) paths: Arc<PathRules>,
    /// The files that the nodes read and write, as far as the graph names them.
    files: Arc<[disk::Used]>,
    /// In a graph that a node repeats, the position of the node whose outputs are the values of a pass.
    pub(crate) values: Option<usize>,
}

impl Checked {
    /// The graph with the values of [`Given`] in place. Its paths are as the user wrote them.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// All nodes that packs run: those of this graph, and of the graphs that its nodes repeat.
    #[must_use]
    pub fn pack_nodes(&self) -> Vec<&CheckedNode> {
        let mut all = Vec::with_capacity(self.nodes.len());
        for (position, node) in self.nodes.iter().enumerate() {
            match &node.repeat {
                Some(repeat) => all.extend(repeat.checked.pack_nodes()),
                None if self.values == Some(position) => {}
                None => all.push(node),
            }
        }
        all
    }

    /// The versions of the packs of all nodes, by their ids.
    pub(crate) fn pack_versions(&self) -> Map<String, Json> {
        let manifests = self.pack_nodes().into_iter().map(|node| &node.class.pack.manifest);
        manifests.map(|manifest| (manifest.id.clone(), manifest.version.clone().into())).collect()
    }
}

/// A node whose inputs fit its class.
#[derive(Clone)]
pub struct CheckedNode {
    /// Its id.
    pub id: Arc<str>,
    /// Its class.
    pub class: Class,
    /// The feed of each input, in the order of the class.
    pub feeds: Vec<Feed>,
    /// The files and folders that it reads, as far as the graph names them.
    pub reads: Vec<PathBuf>,
    /// The files that it writes, as far as the graph names them.
    pub writes: Vec<WrittenFile>,
    /// The graph that it runs several times, if it does.
    pub repeat: Option<Arc<Repeated>>,
}

/// The source of an input's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// Nothing: the pack uses its default, if it has one.
    Nothing,
    /// A value. Paths are absolute.
    Value(Json),
    /// An output of another node.
    Link(Socket),
    /// Outputs of other nodes, as one list.
    Links(Vec<Socket>),
}

impl Feed {
    /// The outputs that the input takes.
    #[must_use]
    pub fn sockets(&self) -> &[Socket] {
        match self {
            Self::Link(socket) => std::slice::from_ref(socket),
            Self::Links(sockets) => sockets,
            Self::Nothing | Self::Value(_) => &[],
        }
    }
}

/// An output of a node, by its positions in [`Checked::nodes`] and among the outputs of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The position of the node.
    pub node: usize,
    /// The position of the output.
    pub output: usize,
}

/// Checks a graph, and the values and folders that the user gives, against the loaded packs. Does not look whether its files
/// are there.
///
/// # Errors
/// All problems.
pub fn check(file: File, registry: &Registry, given: &Given) -> Result<Checked, Problems> {
    Checker::new(file, registry).check(given, Checks { overwriting: true, disk: false })
}

/// Checks a graph as [`check`] does, and also whether the files that it reads are there and its files can be written.
///
/// # Errors
/// All problems.
pub fn check_with_files(file: File, registry: &Registry, given: &Given) -> Result<Checked, Problems> {
    Checker::new(file, registry).check(given, Checks { overwriting: true, disk: true })
}

/// Checks a graph as [`check`] does, but does not compare the files that it writes with its other files, which takes most
/// of the time.
///
/// # Errors
/// All other problems.
pub(crate) fn check_without_overwriting(file: File, registry: &Registry, given: &Given) -> Result<Checked, Problems> {
    Checker::new(file, registry).check(given, Checks { overwriting: false, disk: false })
}

/// The checks that not everyone needs.
#[derive(Clone, Copy)]
struct Checks {
    /// Compares the files that the graph writes with its other files.
    overwriting: bool,
    /// Looks at the files.
    disk: bool,
}

/// The problems of the text, the classes and the links of a graph. Ignores all others.
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
    let Checker { file, problems, .. } = checker;
    file.with_versions(problems, registry)
}

struct Checker<'a> {
    registry: &'a Registry,
    file: File,
    /// The positions of the nodes, by their ids.
    by_id: HashMap<String, usize>,
    /// For each node; `None` if its class is unknown.
    classes: Vec<Option<Class>>,
    /// The packs that the graph requires and that are missing or have another version.
    unmet: HashSet<String>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// The inputs of nodes that the user gave wrong values, so that they are not missing too.
    wrongly_given: HashSet<(usize, String)>,
    /// How many ids were compared for hints.
    compared: Cell<usize>,
}

impl<'a> Checker<'a> {
    fn new(file: File, registry: &'a Registry) -> Self {
        let mut file = file.adapted(registry);
        let by_id = file.nodes.iter().enumerate().map(|(position, node)| (node.id.clone(), position)).collect();
        let problems = std::mem::take(&mut file.problems);
        let warnings = std::mem::take(&mut file.notices);
        Self {
            registry,
            file,
            by_id,
            classes: Vec::new(),
            unmet: HashSet::new(),
            problems,
            warnings,
            wrongly_given: HashSet::new(),
            compared: Cell::new(0),
        }
    }

    fn check(mut self, given: &Given, checks: Checks) -> Result<Checked, Problems> {
        self.check_requirements();
        self.resolve_classes();
        self.apply(given);
        self.check_named_inputs();
        let outputs = self.check_named_outputs();
        let mut feeds = Vec::with_capacity(self.file.nodes.len());
        let mut sound = Vec::with_capacity(self.file.nodes.len());
        for node in 0..self.file.nodes.len() {
            let before = self.problems.len();
            feeds.push(self.check_inputs(node));
            sound.push(self.problems.len() == before);
        }
        let repeats = self.check_repeats(&sound, given, checks);
        self.check_cycles(&feeds);
        let roots = self.roots(&outputs);
        let paths = self.path_rules(given);
        let needed = self.needed(&given.until, &feeds);
        let (mut nodes, files) = self.resolve_paths(feeds, &needed, &paths);
        if checks.overwriting {
            self.check_overwriting(&files);
        }
        let Checker { registry, file, mut problems, warnings, .. } = self;
        let (paths, origin, whole) = (Arc::new(paths), file.origin.to_string(), nodes.len() == file.nodes.len());
        problems = file.with_versions(problems, registry);
        if whole {
            for (node, repeat) in nodes.iter_mut().zip(repeats) {
                let inner = repeat.iter().flat_map(|repeat| repeat.checked.nodes.iter());
                node.reads.extend(inner.flat_map(|inner| inner.reads.iter().cloned()));
                node.repeat = repeat;
            }
        }
        let (file, files) = (Arc::new(file), files.into());
        let checked = Checked { file, warnings, nodes: nodes.into(), roots, outputs, paths, files, values: None };
        if checks.disk && whole {
            let until: Vec<usize> =
                given.until.iter().flat_map(|id| checked.positions(id).unwrap_or_default()).collect();
            let roots = if given.until.is_empty() { &checked.roots } else { &until };
            problems.extend(checked.file_problems(&checked.needed(roots), &mut Disk::default()));
        }
        if problems.is_empty() && whole { Ok(checked) } else { Err(Problems::new(problems, origin)) }
    }

    /// A problem of a node, with its class.
    fn about(&self, kind: Kind, message: impl Into<String>, node: usize) -> Problem {
        let class = self.classes.get(node).and_then(Option::as_ref);
        let problem = Problem::new(kind, message).node(&self.file.nodes[node].id);
        match class {
            Some(class) => problem.class(&class.full_name),
            None => problem,
        }
    }

    /// The nearest id of a node. A large graph with many wrong ids would take long, and nobody reads so many hints.
    fn suggest_node(&self, id: &str) -> Option<String> {
        const COMPARED: usize = 1_000_000;
        let compared = self.compared.get() + self.by_id.len();
        if compared > COMPARED.max(self.by_id.len()) {
            return None;
        }
        self.compared.set(compared);
        suggest(id, self.ids(), "the nodes are")
    }

    /// The ids of all nodes, to find the nearest.
    fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        let graph_nodes = self.file.graph_nodes.iter().map(|node| node.id.as_str());
        self.file.nodes.iter().map(|node| node.id.as_str()).chain(graph_nodes)
    }

    /// The nodes that a run is for. Reports a graph without any, unless a class is unknown, as that could be an output node.
    fn roots(&mut self, outputs: &[(String, Socket)]) -> Vec<usize> {
        let named: HashSet<usize> = outputs.iter().map(|(_, socket)| socket.node).collect();
        let writes = |node: usize| self.classes[node].as_ref().is_some_and(|class| class.spec.output);
        let roots: Vec<usize> =
            (0..self.file.nodes.len()).filter(|node| named.contains(node) || writes(*node)).collect();
        let is_said = self.problems.iter().any(|problem| problem.kind == Kind::NothingToDo);
        if roots.is_empty() && !is_said && self.file.outputs.is_empty() && self.classes.iter().all(Option::is_some) {
            let writing = self.registry.packs().iter().flat_map(|pack| {
                let nodes = pack.manifest.nodes.iter().filter(|spec| spec.output);
                nodes.map(move |spec| format!("{}.{}", pack.manifest.id, spec.name))
            });
            let writing: Vec<String> = writing.collect();
            let problem = Problem::new(Kind::NothingToDo, "the graph has nothing to run for")
                .expected("named results under `outputs`, or an output node");
            let shown = some_of(writing.iter().map(String::as_str));
            self.problems.push(problem.hint((!writing.is_empty()).then(|| format!("output nodes are: {shown}"))));
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
