//! Descriptions of node classes, as clients of ComfyUI ask for them. The order of their keys has a meaning: values of widgets stand in it.

use super::sockets::{in_order, input};
use crate::registry::{Class, Registry};
use serde_json::{Map, Value as Json, json};

/// Names of files that inputs offer.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Files to read.
    pub read: Vec<String>,
    /// Models.
    pub models: Vec<String>,
}

/// The descriptions of all classes, by their full names.
#[must_use]
pub fn object_info(registry: &Registry, files: &Files) -> Json {
    let classes = registry.class_names().iter().filter_map(|name| registry.class(name));
    classes.map(|class| (class.full_name.clone(), class_info(&class, files))).collect::<Map<_, _>>().into()
}

/// The description of a class.
#[must_use]
pub fn class_info(class: &Class, files: &Files) -> Json {
    let (mut required, mut optional) = (Map::new(), Map::new());
    for spec in in_order(&class.spec) {
        // Clients call it an error if a graph leaves out what is `required`.
        let group = if spec.required() { &mut required } else { &mut optional };
        group.insert(spec.name.clone(), input(spec, class, files));
    }
    let names = |group: &Map<String, Json>| group.keys().cloned().collect::<Vec<_>>();
    let input_order = json!({ "required": names(&required), "optional": names(&optional) });
    let outputs = &class.spec.outputs;
    let category = if class.spec.category.is_empty() { &class.pack.manifest.id } else { &class.spec.category };
    json!({
        "input": { "required": required, "optional": optional, "hidden": {} },
        "input_order": input_order,
        "is_input_list": false,
        "output": outputs.iter().map(|output| output.socket.as_str()).collect::<Vec<_>>(),
        "output_is_list": outputs.iter().map(|output| output.list).collect::<Vec<_>>(),
        "output_name": outputs.iter().map(|output| output.name.as_str()).collect::<Vec<_>>(),
        "output_tooltips": outputs.iter().map(|output| output.help.as_str()).collect::<Vec<_>>(),
        "name": class.full_name,
        "display_name": class.spec.name,
        "description": class.spec.help,
        // The front end takes the help pages of such modules from `/extensions/splatgraph/docs`.
        "python_module": "custom_nodes.splatgraph",
        "category": category,
        "output_node": class.spec.output,
        "has_intermediate_output": false,
        "search_aliases": [class.full_name],
        "deprecated": false,
        "experimental": false,
        "api_node": false,
    })
}
