//! Follows the names of a class, its inputs and outputs through the lines of a pack, without a graph.

use super::line::{Line, OfInput, OfOutput, What};
use super::step::Step;
use serde_json::Value as Json;
use splatgraph_sdk::spec::{InputSpec, NodeSpec, OutputSpec};
use std::collections::BTreeSet;

/// The most classes that one class becomes. A list that splits a class again and again would fill the memory.
const MOST: usize = 1_000;

/// What becomes of a class of an earlier version.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// Its name.
    pub(super) class: String,
    /// Whether the pack says that the class is gone.
    pub(super) removed: bool,
    /// For a class from which others were split: the input and the values that chose them. Then the class itself may be gone.
    pub(super) split: Option<(String, BTreeSet<String>)>,
    pub(super) inputs: Vec<InputTrail>,
    pub(super) outputs: Vec<OutputTrail>,
    /// The inputs that get a value if a graph leaves them out.
    pub(super) given: BTreeSet<String>,
}

/// What becomes of an input.
#[derive(Clone, Debug)]
pub(super) struct InputTrail {
    /// Its name before.
    pub(super) old: String,
    /// Its declaration as the lines leave it.
    pub(super) spec: InputSpec,
    /// Its name now; `None` if the pack says that it is gone.
    pub(super) now: Option<String>,
    /// The value of graphs that leave it out, if the pack says so.
    pub(super) was: Option<Json>,
}

impl InputTrail {
    /// An input of which only the name is known.
    pub(super) fn of(name: &str) -> Self {
        let spec = InputSpec { name: name.to_owned(), ..InputSpec::default() };
        Self { old: name.to_owned(), spec, now: Some(name.to_owned()), was: None }
    }
}

/// What becomes of an output.
#[derive(Clone, Debug)]
pub(super) struct OutputTrail {
    pub(super) spec: OutputSpec,
    pub(super) position: usize,
    pub(super) now: Option<String>,
    /// Whether links by its position are changed.
    pub(super) moved: bool,
}

impl Trail {
    pub(super) fn of(node: &NodeSpec) -> Self {
        let input = |spec: &InputSpec| InputTrail {
            old: spec.name.clone(),
            spec: spec.clone(),
            now: Some(spec.name.clone()),
            was: None,
        };
        let output = |(position, spec): (usize, &OutputSpec)| OutputTrail {
            spec: spec.clone(),
            position,
            now: Some(spec.name.clone()),
            moved: false,
        };
        Self {
            class: node.name.clone(),
            inputs: node.inputs.iter().map(input).collect(),
            outputs: node.outputs.iter().enumerate().map(output).collect(),
            ..Self::default()
        }
    }

    pub(super) fn input(&mut self, name: &str) -> Option<&mut InputTrail> {
        self.inputs.iter_mut().find(|input| input.now.as_deref() == Some(name))
    }

    pub(super) fn output(&mut self, name: &str) -> Option<&mut OutputTrail> {
        self.outputs.iter_mut().find(|output| output.now.as_deref() == Some(name))
    }

    /// Everything that the class becomes.
    pub(super) fn follow(self, lines: &[Line<'_>]) -> Vec<Self> {
        let mut all = vec![self];
        for line in lines {
            let mut split = Vec::new();
            for trail in all.iter_mut().filter(|trail| trail.class == line.class && !trail.removed) {
                split.extend(trail.step(line));
            }
            all.extend(split);
            if all.len() > MOST {
                break;
            }
        }
        all
    }

    /// Applies a line. Returns the classes that are split from this one.
    fn step(&mut self, line: &Line<'_>) -> Vec<Self> {
        match &line.what {
            What::ClassRenamed(to, values) => {
                (*to).clone_into(&mut self.class);
                self.given.extend(values.keys().cloned());
            }
            What::ClassRemoved(_) => self.removed = true,
            What::Output(name, of) => {
                if let OfOutput::WasAt(position) = of {
                    let at = self.outputs.iter_mut().find(|output| output.position == *position);
                    at.into_iter().for_each(|output| output.moved = true);
                } else if let Some(output) = self.output(name) {
                    output.now = if let OfOutput::Renamed(to) = of { Some((*to).to_owned()) } else { None };
                }
            }
            What::Input(name, OfInput::Was(value)) => {
                self.given.insert((*name).to_owned());
                if let Some(input) = self.input(name) {
                    input.was = Some((*value).clone());
                }
            }
            What::Input(name, OfInput::Split(by, _)) => {
                let known: BTreeSet<String> = by.keys().cloned().collect();
                let mut targets: Vec<&String> = by.values().collect();
                targets.sort();
                targets.dedup();
                let to = |class: &String| {
                    let mut trail = Self { class: class.clone(), split: None, ..self.clone() };
                    trail.input(name).into_iter().for_each(|input| input.now = None);
                    trail
                };
                let split = targets.into_iter().map(to).collect();
                self.split = Some(((*name).to_owned(), known));
                return split;
            }
            What::Input(name, OfInput::Renamed(to)) => {
                if self.given.remove(*name) {
                    self.given.insert((*to).to_owned());
                }
                self.input(name).into_iter().for_each(|input| input.now = Some((*to).to_owned()));
            }
            What::Input(name, OfInput::Removed(..)) => {
                self.input(name).into_iter().for_each(|input| input.now = None);
            }
            What::Input(name, OfInput::Mapped(step)) => {
                self.input(name).into_iter().for_each(|input| map(input, step));
            }
        }
        Vec::new()
    }
}

/// Brings a declaration into the form that its values have after a step.
fn map(input: &mut InputTrail, step: &Step) {
    let spec = &mut input.spec;
    for value in [&mut spec.default, &mut input.was].into_iter().flatten() {
        *value = step.apply(value.take());
    }
    match step {
        Step::Words(words) => {
            for choice in &mut spec.choices {
                if let Some(new) = words.get(&choice.name) {
                    choice.name.clone_from(new);
                }
            }
        }
        Step::Times(factor) => {
            for limit in [&mut spec.min, &mut spec.max].into_iter().flatten() {
                *limit = step.apply(limit.take());
            }
            if *factor < 0.0 {
                std::mem::swap(&mut spec.min, &mut spec.max);
            }
        }
        Step::List => spec.list = true,
    }
}

/// The name that an input of a class has after lines; `None` if it is gone.
pub(super) fn input(class: &str, name: &str, lines: &[Line<'_>]) -> Option<String> {
    let trail = Trail { class: class.to_owned(), inputs: vec![InputTrail::of(name)], ..Trail::default() };
    trail.follow(lines).into_iter().flat_map(|trail| trail.inputs).find_map(|input| input.now)
}

/// The names that a class has after lines, as far as it is not gone.
pub(super) fn classes(class: &str, lines: &[Line<'_>]) -> Vec<String> {
    let trail = Trail { class: class.to_owned(), ..Trail::default() };
    trail.follow(lines).into_iter().filter(|trail| !trail.removed).map(|trail| trail.class).collect()
}
