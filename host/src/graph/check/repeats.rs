//! Nodes that repeat their graph: their classes, and the check of their graphs.

use super::{
    super::{
        file::{Base, File, Input, Link, Node, OutputName, Source},
        given::Given,
        paths::Resolved,
        problem::{Kind, Problem},
        repeat::{Mode, Repeat},
    },
    Checked, CheckedNode, Checker, Checks, Feed,
};
use crate::{
    registry::{Class, Instance, NodeSource, Pack, Registry},
    words::suggest,
};
use splatgraph_sdk::{
    Error,
    spec::{InputSpec, Manifest, NodeSpec, OutputSpec, scalar, socket_types_meet},
};
use std::{collections::HashSet, sync::Arc};

/// The node that has the values of a pass. No pack and no id of a graph file has parentheses around its name by chance.
const VALUES: &str = "(pass)";
/// Its class.
const CLASS: &str = "Values";

/// A graph that a node repeats, ready to run.
#[derive(Debug)]
pub struct Repeated {
    /// How it is repeated.
    pub repeat: Repeat,
    /// The graph. Its named outputs are those of the node.
    pub checked: Checked,
    /// The inputs of the repeating node whose values a pass has, in the order of the outputs of the node of [`Checked::values`]; `None`
    /// for the number of the pass.
    pub(crate) from: Vec<Option<usize>>,
    /// Whether a path to write has the number of the pass.
    has_numbers: bool,
}

impl Repeated {
    /// The graph with the number of a pass in the paths that it writes.
    pub(crate) fn numbered(&self, pass: usize) -> Checked {
        if !self.has_numbers {
            return self.checked.clone();
        }
        let mut nodes: Vec<CheckedNode> = self.checked.nodes.to_vec();
        let placeholders = self.checked.paths.with_index(pass);
        for used in self.checked.files.iter().filter(|used| used.written.is_some()) {
            let node = &mut nodes[used.node];
            let Some(input) = node.class.spec.inputs.iter().position(|spec| spec.name == used.input) else { continue };
            let base = self.checked.file.nodes[used.node].inputs.iter().find(|input| input.name == used.input);
            let base = base.map(|input| input.base.clone()).unwrap_or_default();
            let spec = &node.class.spec.inputs[input];
            let written = self.checked.paths.resolve_with(&placeholders, spec, used.kind, &used.text, &base);
            // The check has resolved it with another number.
            if let Ok(Resolved::Write(file)) = written
                && let Some(text) = file.text()
            {
                node.feeds[input] = Feed::Value(text.into());
                node.writes = vec![file];
            }
        }
        Checked { nodes: nodes.into(), ..self.checked.clone() }
    }
}

/// The source of the class of repeating nodes: the runner runs their graph itself.
struct NoNodes;

impl NodeSource for NoNodes {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        Err(Error::new(format!("`{node}` is no node that runs")))
    }
}

fn pack(id: &str, nodes: Vec<NodeSpec>) -> Pack {
    let (id, version) = (id.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Pack { manifest: Manifest { id, version, nodes, ..Manifest::default() }, path: "".into(), nodes: Arc::new(NoNodes) }
}

impl Checker<'_> {
    /// The class of a node that repeats its graph: the named inputs and outputs of the graph.
    pub(super) fn repeating_class(&self, node: &Node) -> Option<Class> {
        let repeat = node.repeat.as_ref()?;
        class_of(node, repeat, repeat.graph.as_ref()?, self.registry)
    }

    /// Checks the graphs of the nodes that repeat one. For each node, the graph if it has no problems.
    /// `sound` says for each node whether its own inputs have no problems.
    pub(super) fn check_repeats(&mut self, sound: &[bool], given: &Given, checks: Checks) -> Vec<Option<Arc<Repeated>>> {
        let mut all = vec![None; self.file.nodes.len()];
        for (position, found) in all.iter_mut().enumerate() {
            let Some(repeat) = self.file.nodes[position].repeat.clone() else { continue };
            let Some(class) = self.class(position).cloned() else { continue };
            if self.check_names(position, &repeat, &class) && sound[position] {
                *found = self.check_repeat(position, repeat, &class, given, checks).map(Arc::new);
            }
        }
        all
    }

    /// Whether the names in `each` or `fold` are those of the graph, and fit.
    fn check_names(&mut self, position: usize, repeat: &Repeat, class: &Class) -> bool {
        let before = self.problems.len();
        let inputs: Vec<&InputSpec> = class.spec.inputs.iter().collect();
        let outputs: Vec<&OutputSpec> = class.spec.outputs.iter().collect();
        let input = |name: &str| inputs.iter().find(|spec| spec.name == name).copied();
        let output = |name: &str| outputs.iter().find(|spec| spec.name == name).copied();
        let mut problems: Vec<(Kind, String, Option<String>, Option<String>)> = Vec::new();
        let mut seen = HashSet::new();
        for name in repeat.varying() {
            if input(name).is_none() {
                let hint = suggest(name, inputs.iter().map(|spec| spec.name.as_str()), "its inputs are");
                let message = format!("`{}`: the graph has no input `{name}`", repeat.key());
                problems.push((Kind::UnknownInput, message, None, hint));
            } else if !seen.insert(name) {
                let message = format!("`{}` names the input `{name}` twice; name it once", repeat.key());
                problems.push((Kind::Format, message, None, None));
            }
        }
        if let Some(index) = repeat.index.as_deref().and_then(input)
            && !socket_types_meet(scalar::INT, &index.socket)
        {
            let message = format!("`{}`, `index`: expected an input that takes a whole number", repeat.key());
            problems.push((Kind::LinkType, message, Some(format!("`{}` of type {}", index.name, index.socket)), None));
        }
        if let Some(index) = repeat.index.as_deref()
            && self.file.nodes[position].input(index).is_some()
        {
            let message = format!("`{index}` gets the number of the pass; leave it out of `inputs`");
            problems.push((Kind::UnknownInput, message, None, None));
        }
        if let Mode::Fold(fold) = &repeat.mode {
            let named = fold.carry.iter().map(|(_, output)| output).chain(&fold.until).chain(&fold.collect);
            for name in named.filter(|name| output(name).is_none()) {
                let hint = suggest(name, outputs.iter().map(|spec| spec.name.as_str()), "its outputs are");
                problems.push((Kind::UnknownOutput, format!("`fold`: the graph has no output `{name}`"), None, hint));
            }
            for (to, from) in &fold.carry {
                if let (Some(to), Some(from)) = (input(to), output(from))
                    && !socket_types_meet(&from.socket, &to.socket)
                {
                    let message = format!("`fold`, `carry`: expected an output of type {} for `{}`", to.socket, to.name);
                    let got = format!("`{}` of type {}", from.name, from.socket);
                    problems.push((Kind::LinkType, message, Some(got), None));
                }
            }
            if let Some(until) = fold.until.as_deref().and_then(output)
                && !socket_types_meet(&until.socket, scalar::BOOLEAN)
            {
                let message = "`fold`, `until`: expected an output that is true or false".to_owned();
                let got = format!("`{}` of type {}", until.name, until.socket);
                problems.push((Kind::LinkType, message, Some(got), None));
            }
        }
        for (kind, message, received, hint) in problems {
            let problem = self.about(kind, message, position).at(repeat.place.clone()).hint(hint);
            self.problems.push(match received {
                Some(received) => problem.received(received),
                None => problem,
            });
        }
        self.problems.len() == before
    }

    /// Checks the graph of a node as it runs in a pass.
    fn check_repeat(
        &mut self,
        position: usize,
        repeat: Repeat,
        class: &Class,
        given: &Given,
        checks: Checks,
    ) -> Option<Repeated> {
        let node = self.file.nodes[position].clone();
        let mut file = File::clone(repeat.graph.as_ref()?);
        // Its own nodes know their file. What this node gives is relative to this graph, and so are its rules for paths.
        file.origin = self.file.origin.clone();
        let mut values = Vec::new();
        let mut from = Vec::new();
        for (input, spec) in class.spec.inputs.iter().enumerate() {
            let is_index = repeat.index.as_ref() == Some(&spec.name);
            let own = node.inputs.iter().find(|own| own.name == spec.name);
            let varies = repeat.varying().any(|name| name == spec.name);
            let source = match own {
                Some(Input { source: Source::Literal(value), base, .. }) if !varies => {
                    // It was checked as an input of this node; a null leaves it out.
                    if value.is_null() {
                        continue;
                    }
                    Input { name: String::new(), source: Source::Literal(value.clone()), place: None, base: base.clone() }
                }
                None if !is_index => continue,
                _ => {
                    let list = spec.list && !repeat.goes_over(&spec.name);
                    let output = OutputName::Name(spec.name.clone());
                    values.push(OutputSpec { name: spec.name.clone(), socket: spec.socket.clone(), list, ..OutputSpec::default() });
                    from.push((!is_index).then_some(input));
                    let link = Link { node: VALUES.to_owned(), output };
                    Input { name: String::new(), source: Source::Link(link), place: None, base: Base::Value }
                }
            };
            let targets = file.named_input(&spec.name).map(|named| named.targets.clone()).unwrap_or_default();
            for target in targets {
                let Some(inner) = file.nodes.iter_mut().find(|inner| inner.id == target.node) else { continue };
                let new = Input { name: target.input, ..source.clone() };
                match inner.inputs.iter_mut().find(|input| input.name == new.name) {
                    Some(input) => *input = new,
                    None => inner.inputs.push(new),
                }
            }
        }
        let mut registry = self.registry.clone();
        if !values.is_empty() {
            let spec = NodeSpec { name: CLASS.to_owned(), version: 1, outputs: values, ..NodeSpec::default() };
            registry = registry.with_pack(pack(VALUES, vec![spec]));
            file.nodes.push(Node {
                id: VALUES.to_owned(),
                class_type: format!("{VALUES}.{CLASS}"),
                bare: false,
                adapted: true,
                version: None,
                repeat: None,
                inputs: Vec::new(),
                place: None,
            });
        }
        let given = Given { inputs: Vec::new(), sets: Vec::new(), until: Vec::new(), index: 0, ..given.clone() };
        let inside = |problem: Problem| {
            let id = problem.node.as_ref().map_or_else(|| node.id.clone(), |inner| format!("{}:{inner}", node.id));
            Problem { node: Some(id), ..problem }
        };
        let mut checked = match Checker::new(file, &registry).check(&given, checks) {
            Ok(checked) => checked,
            Err(problems) => {
                self.problems.extend(problems.problems.into_iter().map(inside));
                return None;
            }
        };
        self.warnings.extend(std::mem::take(&mut checked.warnings).into_iter().map(inside));
        let mut has_numbers = false;
        let mut problems = Vec::new();
        for used in checked.files.iter().filter(|used| used.written.is_some()) {
            has_numbers = true;
            if !used.text.contains("{index}") {
                let inner = &checked.nodes[used.node];
                let problem = Problem::new(Kind::Path, "each pass would write over the file of the one before");
                let problem = problem.expected("a path with {index}, the number of the pass").received(format!("{:?}", used.text));
                problems.push(inside(problem.node(&inner.id).class(&inner.class.full_name).input(&used.input)));
            }
        }
        let nested = checked.nodes.iter().filter(|inner| inner.repeat.as_ref().is_some_and(|repeat| repeat.has_numbers));
        for inner in nested {
            let message = "its passes would write over the files of earlier passes, as {index} counts only its own";
            let problem = Problem::new(Kind::Path, message).node(&inner.id);
            problems.push(inside(problem.hint("give its paths as a list, or let the outer graph save the pictures".to_owned())));
        }
        if !problems.is_empty() {
            self.problems.append(&mut problems);
            return None;
        }
        checked.values = checked.nodes.iter().position(|inner| *inner.id == *VALUES);
        for inner in Arc::make_mut(&mut checked.nodes) {
            inner.id = format!("{}:{}", node.id, inner.id).into();
        }
        Some(Repeated { repeat, checked, from, has_numbers })
    }
}

/// The class of a node that repeats `graph`.
fn class_of(node: &Node, repeat: &Repeat, graph: &File, registry: &Registry) -> Option<Class> {
    let class = |id: &str| {
        let inner = graph.node(id)?;
        match &inner.repeat {
            Some(repeat) => class_of(inner, repeat, repeat.graph.as_ref()?, registry),
            None => registry.class(&inner.class_type),
        }
    };
    let inputs = graph.inputs.iter().filter_map(|named| {
        let targets = named.targets.iter();
        let mut specs = targets.filter_map(|target| {
            let spec = class(&target.node)?.spec.inputs.iter().find(|spec| spec.name == target.input)?.clone();
            Some((spec, graph.node(&target.node)?.input(&target.input).is_some()))
        });
        let (spec, is_given) = specs.next()?;
        let over = repeat.goes_over(&named.name);
        let carried = !over && repeat.varying().any(|name| name == named.name) && repeat.index.as_ref() != Some(&named.name);
        // The graph has its own value, or its class a default. What a pass takes has to come from outside.
        let optional = !over && !carried && (is_given || !spec.required() || repeat.index.as_ref() == Some(&named.name));
        Some(InputSpec { name: named.name.clone(), list: over || spec.list, optional, default: None, counts_from: None, ..spec })
    });
    let outputs = graph.outputs.iter().map(|output| {
        let class = class(&output.link.node);
        let spec = class.as_ref().and_then(|class| {
            let outputs = &class.spec.outputs;
            match &output.link.output {
                OutputName::Name(name) => outputs.iter().find(|spec| spec.name == *name),
                OutputName::Index(index) => outputs.get(usize::try_from(*index).ok()?),
            }
        });
        let (socket, list) = spec.map_or((scalar::ANY.to_owned(), false), |spec| (spec.socket.clone(), spec.list));
        let list = list || repeat.lists(&output.name);
        OutputSpec { name: output.name.clone(), socket, list, help: spec.map(|spec| spec.help.clone()).unwrap_or_default() }
    });
    let writes = graph.nodes.iter().filter_map(|inner| class(&inner.id)).any(|class| class.spec.output);
    let spec = NodeSpec {
        name: node.class_type.clone(),
        version: 1,
        help: graph.title.clone(),
        output: writes,
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        ..NodeSpec::default()
    };
    let pack = Arc::new(pack(repeat.key(), Vec::new()));
    Some(Class { pack, spec: Arc::new(spec), full_name: node.class_type.clone() })
}
