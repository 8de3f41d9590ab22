//! The values of the fields of nodes.

use super::scopes::{NodeJson, Slot};
use crate::graph::workflow::sockets::{Shown, in_order, is_picture, is_seed};
use serde_json::Value as Json;
use splatgraph_sdk::spec::NodeSpec;

/// What the front end does with a seed after a run. The field stands behind that of the seed.
const AFTER_RUN: [&str; 4] = ["fixed", "increment", "decrement", "randomize"];

/// The value that a field for an upload has.
const UPLOAD: &str = "image";
const UPLOAD_FIELD: &str = "upload";

/// The values of the fields of a node, by name: those with names, else by their order.
pub(super) fn of_node(node: &NodeJson<'_>, class: Option<&NodeSpec>) -> Vec<(String, Json)> {
    let Some(class) = class else { return Vec::new() };
    let fields = in_order(class).filter(|spec| Shown::of(spec).is_widget());
    let values = node.json.get("widgets_values");
    let named = node.json.get("widgets_values_named").filter(|named| named.is_object());
    if let Some(named) = named.or(values.filter(|values| values.is_object())) {
        let value = |name: &str| named.get(name).filter(|value| !value.is_null());
        return fields.filter_map(|spec| Some((spec.name.clone(), value(&spec.name)?.clone()))).collect();
    }
    let Some(Json::Array(values)) = values else { return Vec::new() };
    let of_class: Vec<&str> = fields.map(|spec| spec.name.as_str()).collect();
    // Newer front ends list all fields with the node, as its class may change.
    let listed: Vec<&str> = node.inputs().filter(|input| input.is_widget()).filter_map(Slot::name).collect();
    match in_turn(values, &listed, class) {
        (found, []) if listed.len() >= found.len() && !listed.is_empty() => found,
        _ => in_turn(values, &of_class, class).0,
    }
}

/// The values of fields by their order, and the values that are left.
fn in_turn<'v>(mut values: &'v [Json], fields: &[&str], class: &NodeSpec) -> (Vec<(String, Json)>, &'v [Json]) {
    let mut found = Vec::new();
    let mut fields = fields.iter().peekable();
    while let (Some(name), [value, rest @ ..]) = (fields.next(), values) {
        values = rest;
        let Some(spec) = class.inputs.iter().find(|spec| spec.name == *name) else { continue };
        if !value.is_null() {
            found.push((spec.name.clone(), value.clone()));
        }
        let text = rest.first().and_then(Json::as_str).unwrap_or_default();
        let is_upload = is_picture(spec, class) && text == UPLOAD && fields.peek() != Some(&&UPLOAD_FIELD);
        if is_upload || is_seed(spec, class) && AFTER_RUN.contains(&text) {
            values = &rest[1..];
        }
    }
    (found, values)
}

/// The value of the field at an input of a subgraph's node. Names of such inputs may be there twice, so the order decides.
pub(super) fn of_socket(node: &NodeJson<'_>, position: usize) -> Option<Json> {
    let input = node.input(position)?;
    let name = input.name()?;
    let fields = node.inputs().filter(|input| input.is_widget()).count();
    let before = node.inputs().take(position).filter(|input| input.is_widget()).count();
    let values = node.json.get("widgets_values");
    let by_order = values.and_then(Json::as_array).filter(|values| values.len() == fields);
    let by_name = || node.json.get("widgets_values_named").or(values)?.get(name);
    let value = by_order.and_then(|values| values.get(before)).or_else(by_name)?;
    (!value.is_null()).then(|| value.clone())
}
