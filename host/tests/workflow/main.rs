//! The formats of the ComfyUI front end: descriptions of classes, prompts, and workflows in both directions.

mod blueprint;
mod classes;
#[path = "../closures/mod.rs"]
mod closures;
mod damaged;
mod prompt;
mod read;
mod replaced;
mod subgraphs;
mod write;

use serde_json::{Value as Json, json};
use splatgraph::graph::{self, Checked, File, Given, Origin, Problems};
use splatgraph::registry::Registry;

fn parse(json: &Json) -> File {
    File::parse(&json.to_string(), Origin::Text).unwrap()
}

fn check(json: &Json, registry: &Registry) -> Result<Checked, Problems> {
    let file = File::parse(&json.to_string(), Origin::Text)?;
    graph::check(file, registry, &Given { cwd: "folder".into(), ..Given::default() })
}

#[track_caller]
fn problems(json: &Json) -> String {
    check(json, &closures::declared()).expect_err("the graph has problems").to_string()
}

/// The nodes of a graph in this program's own format.
#[track_caller]
fn own(json: &Json) -> Json {
    own_with(json, &closures::declared())
}

#[track_caller]
fn own_with(json: &Json, registry: &Registry) -> Json {
    let converted = graph::to_own_format(&parse(json), "".as_ref(), registry);
    converted.unwrap_or_else(|problems| panic!("{problems}")).json["nodes"].clone()
}

/// The prompt of a workflow.
#[track_caller]
fn prompt(workflow: &Json) -> Json {
    splatgraph::workflow::to_prompt(workflow, &closures::declared()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A node of a workflow. An input is its name, its type, the link to it, and whether it has a field.
fn node(id: u64, class: &str, inputs: &[(&str, &str, Option<u64>, bool)], outputs: &[&str], values: Json) -> Json {
    let input = |(name, socket, link, field): &(&str, &str, Option<u64>, bool)| {
        let mut json = json!({ "name": name, "type": socket, "link": link });
        if *field {
            json["widget"] = json!({ "name": name });
        }
        json
    };
    json!({
        "id": id, "type": class, "mode": 0, "inputs": inputs.iter().map(input).collect::<Vec<_>>(),
        "outputs": outputs.iter().map(|socket| json!({ "name": socket, "type": socket })).collect::<Vec<_>>(),
        "widgets_values": values,
    })
}

fn with_mode(mut node: Json, mode: u64) -> Json {
    node["mode"] = mode.into();
    node
}

fn load(id: u64) -> Json {
    node(id, "std.LoadImage", &[("path", "COMBO", None, true)], &["IMAGE", "MASK"], json!(["cat.png", "image"]))
}

fn resize(id: u64, link: Option<u64>) -> Json {
    let inputs = [("image", "IMAGE", link, false), ("width", "INT", None, true), ("fit", "COMBO", None, true)];
    node(id, "std.Resize", &inputs, &["IMAGE"], json!([64, "fit"]))
}

fn save(id: u64, link: u64) -> Json {
    let inputs = [("image", "IMAGE", Some(link), false), ("path", "STRING", None, true)];
    node(id, "std.SaveImage", &inputs, &["STRING"], json!(["out.png"]))
}

/// A workflow. A link is its number, the node and the output that it comes from, and the node and the input that it leads to.
fn workflow(nodes: &[Json], links: &[[u64; 5]]) -> Json {
    let links: Vec<Json> = links.iter().map(|[id, a, b, c, d]| json!([id, a, b, c, d, "IMAGE"])).collect();
    json!({ "nodes": nodes, "links": links, "version": 0.4 })
}
