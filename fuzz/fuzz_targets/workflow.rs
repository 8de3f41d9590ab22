//! Workflows of the ComfyUI front end. A graph that came out of one becomes a workflow again, and that the same graph.
#![no_main]

mod declared;

use splatgraph::{
    graph::{File, Origin, draw, to_own_format},
    registry::Registry,
    workflow::{add_names, to_blueprint, to_prompt, to_workflow},
};
use splatgraph_sdk::serde_json::Value as Json;
use std::{path::Path, sync::LazyLock};

static REGISTRY: LazyLock<Registry> = LazyLock::new(declared::registry);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = File::parse(text, Origin::Text) else { return };
    if file.nodes.iter().any(|node| node.is_graph()) {
        return;
    }
    if let Some(workflow) = &file.workflow {
        let _ = to_prompt(workflow, &REGISTRY);
        let mut prompt = File { workflow: None, ..file.clone() };
        add_names(&mut prompt, workflow);
    }
    let _ = to_workflow(&file, &REGISTRY);
    let _ = to_blueprint(&file, "part", &REGISTRY);
    let Some(own) = own(file.clone()) else { return };
    let _ = draw(&file.adapted(&REGISTRY), Some(&REGISTRY));
    let Ok(first) = File::parse(&own.to_string(), Origin::Text) else { return };
    let written = to_workflow(&first, &REGISTRY).to_string();
    // Its texts may be too deep or too many now.
    let Ok(read) = File::parse(&written, Origin::Text) else { return };
    assert_eq!(to_workflow(&read, &REGISTRY).to_string(), written);
});

/// The graph in this program's own format, if it has no problems.
fn own(file: File) -> Option<Json> {
    to_own_format(&file, Path::new(""), &REGISTRY).ok().map(|converted| converted.json)
}
