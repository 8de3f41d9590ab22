//! What a workflow keeps of nodes whose class, or an input of it, is not known.

use crate::{
    graph::{
        file::{File, Link, Node, OutputName, Source},
        workflow::sockets::singular,
    },
    registry::Class,
};
use std::collections::HashMap;

/// Outputs of an unknown class that only a position names are drawn up to this one.
const MOST_OUTPUTS: u64 = 64;

/// The inputs that the class of a node does not know. Links of a list become inputs with numbers, as a workflow has them.
pub(super) fn inputs(node: &Node, class: Option<&Class>) -> Vec<(String, Source)> {
    let is_known = |name: &str| class.is_some_and(|class| class.spec.inputs.iter().any(|spec| spec.name == name));
    let mut unknown = Vec::new();
    for input in node.inputs.iter().filter(|input| !is_known(&input.name)) {
        match &input.source {
            Source::Links(links) => {
                let name = |item: usize| format!("{}.{}{item}", input.name, singular(&input.name));
                unknown.extend(links.iter().enumerate().map(|(i, link)| (name(i), Source::Link(link.clone()))));
            }
            source => unknown.push((input.name.clone(), source.clone())),
        }
    }
    unknown
}

/// The names and types of the outputs of each node. For an unknown class, these are the outputs that others use, with an empty name
/// if only their position is known.
pub(super) fn outputs(file: &File, classes: &[Option<Class>]) -> Vec<Vec<(String, String)>> {
    let mut used: HashMap<&str, Vec<&OutputName>> = HashMap::new();
    let links = file.nodes.iter().flat_map(|node| &node.inputs).flat_map(|input| input.source.links());
    for Link { node, output } in links.chain(file.outputs.iter().map(|output| &output.link)) {
        used.entry(node).or_default().push(output);
    }
    let unknown = |node: &Node| {
        let used = used.get(node.id.as_str()).map_or(&[] as &[&OutputName], Vec::as_slice);
        let positions = used.iter().filter_map(|output| match output {
            OutputName::Index(index) if *index < MOST_OUTPUTS => Some(index + 1),
            _ => None,
        });
        let any = |name: &str| (name.to_owned(), "*".to_owned());
        let mut outputs: Vec<(String, String)> = (0..positions.max().unwrap_or(0)).map(|_| any("")).collect();
        for output in used {
            if let OutputName::Name(name) = output
                && outputs.iter().all(|(known, _)| known != name)
            {
                outputs.push(any(name));
            }
        }
        outputs
    };
    let known =
        |class: &Class| class.spec.outputs.iter().map(|output| (output.name.clone(), output.socket.clone())).collect();
    file.nodes.iter().zip(classes).map(|(node, class)| class.as_ref().map_or_else(|| unknown(node), known)).collect()
}
