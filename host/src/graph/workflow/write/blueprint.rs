//! Graphs as subgraphs, which the front end offers as nodes.

use super::{
    Drawn, Wire,
    node::{field, socket_type, written},
    uuid_of,
};
use crate::{
    graph::{
        expand,
        file::{File, Source, Target},
        workflow::sockets::Shown,
    },
    registry::Registry,
};
use serde_json::{Value as Json, json};
use splatgraph_sdk::spec::InputSpec;

/// The ids of what comes into a subgraph, and of what goes out of it.
pub(super) const INPUTS: i64 = -10;
const OUTPUTS: i64 = -20;

/// Makes a workflow with one node of a graph, whose named inputs and outputs are the node's sockets. `None` if the graph has no named
/// outputs, or its classes are unknown.
#[must_use]
pub fn to_blueprint(file: &File, name: &str, registry: &Registry) -> Option<Json> {
    let file = expand(file.clone()).adapted(registry);
    let specs = file.inputs.iter().map(|input| spec_of(&file, input.targets.first()?, registry));
    let specs: Vec<InputSpec> = specs.collect::<Option<_>>()?;
    let outside = |target: &Target| file.inputs.iter().position(|input| input.targets.contains(target));
    let mut drawn = Drawn::new(&file, registry, &outside);
    let id = uuid_of(&file.to_json());
    let mut outputs = Vec::new();
    for (slot, output) in file.outputs.iter().enumerate() {
        let (from, from_slot, socket) = drawn.origin(&output.link)?;
        let link = drawn.links.len() as u64 + 1;
        drawn.links.push(Wire { id: link, from, output: from_slot, to: OUTPUTS, input: slot, socket: socket.clone() });
        outputs.push(json!({ "id": part_id(&id, 2, slot), "name": output.name, "type": socket, "linkIds": [link] }));
    }
    if outputs.is_empty() {
        return None;
    }
    drawn.add_links_to_outputs();
    let inputs = file.inputs.iter().zip(&specs).enumerate().map(|(slot, (input, spec))| {
        let links = drawn.links.iter().filter(|link| link.from == INPUTS && link.output == slot);
        let links: Vec<u64> = links.map(|link| link.id).collect();
        json!({ "id": part_id(&id, 1, slot), "name": input.name, "type": socket_type(spec, Shown::of(spec)), "linkIds": links })
    });
    let inputs: Vec<Json> = inputs.collect();
    let title = if file.title.is_empty() { name } else { &file.title };
    let right = drawn.nodes.iter().filter_map(|node| node["pos"][0].as_u64()).max().unwrap_or(0);
    let definition = json!({
        "id": id, "version": 1, "revision": 0, "config": {}, "name": title,
        "state": { "lastGroupId": 0, "lastNodeId": drawn.nodes.len(), "lastLinkId": drawn.links.len(), "lastRerouteId": 0 },
        "inputNode": { "id": INPUTS, "bounding": [-180, 80, 128, 28 + 20 * inputs.len()] },
        "outputNode": { "id": OUTPUTS, "bounding": [right + 430, 80, 128, 28 + 20 * outputs.len()] },
        "inputs": inputs, "outputs": outputs, "widgets": [], "nodes": drawn.nodes,
        "links": drawn.links.iter().map(Wire::as_object).collect::<Vec<_>>(), "groups": [], "extra": {},
    });
    Some(workflow(&id, title, &file, &specs, definition))
}

/// The workflow with the one node.
fn workflow(id: &str, title: &str, file: &File, specs: &[InputSpec], definition: Json) -> Json {
    let mut values = Vec::new();
    let inputs = file.inputs.iter().zip(specs).map(|(input, spec)| {
        let shown = Shown::of(spec);
        let mut socket = json!({ "name": input.name, "type": socket_type(spec, shown), "link": null });
        if shown.is_widget() {
            socket["widget"] = json!({ "name": input.name });
            let source = input.targets.first().and_then(|target| file.node(&target.node)?.input(&target.input));
            values.push(match source {
                Some(Source::Literal(value)) if !value.is_null() => written(value, spec, shown),
                _ => field(spec),
            });
        }
        socket
    });
    let inputs: Vec<Json> = inputs.collect();
    let outputs = definition["outputs"].as_array().into_iter().flatten();
    let outputs = outputs.map(|output| json!({ "name": output["name"], "type": output["type"], "links": null }));
    let node = json!({
        "id": 1, "type": id, "pos": [60, 80], "size": [280, 60 + 26 * file.inputs.len()], "flags": {}, "order": 0,
        "mode": 0, "inputs": inputs, "outputs": outputs.collect::<Vec<_>>(), "title": title,
        "properties": {}, "widgets_values": values,
    });
    json!({
        "id": id, "revision": 0, "last_node_id": 1, "last_link_id": 0, "nodes": [node], "links": [], "groups": [],
        "definitions": { "subgraphs": [definition] }, "config": {}, "extra": {}, "version": 0.4,
    })
}

/// The id of an input or output of a subgraph.
fn part_id(id: &str, kind: u8, slot: usize) -> String {
    format!("{}-{kind:04x}-8000-8000-{slot:012x}", &id[..8])
}

fn spec_of(file: &File, target: &Target, registry: &Registry) -> Option<InputSpec> {
    let class = registry.class(&file.node(&target.node)?.class_type)?;
    class.spec.inputs.iter().find(|spec| spec.name == target.input).cloned()
}
