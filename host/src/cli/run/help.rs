//! `splatgraph run GRAPH --help`: the help of a graph.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value as Json;
use splatgraph::graph::{self, OutputName, Source, class_of};
use splatgraph::registry::Registry;
use splatgraph_sdk::spec::{InputSpec, OutputSpec};

use crate::cli::nodes::{limits, summary};
use crate::cli::output::{BOLD, DIM, one_line, shown};

/// The nodes of a graph, by their ids.
type Nodes<'a> = HashMap<&'a str, &'a graph::Node>;

/// The title, the description, the named inputs and the outputs of a graph. Works for graphs with problems too, and without
/// their packs.
pub(super) fn of_graph(path: &Path, file: &graph::File, registry: &Registry) -> String {
    let nodes: Nodes<'_> = file.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut text = String::new();
    if !file.title.is_empty() {
        text += &format!("{BOLD}{}{BOLD:#}\n", one_line(&file.title));
    }
    if !file.description.is_empty() {
        text += &format!("\n{}\n", file.description);
    }
    let values = if file.inputs.is_empty() { "" } else { " [NAME=VALUE]..." };
    text += &format!("\n{BOLD}Usage:{BOLD:#} splatgraph run {}{values} [OPTIONS]\n", shown(path));
    if !file.inputs.is_empty() {
        text += &format!("\n{BOLD}Inputs:{BOLD:#}\n");
    }
    for input in &file.inputs {
        text += &format!("  {BOLD}{}{BOLD:#}", one_line(&input.name));
        let found =
            input.targets.iter().find_map(|target| spec_of_input(&nodes, registry, &target.node, &target.input));
        if let Some(spec) = found {
            text += &format!("  {}\n", limits(&spec));
            text += &lines_of_help(&spec);
        } else {
            let targets: Vec<String> = input.targets.iter().map(ToString::to_string).collect();
            text += &format!("  {DIM}sets {}{DIM:#}\n", one_line(&targets.join(", ")));
        }
    }
    if !file.outputs.is_empty() {
        text += &format!("\n{BOLD}Outputs:{BOLD:#}\n");
    }
    for output in &file.outputs {
        text += &format!("  {BOLD}{}{BOLD:#}", one_line(&output.name));
        text += &match spec_of_output(&nodes, registry, &output.link.node, &output.link.output) {
            Some(spec) => format!("  {}  {DIM}{}{DIM:#}\n", spec.socket, summary(&spec.help)),
            None => format!("  {DIM}from {}{DIM:#}\n", one_line(&output.link.to_string())),
        };
    }
    text += "\n`--set NODE.INPUT=VALUE` sets any other input of a node. `splatgraph help run` lists all options.\n";
    text.trim_start().to_owned()
}

/// The declaration of an input of a node. Its default is the value in the graph.
fn spec_of_input(nodes: &Nodes<'_>, registry: &Registry, node: &str, input: &str) -> Option<InputSpec> {
    let node = nodes.get(node)?;
    let class = class_of(node, registry)?;
    let mut spec = class.spec.inputs.iter().find(|spec| spec.name == input)?.clone();
    match node.input(input) {
        Some(Source::Literal(Json::Null)) | None => {}
        Some(Source::Literal(value)) => spec.default = Some(value.clone()),
        Some(Source::Link(_) | Source::Links(_)) => spec.optional = true,
    }
    Some(spec)
}

fn spec_of_output(nodes: &Nodes<'_>, registry: &Registry, node: &str, output: &OutputName) -> Option<OutputSpec> {
    let class = class_of(nodes.get(node)?, registry)?;
    let outputs = &class.spec.outputs;
    match output {
        OutputName::Name(name) => outputs.iter().find(|spec| spec.name == *name),
        OutputName::Index(index) => outputs.get(usize::try_from(*index).ok()?),
    }
    .cloned()
}

fn lines_of_help(spec: &InputSpec) -> String {
    let mut text: String = spec.help.trim().lines().map(|line| format!("      {line}\n")).collect();
    for choice in &spec.choices {
        text += format!("      \"{}\"  {}", choice.name, summary(&choice.help)).trim_end();
        text.push('\n');
    }
    text
}
