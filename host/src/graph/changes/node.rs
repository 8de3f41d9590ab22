//! Applies lines to one node.

use super::{
    earlier::{Earlier, EarlierInput},
    line::{Line, OfInput, OfOutput, What},
    step::Step,
};
use crate::graph::{
    file::{Base, Input, Node, Source},
    problem::{Kind, Problem},
};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A node to which lines are applied.
pub(super) struct Renewal<'n, 'a> {
    node: &'n mut Node,
    pack: &'a str,
    /// Its class inside the pack, after the lines so far.
    class: String,
    /// The form that the graph has.
    earlier: Earlier,
    /// The lines about its outputs.
    outputs: Vec<&'a Line<'a>>,
    /// What happened, in words.
    said: Vec<String>,
    problems: Vec<Problem>,
}

impl<'n, 'a> Renewal<'n, 'a> {
    /// `class` is the node's class as the first line may name it. `made_with` is the pack with its version when the graph was made.
    pub(super) fn new(node: &'n mut Node, pack: &'a str, class: String, made_with: String) -> Self {
        let earlier = Earlier {
            pack: pack.to_owned(),
            made_with,
            class: node.class_type.clone(),
            inputs: Vec::new(),
            gone_outputs: Vec::new(),
        };
        Self { node, pack, class, earlier, outputs: Vec::new(), said: Vec::new(), problems: Vec::new() }
    }

    /// Applies lines in their order. `exists` tells whether the pack has a class after the lines behind a line.
    pub(super) fn apply(&mut self, lines: &'a [Line<'a>], exists: impl Fn(&str, &[Line<'_>]) -> bool) {
        for (position, line) in lines.iter().enumerate() {
            if line.class != self.class {
                continue;
            }
            match &line.what {
                What::ClassRenamed(to, values) => self.rename_class(line, to, values),
                What::ClassRemoved(advice) => {
                    let message =
                        format!("the pack `{}` has no `{}` since version {}", self.pack, line.class, line.version);
                    self.problem(Problem::new(Kind::UnknownClass, message).hint((*advice).to_owned()));
                    // Links to the node and its inputs are not problems too.
                    self.node.class_type.clear();
                    return;
                }
                What::Input(input, of) => {
                    let stays = || exists(line.class, &lines[position + 1..]);
                    self.change_input(line, input, of, stays);
                }
                What::Output(output, of) => {
                    if let OfOutput::Removed(advice) = of {
                        let advice = format!("it is gone since version {} of the pack: {advice}", line.version);
                        self.earlier.gone_outputs.push(((*output).to_owned(), advice));
                    }
                    self.outputs.push(line);
                }
            }
        }
    }

    /// Gives the node its class. Returns its earlier form, the lines about its outputs, what happened in words, and problems.
    pub(super) fn finish(self) -> (Earlier, Vec<&'a Line<'a>>, Vec<String>, Vec<Problem>) {
        if !self.node.class_type.is_empty() {
            self.node.class_type = format!("{}.{}", self.pack, self.class);
        }
        (self.earlier, self.outputs, self.said, self.problems)
    }

    fn rename_class(&mut self, line: &Line<'_>, to: &str, values: &BTreeMap<String, Json>) {
        to.clone_into(&mut self.class);
        for (input, value) in values {
            self.give(input, value);
        }
        self.said.push(line.describe());
    }

    fn change_input(&mut self, line: &Line<'_>, input: &str, of: &OfInput<'_>, stays: impl Fn() -> bool) {
        let position = self.node.inputs.iter().position(|other| other.name == input);
        let is_given = position.is_some_and(|at| self.node.inputs[at].source != Source::Literal(Json::Null));
        match of {
            OfInput::Renamed(to) => {
                self.tracked(input).now = Some((*to).to_owned());
                // If the graph has both names, the check reports the old one.
                if let Some(at) = position
                    && !self.node.inputs.iter().any(|other| other.name == *to)
                {
                    (*to).clone_into(&mut self.node.inputs[at].name);
                    self.said.push(line.describe());
                }
            }
            OfInput::Mapped(step) => {
                self.tracked(input).steps.push(step.clone());
                if let Some(at) = position {
                    self.map(line, at, step);
                }
            }
            OfInput::Removed(advice, only) => {
                let tracked = self.tracked(input);
                (tracked.now, tracked.advice) = (None, (*advice).to_owned());
                if let Some(at) = position {
                    let gone = self.node.inputs.remove(at);
                    let loses_nothing = only.is_none_or(|only| is_value(&gone.source, only));
                    if is_given && !loses_nothing {
                        let problem = Problem::new(Kind::UnknownInput, gone_since(self.pack, line)).input(input);
                        let only = only.map(Json::to_string).unwrap_or_default();
                        let problem = problem.expected(only).received(shown(&gone.source)).at(gone.place);
                        self.problem(problem.hint((*advice).to_owned()));
                    }
                    self.said.push(line.describe());
                }
            }
            OfInput::Was(value) => {
                if !is_given {
                    self.give(input, value);
                    self.said.push(line.describe());
                }
            }
            OfInput::Split(by, was) => self.split(line, input, by, *was, stays),
        }
    }

    /// Gives the node the class that the value of an input chooses. `stays` tells whether the class is still there for other values.
    fn split(
        &mut self,
        line: &Line<'_>,
        input: &str,
        by: &BTreeMap<String, String>,
        was: Option<&Json>,
        stays: impl Fn() -> bool,
    ) {
        let given = self.node.inputs.iter().find(|other| other.name == input);
        let given = given.filter(|other| other.source != Source::Literal(Json::Null));
        let value = match given.map(|given| &given.source) {
            Some(Source::Literal(value)) => Some(as_key(value)),
            Some(_) => None,
            None => was.map(as_key),
        };
        let Some(to) = value.and_then(|value| by.get(&value)) else {
            if !stays() {
                let known: Vec<String> = by.keys().map(|key| format!("{key:?}")).collect();
                let problem = Problem::new(Kind::NotAChoice, line.describe()).input(input);
                let problem = problem.expected(format!("one of {}", known.join(", ")));
                let got = given.map_or_else(|| "nothing".to_owned(), |given| shown(&given.source));
                let problem = problem.received(got).at(given.and_then(|given| given.place.clone()));
                self.problem(problem.hint("give the node the new class that is meant".to_owned()));
                self.node.class_type.clear();
            }
            return;
        };
        let tracked = self.tracked(input);
        tracked.now = None;
        tracked.advice = format!("its value chose the class `{to}`; change the class of the node");
        to.clone_into(&mut self.class);
        self.node.inputs.retain(|other| other.name != input);
        self.said.push(line.describe());
    }

    /// Maps the value of the input at a position. The value behind a link is not known, so only a list can be made of it.
    fn map(&mut self, line: &Line<'_>, at: usize, step: &Step) {
        let input = &mut self.node.inputs[at];
        match (&mut input.source, step) {
            (Source::Literal(Json::Null), _) => return,
            (Source::Literal(value), step) => {
                let new = step.apply(value.take());
                *value = new;
            }
            (Source::Link(link), Step::List) => input.source = Source::Links(vec![link.clone()]),
            (Source::Links(_), Step::List) => {}
            (Source::Link(_) | Source::Links(_), Step::Words(_) | Step::Times(_)) => {
                let message = format!("since version {} of the pack `{}` this input {step}", line.version, self.pack);
                let problem = Problem::new(Kind::WrongType, message).input(&input.name);
                let problem = problem.expected("a value").received("a link").at(input.place.clone());
                let hint = "change what comes over the link, then name the new version of the pack under `packs`";
                self.problem(problem.hint(hint.to_owned()));
            }
        }
        self.said.push(line.describe());
    }

    /// Gives the node an input that it leaves out.
    fn give(&mut self, name: &str, value: &Json) {
        self.node.inputs.retain(|input| input.name != name || input.source != Source::Literal(Json::Null));
        if self.node.inputs.iter().any(|input| input.name == name) {
            return;
        }
        let place = self.node.place.clone();
        let file = place.as_ref().and_then(|place| place.file.clone());
        let base = file.map_or(Base::Graph, Base::Part);
        self.node.inputs.push(Input { name: name.to_owned(), source: Source::Literal(value.clone()), place, base });
    }

    /// The earlier form of an input, by its name after the lines so far.
    fn tracked(&mut self, name: &str) -> &mut EarlierInput {
        let inputs = &mut self.earlier.inputs;
        let found = inputs.iter().position(|input| input.now.as_deref() == Some(name));
        let at = found.unwrap_or_else(|| {
            let now = Some(name.to_owned());
            inputs.push(EarlierInput { name: name.to_owned(), now, steps: Vec::new(), advice: String::new() });
            inputs.len() - 1
        });
        &mut inputs[at]
    }

    fn problem(&mut self, problem: Problem) {
        let problem = problem.node(&self.node.id).class(&self.earlier.class).at(self.node.place.clone());
        self.problems.push(problem);
    }
}

fn gone_since(pack: &str, line: &Line<'_>) -> String {
    format!("the input is gone since version {} of the pack `{pack}`", line.version)
}

fn shown(source: &Source) -> String {
    match source {
        Source::Literal(value) => value.to_string(),
        Source::Link(link) => format!("a link to `{link}`"),
        Source::Links(_) => "a list of links".to_owned(),
    }
}

/// The text with which a value chooses a class.
fn as_key(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a source is a value. Numbers are compared by their value: 1 is 1.0.
fn is_value(source: &Source, expected: &Json) -> bool {
    let Source::Literal(value) = source else { return false };
    value == expected || value.as_f64().is_some_and(|value| Some(value) == expected.as_f64())
}
