//! Swaps the classes of nodes.

use super::{
    check::unknown_class,
    expand,
    file::{File, Node, OutputName},
    moved::graph_path,
    problem::{Kind, Problem, Problems},
    repeat_class::class_of,
};
use crate::{registry::Registry, words::suggest};
use splatgraph_sdk::spec::socket_types_meet;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// Gives nodes another class. Each swap is an id and a class: `pack.Node`, or the path of a graph relative to the current
/// directory. Inputs that both classes have stay, and all others are dropped. Nodes whose results are no longer needed are
/// removed. An id inside a graph node (`outer:inner`) needs the expanded graph; then the result is expanded too. Also
/// returns a text about the changes of each swap.
///
/// # Errors
/// A node or a class does not exist.
pub fn swap(mut file: File, swaps: &[(String, String)], registry: &Registry) -> Result<(File, Vec<String>), Problems> {
    let (mut said, mut problems) = (Vec::new(), Vec::new());
    file = file.adapted(registry);
    let (outer, inner): (Vec<_>, Vec<_>) = swaps.iter().partition(|(id, _)| file.node(id).is_some());
    if inner.iter().any(|(id, _)| id.contains(':')) {
        problems.extend(each(&mut file, &outer, registry, &mut said));
        file = expand(file).adapted(registry);
        problems.extend(each(&mut file, &inner, registry, &mut said));
    } else {
        problems.extend(each(&mut file, &swaps.iter().collect::<Vec<_>>(), registry, &mut said));
    }
    if problems.is_empty() { Ok((file, said)) } else { Err(Problems::new(problems, file.origin.to_string())) }
}

fn each(file: &mut File, swaps: &[&(String, String)], registry: &Registry, said: &mut Vec<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for (id, class) in swaps {
        let swapped = if seen.insert(id) {
            one(file, id, class, registry)
        } else {
            Err(Problem::new(Kind::UnknownName, "the node is swapped twice; swap it once"))
        };
        match swapped {
            Ok(text) => said.push(text),
            Err(problem) => {
                let message = format!("swap `{id}={class}`: {}", problem.message);
                problems.push(Problem { message, ..problem });
            }
        }
    }
    problems
}

/// The inputs and outputs of a class or a graph.
struct Sockets {
    /// The class as a graph file has it.
    class_type: String,
    inputs: Vec<String>,
    outputs: Vec<Output>,
}

struct Output {
    name: String,
    /// The type, and whether it is a list; `None` if they are unknown.
    socket: Option<(String, bool)>,
}

fn one(file: &mut File, id: &str, class: &str, registry: &Registry) -> Result<String, Problem> {
    let Some(position) = file.nodes.iter().position(|node| node.id == id) else {
        let ids = file.nodes.iter().map(|node| node.id.as_str());
        let hint = suggest(id, ids, "the nodes are");
        return Err(Problem::new(Kind::UnknownName, format!("the graph has no node `{id}`")).hint(hint));
    };
    let new = new_sockets(file, class, registry)?;
    let old = sockets(file, &file.nodes[position].class_type, registry);
    let mut consumers = consumers(file);

    let node = &mut file.nodes[position];
    let old_class = std::mem::replace(&mut node.class_type, new.class_type.clone());
    node.version = None;
    if node.is_graph() {
        node.repeat.iter_mut().for_each(|repeat| repeat.graph = None);
    } else {
        node.repeat = None;
    }
    file.earlier.remove(id);
    let node = &mut file.nodes[position];
    let (kept, gone): (Vec<_>, Vec<_>) =
        std::mem::take(&mut node.inputs).into_iter().partition(|input| new.inputs.contains(&input.name));
    node.inputs = kept;
    let mut changes = Vec::new();
    changes.extend(listed("dropped the input", gone.iter().map(|input| input.name.as_str())));
    let mut unneeded = Vec::new();
    for link in gone.iter().flat_map(|input| input.source.links()) {
        lose(&mut consumers, &link.node, &mut unneeded);
    }
    changes.extend(move_links(file, id, old.as_ref(), &new));
    let removed = remove(file, unneeded, consumers, registry);
    let text = listed("removed the node", removed.iter().map(String::as_str));
    changes.extend(text.map(|text| format!("{text}, which no other node needs")));
    changes.extend(drop_names(file, id, &new, &removed));
    changes.extend(drop_requirement(file, &old_class));
    let changes = if changes.is_empty() { String::new() } else { format!(": {}", changes.join("; ")) };
    Ok(format!("swap {id}: {old_class} > {}{changes}", new.class_type))
}

/// The text `dropped the inputs a, b`; `None` without names.
fn listed<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    let s = if names.len() == 1 { "" } else { "s" };
    (!names.is_empty()).then(|| format!("{what}{s} {}", names.join(", ")))
}

fn new_sockets(file: &File, class: &str, registry: &Registry) -> Result<Sockets, Problem> {
    let is_graph = class.ends_with(".json") || class.contains('/');
    let class_type = if is_graph {
        graph_path(class, Path::new(""), file.origin.folder().unwrap_or(Path::new("")))
    } else {
        class.to_owned()
    };
    sockets(file, &class_type, registry).ok_or_else(|| match is_graph {
        // The node in the problem is made up, so its id and class are removed.
        true => alone(&File { problems: Vec::new(), ..file.clone() }, &class_type).problems.pop().map_or_else(
            || Problem::new(Kind::Part, "the graph cannot be used"),
            |problem| Problem { node: None, class: None, ..problem },
        ),
        false => unknown_class(registry, class),
    })
}

/// An expanded graph that has only one graph node.
fn alone(file: &File, class_type: &str) -> File {
    let id = "graph".to_owned();
    let node = Node {
        id,
        class_type: class_type.to_owned(),
        bare: false,
        adapted: false,
        version: None,
        repeat: None,
        inputs: Vec::new(),
        place: None,
    };
    let (inputs, outputs, graph_nodes) = (Vec::new(), Vec::new(), Vec::new());
    expand(File { inputs, outputs, graph_nodes, nodes: vec![node], ..file.clone() })
}

/// The inputs and outputs of a class or graph; `None` if the class is not loaded or the graph can't be read.
fn sockets(file: &File, class_type: &str, registry: &Registry) -> Option<Sockets> {
    if let Some(class) = registry.class(class_type) {
        let outputs = class.spec.outputs.iter();
        let outputs = outputs.map(|o| Output { name: o.name.clone(), socket: Some((o.socket.clone(), o.list)) });
        return Some(Sockets {
            class_type: class.full_name.clone(),
            inputs: class.spec.inputs.iter().map(|input| input.name.clone()).collect(),
            outputs: outputs.collect(),
        });
    }
    let alone = alone(file, class_type).adapted(registry);
    let graph = alone.graph_nodes.first()?;
    let outputs = graph.outputs.iter().map(|output| {
        let class = alone.node(&output.link.node).and_then(|node| class_of(node, registry));
        let spec = class.and_then(|class| {
            class.spec.outputs.iter().enumerate().find_map(|(position, spec)| {
                let found = match &output.link.output {
                    OutputName::Name(name) => spec.name == *name,
                    OutputName::Index(index) => usize::try_from(*index) == Ok(position),
                };
                found.then(|| (spec.socket.clone(), spec.list))
            })
        });
        Output { name: output.name.clone(), socket: spec }
    });
    Some(Sockets {
        class_type: class_type.to_owned(),
        inputs: graph.inputs.iter().map(|input| input.name.clone()).collect(),
        outputs: outputs.collect(),
    })
}

/// Moves the links to a swapped node to outputs of the new class. Returns texts about outputs with another name.
fn move_links(file: &mut File, id: &str, old: Option<&Sockets>, new: &Sockets) -> Vec<String> {
    let mut said = Vec::new();
    let links = file.nodes.iter_mut().flat_map(|node| &mut node.inputs).flat_map(|input| input.source.links_mut());
    let links = links.chain(file.outputs.iter_mut().map(|output| &mut output.link));
    for link in links.filter(|link| link.node == id) {
        let before = |index: &u64| old.and_then(|old| old.outputs.get(usize::try_from(*index).ok()?));
        let name = match &link.output {
            OutputName::Name(name) => name.clone(),
            OutputName::Index(index) => match before(index) {
                Some(output) => output.name.clone(),
                None => continue,
            },
        };
        let same = new.outputs.iter().position(|output| output.name == name);
        let found = same.or_else(|| {
            let was = old?.outputs.iter().find(|output| output.name == name)?.socket.as_ref()?;
            let fits = |output: &Output| {
                output.socket.as_ref().is_some_and(|(socket, list)| *list == was.1 && socket_types_meet(socket, &was.0))
            };
            let mut fitting = (0..new.outputs.len()).filter(|&position| fits(&new.outputs[position]));
            fitting.next().filter(|_| fitting.next().is_none())
        });
        // If no output fits, the old name makes the check report it. A position could name another output.
        let Some(found) = found else {
            link.output = OutputName::Name(name);
            continue;
        };
        let text = format!("the output `{}` takes the place of `{name}`", new.outputs[found].name);
        if same.is_none() && !said.contains(&text) {
            said.push(text);
        }
        link.output = match link.output {
            OutputName::Name(_) => OutputName::Name(new.outputs[found].name.clone()),
            OutputName::Index(_) => OutputName::Index(found as u64),
        };
    }
    said
}

/// The number of links from each node, including named results.
pub(super) fn consumers(file: &File) -> HashMap<String, usize> {
    let links = file.nodes.iter().flat_map(|node| &node.inputs).flat_map(|input| input.source.links());
    let mut consumers = HashMap::new();
    for link in links.chain(file.outputs.iter().map(|output| &output.link)) {
        *consumers.entry(link.node.clone()).or_default() += 1;
    }
    consumers
}

pub(super) fn lose(consumers: &mut HashMap<String, usize>, node: &str, unneeded: &mut Vec<String>) {
    if let Some(left) = consumers.get_mut(node) {
        *left -= 1;
        if *left == 0 {
            unneeded.push(node.to_owned());
        }
    }
}

/// Removes nodes that lost their last consumer, then the nodes that only these needed. Output nodes stay.
pub(super) fn remove(
    file: &mut File,
    mut unneeded: Vec<String>,
    mut consumers: HashMap<String, usize>,
    registry: &Registry,
) -> Vec<String> {
    if unneeded.is_empty() {
        return Vec::new();
    }
    let expanded = expand(file.clone()).adapted(registry);
    let writes = |id: &str| {
        let inner = |node: &&Node| node.id == id || node.id.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'));
        // A class that is not loaded may be an output node.
        expanded
            .nodes
            .iter()
            .filter(inner)
            .any(|node| registry.class(&node.class_type).is_none_or(|class| class.spec.output))
    };
    let mut removed = HashSet::new();
    while let Some(id) = unneeded.pop() {
        if writes(&id) || !removed.insert(id.clone()) {
            continue;
        }
        for link in file.node(&id).into_iter().flat_map(|node| &node.inputs).flat_map(|input| input.source.links()) {
            lose(&mut consumers, &link.node, &mut unneeded);
        }
    }
    let (gone, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut file.nodes).into_iter().partition(|node| removed.contains(&node.id));
    file.nodes = kept;
    gone.into_iter().map(|node| node.id).collect()
}

/// Removes the targets of named inputs that no longer exist.
fn drop_names(file: &mut File, id: &str, new: &Sockets, removed: &[String]) -> Vec<String> {
    let (mut gone, mut fewer) = (Vec::new(), Vec::new());
    for mut named in std::mem::take(&mut file.inputs) {
        let before = named.targets.len();
        named.targets.retain(|target| match target.node == id {
            true => new.inputs.contains(&target.input),
            false => !removed.contains(&target.node),
        });
        match named.targets.len() {
            0 => gone.push(named.name),
            left => {
                if left < before {
                    fewer.push(named.name.clone());
                }
                file.inputs.push(named);
            }
        }
    }
    let gone = listed("dropped the named input", gone.iter().map(String::as_str));
    let gone = gone.map(|text| format!("{text}, which would set nothing"));
    let fewer = listed("removed inputs from the named input", fewer.iter().map(String::as_str));
    gone.into_iter().chain(fewer).collect()
}

/// Drops the requirement of a pack that the graph no longer uses.
fn drop_requirement(file: &mut File, old_class: &str) -> Option<String> {
    let (pack, _) = old_class.split_once('.')?;
    let of_pack = |node: &Node| node.class_type.split_once('.').is_some_and(|(id, _)| id == pack);
    if file.nodes.iter().any(of_pack) || !file.requires.iter().any(|requirement| requirement.pack == pack) {
        return None;
    }
    file.requires.retain(|requirement| requirement.pack != pack);
    Some(format!("the pack {pack} is no longer required"))
}
