//! Draws graphs as Mermaid diagrams.

use super::{
    file::{File, Link, OutputName},
    repeat_class::class_of,
};
use crate::registry::{Class, Registry};
use std::{collections::HashMap, fmt::Write};

/// Draws a graph as a Mermaid flowchart. Each node shows its id and class; output nodes have double sides, and graph nodes
/// six corners. Each link shows its output and input. Named inputs and outputs are rounded. With a registry, outputs that
/// links name by position are shown by name.
#[must_use]
pub fn draw(file: &File, registry: Option<&Registry>) -> String {
    let positions: HashMap<&str, usize> =
        file.nodes.iter().enumerate().map(|(n, node)| (node.id.as_str(), n)).collect();
    let classes: Vec<Option<Class>> =
        file.nodes.iter().map(|node| registry.and_then(|registry| class_of(node, registry))).collect();
    let output_name = |link: &Link| match &link.output {
        OutputName::Name(name) => name.clone(),
        OutputName::Index(index) => {
            let class = positions.get(link.node.as_str()).and_then(|&node| classes[node].as_ref());
            let output = class.and_then(|class| class.spec.outputs.get(usize::try_from(*index).ok()?));
            output.map_or_else(|| index.to_string(), |output| output.name.clone())
        }
    };
    let mut out = "flowchart LR\n".to_owned();
    let mut line = |text: String| {
        // Writing to a `String` can't fail.
        let _ = writeln!(out, "    {text}");
    };
    for (position, (node, class)) in file.nodes.iter().zip(&classes).enumerate() {
        let repeat = node.repeat.as_ref().map(|repeat| format!("<br/>{}", escape(&repeat.summary())));
        let label = format!("{}<br/>{}{}", escape(&node.id), escape(&node.class_type), repeat.unwrap_or_default());
        let writes = class.as_ref().is_some_and(|class| class.spec.output);
        line(match (node.is_graph(), writes) {
            (true, _) => format!("n{position}{{{{\"{label}\"}}}}"),
            (_, true) => format!("n{position}[[\"{label}\"]]"),
            _ => format!("n{position}[\"{label}\"]"),
        });
    }
    for (position, node) in file.nodes.iter().enumerate() {
        for input in &node.inputs {
            for link in input.source.links() {
                let Some(from) = positions.get(link.node.as_str()) else { continue };
                let output = output_name(link);
                let label = if output == input.name { output } else { format!("{output} → {}", input.name) };
                line(format!("n{from} -- \"{}\" --> n{position}", escape(&label)));
            }
        }
    }
    for (number, input) in file.inputs.iter().enumerate() {
        line(format!("i{number}([\"{}\"])", escape(&input.name)));
        for target in &input.targets {
            if let Some(node) = positions.get(target.node.as_str()) {
                line(format!("i{number} -. \"{}\" .-> n{node}", escape(&target.input)));
            }
        }
    }
    for (number, output) in file.outputs.iter().enumerate() {
        line(format!("o{number}([\"{}\"])", escape(&output.name)));
        if let Some(node) = positions.get(output.link.node.as_str()) {
            line(format!("n{node} -. \"{}\" .-> o{number}", escape(&output_name(&output.link))));
        }
    }
    out
}

/// Escapes a label. Mermaid writes entities with `#` instead of the `&` of HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '`' => out.push_str("#96;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
