//! Changes links and named inputs, which name outputs and inputs of nodes that changed.

use super::{
    earlier::Earlier,
    line::{Line, OfOutput, What},
    notice::Notices,
};
use crate::graph::file::{File, Link, NamedInput, OutputName};
use std::{collections::BTreeMap, mem, path::Path, sync::Arc};

/// The changes of the outputs of a node.
pub(super) struct Outputs<'a> {
    pub(super) earlier: Earlier,
    pub(super) lines: Vec<&'a Line<'a>>,
    /// The version of the pack that is loaded.
    pub(super) now: String,
    /// The file of the node, if it is one of a graph node.
    pub(super) file: Option<Arc<Path>>,
}

impl File {
    /// Changes the links to nodes, by their ids, whose outputs changed.
    pub(super) fn change_links(&mut self, outputs: &BTreeMap<String, Outputs<'_>>, notices: &mut Notices) {
        if outputs.is_empty() {
            return;
        }
        let links = self.nodes.iter_mut().flat_map(|node| &mut node.inputs).flat_map(|input| input.source.links_mut());
        let links = links.chain(self.outputs.iter_mut().map(|output| &mut output.link));
        let of_graphs = self.graph_nodes.iter_mut().flat_map(|node| &mut node.outputs);
        for link in links.chain(of_graphs.map(|output| &mut output.link)) {
            if let Some(of) = outputs.get(&link.node) {
                let said = change(link, of);
                notices.add(of.file.clone(), &of.earlier, &of.now, said);
            }
        }
    }

    /// Changes the targets of named inputs that lead to nodes, by their ids, which changed.
    pub(super) fn change_targets(&mut self, changed: &BTreeMap<String, Earlier>) {
        if changed.is_empty() {
            return;
        }
        let change = |named: &mut NamedInput| {
            let before = mem::take(&mut named.targets);
            let had_targets = !before.is_empty();
            named.targets = before
                .into_iter()
                .filter_map(|mut target| {
                    let inputs = changed.get(&target.node).map_or(&[][..], |earlier| &earlier.inputs);
                    if let Some(input) = inputs.iter().find(|input| input.name == target.input) {
                        target.input = input.now.clone()?;
                    }
                    Some(target)
                })
                .collect();
            !had_targets || !named.targets.is_empty()
        };
        self.inputs.retain_mut(change);
        for node in &mut self.graph_nodes {
            node.inputs.iter_mut().for_each(|named| _ = change(named));
        }
    }
}

/// Changes a link. Returns what happened, in words.
fn change(link: &mut Link, of: &Outputs<'_>) -> Vec<String> {
    let mut said = Vec::new();
    for line in &of.lines {
        let What::Output(output, what) = &line.what else { continue };
        let is_it = matches!(&link.output, OutputName::Name(name) if name == output);
        match what {
            OfOutput::Renamed(to) if is_it => link.output = OutputName::Name((*to).to_owned()),
            OfOutput::WasAt(position) if link.output == OutputName::Index(*position as u64) => {
                link.output = OutputName::Name((*output).to_owned());
            }
            // The check reports the link.
            OfOutput::Removed(_) if is_it => break,
            _ => continue,
        }
        said.push(line.describe());
    }
    said
}
