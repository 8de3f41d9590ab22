//! Pages about node classes.

use crate::registry::Class;
use splatgraph_sdk::spec::{InputSpec, OutputSpec};

/// A page about a class in Markdown: what it does, its inputs with their choices, and its outputs.
#[must_use]
pub fn help_page(class: &Class) -> String {
    let spec = &class.spec;
    let mut page = format!("# {}\n", class.full_name);
    if !spec.help.is_empty() {
        page.push_str(&format!("\n{}\n", spec.help));
    }
    if let Some(why) = class.pack.manifest.absent.get(&spec.name) {
        page.push_str(&format!("\n**This build can't run it:** {why}\n"));
    }
    if !spec.inputs.is_empty() {
        page.push_str("\n## Inputs\n\n");
        spec.inputs.iter().for_each(|input| page.push_str(&about_input(input)));
    }
    if !spec.outputs.is_empty() {
        page.push_str("\n## Outputs\n\n");
        spec.outputs.iter().for_each(|output| page.push_str(&about_output(output)));
    }
    page
}

fn about_input(spec: &InputSpec) -> String {
    let mut about = vec![socket(&spec.socket, spec.list)];
    if spec.optional {
        about.push("optional".to_owned());
    }
    if let Some(default) = &spec.default {
        about.push(format!("default `{default}`"));
    }
    match (&spec.min, &spec.max) {
        (Some(min), Some(max)) => about.push(format!("{min} to {max}")),
        (Some(min), None) => about.push(format!("at least {min}")),
        (None, Some(max)) => about.push(format!("at most {max}")),
        (None, None) => {}
    }
    let mut text = item(&spec.name, &about.join(", "), &spec.help);
    for choice in &spec.choices {
        let colon = if choice.help.is_empty() { "" } else { ": " };
        text.push_str(&format!("  - `{}`{colon}{}\n", choice.name, on_one_line(&choice.help)));
    }
    text
}

fn about_output(spec: &OutputSpec) -> String {
    item(&spec.name, &socket(&spec.socket, spec.list), &spec.help)
}

fn socket(socket: &str, list: bool) -> String {
    if list { format!("list of {socket}") } else { socket.to_owned() }
}

fn item(name: &str, about: &str, help: &str) -> String {
    format!("- **{name}** ({about}) {}", on_one_line(help)).trim_end().to_owned() + "\n"
}

/// The text of an item of a list; a line break would end the item.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
