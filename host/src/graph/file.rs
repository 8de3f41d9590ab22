//! A graph as it is written: parsed, but not checked.

use super::{
    changes::Earlier,
    problem::{Place, Problem},
    repeat::Repeat,
    unpacked::Unpacked,
};
use semver::{Version, VersionReq};
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The origin of the text of a graph. It decides what paths are relative to, and whether they may leave a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A graph file. Paths to read are relative to its folder.
    File(PathBuf),
    /// A picture with a graph in it. Paths to read are relative to its folder and may not leave it.
    Picture(PathBuf),
    /// A bundle. Paths to read are relative to the folder into which it was unpacked, and may not leave it.
    Bundle(Unpacked),
    /// A text without a file, such as standard input. Paths are relative to the current directory.
    Text,
}

impl Origin {
    /// The folder that paths to read are relative to; `None` means the current directory.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Picture(path) => path.parent(),
            Self::Bundle(unpacked) => Some(unpacked.folder()),
            Self::Text => None,
        }
    }

    /// The file that has the graph; `None` for a text without a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Picture(path) => Some(path),
            Self::Bundle(unpacked) => Some(unpacked.archive()),
            Self::Text => None,
        }
    }

    /// Where a graph comes from whose paths may not leave their folder; `None` for any other graph.
    #[must_use]
    pub fn confined(&self) -> Option<&'static str> {
        match self {
            Self::Picture(_) => Some("a picture"),
            Self::Bundle(_) => Some("a bundle"),
            Self::File(_) | Self::Text => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.to_string_lossy()),
            Self::Picture(path) => write!(f, "the graph in {}", path.to_string_lossy()),
            Self::Bundle(unpacked) => write!(f, "the graph in {}", unpacked.archive().to_string_lossy()),
            Self::Text => f.write_str("the text"),
        }
    }
}

/// A graph as it is written, parsed but not checked against the packs.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it is a bare prompt, which has only nodes, or a workflow.
    pub bare: bool,
    /// The workflow that it was read from, until its nodes are made; see [`File::adapted`].
    pub workflow: Option<Arc<Json>>,
    /// Keys that the format leaves to other programs (`$schema`, `_anything`).
    pub extra: Vec<(String, Json)>,
    /// One line about the graph.
    pub title: String,
    /// Further text about the graph.
    pub description: String,
    /// The named inputs, which users set.
    pub inputs: Vec<NamedInput>,
    /// The named results.
    pub outputs: Vec<NamedOutput>,
    /// The packs that the graph requires. An expanded graph also has the requirements of its parts.
    pub requires: Vec<Requirement>,
    /// The versions of the packs with which it was made, by their ids, as far as they are known.
    pub packs: BTreeMap<String, Version>,
    /// The nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// The graph nodes that [`expand`](super::expand()) replaced.
    pub graph_nodes: Vec<GraphNode>,
    /// The files of the graphs that graph nodes name, each once, including files that could not be read.
    pub parts: Vec<PathBuf>,
    /// The problems of the text. [`check`](super::check()) reports them with all others.
    pub problems: Vec<Problem>,
    /// By their ids, the earlier forms of nodes to which changes of their packs were applied; see [`File::adapted`].
    pub earlier: BTreeMap<String, Earlier>,
    /// Texts about these changes, which [`check`](super::check()) adds to its warnings.
    pub notices: Vec<Problem>,
}

/// A name for an input, or for several inputs that are set together.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedInput {
    /// The name.
    pub name: String,
    /// The inputs that it sets.
    pub targets: Vec<Target>,
    /// The place of its name.
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
    /// Reads `node.input`. The id of the node may have dots too.
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
    /// The place of its name.
    pub place: Option<Place>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its id, unique in the graph.
    pub id: String,
    /// `pack.Node`, or the path of another graph; in a bare prompt also `Node`.
    pub class_type: String,
    /// Whether it comes from a bare prompt. Then its class may leave out the pack, and a value for an input that the class
    /// does not have is only a warning.
    pub bare: bool,
    /// Whether the values of a bare prompt have the form of their inputs; see [`File::adapted`].
    pub adapted: bool,
    /// The version of its pack with which it was made, if that is known and not the loaded one; see [`File::adapted`].
    pub version: Option<Version>,
    /// How it runs its graph several times, if it does. Such a graph node stays a node when its graph is read.
    pub repeat: Option<Repeat>,
    /// Its inputs, in the order of the file.
    pub inputs: Vec<Input>,
    /// The place of its id.
    pub place: Option<Place>,
}

impl Node {
    /// Whether its class is another graph. A slash alone does not tell in a bare prompt, where some class names have one.
    #[must_use]
    pub fn is_graph(&self) -> bool {
        self.repeat.is_some() || self.class_type.ends_with(".json") || (!self.bare && self.class_type.contains('/'))
    }

    /// The source of an input in the file.
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
    /// The source of its value.
    pub source: Source,
    /// The place of the source.
    pub place: Option<Place>,
    /// Where it is written, which decides what a path is relative to.
    pub base: Base,
}

/// Where an input is written, which decides what a path is relative to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// In the graph. Paths are relative to its folder.
    #[default]
    Graph,
    /// In the file of a graph node. Paths are relative to the folder of this file.
    Part(Arc<Path>),
    /// On the command line. Paths are relative to the current directory.
    CommandLine,
    /// Nowhere: another node made the value. Paths are relative to the folder of the graph, and placeholders are not filled in.
    Value,
}

/// A graph node that was replaced. Its inputs and outputs are the named inputs and outputs of its graph, with the ids that
/// the nodes have in the outer graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// Its id, with which the ids of its inner nodes begin: `outer:inner`.
    pub id: String,
    /// The path of the other graph, as it is written.
    pub class_type: String,
    /// Its inputs.
    pub inputs: Vec<NamedInput>,
    /// Its outputs.
    pub outputs: Vec<NamedOutput>,
}

/// A pack that a graph requires.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The pack's id.
    pub pack: String,
    /// The versions that are accepted; `None` accepts all.
    pub version: Option<VersionReq>,
    /// Where to get the pack.
    pub url: Option<String>,
    /// The SHA-256 of its library, or of its source in another language, as 64 hexadecimal digits in lower case.
    pub sha256: Option<String>,
    /// The place of its name.
    pub place: Option<Place>,
}

/// The source of an input's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A value in the graph.
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
    /// The output of the node.
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
    /// The links to the outputs that it takes.
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
    /// A graph without anything.
    pub(super) fn empty(origin: Origin) -> Self {
        Self {
            origin,
            bare: false,
            workflow: None,
            extra: Vec::new(),
            title: String::new(),
            description: String::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            requires: Vec::new(),
            packs: BTreeMap::new(),
            nodes: Vec::new(),
            graph_nodes: Vec::new(),
            parts: Vec::new(),
            problems: Vec::new(),
            earlier: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// Whether the graph comes from elsewhere: out of a picture or a bundle, without a file, or as a bare prompt of another program.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.bare || !matches!(self.origin, Origin::File(_))
    }

    /// The node with an id. Takes time in proportion to the number of nodes.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The graph node with an id.
    #[must_use]
    pub fn graph_node(&self, id: &str) -> Option<&GraphNode> {
        self.graph_nodes.iter().find(|node| node.id == id)
    }

    /// The named input with this name.
    #[must_use]
    pub fn named_input(&self, name: &str) -> Option<&NamedInput> {
        self.inputs.iter().find(|input| input.name == name)
    }
}
