//! Reads the text of a graph file.

use super::{
    changes::version,
    file::{Base, File, Input, NamedInput, NamedOutput, Node, Origin, Requirement, Source, Target},
    json::{self, Member, Shape, Tree},
    lines::Lines,
    problem::{Kind, Place, Problem, Problems},
    source::{link, nearly_link, source},
    workflow,
};
use crate::sha256::from_hex;
use crate::words::{some_of, suggest};
use semver::Version;
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// The newest version of the format that this program reads.
pub const VERSION: u64 = 2;

const KEYS: [&str; 8] = ["version", "title", "description", "requires", "packs", "inputs", "outputs", "nodes"];
const NODE_KEYS: [&str; 5] = ["class_type", "inputs", "each", "fold", "graph"];
const REQUIREMENT_KEYS: [&str; 3] = ["version", "url", "sha256"];

impl File {
    /// Reads the text of a graph file or of a bare prompt. If reading can continue after a problem, such as a duplicate key,
    /// the problem goes to [`File::problems`].
    ///
    /// # Errors
    /// The text is not JSON, not a graph, or made for a newer version. The problems have line and column.
    pub fn parse(text: &str, origin: Origin) -> Result<Self, Problems> {
        let (tree, problems) = json::parse(text);
        let mut reader = Reader { lines: Lines::new(text), problems, ids: HashSet::new(), origin: origin.clone() };
        match tree.and_then(|tree| reader.file(&tree, origin.clone())) {
            Some(file) => Ok(Self { problems: reader.problems, ..file }),
            None => Err(Problems::new(reader.problems, origin.to_string())),
        }
    }
}

/// Whether the format leaves a key to other programs.
fn is_ignored(key: &str) -> bool {
    key.starts_with(['_', '$'])
}

pub(super) struct Reader<'a> {
    lines: Lines<'a>,
    pub(super) problems: Vec<Problem>,
    /// The ids of the nodes.
    pub(super) ids: HashSet<String>,
    pub(super) origin: Origin,
}

impl Reader<'_> {
    pub(super) fn place(&self, at: usize) -> Option<Place> {
        Some(self.lines.place(at))
    }

    pub(super) fn problem(&mut self, at: usize, problem: Problem) {
        if self.problems.len() <= json::MAX_PROBLEMS {
            let problem = problem.at(self.place(at));
            self.problems.push(problem);
        }
    }

    /// Reports the numbers that JSON does not have. Python writes them, and in a prompt of ComfyUI some stand where nobody needs them.
    fn no_numbers(&mut self, tree: &Tree) {
        let mut found = Vec::new();
        tree.no_numbers(&mut |at, name| found.push((at, name)));
        for (at, name) in found {
            self.problem(at, Problem::new(Kind::Syntax, format!("JSON has no {name}")));
        }
    }

    /// Reports a key that an object lacks.
    pub(super) fn missing(&mut self, at: usize, what: &str, expected: &str) {
        self.problem(at, Problem::new(Kind::Format, what).expected(expected).received("none"));
    }

    pub(super) fn wrong(&mut self, tree: &Tree, what: &str, expected: &str) {
        self.problem(tree.at, Problem::new(Kind::Format, what).expected(expected).received(tree.describe()));
    }

    fn file(&mut self, tree: &Tree, origin: Origin) -> Option<File> {
        let Some(members) = tree.members() else {
            self.wrong(tree, "the text is not a graph", "an object with the key `nodes`");
            return None;
        };
        let mut file = File::empty(origin);
        match tree.get("nodes") {
            Some(nodes) if matches!(nodes.shape, Shape::Array(_)) => self.workflow(tree, &mut file)?,
            // A bare prompt may have a node with the id `nodes`.
            Some(nodes) if nodes.get("class_type").and_then(Tree::as_str).is_none() => {
                if let Some(version) = tree.get("version") {
                    self.version(version)?;
                }
                self.no_numbers(tree);
                self.own_format(members, &mut file);
                file.set_versions();
            }
            _ => {
                file.bare = true;
                file.nodes = self.bare_prompt(tree, members)?;
            }
        }
        Some(file)
    }

    /// Reads a workflow of the ComfyUI front end as far as it needs no packs: what it keeps of a graph, and the classes of its nodes.
    fn workflow(&mut self, tree: &Tree, file: &mut File) -> Option<()> {
        let version = tree.get("version");
        let is_known = |version: &Tree| match &version.shape {
            Shape::Scalar(Json::Number(number)) => number.as_f64().is_some_and(|number| number <= workflow::NEWEST),
            _ => false,
        };
        if let Some(version) = version.filter(|version| !is_known(version)) {
            let problem = Problem::new(Kind::Version, "`version` of a ComfyUI workflow");
            let problem = problem.expected("0.4 or 1").received(version.describe());
            self.problem(version.at, problem.hint("export it in the API format: Workflow > Export (API)".to_owned()));
            return None;
        }
        let nodes = tree.get("nodes").map_or(&[][..], Tree::items);
        nodes.iter().filter_map(|node| node.get("widgets_values")).for_each(|values| self.no_numbers(values));
        if let Some(members) = tree.get("extra").and_then(|extra| extra.get(workflow::EXTRA)?.members()) {
            self.own_format(members, file);
            file.nodes.clear();
        }
        let json = tree.to_json();
        file.bare = true;
        file.nodes = workflow::classes(&json)
            .into_iter()
            .map(|(id, class_type)| Node {
                id,
                class_type,
                bare: true,
                adapted: false,
                version: None,
                repeat: None,
                inputs: Vec::new(),
                place: None,
            })
            .collect();
        file.workflow = Some(Arc::new(json));
        Some(())
    }

    pub(super) fn own_format(&mut self, members: &[Member], file: &mut File) {
        let nodes = members.iter().find(|member| member.key == "nodes").and_then(|member| member.value.members());
        self.ids = nodes.into_iter().flatten().map(|member| member.key.clone()).collect();
        for Member { at, key, value } in members {
            match key.as_str() {
                "version" => {}
                "title" => file.title = self.text(value, "`title`"),
                "description" => file.description = self.text(value, "`description`"),
                "requires" => file.requires = self.requires(value),
                "packs" => file.packs = self.packs(value),
                "inputs" => file.inputs = self.named_inputs(value),
                "outputs" => file.outputs = self.named_outputs(value),
                "nodes" => file.nodes = self.nodes(value, false),
                _ if is_ignored(key) => file.extra.push((key.clone(), value.to_json())),
                _ => self.unknown_key(*at, key, &KEYS, "a graph"),
            }
        }
    }

    fn bare_prompt(&mut self, tree: &Tree, members: &[Member]) -> Option<Vec<Node>> {
        if members.iter().any(|member| member.value.get("class_type").is_some()) {
            return Some(self.nodes(tree, true));
        }
        let problem = Problem::new(Kind::Format, "the text is not a graph").expected("the key `nodes`");
        let problem = if let Some(prompt) = members.iter().find(|m| m.key == "prompt" && m.value.members().is_some()) {
            problem
                .received(format!("the body of a request, line {}", self.lines.place(prompt.at).line))
                .hint("keep only the object under `prompt`".to_owned())
        } else if members.is_empty() {
            problem.received("an empty object")
        } else {
            let keys = some_of(members.iter().map(|member| member.key.as_str()));
            problem.received(format!("the keys {keys}"))
        };
        self.problem(tree.at, problem);
        None
    }

    pub(super) fn unknown_key(&mut self, at: usize, key: &str, known: &[&'static str], of: &str) {
        if !is_ignored(key) {
            let hint = suggest(key, known.iter().copied(), &format!("{of} has"));
            self.problem(at, Problem::new(Kind::UnknownKey, format!("{of} has no key {key:?}")).hint(hint));
        }
    }

    /// Checks the version. Returns `None` for a newer version, as its keys can't be judged.
    fn version(&mut self, tree: &Tree) -> Option<()> {
        match &tree.shape {
            Shape::Scalar(Json::Number(number)) if number.as_u64().is_some_and(|n| (1..=VERSION).contains(&n)) => {}
            Shape::Scalar(Json::Number(number)) if number.as_u64().is_some_and(|n| n > VERSION) => {
                let problem = Problem::new(Kind::Version, format!("the graph has version {number} of the format"));
                let problem = problem.expected(format!("at most {VERSION}"));
                self.problem(tree.at, problem.hint("use a newer splatgraph".to_owned()));
                return None;
            }
            _ => self.wrong(tree, "`version`", &format!("a number from 1 to {VERSION}")),
        }
        Some(())
    }

    fn text(&mut self, tree: &Tree, what: &str) -> String {
        let text = tree.as_str();
        if text.is_none() {
            self.wrong(tree, what, "a text");
        }
        text.unwrap_or_default().to_owned()
    }

    fn requires(&mut self, tree: &Tree) -> Vec<Requirement> {
        const FORM: &str = r#"an object like {"version": "^0.2", "url": "https://..."}"#;
        let Some(members) = tree.members() else {
            self.wrong(tree, "`requires`", r#"an object like {"acme": {"version": "^0.2"}}"#);
            return Vec::new();
        };
        let mut all = Vec::new();
        for Member { at, key: pack, value } in members.iter().filter(|member| !is_ignored(&member.key)) {
            let (pack, place) = (pack.clone(), self.place(*at));
            let mut requirement = Requirement { pack, version: None, url: None, sha256: None, place };
            let pack = &requirement.pack;
            let Some(members) = value.members() else {
                self.wrong(value, &format!("`requires`, `{pack}`"), FORM);
                continue;
            };
            for Member { at, key, value } in members {
                let what = format!("`requires`, `{pack}`, `{key}`");
                match key.as_str() {
                    "version" => match value.as_str().and_then(|text| text.parse().ok()) {
                        Some(version) => requirement.version = Some(version),
                        None => self.wrong(value, &what, "versions like \"^0.2\", \">=1.3, <3\" or \"=1.0.4\""),
                    },
                    // The URL is printed, so it may have no control characters for the terminal.
                    "url" => match value.as_str() {
                        Some(url) if !url.contains(char::is_control) => requirement.url = Some(url.to_owned()),
                        _ => self.wrong(value, &what, "the address of the pack, like \"https://...\""),
                    },
                    "sha256" => match value.as_str().map(str::to_lowercase).filter(|text| from_hex(text).is_some()) {
                        Some(sum) => requirement.sha256 = Some(sum),
                        None => self.wrong(value, &what, "the SHA-256 of the pack's library, 64 hexadecimal digits"),
                    },
                    _ => self.unknown_key(*at, key, &REQUIREMENT_KEYS, &format!("`requires`, `{pack}`")),
                }
            }
            all.push(requirement);
        }
        all
    }

    fn packs(&mut self, tree: &Tree) -> BTreeMap<String, Version> {
        let Some(members) = tree.members() else {
            self.wrong(tree, "`packs`", r#"an object like {"acme": "0.2.0"}"#);
            return BTreeMap::new();
        };
        let mut packs = BTreeMap::new();
        for Member { key: pack, value, .. } in members.iter().filter(|member| !is_ignored(&member.key)) {
            match value.as_str().and_then(version) {
                Some(version) => drop(packs.insert(pack.clone(), version)),
                None => self.wrong(value, &format!("`packs`, `{pack}`"), "the version of the pack, like \"0.2.0\""),
            }
        }
        packs
    }

    fn named_inputs(&mut self, tree: &Tree) -> Vec<NamedInput> {
        let Some(members) = tree.members() else {
            self.wrong(tree, "`inputs`", r#"an object like {"tokens": "init.tokens"}"#);
            return Vec::new();
        };
        let mut inputs = Vec::new();
        for Member { at, key, value } in members.iter().filter(|member| !is_ignored(&member.key)) {
            let texts: Option<Vec<&str>> = match &value.shape {
                Shape::Array(items) => items.iter().map(Tree::as_str).collect(),
                _ => value.as_str().map(|text| vec![text]),
            };
            let targets = texts.and_then(|texts| texts.into_iter().map(Target::parse).collect::<Option<Vec<_>>>());
            match targets {
                Some(targets) if !targets.is_empty() => {
                    inputs.push(NamedInput { name: key.clone(), targets, place: self.place(*at) });
                }
                _ => self.wrong(value, &format!("the named input `{key}`"), r#""node.input", or a list of them"#),
            }
        }
        inputs
    }

    fn named_outputs(&mut self, tree: &Tree) -> Vec<NamedOutput> {
        let Some(members) = tree.members() else {
            self.wrong(tree, "`outputs`", r#"an object like {"psnr": ["compare", "psnr"]}"#);
            return Vec::new();
        };
        let mut outputs = Vec::new();
        for Member { at, key, value } in members.iter().filter(|member| !is_ignored(&member.key)) {
            match &value.shape {
                Shape::Array(items) if let Some(link) = link(items) => {
                    outputs.push(NamedOutput { name: key.clone(), link, place: self.place(*at) });
                }
                _ => {
                    let problem = Problem::new(Kind::Format, format!("the named output `{key}`"));
                    let problem = problem.expected(r#"a link: ["node", "output"]"#).received(value.describe());
                    self.problem(value.at, problem.hint(nearly_link(value, &self.ids)));
                }
            }
        }
        outputs
    }

    fn nodes(&mut self, tree: &Tree, bare: bool) -> Vec<Node> {
        let Some(members) = tree.members() else {
            self.wrong(tree, "`nodes`", r#"an object like {"id": {"class_type": "pack.Node", "inputs": {}}}"#);
            return Vec::new();
        };
        // Programs put other things beside the nodes of a bare prompt.
        let is_node = |value: &Tree| !bare || value.get("class_type").is_some() || value.get("inputs").is_some();
        let members: Vec<&Member> =
            members.iter().filter(|member| !is_ignored(&member.key) && is_node(&member.value)).collect();
        self.ids = members.iter().map(|member| member.key.clone()).collect();
        members.into_iter().map(|member| self.node(member, bare)).collect()
    }

    /// Reads a node. A class that can't be read becomes empty, so that links to the node are not problems too.
    fn node(&mut self, Member { at, key: id, value }: &Member, bare: bool) -> Node {
        let place = self.place(*at);
        let mut node = Node {
            id: id.clone(),
            class_type: String::new(),
            bare,
            adapted: false,
            version: None,
            repeat: None,
            inputs: Vec::new(),
            place,
        };
        let what = format!("node `{id}`");
        let Some(members) = value.members() else {
            self.wrong(value, &what, r#"an object like {"class_type": "pack.Node", "inputs": {}}"#);
            return node;
        };
        for Member { at, key, value } in members {
            match key.as_str() {
                "class_type" => match value.as_str() {
                    Some(class) if !class.is_empty() => class.clone_into(&mut node.class_type),
                    _ => self.wrong(value, &format!("{what}, `class_type`"), "a class like \"pack.Node\""),
                },
                "inputs" => {
                    if bare {
                        self.no_numbers(value);
                    }
                    node.inputs = self.inputs(id, value, bare);
                }
                _ if bare => {}
                "each" | "fold" | "graph" => {}
                _ => self.unknown_key(*at, key, &NODE_KEYS, &what),
            }
        }
        if !bare {
            self.repeats(&mut node, members);
        }
        if value.get("class_type").is_none() && node.repeat.as_ref().is_none_or(|repeat| repeat.graph.is_none()) {
            let problem = Problem::new(Kind::Format, format!("{what} has no `class_type`"));
            self.problem(*at, problem.expected("a class like \"pack.Node\""));
        }
        node
    }

    fn inputs(&mut self, id: &str, tree: &Tree, bare: bool) -> Vec<Input> {
        let Some(members) = tree.members() else {
            self.wrong(tree, &format!("node `{id}`, `inputs`"), "an object");
            return Vec::new();
        };
        let mut inputs = Vec::new();
        for Member { key, value, .. } in members.iter().filter(|member| !is_ignored(&member.key)) {
            let hint = || nearly_link(value, &self.ids);
            let (source, wrong) = match source(value) {
                Some(source) => (source, None),
                None => (Source::Literal(value.to_json()), Some(hint())),
            };
            // In a bare prompt an array that is no link is a value, which many classes do not know.
            if let Some(hint) = wrong.filter(|hint| !bare || hint.is_some()) {
                let problem = Problem::new(Kind::Format, "").node(id).input(key);
                let problem = problem.expected(r#"a link ["node", "output"] or a list of links"#);
                let hint = hint.unwrap_or_else(|| r#"write an array of values as {"__value__": [...]}"#.to_owned());
                self.problem(value.at, problem.received("another array").hint(hint));
            }
            let place = self.place(value.at);
            inputs.push(Input { name: key.clone(), source, place, base: Base::Graph });
        }
        inputs
    }
}
