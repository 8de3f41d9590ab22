//! Nodes that repeat their graph: their classes, and the check of their graphs.

use super::{
    super::{
        file::{Base, File, Input, Link, Node, OutputName, Source},
        given::Given,
        paths::Resolved,
        problem::{Kind, Problem},
        repeat::{Mode, Repeat},
        repeat_class::pack,
    },
    Checked, CheckedNode, Checker, Checks, Feed,
};
use crate::{registry::Class, words::suggest};
use splatgraph_sdk::spec::{InputSpec, NodeSpec, OutputSpec, scalar, socket_types_meet};
use std::{collections::HashSet, sync::Arc};

/// The id of the node that has the values of a pass, and the start of the id of its pack.
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

impl Checker<'_> {
    /// Checks the graphs of the nodes that repeat one. For each node, the graph if it has no problems.
    /// `sound` says for each node whether its own inputs have no problems.
    pub(super) fn check_repeats(
        &mut self,
        sound: &[bool],
        given: &Given,
        checks: Checks,
    ) -> Vec<Option<Arc<Repeated>>> {
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
        let mut problems: Vec<Problem> = Vec::new();
        let mut seen = HashSet::new();
        for name in repeat.varying() {
            if input(name).is_none() {
                let hint = suggest(name, inputs.iter().map(|spec| spec.name.as_str()), "its inputs are");
                let message = format!("`{}`: the graph has no input `{name}`", repeat.key());
                problems.push(Problem::new(Kind::UnknownInput, message).hint(hint));
            } else if !seen.insert(name) {
                let message = format!("`{}` names the input `{name}` twice; name it once", repeat.key());
                problems.push(Problem::new(Kind::Format, message));
            }
        }
        if let Some(index) = repeat.index.as_deref().and_then(input)
            && !socket_types_meet(scalar::INT, &index.socket)
        {
            let problem = Problem::new(Kind::LinkType, format!("`{}`, `index`", repeat.key()));
            let problem = problem.expected("an input that takes a whole number");
            problems.push(problem.received(format!("`{}` of type {}", index.name, index.socket)));
        }
        if let Some(index) = repeat.index.as_deref()
            && self.file.nodes[position].input(index).is_some()
        {
            let message = format!("`{index}` gets the number of the pass; leave it out of `inputs`");
            problems.push(Problem::new(Kind::UnknownInput, message));
        }
        if let Mode::Fold(fold) = &repeat.mode {
            let named = fold.carry.iter().map(|(_, output)| output).chain(&fold.until).chain(&fold.collect);
            for name in named.filter(|name| output(name).is_none()) {
                let hint = suggest(name, outputs.iter().map(|spec| spec.name.as_str()), "its outputs are");
                let message = format!("`fold`: the graph has no output `{name}`");
                problems.push(Problem::new(Kind::UnknownOutput, message).hint(hint));
            }
            for (to, from) in &fold.carry {
                if let (Some(to), Some(from)) = (input(to), output(from))
                    && !socket_types_meet(&from.socket, &to.socket)
                {
                    let problem = Problem::new(Kind::LinkType, "`fold`, `carry`");
                    let problem = problem.expected(format!("an output of type {} for `{}`", to.socket, to.name));
                    problems.push(problem.received(format!("`{}` of type {}", from.name, from.socket)));
                }
            }
            if let Some(until) = fold.until.as_deref().and_then(output)
                && !socket_types_meet(&until.socket, scalar::BOOLEAN)
            {
                let problem =
                    Problem::new(Kind::LinkType, "`fold`, `until`").expected("an output that is true or false");
                problems.push(problem.received(format!("`{}` of type {}", until.name, until.socket)));
            }
        }
        let place = repeat.place.clone();
        for problem in problems {
            let about = self.about(problem.kind, "", position).at(place.clone());
            self.problems.push(Problem { node: about.node, class: about.class, place: about.place, ..problem });
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
        let mut values_id = VALUES.to_owned();
        while file.node(&values_id).is_some() {
            values_id.push('*');
        }
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
                    Input {
                        name: String::new(),
                        source: Source::Literal(value.clone()),
                        place: None,
                        base: base.clone(),
                    }
                }
                None if !is_index => continue,
                _ => {
                    let list = spec.list && !repeat.goes_over(&spec.name);
                    let output = OutputName::Name(spec.name.clone());
                    values.push(OutputSpec {
                        name: spec.name.clone(),
                        socket: spec.socket.clone(),
                        list,
                        ..OutputSpec::default()
                    });
                    from.push((!is_index).then_some(input));
                    let link = Link { node: values_id.clone(), output };
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
            // A graph that is repeated may repeat another.
            let outer = registry.packs().iter().filter(|pack| pack.manifest.id.starts_with(VALUES)).count();
            let id = format!("{VALUES}{outer}");
            registry = registry.with_pack(pack(&id, vec![spec]));
            file.nodes.push(Node {
                id: values_id.clone(),
                class_type: format!("{id}.{CLASS}"),
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
                let problem = problem
                    .expected("a path with {index}, the number of the pass")
                    .received(format!("{:?}", used.text));
                let of_node = &checked.file.nodes[used.node].inputs;
                let input = of_node.iter().find(|input| input.name == used.input);
                let problem = problem.at(input.and_then(|input| input.place.clone()));
                problems.push(inside(problem.node(&inner.id).class(&inner.class.full_name).input(&used.input)));
            }
        }
        let nested =
            checked.nodes.iter().filter(|inner| inner.repeat.as_ref().is_some_and(|repeat| repeat.has_numbers));
        for inner in nested {
            let message = "its passes would write over the files of earlier passes, as {index} counts only its own";
            let problem = Problem::new(Kind::Path, message).node(&inner.id);
            problems.push(inside(
                problem.hint("give its paths as a list, or let the outer graph save the pictures".to_owned()),
            ));
        }
        if !problems.is_empty() {
            self.problems.append(&mut problems);
            return None;
        }
        checked.values = checked.nodes.iter().position(|inner| *inner.id == *values_id);
        for inner in Arc::make_mut(&mut checked.nodes) {
            inner.id = format!("{}:{}", node.id, inner.id).into();
        }
        Some(Repeated { repeat, checked, from, has_numbers })
    }
}
