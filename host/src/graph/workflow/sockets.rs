//! How inputs look in the front end: the type, and whether they have a field for a value.

use super::object_info::Files;
use crate::{graph::literal::takes_literals, registry::Class};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::{InputSpec, NodeSpec, PathKind, scalar};
use std::path::Path;

/// The largest whole number that JavaScript has exactly. The front end's own limits for inputs without limits are 0 and 2048.
const LARGEST: i64 = (1 << 53) - 1;

/// Extensions of pictures that browsers or nodes can open.
const PICTURES: [&str; 11] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "tga", "qoi", "ppm"];

/// The most sockets of a list; the front end has no lists without end.
const MOST_OF_A_LIST: u64 = 50;

/// How an input is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As a socket for a link.
    Socket,
    /// As a row of sockets that grows.
    Sockets,
    /// As a field for a number, a text or a switch, by its type.
    Field,
    /// As a field for one line of text, which the server reads as one of several types.
    Text,
    /// As a field for several lines of text with JSON.
    JsonText,
    /// As a list of texts to choose from.
    Choice,
}

impl Shown {
    pub(super) fn of(spec: &InputSpec) -> Self {
        let takes_any = spec.socket.split(',').any(|socket_type| socket_type == scalar::ANY);
        if spec.list {
            // The front end has no fields in rows of sockets, so a list of values is one text.
            return if takes_literals(spec) && !takes_any { Self::JsonText } else { Self::Sockets };
        }
        match spec.socket.as_str() {
            _ if !takes_literals(spec) || takes_any => Self::Socket,
            scalar::JSON => Self::JsonText,
            scalar::STRING if !spec.choices.is_empty() => Self::Choice,
            scalar::STRING if matches!(spec.path, Some(PathKind::Read | PathKind::Model)) => Self::Choice,
            scalar::INT | scalar::FLOAT | scalar::BOOLEAN | scalar::STRING => Self::Field,
            _ => Self::Text,
        }
    }

    /// Whether the input has a field for its value.
    pub(super) fn is_widget(self) -> bool {
        !matches!(self, Self::Socket | Self::Sockets)
    }
}

/// The inputs of a class in the order of the front end: those that a graph has to give come first.
pub(super) fn in_order(spec: &NodeSpec) -> impl Iterator<Item = &InputSpec> {
    let required = spec.inputs.iter().filter(|input| input.required());
    required.chain(spec.inputs.iter().filter(|input| !input.required()))
}

/// Whether an input is a seed, which the front end can change after each run.
pub(super) fn is_seed(spec: &InputSpec, class: &NodeSpec) -> bool {
    let is_counted = || class.inputs.iter().any(|other| other.counts_from.as_ref() == Some(&spec.name));
    Shown::of(spec) == Shown::Field && spec.socket == scalar::INT && (spec.name == "seed" || is_counted())
}

/// Whether an input is the path of a picture, for which the front end has an upload.
pub(super) fn is_picture(spec: &InputSpec, class: &NodeSpec) -> bool {
    let gives_pictures = || class.outputs.iter().any(|output| matches!(output.socket.as_str(), "IMAGE" | "MASK"));
    let of_pictures = match spec.extensions.as_slice() {
        [] => gives_pictures(),
        extensions => extensions.iter().any(|extension| PICTURES.contains(&extension.as_str())),
    };
    Shown::of(spec) == Shown::Choice && spec.path == Some(PathKind::Read) && of_pictures
}

/// The name of one item of a list: `image` for `images`.
pub(super) fn singular(name: &str) -> &str {
    if name.ends_with("sses") {
        return &name[..name.len() - 2];
    }
    name.strip_suffix('s').filter(|one| !one.is_empty()).unwrap_or(name)
}

/// The type and the options of an input, as `object_info` has them.
pub(super) fn input(spec: &InputSpec, class: &Class, files: &Files) -> Json {
    let mut options = Map::new();
    let help = tooltip(spec);
    if !help.is_empty() {
        options.insert("tooltip".to_owned(), help.into());
    }
    if spec.chosen_by.is_some() {
        options.insert("lazy".to_owned(), true.into());
    }
    match Shown::of(spec) {
        Shown::Socket => json!([spec.socket, options]),
        Shown::Sockets => {
            let (one, least) = (singular(&spec.name), u64::from(spec.required()));
            let template = json!({
                "input": { "required": { one: [spec.socket, {}] } }, "prefix": one, "min": least, "max": MOST_OF_A_LIST,
            });
            options.insert("template".to_owned(), template);
            json!(["COMFY_AUTOGROW_V3", options])
        }
        Shown::JsonText => {
            options.insert("widgetType".to_owned(), scalar::STRING.into());
            options.insert("multiline".to_owned(), true.into());
            options.insert("placeholder".to_owned(), if spec.list { "[..]" } else { "JSON" }.into());
            if let Some(default) = &spec.default {
                options.insert("default".to_owned(), as_text(default).into());
            }
            json!([spec.socket, options])
        }
        Shown::Text => {
            options.insert("widgetType".to_owned(), scalar::STRING.into());
            options.insert("default".to_owned(), spec.default.as_ref().map(as_text).unwrap_or_default().into());
            json!([spec.socket, options])
        }
        Shown::Field => {
            field_options(spec, &class.spec, &mut options);
            json!([spec.socket, options])
        }
        Shown::Choice => {
            let offered = offered(spec, &class.spec, files);
            if let Some(default) = &spec.default {
                options.insert("default".to_owned(), default.clone());
            }
            if is_picture(spec, &class.spec) {
                options.insert("image_upload".to_owned(), true.into());
            } else if offered.iter().all(|name| name.is_empty()) {
                // A list without entries takes no value at all.
                return json!([scalar::STRING, options]);
            }
            json!([offered, options])
        }
    }
}

/// The documentation of an input, with that of its choices.
fn tooltip(spec: &InputSpec) -> String {
    let choices = spec.choices.iter().filter(|choice| !choice.help.is_empty());
    let choices = choices.map(|choice| format!("{}: {}", choice.name, choice.help));
    let help = Some(spec.help.clone()).filter(|help| !help.is_empty());
    help.into_iter().chain(choices).collect::<Vec<_>>().join("\n")
}

/// A value in a field of text.
pub(super) fn as_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn field_options(spec: &InputSpec, class: &NodeSpec, options: &mut Map<String, Json>) {
    if let Some(default) = &spec.default {
        options.insert("default".to_owned(), default.clone());
    } else if spec.path == Some(PathKind::Write)
        && let Some(extension) = spec.extensions.first()
    {
        options.insert("default".to_owned(), format!("result.{extension}").into());
    }
    if matches!(spec.socket.as_str(), scalar::INT | scalar::FLOAT) {
        options.insert("min".to_owned(), spec.min.clone().unwrap_or_else(|| (-LARGEST).into()));
        options.insert("max".to_owned(), spec.max.clone().unwrap_or_else(|| LARGEST.into()));
    }
    if spec.socket == scalar::FLOAT {
        options.insert("step".to_owned(), step(spec.default.as_ref()));
        // Otherwise the front end rounds to the step.
        options.insert("round".to_owned(), false.into());
    }
    if is_seed(spec, class) {
        options.insert("control_after_generate".to_owned(), true.into());
        let largest = spec.max.as_ref().and_then(Json::as_i64).map_or(LARGEST, |max| max.min(LARGEST));
        options.insert("max".to_owned(), largest.into());
    }
}

/// The step of a number: a hundredth, or less for a default with more digits, as the front end shows the digits of the step.
fn step(default: Option<&Json>) -> Json {
    let text = default.and_then(Json::as_f64).map(|number| number.to_string()).unwrap_or_default();
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let step = format!("0.{}1", "0".repeat(digits.clamp(2, 8) - 1));
    step.parse::<f64>().map_or(Json::Null, Json::from)
}

/// The texts that an input offers.
fn offered(spec: &InputSpec, class: &NodeSpec, files: &Files) -> Vec<String> {
    if !spec.choices.is_empty() {
        return spec.choices.iter().map(|choice| choice.name.clone()).collect();
    }
    let has = |name: &str, extensions: &[&str]| {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
    };
    let own: Vec<&str> = spec.extensions.iter().map(String::as_str).collect();
    let fits = |name: &&String| match own.as_slice() {
        [] if is_picture(spec, class) => has(name, &PICTURES),
        [] if spec.path == Some(PathKind::Read) => !has(name, &PICTURES),
        [] => true,
        own => has(name, own),
    };
    let of_files = if spec.path == Some(PathKind::Model) { &files.models } else { &files.read };
    let nothing = spec.optional.then(String::new);
    let mut all: Vec<String> = nothing.into_iter().chain(spec.builtin.iter().cloned()).collect();
    if let Some(Json::String(default)) = &spec.default
        && !all.contains(default)
    {
        all.push(default.clone());
    }
    all.extend(of_files.iter().filter(fits).cloned());
    all
}
