//! The report in `run.json`.

use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::spec::InputSpec;

use super::{OutputReport, Recorded};
use crate::graph::{Checked, CheckedNode, Feed, Socket};
use crate::run::{NodeReport, RunResult, Settings};

pub(super) fn run(checked: &Checked, result: &RunResult, recorded: &Recorded, settings: &Settings, ms: f64) -> Json {
    let nodes = checked.nodes.iter().zip(&result.nodes).enumerate().map(|(position, (about, report))| {
        let outputs = recorded.outputs.get(&position).map_or(&[][..], Vec::as_slice);
        node(checked, about, report, result, outputs)
    });
    json!({
        "graph": checked.file().origin.to_string(),
        "title": checked.file().title,
        "status": result.status_name(),
        "ms": ms,
        "splatgraph": env!("CARGO_PKG_VERSION"),
        "packs": checked.pack_versions(),
        "settings": settings,
        "nan_from": recorded.made_nan,
        "nodes": nodes.collect::<Vec<_>>(),
    })
}

fn node(
    checked: &Checked,
    about: &CheckedNode,
    report: &NodeReport,
    result: &RunResult,
    outputs: &[OutputReport],
) -> Json {
    let specs = about.class.spec.inputs.iter().zip(&about.feeds);
    let inputs: Map<String, Json> = specs.map(|(spec, feed)| (spec.name.clone(), input(checked, spec, feed))).collect();
    let error = result.failures.iter().find(|failure| failure.node == about.id);
    // A node computes on the device of its outputs.
    let device = outputs.iter().map(|output| output.device.as_str()).find(|device| *device != "cpu");
    let inside = report.inside.iter().map(|(node, ran, cached)| json!({ "id": &**node, "ran": ran, "cached": cached }));
    let inside: Vec<Json> = inside.collect();
    let mut node = json!({
        "id": &*about.id,
        "class": about.class.full_name,
        "pack_version": about.class.pack.manifest.version,
        "inputs": inputs,
        "status": report.status.name(),
        "why": report.why.to_string(),
        "ms": report.ms,
        "device": device.unwrap_or("cpu"),
        "error": error.map(|failure| failure.to_json()),
        "outputs": outputs,
    });
    if !inside.is_empty() {
        node["inside"] = inside.into();
    }
    node
}

/// The value of an input, or its default; `{"link": ["node", "output"]}` if it comes from another node.
fn input(checked: &Checked, spec: &InputSpec, feed: &Feed) -> Json {
    let link = |socket: &Socket| {
        let from = &checked.nodes[socket.node];
        json!([&*from.id, from.class.spec.outputs[socket.output].name])
    };
    match feed {
        Feed::Nothing => spec.default.clone().unwrap_or_default(),
        Feed::Value(value) => value.clone(),
        Feed::Link(socket) => json!({"link": link(socket)}),
        Feed::Links(sockets) => json!({"links": sockets.iter().map(link).collect::<Vec<_>>()}),
    }
}
