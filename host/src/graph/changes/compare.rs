//! Finds what a pack broke since an earlier version without saying so.

use super::{
    follow::{InputTrail, OutputTrail, Trail},
    line::{Line, version},
};
use crate::words::one_line;
use serde::Serialize;
use serde_json::Value as Json;
use splatgraph_sdk::spec::{InputSpec, Manifest, NodeSpec, OutputSpec, PathKind, scalar, socket_types_meet};
use std::fmt;

/// Something that graphs of the earlier version may have, and that a line of changes does not explain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The pack.
    pub pack: String,
    /// The class in the earlier version; `None` if it is about the pack.
    pub class: Option<String>,
    /// The input in the earlier version, or a new one.
    pub input: Option<String>,
    /// The output in the earlier version.
    pub output: Option<String>,
    /// What is different.
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut about = match &self.class {
            Some(class) => format!("`{}.{class}`", self.pack),
            None => format!("the pack `{}`", self.pack),
        };
        for (kind, name) in [("input", &self.input), ("output", &self.output)] {
            if let Some(name) = name {
                about += &format!(", {kind} `{name}`");
            }
        }
        f.write_str(&one_line(&format!("{about}: {}", self.text)))
    }
}

/// What the manifest `new` of a pack broke since `old` without saying so.
#[must_use]
pub fn differences(old: &Manifest, new: &Manifest) -> Vec<Difference> {
    let of_pack = |text: String| Difference { pack: old.id.clone(), class: None, input: None, output: None, text };
    let mut found = Vec::new();
    let lines = match (version(&old.version), version(&new.version)) {
        (Some(before), Some(now)) => {
            if now < before {
                found.push(of_pack(format!("expected at least version {before}, got {now}")));
            }
            let mut lines = Line::all(new);
            lines.retain(|line| line.version > before);
            lines
        }
        _ => {
            let versions = format!("{:?} and {:?}", old.version, new.version);
            found.push(of_pack(format!("expected two versions such as 0.2.0, got {versions}")));
            Vec::new()
        }
    };
    for node in &old.nodes {
        for trail in Trail::of(node).follow(&lines).into_iter().filter(|trail| !trail.removed) {
            let mut of_class = OfClass { pack: &old.id, old: node, found: &mut found };
            match new.nodes.iter().find(|other| other.name == trail.class) {
                Some(now) => of_class.compare(&trail, now),
                None if is_split_up(&trail, node) => {}
                None if trail.split.is_some() => {
                    let text = "the class is gone, and one of its inputs chooses another only for some values";
                    of_class.add(None, None, text.to_owned());
                }
                None => {
                    let renamed =
                        if trail.class == node.name { String::new() } else { format!(", now `{}`,", trail.class) };
                    of_class.add(None, None, format!("the class{renamed} is gone"));
                }
            }
        }
    }
    found.dedup();
    found
}

/// Whether each value of an input has another class now.
fn is_split_up(trail: &Trail, node: &NodeSpec) -> bool {
    let Some((input, known)) = &trail.split else { return false };
    let spec = node.inputs.iter().find(|spec| spec.name == *input);
    match spec {
        Some(spec) if spec.socket == scalar::BOOLEAN => ["false", "true"].iter().all(|value| known.contains(*value)),
        Some(spec) if !spec.choices.is_empty() => spec.choices.iter().all(|choice| known.contains(&choice.name)),
        // The input has another name in the earlier version, or takes any value.
        _ => true,
    }
}

struct OfClass<'a> {
    pack: &'a str,
    old: &'a NodeSpec,
    found: &'a mut Vec<Difference>,
}

impl OfClass<'_> {
    fn add(&mut self, input: Option<&str>, output: Option<&str>, text: String) {
        self.found.push(Difference {
            pack: self.pack.to_owned(),
            class: Some(self.old.name.clone()),
            input: input.map(str::to_owned),
            output: output.map(str::to_owned),
            text,
        });
    }

    fn compare(&mut self, trail: &Trail, now: &NodeSpec) {
        if self.old.output && !now.output {
            self.add(None, None, "the node no longer runs by itself, as it is no output node".to_owned());
        }
        for input in &trail.inputs {
            let Some(name) = &input.now else { continue };
            match now.inputs.iter().find(|spec| spec.name == *name) {
                Some(spec) => {
                    for text in of_input(input, spec) {
                        self.add(Some(&input.old), None, text);
                    }
                }
                None => self.add(Some(&input.old), None, "the input is gone".to_owned()),
            }
        }
        for spec in now.inputs.iter().filter(|spec| spec.required() && !trail.given.contains(&spec.name)) {
            if !trail.inputs.iter().any(|input| input.now.as_ref() == Some(&spec.name)) {
                self.add(Some(&spec.name), None, "the input is new, and graphs have to give it".to_owned());
            }
        }
        for output in &trail.outputs {
            let Some(name) = &output.now else { continue };
            match now.outputs.iter().position(|spec| spec.name == *name) {
                Some(position) => {
                    for text in of_output(output, position, &now.outputs[position]) {
                        self.add(None, Some(&output.spec.name), text);
                    }
                }
                None => self.add(None, Some(&output.spec.name), "the output is gone".to_owned()),
            }
        }
    }
}

fn list_of(list: bool, socket: &str) -> String {
    if list { format!("a list of {socket}") } else { socket.to_owned() }
}

fn of_input(trail: &InputTrail, now: &InputSpec) -> Vec<String> {
    let old = &trail.spec;
    let mut found = Vec::new();
    let takes_all = old.socket.split(',').all(|socket| socket_types_meet(socket, &now.socket));
    if !takes_all || old.list != now.list {
        let (before, after) = (list_of(old.list, &old.socket), list_of(now.list, &now.socket));
        found.push(format!("the type was {before} and is {after}"));
        return found;
    }
    if old.path != now.path {
        let kind = |path: Option<PathKind>| {
            path.map_or_else(|| "no path".to_owned(), |path| format!("{path:?}").to_lowercase())
        };
        found.push(format!("the kind of path was {} and is {}", kind(old.path), kind(now.path)));
    }
    let is_choice = |text: &str| now.choices.iter().any(|choice| choice.name == text);
    if old.choices.is_empty() && !now.choices.is_empty() && old.path.is_none() {
        found.push("every text was allowed, and only choices are".to_owned());
    }
    if !now.choices.is_empty() {
        found.extend(
            old.choices
                .iter()
                .filter(|choice| !is_choice(&choice.name))
                .map(|choice| format!("the choice {:?} is gone", choice.name)),
        );
    }
    found.extend(
        old.builtin
            .iter()
            .filter(|model| !now.builtin.contains(model))
            .map(|model| format!("the built-in model {model:?} is gone")),
    );
    if now.extensions_only {
        let gone = old.extensions.iter().filter(|extension| !now.extensions.contains(extension));
        found.extend(gone.map(|extension| format!("files .{extension} are no longer allowed")));
    }
    let number = |limit: &Option<Json>| limit.as_ref().and_then(Json::as_f64);
    let (min, max) = (number(&old.min).unwrap_or(f64::NEG_INFINITY), number(&old.max).unwrap_or(f64::INFINITY));
    if let Some(now) = number(&now.min).filter(|now| *now > min) {
        found.push(format!("numbers below {now} are no longer allowed"));
    }
    if let Some(now) = number(&now.max).filter(|now| *now < max) {
        found.push(format!("numbers above {now} are no longer allowed"));
    }
    found.extend(of_default(trail, now));
    found
}

/// What happens to graphs that leave an input out.
fn of_default(trail: &InputTrail, now: &InputSpec) -> Option<String> {
    let old = &trail.spec;
    if old.required() {
        return None;
    }
    let word = |value: &Option<Json>| value.as_ref().map_or_else(|| "nothing".to_owned(), Json::to_string);
    match &trail.was {
        Some(was) if old.default.as_ref().is_some_and(|default| !is_equal(default, was)) => {
            Some(format!("the default was {}, and the changes say {was}", word(&old.default)))
        }
        Some(_) => None,
        None if now.required() => Some("graphs have to give the input, which they could leave out".to_owned()),
        None => match (&old.default, &now.default) {
            (None, None) => None,
            (Some(before), Some(after)) if is_equal(before, after) => None,
            (before, after) => Some(format!("the default was {} and is {}", word(before), word(after))),
        },
    }
}

/// Whether two values are equal. 1 and 1.0 are.
fn is_equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b)),
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn of_output(trail: &OutputTrail, position: usize, now: &OutputSpec) -> Vec<String> {
    let old = &trail.spec;
    let mut found = Vec::new();
    let fits =
        old.socket == scalar::ANY || now.socket.split(',').all(|socket| old.socket.split(',').any(|old| old == socket));
    if !fits || old.list != now.list {
        let (before, after) = (list_of(old.list, &old.socket), list_of(now.list, &now.socket));
        found.push(format!("the type was {before} and is {after}"));
    }
    if position != trail.position && !trail.moved {
        found.push(format!("the output was number {} and is number {position}", trail.position));
    }
    found
}
