//! Describes a node in full.

use serde_json::Value as Json;
use splatgraph::registry::Pack;
use splatgraph_sdk::spec::{InputSpec, NodeSpec, PathKind};

use super::class_name;
use crate::cli::output::{BOLD, DIM};

/// The first sentence of a help text, on one line.
pub(crate) fn summary(help: &str) -> String {
    let paragraph = help.split("\n\n").next().unwrap_or_default().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}

/// The node's help, its inputs with type, default, range, choices and help, and its outputs.
pub(super) fn whole(pack: &Pack, node: &NodeSpec) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}", class_name(pack, node));
    text += &format!("  {DIM}{}, version {}", pack_line(pack), node.version);
    if !node.category.is_empty() {
        text += &format!(", {}", node.category);
    }
    text += &format!("{}{DIM:#}\n\n{}\n", if node.output { ", output node" } else { "" }, node.help.trim());
    if let Some(why) = pack.manifest.absent.get(&node.name) {
        text += &format!("\nThis build of the pack can't run the node: {why}\n");
    }
    if !node.inputs.is_empty() {
        text += &format!("\n{BOLD}Inputs{BOLD:#}\n");
    }
    for input in &node.inputs {
        text += &format!("  {BOLD}{}{BOLD:#}  {}\n", input.name, limits(input));
        text += &indented(6, &input.help);
        for choice in &input.choices {
            text += &indented(6, &format!("\"{}\"  {}", choice.name, choice.help));
        }
    }
    if !node.outputs.is_empty() {
        text += &format!("\n{BOLD}Outputs{BOLD:#}\n");
    }
    for output in &node.outputs {
        let list = if output.list { ", a list" } else { "" };
        text += &format!("  {BOLD}{}{BOLD:#}  {}{list}\n", output.name, output.socket);
        text += &indented(6, &output.help);
    }
    text
}

fn pack_line(pack: &Pack) -> String {
    format!("pack {} {}", pack.manifest.id, pack.manifest.version)
}

/// The type, range, kind of path and default of an input: `INT 1..4096, default 128`.
pub(crate) fn limits(input: &InputSpec) -> String {
    let mut text = input.socket.clone();
    match (&input.min, &input.max) {
        (Some(min), Some(max)) => text += &format!(" {min}..{max}"),
        (Some(min), None) => text += &format!(" from {min}"),
        (None, Some(max)) => text += &format!(" up to {max}"),
        (None, None) => {}
    }
    if input.list {
        text += ", a list";
    }
    text += match input.path {
        Some(PathKind::Read) => ", a file to read",
        Some(PathKind::ReadDir) => ", a folder to read",
        Some(PathKind::Write) => ", a file to write",
        Some(PathKind::Model) => ", a model",
        None => "",
    };
    if !input.extensions.is_empty() {
        let only = if input.extensions_only { "only " } else { "" };
        text += &format!(" ({only}.{})", input.extensions.join(", ."));
    }
    if !input.builtin.is_empty() {
        text += &format!(" (built in: {})", input.builtin.join(", "));
    }
    match &input.default {
        Some(Json::Null) => text += ", optional",
        Some(default) => text += &format!(", default {default}"),
        None if input.optional => text += ", optional",
        None => text += ", required",
    }
    text
}

fn indented(width: usize, text: &str) -> String {
    let indent = " ".repeat(width);
    text.trim().lines().map(|line| format!("{indent}{}", line.trim_end()).trim_end().to_owned() + "\n").collect()
}
