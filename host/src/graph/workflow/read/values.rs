//! The values of the fields of nodes.

use super::scopes::{NodeJson, Slot};
use crate::graph::workflow::sockets::{Shown, in_order, is_picture, is_seed};
use serde_json::Value as Json;
use splatgraph_sdk::spec::{NodeSpec, Replacement};
use std::sync::Arc;

/// What the front end does with a seed after a run. The field stands behind that of the seed.
const AFTER_RUN: [&str; 4] = ["fixed", "increment", "decrement", "randomize"];

/// The value that a field for an upload has.
const UPLOAD: &str = "image";
const UPLOAD_FIELD: &str = "upload";

/// What is known about the fields of a node.
pub(super) enum Fields<'a> {
    /// Those of a class.
    Known(Arc<NodeSpec>),
    /// Those of a class of ComfyUI for which another stands in.
    Replaced(&'a Replacement),
    /// Nothing.
    Unknown,
    /// Those that the node itself lists, as its class may have had others when the graph was made.
    Earlier,
}

impl Fields<'_> {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Known(class) => {
                in_order(class).filter(|spec| Shown::of(spec).is_widget()).map(|spec| spec.name.as_str()).collect()
            }
            Self::Replaced(replacement) => replacement.fields.iter().map(String::as_str).collect(),
            Self::Unknown | Self::Earlier => Vec::new(),
        }
    }

    /// Whether the value behind that of a field belongs to a field that the node has besides.
    fn is_extra(&self, name: &str, value: &str, next: Option<&str>) -> bool {
        if matches!(self, Self::Earlier) {
            return name == "seed" && AFTER_RUN.contains(&value);
        }
        let Self::Known(class) = self else { return false };
        let Some(spec) = class.inputs.iter().find(|spec| spec.name == name) else { return false };
        let is_upload = is_picture(spec, class) && value == UPLOAD && next != Some(UPLOAD_FIELD);
        is_upload || is_seed(spec, class) && AFTER_RUN.contains(&value)
    }
}

/// The values of the fields of a node, by name: those with names, else by their order.
pub(super) fn of_node(node: &NodeJson<'_>, fields: &Fields<'_>) -> Vec<(String, Json)> {
    let mut names = fields.names();
    if matches!(fields, Fields::Earlier) {
        names = node.inputs().filter(|input| input.is_widget()).filter_map(Slot::name).collect();
    }
    let values = node.json.get("widgets_values");
    let named = node.json.get("widgets_values_named").filter(|named| named.is_object());
    if let Some(named) = named.or(values.filter(|values| values.is_object())) {
        let value =
            |name: &&str| Some(((*name).to_owned(), named.get(*name).filter(|value| !value.is_null())?.clone()));
        return names.iter().filter_map(value).collect();
    }
    let Some(Json::Array(values)) = values else { return Vec::new() };
    // Newer front ends list all fields with the node, as its class may change.
    let listed: Vec<&str> = node.inputs().filter(|input| input.is_widget()).filter_map(Slot::name).collect();
    let (found, left) = in_turn(values, &listed, fields);
    let found = if left.is_empty() && !listed.is_empty() { found } else { in_turn(values, &names, fields).0 };
    found.into_iter().filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null()).collect()
}

/// The values of fields by their order, and the values that are left.
fn in_turn<'v>(mut values: &'v [Json], names: &[&str], fields: &Fields<'_>) -> (Vec<(String, Json)>, &'v [Json]) {
    let mut found = Vec::new();
    let mut names = names.iter().copied().peekable();
    while let [value, rest @ ..] = values {
        let Some(name) = names.next() else { break };
        found.push((name.to_owned(), value.clone()));
        let extra = rest.first().and_then(Json::as_str);
        let skipped = extra.is_some_and(|extra| fields.is_extra(name, extra, names.peek().copied()));
        values = if skipped { &rest[1..] } else { rest };
    }
    (found, values)
}

/// The value of the field at an input of a subgraph's node. Names of such inputs may be there twice, so the order decides.
pub(super) fn of_socket<'a>(node: &NodeJson<'a>, position: usize) -> Option<&'a Json> {
    let input = node.input(position)?;
    let name = input.name()?;
    let fields = node.inputs().filter(|input| input.is_widget()).count();
    let before = node.inputs().take(position).filter(|input| input.is_widget()).count();
    let values = node.json.get("widgets_values");
    let by_order = values.and_then(Json::as_array).filter(|values| values.len() == fields);
    let by_name = || node.json.get("widgets_values_named").or(values)?.get(name);
    let value = by_order.and_then(|values| values.get(before)).or_else(by_name)?;
    (!value.is_null()).then_some(value)
}
