//! Finds where links come from.

use super::scopes::{INPUTS, NodeJson, Scope, Scopes, Slot};
use super::values;
use serde_json::Value as Json;
use std::collections::HashMap;

/// The origin of a link.
#[derive(Clone)]
pub(super) enum Found<'a> {
    /// An output of a node that runs: the path of the node, and the position of the output.
    Output(String, u64),
    /// A value from a field of the front end.
    Value(&'a Json),
    /// Nothing that runs.
    Nothing,
}

/// Where links come from that were followed before, by the position of their scope and the output at which they begin. Without it, many
/// links through the same long chain of reroutes would take minutes. `None` is an output on the way that is followed now.
pub(super) type Known<'a> = HashMap<(usize, String, usize), Option<Result<Found<'a>, ()>>>;

impl<'a> Scopes<'a> {
    /// The origin of a link, through reroutes, bypassed nodes and the borders of subgraphs. An error is a circle of these.
    pub(super) fn origin(&self, scope: usize, link: &str, known: &mut Known<'a>) -> Result<Found<'a>, ()> {
        let (mut scope, mut link) = (scope, link.to_owned());
        let mut way = Vec::new();
        let found = loop {
            let Some((id, slot)) = self.all[scope].links.get(&link) else { break Ok(Found::Nothing) };
            let begin = (scope, id.clone(), *slot);
            match known.get(&begin) {
                Some(Some(found)) => break found.clone(),
                Some(None) => break Err(()),
                None => {}
            }
            known.insert(begin.clone(), None);
            way.push(begin);
            match self.step(scope, id, *slot) {
                Step::To(to, next) => (scope, link) = (to, next),
                Step::End(found) => break Ok(found),
            }
        };
        for begin in way {
            known.insert(begin, Some(found.clone()));
        }
        found
    }

    /// The way on from an output.
    fn step(&self, at: usize, id: &str, slot: usize) -> Step<'a> {
        let scope = &self.all[at];
        if id == INPUTS && scope.parent.is_some() {
            return self.outside(scope, slot);
        }
        let Some(node) = scope.node(id) else { return Step::End(Found::Nothing) };
        let next = if node.is_muted() {
            None
        } else if node.is_bypassed() {
            bypass(node, slot).map(|link| (at, link))
        } else if node.class_type == "Reroute" {
            node.input(0).and_then(Slot::link).map(|link| (at, link))
        } else if node.class_type == "PrimitiveNode" {
            let value = node.json.get("widgets_values").and_then(|values| values.get(0));
            return Step::End(value.map_or(Found::Nothing, Found::Value));
        } else if let Some(child) = scope.children.get(&node.id) {
            self.all[*child].link_to_output(slot).map(|link| (*child, link))
        } else {
            return Step::End(Found::Output(scope.path(&node.id), slot as u64));
        };
        next.map_or(Step::End(Found::Nothing), |(scope, link)| Step::To(scope, link))
    }

    /// What comes into a subgraph from the node that it stands for.
    fn outside(&self, scope: &Scope<'a>, slot: usize) -> Step<'a> {
        let nothing = Step::End(Found::Nothing);
        let Some((outer, id)) = &scope.parent else { return nothing };
        let Some(node) = self.all[*outer].node(id) else { return nothing };
        // The sockets of the node are those of the definition, unless another program wrote the workflow.
        let name = scope.name_at("inputs", slot);
        let at_slot = node.input(slot).filter(|input| input.name() == name);
        let position = match at_slot {
            Some(_) => slot,
            None => match node.inputs().position(|input| input.name() == name) {
                Some(position) => position,
                None => return nothing,
            },
        };
        let Some(input) = node.input(position) else { return nothing };
        match input.link() {
            Some(link) => Step::To(*outer, link),
            None if input.is_widget() => {
                let value = values::of_socket(node, position);
                Step::End(value.map_or(Found::Nothing, Found::Value))
            }
            None => nothing,
        }
    }

    /// The values of the fields of a node that the node of its subgraph shows, in workflows of older front ends.
    pub(super) fn promoted_values(&self, scope: &Scope<'a>, id: &str) -> Vec<(String, Json)> {
        let outer = scope.parent.as_ref().and_then(|(outer, id)| self.all[*outer].node(id));
        let shown =
            outer.and_then(|node| node.property("proxyWidgets")?.as_array()).map_or(&[] as &[Json], Vec::as_slice);
        let values = outer.and_then(|node| node.json.get("widgets_values")?.as_array());
        let values = values.filter(|values| values.len() == shown.len());
        let pairs = shown.iter().zip(values.map_or(&[] as &[Json], Vec::as_slice));
        let of_node = pairs.filter_map(|(shown, value)| {
            let (node, name) = (shown.get(0)?.as_str()?, shown.get(1)?.as_str()?);
            (node == id && !value.is_null()).then(|| (name.to_owned(), value.clone()))
        });
        of_node.collect()
    }
}

/// One step along a link, away from where it leads.
enum Step<'a> {
    /// To a link in a scope.
    To(usize, String),
    End(Found<'a>),
}

/// The link that takes the place of an output of a bypassed node: that of the input at the same position if it has the same type, else
/// of the first input with the type, else of one that takes anything.
fn bypass(node: &NodeJson<'_>, slot: usize) -> Option<String> {
    let wanted = node.output_type(slot)?;
    let at_slot = node.input(slot).into_iter();
    let inputs = || at_slot.clone().chain(node.inputs());
    let same = inputs().find(|input| input.socket() == Some(wanted));
    let input = same.or_else(|| inputs().find(|input| wanted == "*" || input.socket() == Some("*")))?;
    input.link()
}
