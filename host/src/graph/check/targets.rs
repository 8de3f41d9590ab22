//! Puts in the values that the user gives, and checks the named inputs and outputs.

use super::{
    super::{
        file::{Base, GraphNode, Input, NamedInput, Source, Target},
        given::Given,
        literal,
        problem::{Kind, Problem},
    },
    Checker, Socket,
};
use crate::words::{nearest, suggest};
use splatgraph_sdk::spec::InputSpec;
use std::collections::HashSet;

impl Checker<'_> {
    /// Puts the values that the user gives into the graph.
    pub(super) fn apply(&mut self, given: &Given) {
        let mut seen = HashSet::new();
        for (name, text) in &given.inputs {
            if !seen.insert(name.as_str()) {
                self.given_twice(name);
                continue;
            }
            let Some(named) = self.file.named_input(name).cloned() else {
                self.unknown_name(name, text);
                continue;
            };
            for target in &named.targets {
                // `check_named_inputs` reports a target that does not exist.
                for (node, spec) in self.target(target).unwrap_or_default() {
                    let renewed = self.file.renewed_text(&self.file.nodes[node].id, &spec.name, text).into_owned();
                    self.set(node, &spec, &renewed, (name, text));
                }
            }
        }
        for (name, text) in &given.sets {
            let Some(target) = Target::parse(name) else {
                let problem = Problem::new(Kind::UnknownName, "a value for an input of a node");
                self.problems.push(problem.expected("node.input=value").received(format!("{name}={text}")));
                continue;
            };
            if !seen.insert(name) {
                self.given_twice(name);
                continue;
            }
            let (target, renewed) = match self.file.renewed(target, text) {
                Ok((target, renewed)) => (target, renewed.into_owned()),
                Err(advice) => {
                    let problem = Problem::new(Kind::UnknownName, format!("`{name}={text}`: the input is gone"));
                    self.problems.push(problem.hint(advice));
                    continue;
                }
            };
            match self.target(&target) {
                Ok(inputs) => inputs.iter().for_each(|(node, spec)| self.set(*node, spec, &renewed, (name, text))),
                Err(problem) => {
                    let message = format!("`{name}={text}`: {}", problem.message);
                    self.problems.push(Problem { kind: Kind::UnknownName, message, ..problem });
                }
            }
        }
    }

    fn given_twice(&mut self, name: &str) {
        self.problems.push(Problem::new(Kind::UnknownName, format!("`{name}` is given twice; give it once")));
    }

    fn unknown_name(&mut self, name: &str, text: &str) {
        let problem = Problem::new(Kind::UnknownName, format!("`{name}={text}`: the graph has no input `{name}`"));
        let known = self.file.inputs.iter().map(|input| input.name.as_str());
        let known_node = |id: &str| self.by_id.contains_key(id) || self.file.graph_node(id).is_some();
        let target = Target::parse(name).filter(|target| known_node(&target.node));
        self.problems.push(match (nearest(name, known.clone()), target) {
            (Some(near), _) => problem.hint(format!("did you mean `{near}`?")),
            // Without a hint, as the command line knows how users set an input of a node.
            (None, Some(target)) => problem.node(&target.node).input(&target.input),
            (None, None) => {
                problem.hint(suggest(name, known, "its inputs are").unwrap_or("it has no named inputs".to_owned()))
            }
        });
    }

    /// Sets an input to a text. `given` is the name and the text that the user gave, in the form of the graph.
    fn set(&mut self, node: usize, spec: &InputSpec, text: &str, given: (&str, &str)) {
        match literal::from_text(spec, text) {
            Ok(value) => {
                let new = Input {
                    name: spec.name.clone(),
                    source: Source::Literal(value),
                    place: None,
                    base: Base::CommandLine,
                };
                let inputs = &mut self.file.nodes[node].inputs;
                match inputs.iter_mut().find(|input| input.name == spec.name) {
                    Some(input) => *input = new,
                    None => inputs.push(new),
                }
            }
            Err(problem) => {
                let message = format!("`{}={}`", given.0, given.1);
                let about = self.about(problem.kind, message, node).input(&spec.name);
                self.problems.push(Problem {
                    expected: problem.expected,
                    received: problem.received,
                    hint: problem.hint,
                    ..about
                });
                self.wrongly_given.insert((node, spec.name.clone()));
            }
        }
    }

    /// The inputs that a target names: one, or several if it is an input of a graph node. Empty if the class of the node is
    /// unknown, which another problem reports.
    fn target(&self, target: &Target) -> Result<Vec<(usize, InputSpec)>, Problem> {
        let Some(&node) = self.by_id.get(&target.node) else {
            if let Some(graph_node) = self.file.graph_node(&target.node) {
                return self.target_in_graph(graph_node, &target.input);
            }
            let message = format!("the graph has no node `{}`", target.node);
            let hint = self.suggest_node(&target.node);
            return Err(Problem::new(Kind::UnknownTarget, message).hint(hint));
        };
        let Some(class) = self.class(node) else { return Ok(Vec::new()) };
        match class.spec.inputs.iter().find(|spec| spec.name == target.input) {
            Some(spec) => Ok(vec![(node, spec.clone())]),
            None => {
                let message = format!("node `{}` ({}) has no input `{}`", target.node, class.full_name, target.input);
                let names = class.spec.inputs.iter().map(|spec| spec.name.as_str());
                let hint =
                    suggest(&target.input, names, "its inputs are").unwrap_or("the class has no inputs".to_owned());
                Err(Problem::new(Kind::UnknownTarget, message).hint(hint))
            }
        }
    }

    fn target_in_graph(&self, node: &GraphNode, input: &str) -> Result<Vec<(usize, InputSpec)>, Problem> {
        let Some(named) = node.inputs.iter().find(|named| named.name == input) else {
            let message = format!("node `{}` ({}) has no input `{input}`", node.id, node.class_type);
            let names = node.inputs.iter().map(|named| named.name.as_str());
            let hint = suggest(input, names, "its inputs are").unwrap_or("its graph has no named inputs".to_owned());
            return Err(Problem::new(Kind::UnknownTarget, message).hint(hint));
        };
        named
            .targets
            .iter()
            .map(|target| self.target(target))
            .collect::<Result<Vec<_>, _>>()
            .map(|found| found.concat())
    }

    pub(super) fn check_named_inputs(&mut self) {
        let mut problems = Vec::new();
        for NamedInput { name, targets, place } in &self.file.inputs {
            for target in targets {
                if let Err(problem) = self.target(target) {
                    let message = format!("the named input `{name}` sets `{target}`, but {}", problem.message);
                    problems.push(Problem { message, ..problem }.at(place.clone()));
                }
            }
        }
        self.problems.append(&mut problems);
    }

    pub(super) fn check_named_outputs(&mut self) -> Vec<(String, Socket)> {
        let mut outputs = Vec::new();
        let mut problems = Vec::new();
        for output in &self.file.outputs {
            match self.socket(&output.link) {
                Ok(Some((socket, _))) => outputs.push((output.name.clone(), socket)),
                Ok(None) => {}
                Err(problem) => {
                    let message = format!("the named output `{}`: {}", output.name, problem.message);
                    problems.push(Problem { message, ..problem }.at(output.place.clone()));
                }
            }
        }
        self.problems.append(&mut problems);
        outputs
    }
}
