//! Prints a node in the form of a graph file.

use serde_json::{Value as Json, json};
use splatgraph::registry::Pack;
use splatgraph_sdk::spec::{InputSpec, NodeSpec, PathKind, scalar};

use super::class_name;
use crate::cli::output::json_line;

/// The node as `"load_image": {"class_type": …}`, with every input that has a default or needs a value. Links and texts that
/// the author has to fill in are in capitals.
pub(super) fn of(pack: &Pack, node: &NodeSpec) -> String {
    let inputs = node
        .inputs
        .iter()
        .filter_map(|input| Some(format!("    {}: {}", quoted(&input.name), json_line(&value(input)?))));
    let inputs: Vec<String> = inputs.collect();
    let inputs = if inputs.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n  }}", inputs.join(",\n")) };
    let class = quoted(&class_name(pack, node));
    format!("{}: {{\n  \"class_type\": {class},\n  \"inputs\": {inputs}\n}}", quoted(&snake_case(&node.name)))
}

fn quoted(text: &str) -> Json {
    text.into()
}

/// The value of an input; `None` for an optional input without a default, which is left out.
fn value(input: &InputSpec) -> Option<Json> {
    match &input.default {
        Some(Json::Null) => return None,
        // A bare array is read as a link.
        Some(Json::Array(items)) => return Some(json!({"__value__": items})),
        Some(default) => return Some(default.clone()),
        None if input.optional => return None,
        None => {}
    }
    let first = input.socket.split(',').next().unwrap_or_default();
    let one = match first {
        scalar::INT => input.min.clone().unwrap_or(json!(0)),
        scalar::FLOAT => input.min.clone().unwrap_or(json!(0.0)),
        scalar::BOOLEAN => json!(false),
        scalar::STRING if !input.choices.is_empty() => json!(input.choices[0].name),
        scalar::STRING => json!(match input.path {
            Some(PathKind::Read | PathKind::Write) => "FILE",
            Some(PathKind::ReadDir) => "FOLDER",
            Some(PathKind::Model) => "MODEL",
            None => "TEXT",
        }),
        // Any JSON value can be written so, and a list only so.
        scalar::JSON => return Some(json!({"__value__": []})),
        _ => json!(["NODE", "OUTPUT"]),
    };
    Some(match (input.list, one.is_array()) {
        (false, _) => one,
        (true, true) => json!([one]),
        (true, false) => json!({"__value__": [one]}),
    })
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
