//! Reads the source of an input's value: a link, a list of links or a value.

use super::{
    file::{Link, OutputName, Source},
    json::{Shape, Tree},
};
use serde_json::Value as Json;
use std::collections::HashSet;

/// The source that the JSON of an input stands for; `None` for an array that is neither a link nor a list of links.
pub(super) fn source(tree: &Tree) -> Option<Source> {
    match &tree.shape {
        Shape::Array(items) => {
            if let Some(link) = link(items) {
                return Some(Source::Link(link));
            }
            let as_link = |item: &Tree| match &item.shape {
                Shape::Array(inner) => link(inner),
                _ => None,
            };
            items.iter().map(as_link).collect::<Option<Vec<_>>>().map(Source::Links)
        }
        Shape::Object(members) => {
            // Clients of ComfyUI also write `__type__` beside `__value__`.
            let wrapped = members.iter().all(|member| matches!(member.key.as_str(), "__value__" | "__type__"));
            match tree.get("__value__") {
                Some(value) if wrapped => Some(Source::Literal(value.to_json())),
                _ => Some(Source::Literal(tree.to_json())),
            }
        }
        Shape::Scalar(value) => Some(Source::Literal(value.clone())),
        Shape::NoNumber(_) => Some(Source::Literal(Json::Null)),
    }
}

/// Reads a link: `["node", "output"]` or `["node", 0]`. Some clients write the index as a float.
pub(super) fn link(items: &[Tree]) -> Option<Link> {
    let [node, output] = items else { return None };
    let output = match &output.shape {
        Shape::Scalar(Json::String(name)) => OutputName::Name(name.clone()),
        Shape::Scalar(Json::Number(number)) => OutputName::Index(whole(number)?),
        _ => return None,
    };
    Some(Link { node: node.as_str()?.to_owned(), output })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and small")]
fn whole(number: &serde_json::Number) -> Option<u64> {
    let float = number.as_f64().filter(|f| f.fract() == 0.0 && (0.0..1e9).contains(f));
    number.as_u64().or(float.map(|f| f as u64))
}

/// A hint for an array that is nearly a link, or a list with one that is: `[1, 0]`, `["1", -1]`, `["1"]`. Two numbers are a link
/// only if there is such a node, by its id.
pub(super) fn nearly_link(value: &Tree, ids: &HashSet<String>) -> Option<String> {
    let items = value.items();
    let [node, rest @ ..] = items else { return None };
    if let Shape::Array(_) = node.shape {
        return items.iter().filter(|item| link(item.items()).is_none()).find_map(|item| nearly_link(item, ids));
    }
    let Shape::Scalar(node) = &node.shape else { return None };
    let id = node.as_str().map_or_else(|| node.to_string(), str::to_owned);
    if !ids.contains(&id) {
        return None;
    }
    let quoted = Json::from(id.as_str());
    Some(match rest {
        [Tree { shape: Shape::Scalar(output @ (Json::Number(_) | Json::String(_))), .. }] if node.is_number() => {
            format!("the ids of nodes are texts; write [{quoted}, {output}]")
        }
        [Tree { shape: Shape::Scalar(output @ Json::Number(_)), .. }] => {
            format!(
                "the outputs of a node are counted from 0, got {output}; write [{quoted}, 0], or the name of the output"
            )
        }
        // Several numbers are values.
        _ if node.is_number() => return None,
        _ => format!("a link has the id of a node and an output; write [{quoted}, 0], or the name of the output"),
    })
}
