//! Replaces graph nodes by the nodes of the graphs that they name.

use super::{
    file::{Base, File, GraphNode, Input, Link, NamedInput, Node, Origin, OutputName, Requirement, Target},
    moved::graph_path,
    paths::{folder_of, identity, leaves_folder},
    problem::{Kind, Place, Problem},
};
use crate::{
    reading::{LARGEST_GRAPH, read_at_most, text_of},
    words::{nearest, shown, some_of, suggest},
};
use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// The largest depth of graphs in graphs.
const DEPTH: usize = 32;
/// The largest number of nodes. Without a limit, a few small files that use each other could fill the memory.
const NODES: usize = 100_000;

/// Replaces each node that names a graph (`"class_type": "./other.json"`) by the nodes of that graph, at any depth. Their
/// ids have the form `outer:inner`. Inputs of the replaced node set the graph's named inputs, and links to it lead to the
/// graph's named outputs. A node that repeats its graph stays, and gets the graph. Reads the files, and adds their problems to
/// [`File::problems`].
#[must_use]
pub fn expand(mut file: File) -> File {
    let folder = file.origin.folder().map(Path::to_owned).unwrap_or_default();
    let mut expander = Expander {
        confined_to: file.origin.confined().map(|from| (without_dots(&folder), from)),
        chain: Vec::new(),
        loaded: HashMap::new(),
        parts: std::mem::take(&mut file.parts),
        nodes: 0,
        problems: std::mem::take(&mut file.problems),
    };
    if let Origin::File(path) = &file.origin {
        expander.chain.push((identity(path), path.clone()));
    }
    expander.put_in(&mut file, &folder);
    file.parts = expander.parts;
    file.problems = expander.problems;
    file
}

struct Expander {
    /// The folder that paths may not leave, if there is one, and where the graph comes from.
    confined_to: Option<(PathBuf, &'static str)>,
    /// The files that are being read, each of which names the next: identities and paths.
    chain: Vec<(PathBuf, PathBuf)>,
    /// Every file that was read, expanded; `None` if it has a problem, which is reported once.
    loaded: HashMap<PathBuf, Option<Arc<File>>>,
    parts: Vec<PathBuf>,
    /// The number of nodes that were put in, including graph nodes.
    nodes: usize,
    problems: Vec<Problem>,
}

impl Expander {
    fn put_in(&mut self, file: &mut File, folder: &Path) {
        let mut graphs: HashMap<String, Arc<File>> = HashMap::new();
        for node in file.nodes.iter_mut().filter(|node| node.is_graph()) {
            if let Some(own) = node.repeat.as_mut().and_then(|repeat| repeat.graph.as_mut()) {
                // It stands in the node, or was read before.
                if own.nodes.iter().any(Node::is_graph) {
                    self.put_in(Arc::make_mut(own), folder);
                }
                require(&mut file.requires, own);
                continue;
            }
            match self.load(folder, node) {
                Ok(Some(graph)) => match &mut node.repeat {
                    Some(repeat) => {
                        repeat.graph = Some(graph.clone());
                        require(&mut file.requires, &graph);
                    }
                    None => drop(graphs.insert(node.id.clone(), graph)),
                },
                // An empty class marks a node that could not be read, so that links to it are not problems too.
                Ok(None) => node.class_type.clear(),
                Err(problem) => {
                    self.problems.push(problem.node(&node.id).at(node.place.clone()));
                    node.class_type.clear();
                }
            }
        }
        if graphs.is_empty() {
            return;
        }
        let links = file.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        let links = links.flat_map(|input| input.source.links_mut());
        for link in links.chain(file.outputs.iter_mut().map(|output| &mut output.link)) {
            if let Some(inner) = graphs.get(&link.node).and_then(|graph| output_of(graph, &link.output)) {
                *link = Link { node: inner_id(&link.node, &inner.node), output: inner.output };
            }
        }
        for named in &mut file.inputs {
            named.targets = std::mem::take(&mut named.targets).into_iter().flat_map(|t| targets(&graphs, t)).collect();
        }
        let own: HashSet<String> = file.nodes.iter().map(|node| node.id.clone()).collect();
        let mut taken = own;
        for node in std::mem::take(&mut file.nodes) {
            match graphs.get(&node.id) {
                Some(graph) => self.put_graph(file, folder, &node, graph, &mut taken),
                None => file.nodes.push(node),
            }
        }
    }

    /// Adds the nodes of a graph in place of the node that names it. `folder` is that of the file.
    fn put_graph(&mut self, file: &mut File, folder: &Path, node: &Node, graph: &File, taken: &mut HashSet<String>) {
        let first = file.nodes.len();
        file.nodes.extend(graph.nodes.iter().map(|inner| with_prefix(inner, &node.id)));
        let own_folder = graph.origin.folder().unwrap_or(Path::new(""));
        for inner in file.nodes[first..].iter_mut().filter(|inner| inner.repeat.is_some()) {
            inner.class_type = graph_path(&inner.class_type, own_folder, folder);
        }
        let named = |inputs: &[NamedInput]| {
            let inner = |target: &Target| Target { node: inner_id(&node.id, &target.node), ..target.clone() };
            let input =
                |input: &NamedInput| NamedInput { targets: input.targets.iter().map(inner).collect(), ..input.clone() };
            inputs.iter().map(input).collect::<Vec<_>>()
        };
        let mut outputs = graph.outputs.clone();
        outputs.iter_mut().for_each(|output| output.link.node = inner_id(&node.id, &output.link.node));
        let (id, class_type) = (node.id.clone(), node.class_type.clone());
        file.graph_nodes.push(GraphNode { id, class_type, inputs: named(&graph.inputs), outputs });
        file.graph_nodes.extend(graph.graph_nodes.iter().map(|inner| {
            let mut outputs = inner.outputs.clone();
            outputs.iter_mut().for_each(|output| output.link.node = inner_id(&node.id, &output.link.node));
            let (id, class_type) = (inner_id(&node.id, &inner.id), inner.class_type.clone());
            GraphNode { id, class_type, inputs: named(&inner.inputs), outputs }
        }));
        require(&mut file.requires, graph);
        let added = &mut file.nodes[first..];
        if let Some(twice) = added.iter().find(|node| !taken.insert(node.id.clone())) {
            let message = format!("its graph has a node that becomes `{}`, which is the id of another node", twice.id);
            let problem = Problem::new(Kind::DuplicateKey, message).node(&node.id).at(node.place.clone());
            self.problems.push(problem.hint("rename one of the nodes".to_owned()));
        }
        let positions: HashMap<String, usize> =
            added.iter().enumerate().map(|(position, node)| (node.id.clone(), position)).collect();
        for input in &node.inputs {
            let Some(named) = graph.named_input(&input.name) else {
                self.problems.push(unknown_input(node, input, graph));
                continue;
            };
            for target in &named.targets {
                let Some(inner) = positions.get(&inner_id(&node.id, &target.node)) else { continue };
                let new = Input { name: target.input.clone(), ..input.clone() };
                let inputs = &mut added[*inner].inputs;
                match inputs.iter_mut().find(|input| input.name == new.name) {
                    Some(input) => *input = new,
                    None => inputs.push(new),
                }
            }
        }
    }

    /// The graph that a node names, expanded; `None` if its problem was reported before.
    fn load(&mut self, folder: &Path, node: &Node) -> Result<Option<Arc<File>>, Problem> {
        let path = without_dots(&folder.join(&node.class_type));
        if let Some((root, from)) = &self.confined_to
            && leaves_folder(path.strip_prefix(root).unwrap_or(&path))
        {
            let message = format!("a graph from {from} may use only graphs in its folder");
            let hint = "save the graph as a file of its own".to_owned();
            return Err(Problem::new(Kind::Path, message).received(format!("{:?}", node.class_type)).hint(hint));
        }
        let identity = identity(&path);
        if let Some(first) = self.chain.iter().position(|(known, _)| *known == identity) {
            let names = self.chain[first..].iter().map(|(_, path)| path).chain([&path]);
            let names: Vec<String> = names.map(|path| shown(path)).collect();
            let problem = Problem::new(
                Kind::Part,
                format!("expected a graph that does not contain itself, got {}", names.join(" > ")),
            );
            return Err(problem.hint("remove one of these graph nodes".to_owned()));
        }
        if self.chain.len() > DEPTH {
            let message = format!("expected at most {DEPTH} levels of graphs in graphs, got more");
            return Err(Problem::new(Kind::Part, message).hint("use fewer levels".to_owned()));
        }
        if !self.loaded.contains_key(&identity) {
            if !self.parts.contains(&path) {
                self.parts.push(path.clone());
            }
            let text = read(&path, &node.class_type)?;
            let graph = self.read_graph(&text, &path, identity.clone());
            self.loaded.insert(identity.clone(), graph.map(Arc::new));
        }
        let graph = self.loaded.get(&identity).cloned().flatten();
        if self.nodes <= NODES {
            self.nodes += 1 + graph.as_ref().map_or(0, |graph| count(graph, NODES));
        }
        if self.nodes > NODES {
            let message = format!("expected at most {NODES} nodes from graph nodes, got more");
            return Err(Problem::new(Kind::Part, message).hint("use fewer graph nodes".to_owned()));
        }
        Ok(graph)
    }

    fn read_graph(&mut self, text: &str, path: &Path, identity: PathBuf) -> Option<File> {
        let shared: Arc<Path> = path.into();
        let mut file = match File::parse(text, Origin::File(path.to_owned())) {
            Ok(file) => file,
            Err(problems) => {
                self.problems.extend(problems.problems.into_iter().map(|problem| within(problem, &shared)));
                return None;
            }
        };
        say_where(&mut file, &shared);
        self.problems.extend(std::mem::take(&mut file.problems).into_iter().map(|problem| within(problem, &shared)));
        self.chain.push((identity, path.to_owned()));
        self.put_in(&mut file, folder_of(path));
        self.chain.pop();
        self.check_names(&file);
        Some(file)
    }

    /// Checks the named inputs and outputs of a graph in a graph node. Later checks do not see them.
    fn check_names(&mut self, file: &File) {
        let ids: Vec<&str> = file.nodes.iter().map(|node| node.id.as_str()).collect();
        let graph_ids = file.graph_nodes.iter().map(|node| node.id.as_str());
        let known: HashSet<&str> = ids.iter().copied().chain(graph_ids).collect();
        for named in &file.inputs {
            for target in named.targets.iter().filter(|target| !known.contains(target.node.as_str())) {
                let (name, node) = (&named.name, &target.node);
                let message = format!("the named input `{name}` sets `{target}`, but the graph has no node `{node}`");
                let hint = suggest(node, ids.iter().copied(), "the nodes are");
                self.problems.push(Problem::new(Kind::UnknownTarget, message).at(named.place.clone()).hint(hint));
            }
        }
        for output in file.outputs.iter().filter(|output| !known.contains(output.link.node.as_str())) {
            let (name, node) = (&output.name, &output.link.node);
            let message = format!("the named output `{name}`: the graph has no node `{node}`");
            let hint = suggest(node, ids.iter().copied(), "the nodes are");
            self.problems.push(Problem::new(Kind::DanglingLink, message).at(output.place.clone()).hint(hint));
        }
    }
}

/// The number of nodes of a graph, and of those that its nodes repeat, counted up to `most` and a few more.
fn count(graph: &File, most: usize) -> usize {
    let mut count = graph.nodes.len();
    for inner in graph.nodes.iter().filter_map(|node| node.repeat.as_ref()?.graph.as_ref()) {
        if count > most {
            break;
        }
        count += self::count(inner, most - count);
    }
    count
}

/// Adds the requirements of a part.
fn require(requires: &mut Vec<Requirement>, part: &File) {
    for requirement in &part.requires {
        if !requires.contains(requirement) {
            requires.push(requirement.clone());
        }
    }
}

/// The id of an inner node in the outer graph.
fn inner_id(outer: &str, inner: &str) -> String {
    format!("{outer}:{inner}")
}

fn output_of(graph: &File, output: &OutputName) -> Option<Link> {
    let found = match output {
        OutputName::Name(name) => graph.outputs.iter().find(|named| named.name == *name),
        OutputName::Index(index) => graph.outputs.get(usize::try_from(*index).ok()?),
    };
    found.map(|named| named.link.clone())
}

/// The inner inputs that an input of a graph node sets; any other target stays as it is.
fn targets(graphs: &HashMap<String, Arc<File>>, target: Target) -> Vec<Target> {
    match graphs.get(&target.node).and_then(|graph| graph.named_input(&target.input)) {
        Some(named) => {
            let inner = |inner: &Target| Target { node: inner_id(&target.node, &inner.node), ..inner.clone() };
            named.targets.iter().map(inner).collect()
        }
        None => vec![target],
    }
}

fn with_prefix(node: &Node, outer: &str) -> Node {
    let mut node = Node { id: inner_id(outer, &node.id), ..node.clone() };
    for link in node.inputs.iter_mut().flat_map(|input| input.source.links_mut()) {
        link.node = inner_id(outer, &link.node);
    }
    node
}

fn unknown_input(node: &Node, input: &Input, graph: &File) -> Problem {
    let known = graph.inputs.iter().map(|input| input.name.as_str());
    let problem = Problem::new(Kind::UnknownInput, format!("the graph has no input `{}`", input.name));
    let none = || Some("name inputs under `inputs` in that graph".to_owned());
    let hint = suggest(&input.name, known, "its inputs are").or_else(none);
    problem.node(&node.id).class(&node.class_type).at(input.place.clone()).hint(hint)
}

/// Marks every place in a graph with its file.
fn say_where(file: &mut File, path: &Arc<Path>) {
    let mut places: Vec<&mut Option<Place>> = Vec::new();
    places.extend(file.inputs.iter_mut().map(|input| &mut input.place));
    places.extend(file.outputs.iter_mut().map(|output| &mut output.place));
    places.extend(file.requires.iter_mut().map(|requirement| &mut requirement.place));
    for node in &mut file.nodes {
        places.push(&mut node.place);
        for input in &mut node.inputs {
            input.base = Base::Part(path.clone());
            places.push(&mut input.place);
        }
    }
    for place in places.into_iter().flatten() {
        place.file = Some(path.clone());
    }
}

fn within(mut problem: Problem, path: &Arc<Path>) -> Problem {
    let place = problem.place.get_or_insert(Place { file: None, line: 1, column: 1 });
    place.file = Some(path.clone());
    problem
}

/// Reads the text of a part. `written` is its path as the graph has it.
fn read(path: &Path, written: &str) -> Result<String, Problem> {
    let bytes = read_at_most(path, LARGEST_GRAPH).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => not_found(path, written),
        _ => Problem::new(Kind::Part, format!("the graph {written:?} cannot be read: {error}: {}", shown(path))),
    })?;
    text_of(bytes).map_err(|got| {
        let message = format!("expected a graph in JSON text in {written:?}, got {got}: {}", shown(path));
        Problem::new(Kind::Part, message)
    })
}

fn not_found(path: &Path, written: &str) -> Problem {
    let folder = folder_of(path);
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = std::fs::read_dir(listed).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> =
        names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".json")).collect();
    names.sort();
    let names = names.iter().map(String::as_str);
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let hint = match nearest(&wanted, names.clone()) {
        Some(near) => {
            let (before, _) = written.rsplit_once('/').map_or(("", written), |(before, name)| (before, name));
            let slash = if before.is_empty() && !written.starts_with('/') { "" } else { "/" };
            Some(format!("did you mean \"{before}{slash}{near}\"?"))
        }
        None => Some(some_of(names)).filter(|all| !all.is_empty()).map(|all| format!("the folder has {all}")),
    };
    Problem::new(Kind::Part, format!("expected the graph {written:?}, got no such file: {}", shown(path))).hint(hint)
}

/// Makes `a/./b` into `a/b`.
pub(super) fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}
