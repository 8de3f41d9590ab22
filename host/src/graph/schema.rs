//! The JSON schema of graph files.

use crate::registry::{Class, Registry};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::{InputSpec, scalar};

/// The JSON schema (draft 2020-12) of graph files for the loaded packs. With it, an editor completes and checks classes and
/// inputs.
#[must_use]
pub fn schema(registry: &Registry) -> Json {
    let classes: Vec<Class> = registry.class_names().iter().filter_map(|name| registry.class(name)).collect();
    let names: Vec<&str> = classes.iter().map(|class| class.full_name.as_str()).collect();
    let summaries: Vec<&str> = classes.iter().map(|class| summary(&class.spec.help)).collect();
    let branches: Vec<Json> = classes
        .iter()
        .map(|class| {
            json!({
                "if": { "properties": { "class_type": { "const": class.full_name } }, "required": ["class_type"] },
                "then": node(class),
            })
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A splatgraph graph",
        "type": "object",
        "required": ["nodes"],
        "properties": {
            "version": { "enum": (1..=super::parse::VERSION).collect::<Vec<_>>(), "description": "The version of the format." },
            "title": { "type": "string", "description": "One line about the graph." },
            "description": { "type": "string", "description": "More about it." },
            "requires": {
                "type": "object",
                "description": "The packs that the graph needs, by their ids; told to whoever lacks one.",
                "patternProperties": { "^[_$]": true },
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "version": { "type": "string", "description": "The versions that will do, like \"^0.2\"." },
                        "url": { "type": "string", "description": "Where the pack can be had." },
                        "sha256": {
                            "type": "string",
                            "pattern": "^[0-9a-fA-F]{64}$",
                            "description": "The SHA-256 of the pack's library, or of its source in another language.",
                        },
                    },
                    "patternProperties": { "^[_$]": true },
                    "additionalProperties": false,
                },
            },
            "packs": {
                "type": "object",
                "description": "The versions of the packs with which the graph was made, by their ids. What changed since is applied.",
                "additionalProperties": { "type": "string" },
            },
            "inputs": {
                "type": "object",
                "description": "The knobs a user sets: names for inputs of nodes, each `node.input` or a list of them.",
                "additionalProperties": {
                    "anyOf": [
                        { "$ref": "#/$defs/target" },
                        { "type": "array", "items": { "$ref": "#/$defs/target" }, "minItems": 1 },
                    ],
                },
            },
            "outputs": {
                "type": "object",
                "description": "Names for results; scalars among them are printed at the end.",
                "additionalProperties": { "$ref": "#/$defs/link" },
            },
            "nodes": {
                "type": "object",
                "description": "The nodes by their ids.",
                "patternProperties": { "^[_$]": true },
                "additionalProperties": { "$ref": "#/$defs/node" },
            },
        },
        "patternProperties": { "^[_$]": true },
        "additionalProperties": false,
        "$defs": {
            "target": { "type": "string", "pattern": "^.+\\.[^.]+$" },
            "link": {
                "description": "A link: [\"node\", \"output\"].",
                "type": "array",
                "prefixItems": [
                    { "type": "string" },
                    { "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0 }] },
                ],
                "minItems": 2,
                "maxItems": 2,
            },
            "links": { "type": "array", "items": { "$ref": "#/$defs/link" } },
            "node": {
                "type": "object",
                "anyOf": [{ "required": ["class_type"] }, { "required": ["graph"] }],
                "properties": {
                    "class_type": {
                        "anyOf": [
                            { "type": "string", "enum": names, "enumDescriptions": summaries },
                            { "type": "string", "pattern": "\\.json$", "description": "The path of another graph." },
                        ],
                    },
                    "inputs": { "type": "object" },
                    "each": each(),
                    "fold": fold(),
                    "graph": { "$ref": "#", "description": "The graph that `each` or `fold` repeats, instead of a file." },
                },
                "patternProperties": { "^[_$]": true },
                "additionalProperties": false,
                "allOf": branches,
            },
        },
    })
}

fn each() -> Json {
    json!({
        "type": "object",
        "description": "Runs the graph for each element of lists, or for each picture of a batch. Its outputs become lists.",
        "required": ["over"],
        "properties": {
            "over": names("The named inputs that take one element in each pass."),
            "cross": { "type": "boolean", "default": false, "description": "Takes each element of a list with each of the others; the last list changes fastest." },
            "limit": { "type": "integer", "minimum": 1, "description": "The most passes." },
            "keep_going": { "type": "boolean", "default": false, "description": "Leaves passes that fail out of the lists." },
            "index": index(),
        },
        "additionalProperties": false,
    })
}

fn fold() -> Json {
    json!({
        "type": "object",
        "description": "Runs the graph several times; values go from one pass to the next. Its outputs are those of the last pass.",
        "required": ["carry", "times"],
        "properties": {
            "carry": {
                "type": "object",
                "description": "Named inputs, each with the named output whose value it has in the next pass.",
                "additionalProperties": { "type": "string" },
                "minProperties": 1,
            },
            "times": { "type": "integer", "minimum": 1, "maximum": super::repeat::MOST_TIMES, "description": "The most passes." },
            "until": { "type": "string", "description": "The named output that ends it once it is true." },
            "collect": names("The named outputs that are lists of the values of all passes."),
            "index": index(),
        },
        "additionalProperties": false,
    })
}

fn index() -> Json {
    json!({ "type": "string", "description": "The named input that gets the number of the pass, from 0." })
}

fn names(description: &str) -> Json {
    json!({
        "description": description,
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
    })
}

fn summary(help: &str) -> &str {
    help.split("\n\n").next().unwrap_or_default()
}

fn node(class: &Class) -> Json {
    let spec = &class.spec;
    let required: Vec<&str> = spec.inputs.iter().filter(|input| input.required()).map(|i| i.name.as_str()).collect();
    let properties: Map<String, Json> =
        spec.inputs.iter().map(|input| (input.name.clone(), input_schema(input))).collect();
    let mut node = json!({
        "properties": {
            "inputs": {
                "type": "object",
                "properties": properties,
                "required": required,
                "patternProperties": { "^[_$]": true },
                "additionalProperties": false,
            },
        },
    });
    if !spec.help.is_empty() {
        node["description"] = spec.help.clone().into();
    }
    if !required.is_empty() {
        node["required"] = json!(["inputs"]);
    }
    node
}

fn input_schema(spec: &InputSpec) -> Json {
    let mut forms = vec![json!({ "$ref": "#/$defs/link" })];
    let literals: Vec<Json> = spec.socket.split(',').filter_map(|socket_type| literal(spec, socket_type)).collect();
    if spec.list {
        forms.push(json!({ "$ref": "#/$defs/links" }));
        if !literals.is_empty() {
            let items = json!({ "anyOf": literals });
            forms.push(json!({
                "type": "object",
                "properties": { "__value__": { "type": "array", "items": items } },
                "required": ["__value__"],
            }));
        }
    } else {
        // Editors offer the first form first.
        forms.splice(0..0, literals);
    }
    if spec.optional {
        forms.push(json!({ "type": "null" }));
    }
    let socket = if spec.list { format!("list of {}", spec.socket) } else { spec.socket.clone() };
    let description = if spec.help.is_empty() { socket } else { format!("{socket}. {}", spec.help) };
    let mut schema = json!({ "description": description, "anyOf": forms });
    if let Some(default) = &spec.default {
        schema["default"] = if default.is_array() { json!({ "__value__": default }) } else { default.clone() };
    }
    schema
}

/// The schema of a value; `None` for types that only links carry.
fn literal(spec: &InputSpec, socket_type: &str) -> Option<Json> {
    let mut schema = match socket_type {
        scalar::INT => json!({ "type": "integer" }),
        scalar::FLOAT => json!({ "type": "number" }),
        scalar::BOOLEAN => json!({ "type": "boolean" }),
        scalar::STRING if !spec.choices.is_empty() => {
            let names: Vec<&str> = spec.choices.iter().map(|choice| choice.name.as_str()).collect();
            let help: Vec<&str> = spec.choices.iter().map(|choice| choice.help.as_str()).collect();
            json!({ "type": "string", "enum": names, "enumDescriptions": help })
        }
        scalar::STRING if spec.path.is_some() => {
            let mut schema = json!({ "type": "string", "minLength": 1 });
            if !spec.builtin.is_empty() {
                schema["examples"] = json!(spec.builtin);
            }
            schema
        }
        scalar::STRING => json!({ "type": "string" }),
        // An array is read as a link.
        scalar::JSON | scalar::ANY => json!({ "type": ["object", "string", "number", "boolean", "null"] }),
        _ => return None,
    };
    if matches!(socket_type, scalar::INT | scalar::FLOAT) {
        for (key, limit) in [("minimum", &spec.min), ("maximum", &spec.max)] {
            if let Some(limit) = limit {
                schema[key] = limit.clone();
            }
        }
    }
    Some(schema)
}
