//! `std.Field`

use splatgraph_sdk::{prelude::*, serde_json};

/// Takes a value out of JSON.
///
/// A name such as `psnr` takes the field of an object. A path that begins with a slash goes deeper: `/each/0/psnr` takes the field
/// `psnr` of the first item of the array `each`. In such a path, `~1` stands for a slash in a name and `~0` for `~`, as in a JSON
/// pointer.
///
/// An array becomes a list.
#[node(category = "Text", outputs(value: "The value: a number, a text, true or false, a list or JSON."))]
pub fn field(
    /// The JSON value, or a list.
    value: Value,
    /// The name of a field, or a path that begins with a slash.
    field: String,
) -> Result<Value> {
    let json = value.to_json().filter(|json| json.is_object() || json.is_array()).ok_or_else(|| {
        let message = format!("expected a JSON object or a list of JSON values, got {}", value.type_name());
        Error::input("value", message)
    })?;
    let steps: Vec<String> = match field.strip_prefix('/') {
        Some(path) => path.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
        None => vec![field.clone()],
    };
    let mut found = &json;
    for step in &steps {
        found =
            below(found, step).map_err(|problem| Error::input("field", format!("{problem} in the path {field:?}")))?;
    }
    if found.is_null() {
        return Err(Error::input("field", format!("expected a value at {field:?}, got null")));
    }
    Ok(Value::from_json(found))
}

/// The value at one step of a path; an error says what the JSON has in its place.
fn below<'a>(json: &'a serde_json::Value, step: &str) -> Result<&'a serde_json::Value, String> {
    match json {
        serde_json::Value::Object(fields) => fields.get(step).ok_or_else(|| {
            const SHOWN: usize = 20;
            let names: Vec<&str> = fields.keys().take(SHOWN).map(String::as_str).collect();
            let more = if fields.len() > SHOWN { ", .." } else { "" };
            let has = if names.is_empty() {
                "no fields".to_owned()
            } else {
                format!("the fields {}{more}", names.join(", "))
            };
            format!("expected a field of an object with {has}, got `{step}`")
        }),
        serde_json::Value::Array(items) => step.parse().ok().and_then(|at: usize| items.get(at)).ok_or_else(|| {
            let count = items.len();
            match count {
                0 => format!("expected an array with items, got an empty one for `{step}`"),
                _ => format!("expected a position from 0 to {} of an array, got `{step}`", count - 1),
            }
        }),
        other => Err(format!("expected an object or an array with `{step}`, got {other}")),
    }
}
