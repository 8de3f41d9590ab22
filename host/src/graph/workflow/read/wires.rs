//! Finds where links come from.

use super::scopes::{INPUTS, NodeJson, Scope, Scopes};
use super::values;
use serde_json::Value as Json;

/// The origin of a link.
pub(super) enum Found {
    /// An output of a node that runs: the path of the node, and the position of the output.
    Output(String, u64),
    /// A value from a field of the front end.
    Value(Json),
    /// Nothing that runs.
    Nothing,
}

impl<'a> Scopes<'a> {
    /// The origin of a link, through reroutes, bypassed nodes and the borders of subgraphs. An error is a circle of these.
    pub(super) fn origin(&self, scope: &Scope<'a>, link: &str) -> Result<Found, ()> {
        let mut scope = scope;
        let mut link = link.to_owned();
        // Each step is through a node or a border, and a border has a node.
        for _ in 0..=2 * self.count {
            let Some((id, slot)) = scope.links.get(&link) else { return Ok(Found::Nothing) };
            let next = if id == INPUTS && scope.parent.is_some() {
                match self.outside(scope, *slot) {
                    Outside::Link(outer, link) => Some((outer, link)),
                    Outside::Found(found) => return Ok(found),
                }
            } else {
                let Some(node) = scope.node(id) else { return Ok(Found::Nothing) };
                if node.is_muted() {
                    return Ok(Found::Nothing);
                } else if node.is_bypassed() {
                    bypass(node, *slot).map(|link| (scope, link))
                } else if node.class_type == "Reroute" {
                    node.input(0).and_then(|input| input.link()).map(|link| (scope, link))
                } else if node.class_type == "PrimitiveNode" {
                    let value = node.json.get("widgets_values").and_then(|values| values.get(0));
                    return Ok(value.cloned().map_or(Found::Nothing, Found::Value));
                } else if let Some(child) = scope.children.get(&node.id) {
                    let child = &self.all[*child];
                    child.link_to_output(*slot).map(|link| (child, link))
                } else {
                    return Ok(Found::Output(scope.path(&node.id), *slot as u64));
                }
            };
            match next {
                Some((to, next)) => (scope, link) = (to, next),
                None => return Ok(Found::Nothing),
            }
        }
        Err(())
    }

    /// What comes into a subgraph from the node that it stands for.
    fn outside(&self, scope: &Scope<'a>, slot: usize) -> Outside<'_, 'a> {
        let nothing = Outside::Found(Found::Nothing);
        let Some((outer, id)) = &scope.parent else { return nothing };
        let outer = &self.all[*outer];
        let Some(node) = outer.node(id) else { return nothing };
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
            Some(link) => Outside::Link(outer, link),
            None if input.is_widget() => {
                let value = values::of_socket(node, position);
                Outside::Found(value.map_or(Found::Nothing, Found::Value))
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

/// Where an input of a subgraph leads.
enum Outside<'s, 'a> {
    Link(&'s Scope<'a>, String),
    Found(Found),
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
