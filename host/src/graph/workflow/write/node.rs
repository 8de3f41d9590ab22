//! One node of a workflow.

use super::{Drawn, Wire, layout::Area, unknown};
use crate::{
    graph::{
        file::{Link, Node, OutputName, Source, Target},
        workflow::{
            keys::{GIVEN, ID, VALUES},
            sockets::{Shown, as_text, in_order, is_picture, is_seed, singular},
        },
    },
    registry::Class,
};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::{InputSpec, scalar};

/// The shapes of sockets that need no link, and of those that carry lists.
const HOLLOW: u64 = 7;
const GRID: u64 = 6;

/// The value that the front end has for an input that a graph leaves out.
pub(super) fn field(spec: &InputSpec) -> Json {
    match (&spec.default, Shown::of(spec)) {
        (Some(default), shown) => written(default, spec, shown),
        (None, Shown::Field) => match spec.socket.as_str() {
            scalar::INT | scalar::FLOAT => spec.min.clone().filter(|min| min.as_f64() > Some(0.0)).unwrap_or(0.into()),
            scalar::BOOLEAN => false.into(),
            _ => "".into(),
        },
        (None, Shown::Choice) => spec.choices.first().map_or("", |choice| &choice.name).into(),
        (None, _) => "".into(),
    }
}

/// A value as its field has it.
pub(super) fn written(value: &Json, spec: &InputSpec, shown: Shown) -> Json {
    match (value, shown) {
        // A text in a field of JSON is JSON again, unless it can't be mistaken.
        (Json::String(text), Shown::JsonText) if !matches!(spec.default, Some(Json::String(_))) => {
            let looks_like_json = text.trim_start().starts_with(['[', '{', '"']) || text.is_empty();
            let is_json = looks_like_json || serde_json::from_str::<Json>(text).is_ok();
            if is_json { value.to_string().into() } else { value.clone() }
        }
        (_, Shown::Text | Shown::JsonText) => as_text(value).into(),
        _ => value.clone(),
    }
}

/// The parts of a node that its inputs make.
#[derive(Default)]
struct Parts {
    sockets: Vec<Json>,
    fields: Vec<Json>,
    values: Vec<Json>,
    named: Map<String, Json>,
    given: Vec<Json>,
    kept: Map<String, Json>,
}

impl Parts {
    /// Adds a field that the front end has besides those of the class.
    fn add_field(&mut self, name: &str, value: &str) {
        self.values.push(value.into());
        self.named.insert(name.to_owned(), value.into());
    }
}

impl Drawn {
    pub(super) fn node(
        &mut self,
        position: usize,
        node: &Node,
        named: &[(&str, &str)],
        place: Area,
        outside: &dyn Fn(&Target) -> Option<usize>,
    ) -> Json {
        let class = self.classes[position].clone();
        let number = position as i64 + 1;
        let mut parts = Parts::default();
        for spec in class.iter().flat_map(|class| in_order(&class.spec)) {
            let target = Target { node: node.id.clone(), input: spec.name.clone() };
            self.input(node, spec, class.as_ref(), outside(&target), &mut parts);
        }
        // The front end adds this field behind all others.
        if class.iter().any(|class| class.spec.inputs.iter().any(|spec| is_picture(spec, &class.spec))) {
            parts.add_field("upload", "image");
        }
        // The front end shows a label in the place of a name, also in App mode.
        for socket in &mut parts.fields {
            if let Some((_, name)) = named.iter().find(|(input, _)| socket["name"] == *input) {
                socket["label"] = (*name).into();
            }
        }
        let unknown = unknown::inputs(node, class.as_ref());
        for (name, source) in &unknown {
            match source {
                Source::Literal(value) => _ = parts.kept.insert(name.clone(), value.clone()),
                _ => parts.sockets.push(json!({ "name": name, "type": "*", "link": null })),
            }
        }
        self.connect(number, node, class.as_ref(), outside, &mut parts);
        for (name, source) in &unknown {
            if let Some(origin) = source.links().first().and_then(|link| self.origin(link)) {
                self.link(number, name, origin, &mut parts);
            }
        }
        let full_name = class.as_ref().map_or(&node.class_type, |class| &class.full_name);
        let title = class.as_ref().map_or(&node.class_type, |class| &class.spec.name);
        let specs = class.as_ref().map_or(&[] as &[_], |class| &class.spec.outputs);
        let outputs = self.outputs[position].iter().enumerate().map(|(output, (name, socket))| {
            let mut json = json!({ "name": name, "type": socket, "links": null });
            if specs.get(output).is_some_and(|spec| spec.list) {
                json["shape"] = GRID.into();
            }
            json
        });
        let outputs: Vec<Json> = outputs.collect();
        let Parts { mut sockets, fields, values, named: values_named, given, kept } = parts;
        sockets.extend(fields);
        let mut properties = Map::new();
        properties.insert("Node name for S&R".to_owned(), full_name.as_str().into());
        properties.insert(ID.to_owned(), node.id.as_str().into());
        properties.insert(GIVEN.to_owned(), given.into());
        if !kept.is_empty() {
            properties.insert(VALUES.to_owned(), kept.into());
        }
        json!({
            "id": number, "type": full_name, "pos": [place.x, place.y], "size": [place.width, place.height], "flags": {},
            "order": place.order, "mode": 0, "inputs": sockets, "outputs": outputs, "title": title,
            "properties": properties, "widgets_values": values, "widgets_values_named": values_named,
        })
    }

    /// Adds the sockets and the field of an input. Links come later, when the order of all sockets is known.
    fn input(&self, node: &Node, spec: &InputSpec, class: Option<&Class>, outside: Option<usize>, parts: &mut Parts) {
        let shown = Shown::of(spec);
        let source = node.input(&spec.name);
        let mut socket = json!({ "name": spec.name, "type": socket_type(spec, shown), "link": null });
        if !spec.required() {
            socket["shape"] = HOLLOW.into();
        }
        let literal = match source {
            Some(Source::Literal(value)) => Some(value),
            _ => None,
        };
        if let Some(value) = literal.filter(|value| value.is_null() || !shown.is_widget()) {
            parts.kept.insert(spec.name.clone(), value.clone());
        } else if literal.is_some() {
            parts.given.push(spec.name.as_str().into());
        }
        match shown {
            Shown::Socket => parts.sockets.push(socket),
            Shown::Sockets => {
                let count = source.map_or(0, |source| source.links().len()) + usize::from(outside.is_some());
                for item in 0..=count {
                    let mut socket = socket.clone();
                    socket["name"] = format!("{}.{}{item}", spec.name, singular(&spec.name)).into();
                    parts.sockets.push(socket);
                }
            }
            _ => {
                socket["widget"] = json!({ "name": spec.name });
                parts.fields.push(socket);
                let value = literal.filter(|value| !value.is_null());
                let value = value.map_or_else(|| field(spec), |value| written(value, spec, shown));
                parts.named.insert(spec.name.clone(), value.clone());
                parts.values.push(value);
                if class.is_some_and(|class| is_seed(spec, &class.spec)) {
                    parts.add_field("control_after_generate", "fixed");
                }
            }
        }
    }

    /// Adds the links to a node.
    fn connect(
        &mut self,
        number: i64,
        node: &Node,
        class: Option<&Class>,
        outside: &dyn Fn(&Target) -> Option<usize>,
        parts: &mut Parts,
    ) {
        for spec in class.iter().flat_map(|class| &class.spec.inputs) {
            let target = Target { node: node.id.clone(), input: spec.name.clone() };
            let from_outside = outside(&target).map(|slot| (super::blueprint::INPUTS, slot, spec.socket.clone()));
            let links = node.input(&spec.name).map_or(&[] as &[Link], Source::links);
            let from_nodes = links.iter().filter_map(|link| self.origin(link));
            // What sets an input from outside takes the place of what the graph has.
            let origins: Vec<(i64, usize, String)> = match from_outside {
                Some(outside) if Shown::of(spec) != Shown::Sockets => vec![outside],
                outside => from_nodes.chain(outside).collect(),
            };
            for (item, origin) in origins.into_iter().enumerate() {
                let name = match Shown::of(spec) {
                    Shown::Sockets => format!("{}.{}{item}", spec.name, singular(&spec.name)),
                    _ => spec.name.clone(),
                };
                self.link(number, &name, origin, parts);
            }
        }
    }

    /// Adds a link to the socket with this name.
    fn link(&mut self, number: i64, name: &str, (from, output, socket): (i64, usize, String), parts: &mut Parts) {
        let mut sockets = parts.sockets.iter_mut().chain(&mut parts.fields).enumerate();
        let Some((input, json)) = sockets.find(|(_, socket)| socket["name"] == name) else { return };
        let id = self.links.len() as u64 + 1;
        json["link"] = id.into();
        self.links.push(Wire { id, from, output, to: number, input, socket });
    }

    /// The node, the output and the type that a link comes from.
    pub(super) fn origin(&self, link: &Link) -> Option<(i64, usize, String)> {
        let number = *self.numbers.get(&link.node)?;
        let outputs = &self.outputs[usize::try_from(number - 1).ok()?];
        let output = match &link.output {
            OutputName::Name(name) => outputs.iter().position(|(output, _)| output == name)?,
            OutputName::Index(index) => usize::try_from(*index).ok()?,
        };
        Some((number, output, outputs.get(output)?.1.clone()))
    }
}

/// The type of a socket as the front end shows it.
pub(super) fn socket_type(spec: &InputSpec, shown: Shown) -> &str {
    if shown == Shown::Choice { "COMBO" } else { &spec.socket }
}
