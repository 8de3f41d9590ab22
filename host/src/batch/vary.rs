//! Finds which values of an item reach which nodes, and so which nodes run once, which results are kept, and which items run
//! one after the other.

use super::{axis::Axis, error::Error, items::Items, options::Options};
use crate::{
    graph::{Checked, Feed, File, Socket, Source},
    words::nearest,
};
use serde_json::Value as Json;
use splatgraph_sdk::spec::{OutputSpec, PathKind, scalar};

/// Everything that is the same for all items of a batch.
pub(super) struct Shape {
    /// The nodes that a run of an item is for.
    roots: Vec<usize>,
    /// The results that the batch uses.
    outputs: Vec<(String, Socket)>,
    /// For each node, whether an item runs it.
    pub(super) needed: Vec<bool>,
    /// For each node, whether items share its results.
    keep: Vec<bool>,
    /// The nodes that run once, before all items.
    pub(super) once: Vec<usize>,
    /// How many successive items share results of a node; each number once, the largest first.
    rows: Vec<usize>,
    /// For each node whose results only successive items share, how many do; 0 for other nodes.
    successive: Vec<usize>,
}

impl Shape {
    /// Finds the shape from the first item. All items have the same nodes.
    pub(super) fn new(first: &Checked, items: &Items, options: &Options) -> Result<Self, Error> {
        let outputs = match &options.collect {
            Some(collect) => Some(collected(first, &collect.output)?),
            None => options.no_files.then(|| results_without_files(first)).transpose()?,
        };
        let (roots, outputs) = match outputs {
            None => (first.roots.clone(), first.outputs.clone()),
            Some(outputs) => {
                let mut roots: Vec<usize> = outputs.iter().map(|(_, socket)| socket.node).collect();
                roots.sort_unstable();
                roots.dedup();
                (roots, outputs)
            }
        };
        let needed = first.needed(&roots);
        let reached = reached(first, items);
        let sizes: Vec<usize> = items.axes.iter().map(|axis| axis.len).collect();
        let items_that_share = |node: usize| -> usize {
            reached.iter().zip(&sizes).filter(|(nodes, _)| !nodes[node]).map(|(_, size)| size).product()
        };
        let count = first.nodes.len();
        let keep: Vec<bool> = (0..count).map(|node| items_that_share(node) > 1).collect();
        let varies = |node: usize| reached.iter().any(|nodes| nodes[node]);
        let writes = |node: usize| first.nodes[node].class.spec.output;
        let is_constant = |node: usize| needed[node] && !varies(node) && !writes(node);
        let mut once = vec![false; count];
        if items.len() > 1 {
            for node in (0..count).filter(|&node| needed[node] && !is_constant(node)) {
                for socket in first.nodes[node].feeds.iter().flat_map(Feed::sockets) {
                    once[socket.node] = is_constant(socket.node);
                }
            }
            for &root in &roots {
                once[root] = is_constant(root);
            }
        }
        let last_axis = |node: usize| reached.iter().rposition(|nodes| nodes[node]);
        let items_after = |axis: usize| -> usize { sizes[axis + 1..].iter().product() };
        let mut rows: Vec<usize> = (0..count)
            .filter(|&node| needed[node] && varies(node) && keep[node] && !writes(node))
            .filter_map(|node| last_axis(node).map(items_after))
            .filter(|&row| row > 1)
            .collect();
        rows.sort_unstable_by(|a, b| b.cmp(a));
        rows.dedup();
        let varying = |nodes: &Vec<bool>| nodes.contains(&true);
        let successive = |node: usize| -> usize {
            let Some(last) = last_axis(node) else { return 0 };
            // An axis that comes before and does not reach the node lets it have the same results again later.
            let again = reached[..last].iter().any(|nodes| !nodes[node] && varying(nodes));
            if again { 0 } else { items_after(last) }
        };
        let successive = (0..count).map(successive).collect();
        let once = (0..count).filter(|&node| once[node]).collect();
        Ok(Self { roots, outputs, needed, keep, once, rows, successive })
    }

    /// Whether other items share the results of a node.
    pub(super) fn keeps(&self, node: usize) -> bool {
        self.keep[node]
    }

    /// Whether no later item needs the results that a node has in `item`. `next` is the item that the same worker runs next, of
    /// `length` in a row.
    pub(super) fn is_last(&self, node: usize, item: usize, next: Option<usize>, length: usize) -> bool {
        let shared = self.successive[node];
        (2..=length).contains(&shared) && next.is_none_or(|next| next / shared != item / shared)
    }

    /// Makes an item run only the nodes that the batch needs.
    pub(super) fn apply(&self, checked: &mut Checked) {
        checked.roots.clone_from(&self.roots);
        checked.outputs.clone_from(&self.outputs);
    }

    /// The names of the results.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|(name, _)| name.as_str())
    }

    /// The output nodes that do not run, each by id and class.
    pub(super) fn left_out(&self, first: &Checked) -> Vec<(String, String)> {
        let nodes = first.nodes.iter().zip(&self.needed).filter(|(node, needed)| node.class.spec.output && !**needed);
        nodes.map(|(node, _)| (node.id.to_string(), node.class.full_name.clone())).collect()
    }

    /// How many successive items one of `jobs` workers takes, of `items` in all: as many as share results, but few enough
    /// that all workers have some.
    pub(super) fn items_in_a_row(&self, items: usize, jobs: usize) -> usize {
        self.rows.iter().copied().find(|row| items / row >= jobs).unwrap_or(1)
    }
}

/// The results of a batch that collects the output `name`: this output, and the scalars that need no output node.
fn collected(first: &Checked, name: &str) -> Result<Vec<(String, Socket)>, Error> {
    let spec = |socket: &Socket| &first.nodes[socket.node].class.spec.outputs[socket.output];
    let names = |can: bool| -> Vec<&str> {
        let outputs = first.outputs.iter().filter(|(_, socket)| is_scalar(spec(socket)) != can || !can);
        outputs.map(|(name, _)| name.as_str()).collect()
    };
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let can = names(true);
    let those = match &can[..] {
        [] => "none; name one under `outputs` in the graph".to_owned(),
        some => list(some),
    };
    let Some((_, socket)) = first.outputs.iter().find(|(output, _)| output == name) else {
        let near = nearest(name, names(false)).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        let message = format!("the graph has no output `{name}`{near}");
        return Err(Error::usage(format!("{message}; these outputs can be collected: {those}")));
    };
    if is_scalar(spec(socket)) {
        let message = format!(
            "expected an output with tensors to collect, got `{name}` of type {}, which goes into a table",
            spec(socket).socket
        );
        return Err(Error::usage(format!("{message}; these outputs can be collected: {those}")));
    }
    let is_kept = |(output, socket): &&(String, Socket)| output == name || is_scalar_without_files(first, *socket);
    Ok(first.outputs.iter().filter(is_kept).cloned().collect())
}

/// The scalar results that need no output node.
fn results_without_files(first: &Checked) -> Result<Vec<(String, Socket)>, Error> {
    let outputs = first.outputs.iter().filter(|(_, socket)| is_scalar_without_files(first, *socket));
    let outputs: Vec<_> = outputs.cloned().collect();
    if outputs.is_empty() {
        let message =
            "expected a graph with a named output that is a number or a text: without files, a batch makes only these";
        return Err(Error::usage(message));
    }
    Ok(outputs)
}

fn is_scalar_without_files(first: &Checked, socket: Socket) -> bool {
    let writes = || {
        let needed = first.needed(&[socket.node]);
        first.nodes.iter().zip(needed).any(|(node, needed)| needed && node.class.spec.output)
    };
    is_scalar(&first.nodes[socket.node].class.spec.outputs[socket.output]) && !writes()
}

/// Whether an output has no tensors.
fn is_scalar(spec: &OutputSpec) -> bool {
    const SCALARS: [&str; 5] = [scalar::INT, scalar::FLOAT, scalar::BOOLEAN, scalar::STRING, scalar::JSON];
    spec.list || spec.socket.split(',').all(|socket_type| SCALARS.contains(&socket_type))
}

/// For each axis and each node, whether the values of the axis reach the node. A mistake here costs time but changes no
/// result, as the runner decides itself whether it reuses a result.
fn reached(first: &Checked, items: &Items) -> Vec<Vec<bool>> {
    let mut consumers: Vec<Vec<usize>> = vec![Vec::new(); first.nodes.len()];
    for (node, about) in first.nodes.iter().enumerate() {
        for socket in about.feeds.iter().flat_map(Feed::sockets) {
            consumers[socket.node].push(node);
        }
    }
    let of_axis = |axis: &Axis| {
        let mut nodes = vec![false; first.nodes.len()];
        if !axis.varies() {
            return nodes;
        }
        let mut stack: Vec<usize> =
            (0..first.nodes.len()).filter(|&node| sets_node(first, node, axis) || names(first, node, axis)).collect();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut nodes[node], true) {
                stack.extend(&consumers[node]);
            }
        }
        nodes
    };
    items.axes.iter().map(of_axis).collect()
}

/// Whether the named input `given` sets the input `input` of the node `id`.
pub(super) fn sets(file: &File, given: &str, id: &str, input: &str) -> bool {
    let named = file.named_input(given);
    named.is_some_and(|named| named.targets.iter().any(|to| to.node == id && to.input == input))
}

/// Whether an axis sets an input of a node.
fn sets_node(first: &Checked, node: usize, axis: &Axis) -> bool {
    let named = axis.inputs.iter().filter_map(|input| first.file().named_input(&input.name));
    named.flat_map(|named| &named.targets).any(|target| *target.node == *first.nodes[node].id)
}

/// Whether a path that a node writes has a placeholder that an axis fills.
fn names(first: &Checked, node: usize, axis: &Axis) -> bool {
    let about = &first.nodes[node];
    let file = first.file();
    let has_placeholder = |text: &str| {
        let reads = || axis.inputs.iter().any(|input| input.takes.is_path());
        let named = || axis.inputs.iter().any(|input| text.contains(&format!("{{{}}}", input.name)));
        text.contains("{index}") || (text.contains("{stem}") && reads()) || named()
    };
    let to_write = about.class.spec.inputs.iter().filter(|spec| spec.path == Some(PathKind::Write));
    to_write.filter_map(|spec| file.nodes[node].input(&spec.name)).any(|source| match source {
        Source::Literal(Json::String(text)) => has_placeholder(text),
        _ => false,
    })
}
