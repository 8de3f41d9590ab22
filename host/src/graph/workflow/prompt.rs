//! Makes bare prompts, as the front end and other clients send them, into graphs that the check accepts.
//!
//! Clients write values as their fields have them: JSON as text, numbers without a point, an empty text for no value, the items of a list
//! as inputs of their own.

use super::{
    replacements::word,
    sockets::{Shown, singular},
};
use crate::{
    graph::{
        file::{File, Input, Link, Node, Source},
        json,
        problem::{Kind, Problem},
    },
    registry::{Class, Registry},
};
use serde_json::{Number, Value as Json};
use splatgraph_sdk::spec::{InputSpec, PathKind, scalar};
use std::path::Path;

impl File {
    /// This graph with the nodes of its workflow, if it was read from one, and with the values of bare nodes in the form of their inputs,
    /// as far as that is clear, and in the form of the loaded packs, if it was made with earlier versions. Does so once.
    #[must_use]
    pub fn adapted(self, registry: &Registry) -> Self {
        let mut file = self.of_workflow(registry).with_changes(registry).with_replacements(registry);
        for node in file.nodes.iter_mut().filter(|node| node.bare && !node.adapted) {
            node.adapted = true;
            if let Some(class) = registry.class(&node.class_type) {
                adapt(node, &class, registry, &mut file.problems);
            }
        }
        file.with_pack_versions(registry)
    }
}

fn adapt(node: &mut Node, class: &Class, registry: &Registry, problems: &mut Vec<Problem>) {
    for spec in class.spec.inputs.iter().filter(|spec| spec.list) {
        if let Err(problem) = gather(&mut node.inputs, spec) {
            problems.push(problem.node(&node.id).class(&class.full_name).input(&spec.name));
        }
    }
    let mut inputs = std::mem::take(&mut node.inputs);
    inputs.retain_mut(|input| {
        let Some(spec) = class.spec.inputs.iter().find(|spec| spec.name == input.name) else { return true };
        let Source::Literal(value) = &mut input.source else { return true };
        let shown = Shown::of(spec);
        // The front end sends an empty text from a field that nobody filled in.
        let is_nothing = value.as_str() == Some("") && !spec.required();
        if is_nothing && (spec.default.is_none() || matches!(shown, Shown::Text | Shown::JsonText)) {
            return false;
        }
        if let Err(problem) = convert(value, spec, shown) {
            problems.push(problem.node(&node.id).class(&class.full_name).input(&spec.name).at(input.place.clone()));
        }
        complete(value, spec, class, registry);
        true
    });
    node.inputs = inputs;
}

/// Puts the word of a choice in the place of ComfyUI's, and the extension of a file behind a name without one.
fn complete(value: &mut Json, spec: &InputSpec, class: &Class, registry: &Registry) {
    let Some(text) = value.as_str() else { return };
    if !spec.choices.is_empty() && !spec.choices.iter().any(|choice| choice.name == text) {
        if let Some(word) = word(class, &spec.name, text, registry) {
            *value = word.into();
        }
    } else if let Some(extension) = spec.extensions.first().filter(|_| spec.extensions_only)
        && spec.path == Some(PathKind::Write)
        && Path::new(text).file_name().is_some()
        && !text.ends_with(['/', '\\', '.'])
        && Path::new(text).extension().is_none()
    {
        *value = format!("{text}.{extension}").into();
    }
}

/// Puts the items of a list, `images.image0`, `images.image1`, ..., together. They stand instead of the list, and are all links or all values.
fn gather(inputs: &mut Vec<Input>, spec: &InputSpec) -> Result<(), Problem> {
    let position = |input: &Input| {
        let item = input.name.strip_prefix(spec.name.as_str())?.strip_prefix('.')?;
        item.strip_prefix(singular(&spec.name))?.parse::<u32>().ok()
    };
    let Some(at) = inputs.iter().position(|input| position(input).is_some()) else { return Ok(()) };
    let (mut items, mut others): (Vec<_>, Vec<_>) = inputs.drain(..).partition(|input| position(input).is_some());
    items.sort_by_key(position);
    // The front end sends an empty text from a field that nobody filled in.
    let is_whole = |input: &Input| input.name == spec.name && input.source != Source::Literal("".into());
    let is_value = |input: &Input| matches!(input.source, Source::Literal(_));
    let wrong = match others.iter().find(|input| is_whole(input)) {
        Some(whole) => {
            let [list, item] = [&whole.name, &items[0].name];
            Some((format!("a list as `{list}` or items such as `{item}`"), "both".to_owned()))
        }
        None => items.windows(2).find(|pair| is_value(&pair[0]) != is_value(&pair[1])).map(|pair| {
            let [first, second] = [&pair[0], &pair[1]].map(|input| match &input.source {
                Source::Literal(value) => format!("{} as `{}`", json::describe(value), input.name),
                _ => format!("a link as `{}`", input.name),
            });
            ("items that are all links or all values".to_owned(), format!("{first} and {second}"))
        }),
    };
    let found = wrong.map(|(expected, received)| {
        Problem::new(Kind::WrongType, "").expected(expected).received(received).at(items[0].place.clone())
    });
    let links: Vec<Link> = items.iter().flat_map(|item| item.source.links()).cloned().collect();
    let value = |item: &Input| if let Source::Literal(value) = &item.source { Some(value.clone()) } else { None };
    let source =
        if links.is_empty() { Source::Literal(items.iter().filter_map(value).collect()) } else { Source::Links(links) };
    others.retain(|input| input.name != spec.name);
    let list = Input { name: spec.name.clone(), source, ..items.swap_remove(0) };
    others.insert(at.min(others.len()), list);
    *inputs = others;
    found.map_or(Ok(()), Err)
}

/// Converts a value to the type of its input, as far as that is clear.
fn convert(value: &mut Json, spec: &InputSpec, shown: Shown) -> Result<(), Problem> {
    if shown == Shown::JsonText && !matches!(spec.default, Some(Json::String(_))) {
        read_json(value)?;
    }
    if let (Json::Array(items), true) = (&mut *value, spec.list) {
        items.iter_mut().for_each(|item| convert_one(item, spec));
    } else if !spec.list {
        convert_one(value, spec);
    }
    Ok(())
}

/// Reads a text as JSON. A text that does not look like JSON is a text.
fn read_json(value: &mut Json) -> Result<(), Problem> {
    let Json::String(text) = value else { return Ok(()) };
    let (tree, problems) = json::parse(text);
    match tree.filter(|_| problems.is_empty()) {
        Some(tree) => *value = tree.to_json(),
        None if text.trim_start().starts_with(['[', '{', '"']) => {
            let found = Problem::new(Kind::WrongType, "").expected("a JSON value");
            let found = found.received(json::describe(value));
            return Err(found.hint(problems.first().map(|problem| format!("in the text: {problem}"))));
        }
        None => {}
    }
    Ok(())
}

fn convert_one(value: &mut Json, spec: &InputSpec) {
    let converted = match spec.socket.as_str() {
        scalar::INT => as_int(value),
        scalar::FLOAT => as_float(value),
        scalar::BOOLEAN => as_boolean(value),
        scalar::STRING => as_text(value),
        scalar::JSON => None,
        union => from_text(value, union),
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

/// The value of a text in a field of several types.
fn from_text(value: &Json, union: &str) -> Option<Json> {
    let takes = |socket_type: &str| union.split(',').any(|taken| taken == socket_type);
    if !value.is_string() {
        return as_int(value).filter(|_| takes(scalar::INT) && !takes(scalar::FLOAT));
    }
    let int = || as_int(value).filter(|_| takes(scalar::INT));
    let float = || as_float(value).filter(|_| takes(scalar::FLOAT));
    let boolean = || as_boolean(value).filter(|_| takes(scalar::BOOLEAN));
    int().or_else(float).or_else(boolean)
}

fn as_int(value: &Json) -> Option<Json> {
    match value {
        // A larger float may stand for several whole numbers.
        Json::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 2_f64.powi(53))?;
            format!("{float:.0}").parse::<i64>().ok().map(Json::from)
        }
        Json::String(text) => {
            let text = text.trim();
            let signed = text.parse::<i64>().ok().map(Json::from);
            signed.or_else(|| text.parse::<u64>().ok().map(Json::from))
        }
        Json::Bool(value) => Some(Json::from(u8::from(*value))),
        _ => None,
    }
}

fn as_float(value: &Json) -> Option<Json> {
    match value {
        Json::String(text) => Number::from_f64(text.trim().parse().ok()?).map(Json::Number),
        Json::Bool(value) => Some(Json::from(f64::from(u8::from(*value)))),
        _ => None,
    }
}

fn as_boolean(value: &Json) -> Option<Json> {
    match value {
        Json::Number(number) => Some(Json::Bool(number.as_f64() != Some(0.0))),
        Json::String(text) => text.trim().to_lowercase().parse::<bool>().ok().map(Json::Bool),
        _ => None,
    }
}

fn as_text(value: &Json) -> Option<Json> {
    match value {
        Json::Number(_) | Json::Bool(_) => Some(Json::String(value.to_string())),
        _ => None,
    }
}
