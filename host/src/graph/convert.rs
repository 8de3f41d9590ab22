//! Converts graphs between this program's own format and bare prompts.

use super::{
    check::check_links,
    expand,
    file::{File, Link, OutputName, Source},
    problem::{Kind, Problem, Problems},
    workflow,
};
use crate::{registry::Registry, words::some_of};
use serde_json::Value as Json;
use std::{collections::HashMap, path::Path};

/// A graph in another form.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The graph.
    pub json: Json,
    /// The parts of the graph that the form can't hold, one in each text.
    pub lost: Vec<String>,
    /// Texts about changes of packs that were applied.
    pub notices: Vec<Problem>,
}

/// Converts a graph to a bare prompt for a file in `folder` (empty: the current directory). Graph nodes are replaced by the
/// nodes of their graphs. Classes have full names, and links name outputs by position.
///
/// # Errors
/// The graph has problems in its text, its classes or its links.
pub fn to_bare_prompt(file: File, folder: &Path, registry: &Registry) -> Result<Converted, Problems> {
    let file = expand(file).with_nodes_of_workflow(registry).with_changes(registry).with_replacements(registry);
    without_repeats(&file)?;
    // The prompt has the values as they are written.
    known(file.clone().adapted(registry), registry)?;
    let mut lost = Vec::new();
    let names = |names: Vec<&str>| if names.is_empty() { String::new() } else { format!(": {}", some_of(names)) };
    let inputs = names(file.inputs.iter().map(|input| input.name.as_str()).collect());
    let outputs = names(file.outputs.iter().map(|output| output.name.as_str()).collect());
    let requires = names(file.requires.iter().map(|requirement| requirement.pack.as_str()).collect());
    for (is_there, what) in [
        (!file.extra.is_empty(), some_of(file.extra.iter().map(|(key, _)| key.as_str()))),
        (!file.title.is_empty(), "the title".to_owned()),
        (!file.description.is_empty(), "the description".to_owned()),
        (!requires.is_empty(), format!("`requires`{requires}")),
        (!inputs.is_empty(), format!("the named inputs{inputs}")),
        (!outputs.is_empty(), format!("the named outputs{outputs}")),
    ] {
        if is_there {
            lost.push(what);
        }
    }
    Ok(Converted { json: file.moved_to(folder, registry).to_prompt(registry), lost, notices: file.notices })
}

/// Converts a graph to this program's own format for a file in `folder` (empty: the current directory). Classes have full
/// names, and links name outputs by name. Values of a bare prompt for inputs that their classes do not have are lost.
///
/// # Errors
/// The graph has problems in its text, its classes or its links.
pub fn to_own_format(file: &File, folder: &Path, registry: &Registry) -> Result<Converted, Problems> {
    let file = file.clone().adapted(registry);
    let expanded = known(expand(file.clone()).adapted(registry), registry)?;
    let mut file = file.moved_to(folder, registry);
    let mut lost = Vec::new();
    for node in &mut file.nodes {
        let Some(class) = registry.class(&node.class_type).filter(|_| node.bare) else { continue };
        node.inputs.retain(|input| {
            let kept = class.spec.inputs.iter().any(|spec| spec.name == input.name)
                || !matches!(input.source, Source::Literal(_));
            if !kept {
                lost.push(format!(
                    "the value of `{}.{}`, as {} has no such input",
                    node.id, input.name, class.full_name
                ));
            }
            kept
        });
    }
    let classes: HashMap<&str, &str> =
        expanded.nodes.iter().map(|node| (node.id.as_str(), node.class_type.as_str())).collect();
    let links = file.nodes.iter_mut().flat_map(|node| &mut node.inputs).flat_map(|input| input.source.links_mut());
    for link in links.chain(file.outputs.iter_mut().map(|output| &mut output.link)) {
        if let Some(name) = output_name(&expanded, &classes, link, registry) {
            link.output = OutputName::Name(name);
        }
    }
    Ok(Converted { json: file.to_json(), lost, notices: file.notices })
}

/// Converts a graph to a workflow of the ComfyUI front end for a file in `folder` (empty: the current directory). Graph nodes are
/// replaced by the nodes of their graphs.
///
/// # Errors
/// The graph has problems in its text, its classes or its links.
pub fn to_workflow(file: File, folder: &Path, registry: &Registry) -> Result<Converted, Problems> {
    let file = known(expand(file).adapted(registry), registry)?;
    without_repeats(&file)?;
    let json = workflow::to_workflow(&file.moved_to(folder, registry), registry);
    Ok(Converted { json, lost: Vec::new(), notices: file.notices })
}

/// The problems of nodes that ComfyUI's formats can't hold.
fn without_repeats(file: &File) -> Result<(), Problems> {
    let repeated = file.nodes.iter().filter_map(|node| Some((node, node.repeat.as_ref()?)));
    let problems = repeated.map(|(node, repeat)| {
        let message = format!("ComfyUI's formats have nothing that repeats a graph, as `{}` does", repeat.key());
        let problem = Problem::new(Kind::Format, message).node(&node.id).at(repeat.place.clone());
        problem.hint("keep the graph in this program's format".to_owned())
    });
    let problems: Vec<Problem> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems::new(problems, file.origin.to_string())) }
}

fn known(file: File, registry: &Registry) -> Result<File, Problems> {
    let problems = check_links(file.clone(), registry);
    if problems.is_empty() { Ok(file) } else { Err(Problems::new(problems, file.origin.to_string())) }
}

/// The name of the output that a link names by position.
fn output_name(expanded: &File, classes: &HashMap<&str, &str>, link: &Link, registry: &Registry) -> Option<String> {
    let OutputName::Index(index) = link.output else { return None };
    let index = usize::try_from(index).ok()?;
    match expanded.graph_node(&link.node) {
        Some(graph) => graph.outputs.get(index).map(|output| output.name.clone()),
        None => {
            let class = registry.class(classes.get(link.node.as_str())?)?;
            class.spec.outputs.get(index).map(|output| output.name.clone())
        }
    }
}
