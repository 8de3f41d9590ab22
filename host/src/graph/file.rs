use super::problem::{Place, Problem};
use semver::VersionReq;
use serde_json::Value as Json;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the text of a graph came from; decides what its paths are relative to and whether they may leave a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A graph file: paths to read are relative to its folder.
    File(PathBuf),
    /// A picture that carries its graph: paths are relative to its folder and may not leave it.
    Picture(PathBuf),
    /// A text without a file (standard input): paths are relative to the current directory.
    Text,
}

impl Origin {
    /// The folder that paths to read are relative to; `None` means the current directory.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Picture(path) => path.parent(),
            Self::Text => None,
        }
    }

    /// Whether the graph's paths have to stay in their folder.
    #[must_use]
    pub fn confined(&self) -> bool {
        matches!(self, Self::Picture(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Picture(path) => write!(f, "the graph in {}", path.display()),
            Self::Text => f.write_str("the text"),
        }
    }
}

/// A graph as it was written: parsed, not yet checked against the packs.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Where it came from.
    pub origin: Origin,
    /// Whether it was a bare prompt: only nodes, without the keys around them.
    pub bare: bool,
    /// Keys that the format leaves to others (`$schema`, `_anything`), as they are written beside its own.
    pub extra: Vec<(String, Json)>,
    /// One line about the graph.
    pub title: String,
    /// More about it.
    pub description: String,
    /// The named inputs, the knobs a user sets.
    pub inputs: Vec<NamedInput>,
    /// The named results.
    pub outputs: Vec<NamedOutput>,
    /// The packs that it says it needs; of an expanded graph also those of its parts.
    pub requires: Vec<Requirement>,
    /// The nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// The nodes that stood for other graphs, once [`expand`](super::expand()) has put those in their places.
    pub graph_nodes: Vec<GraphNode>,
    /// The files of these graphs, each once, also those that could not be read.
    pub parts: Vec<PathBuf>,
    /// What is wrong with the text, as far as it could be read on; [`check`](super::check()) reports it with the rest.
    pub problems: Vec<Problem>,
}

/// A knob: a name for one input, or for several that are set together.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedInput {
    /// The name.
    pub name: String,
    /// What it sets.
    pub targets: Vec<Target>,
    /// Where it is written.
    pub place: Option<Place>,
}

/// An input of a node, written `node.input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node's id.
    pub node: String,
    /// The input's name.
    pub input: String,
}

impl Target {
    /// Reads `node.input`; a node's id may have dots itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (node, input) = text.rsplit_once('.')?;
        (!node.is_empty() && !input.is_empty()).then(|| Self { node: node.to_owned(), input: input.to_owned() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.input)
    }
}

/// A name for a result.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedOutput {
    /// The name.
    pub name: String,
    /// The output that it names.
    pub link: Link,
    /// Where it is written.
    pub place: Option<Place>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its id, unique in the graph.
    pub id: String,
    /// `pack.Node`, or the path of another graph; in a bare prompt also `Node`.
    pub class_type: String,
    /// Whether it is written in a bare prompt: then its class may leave out the pack, and values that the class has no
    /// input for are only odd.
    pub bare: bool,
    /// Its inputs, in the order of the file.
    pub inputs: Vec<Input>,
    /// Where its id is written.
    pub place: Option<Place>,
}

impl Node {
    /// Whether its class is another graph. Some names in bare prompts have slashes.
    #[must_use]
    pub fn is_graph(&self) -> bool {
        self.class_type.ends_with(".json") || (!self.bare && self.class_type.contains('/'))
    }

    /// What the file gives for an input.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&Source> {
        self.inputs.iter().find(|input| input.name == name).map(|input| &input.source)
    }
}

/// One input of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What is given for it.
    pub source: Source,
    /// Where that is written.
    pub place: Option<Place>,
    /// In what it is written: decides what a path is relative to.
    pub base: Base,
}

/// In what an input is written, which decides what a path is relative to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// In the graph: relative to its folder.
    #[default]
    Graph,
    /// In this file, the graph of a graph node: relative to the folder of that file.
    Part(Arc<Path>),
    /// On the command line: relative to the current directory.
    CommandLine,
}

/// A node that stood for another graph. The inputs and outputs are those that the other graph names, with the ids that
/// its nodes have here.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// Its id, with which the ids of the other graph's nodes begin: `outer:inner`.
    pub id: String,
    /// The path of the other graph, as it is written.
    pub class_type: String,
    /// What can be given to it.
    pub inputs: Vec<NamedInput>,
    /// What it gives.
    pub outputs: Vec<NamedOutput>,
}

/// A pack that a graph says it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The pack's id.
    pub pack: String,
    /// The versions that will do.
    pub version: Option<VersionReq>,
    /// Where the pack can be had.
    pub url: Option<String>,
    /// Where it is written.
    pub place: Option<Place>,
}

/// What is given for an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A value, written out.
    Literal(Json),
    /// The output of a node.
    Link(Link),
    /// The outputs of several nodes, for an input that takes a list.
    Links(Vec<Link>),
}

/// A link to a node's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The node's id.
    pub node: String,
    /// Which of its outputs.
    pub output: OutputName,
}

/// Which output of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputName {
    /// By its name.
    Name(String),
    /// By its position, from 0.
    Index(u64),
}

impl Source {
    /// The outputs that it takes.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        match self {
            Self::Literal(_) => &[],
            Self::Link(link) => std::slice::from_ref(link),
            Self::Links(links) => links,
        }
    }

    pub(crate) fn links_mut(&mut self) -> &mut [Link] {
        match self {
            Self::Literal(_) => &mut [],
            Self::Link(link) => std::slice::from_mut(link),
            Self::Links(links) => links,
        }
    }
}

impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.output)
    }
}

impl File {
    /// The node of an id. Takes time in proportion to the number of nodes.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The node of an id that stood for another graph.
    #[must_use]
    pub fn graph_node(&self, id: &str) -> Option<&GraphNode> {
        self.graph_nodes.iter().find(|node| node.id == id)
    }

    /// The named input of this name.
    #[must_use]
    pub fn named_input(&self, name: &str) -> Option<&NamedInput> {
        self.inputs.iter().find(|input| input.name == name)
    }
}
