//! Puts values of a program in the place of what a graph computes, and takes out outputs that the graph does not name.

use super::{
    file::{Base, File, Input, Link, NamedOutput, Node, OutputName, Source, Target},
    given::inner,
    literal::takes_literals,
    problem::{Kind, Problem},
    repeat_class::class_of,
    swap::{consumers, lose, remove},
};
use crate::{
    registry::{Class, Registry},
    words::suggest,
};
use serde_json::Value as Json;
use splatgraph_sdk::spec::{PathKind, socket_types_meet};
use std::collections::{HashMap, HashSet};

/// A value of a program: the only output of a class, whose inputs are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Supplied {
    /// The class, `pack.Node`.
    pub class: String,
    /// The values of its inputs.
    pub inputs: Vec<(String, Json)>,
}

impl File {
    /// Puts `value` in the place of the output `name` (`node.output`) of this expanded graph. Nodes that are no longer needed are
    /// removed.
    ///
    /// `name` may also be a named input. An input that takes links gets the value. For an input that is the path of a file, the
    /// value is what the node reads from it: the node's first output.
    ///
    /// # Errors
    /// The graph has no such output, or the value can't take its place.
    pub fn supply(&mut self, name: &str, value: &Supplied, registry: &Registry) -> Result<(), Problem> {
        let class = registry.class(&value.class);
        let output = class.as_ref().and_then(|class| class.spec.outputs.first());
        let output = output.ok_or_else(|| unknown(format!("no loaded pack has the class `{}`", value.class)))?;
        let id = format!("{name} (supplied)");
        let link = Link { node: id.clone(), output: OutputName::Name(output.name.clone()) };
        let mut replaced = Vec::new();
        match self.named_input(name).cloned() {
            Some(named) => {
                let targets: Vec<_> = named.targets.into_iter().flat_map(|target| inner(self, target)).collect();
                for target in targets {
                    match self.place_for(name, &target, &output.socket, registry)? {
                        PlaceFor::Input => self.set_link(&target, link.clone(), registry),
                        PlaceFor::Output(of) => replaced.push(of),
                    }
                }
            }
            None => replaced.push(self.output_of(name, registry)?),
        }
        let inputs = value.inputs.iter().map(|(name, value)| Input {
            name: name.clone(),
            source: Source::Literal(value.clone()),
            place: None,
            base: Base::Graph,
        });
        let (class_type, inputs) = (value.class.clone(), inputs.collect());
        self.nodes.push(Node {
            id,
            class_type,
            bare: false,
            adapted: true,
            version: None,
            repeat: None,
            inputs,
            place: None,
        });
        for output in replaced {
            self.replace_output(&output, &link, registry);
        }
        Ok(())
    }

    /// Adds the output `name` (`node.output`) of this expanded graph to its results.
    ///
    /// # Errors
    /// The graph has no such output.
    pub fn take(&mut self, name: &str, registry: &Registry) -> Result<(), Problem> {
        if self.outputs.iter().any(|output| output.name == name) {
            return Ok(());
        }
        let link = self.output_of(name, registry)?;
        self.outputs.push(NamedOutput { name: name.to_owned(), link, place: None });
        Ok(())
    }

    /// Leaves out the nodes that write files and whose outputs nothing takes.
    pub fn leave_out_writers(&mut self, registry: &Registry) {
        let consumers = consumers(self);
        let writes = |node: &Node| {
            let class = registry.class(&node.class_type);
            class.is_some_and(|class| class.spec.inputs.iter().any(|input| input.path == Some(PathKind::Write)))
        };
        self.nodes.retain(|node| consumers.contains_key(&node.id) || !writes(node));
        let left: HashSet<&str> = self.nodes.iter().map(|node| node.id.as_str()).collect();
        self.inputs.retain_mut(|named| {
            named.targets.retain(|target| left.contains(target.node.as_str()) || target.node.contains(':'));
            !named.targets.is_empty()
        });
    }

    /// The type of the values that the output or named input `name` takes, see [`supply`](Self::supply).
    ///
    /// # Errors
    /// The graph has neither.
    pub fn socket_of(&self, name: &str, registry: &Registry) -> Result<String, Problem> {
        let unknown = || unknown(format!("the type of `{name}` is unknown, as no loaded pack has its class"));
        let Some(named) = self.named_input(name) else {
            return self.output_type(&self.output_of(name, registry)?, registry).ok_or_else(unknown);
        };
        let target = named.targets.iter().cloned().flat_map(|target| inner(self, target)).next();
        let target = target.ok_or_else(unknown)?;
        let class = self.class_of(&target.node, registry).ok_or_else(unknown)?;
        let input = class.spec.inputs.iter().find(|input| input.name == target.input).ok_or_else(unknown)?;
        let first = class.spec.outputs.first().filter(|_| input.path == Some(PathKind::Read));
        Ok(first.map_or(&input.socket, |first| &first.socket).clone())
    }

    /// The type of an output of a node; `None` if no loaded pack has its class, or the class has no such output.
    #[must_use]
    pub fn output_type(&self, link: &Link, registry: &Registry) -> Option<String> {
        let class = self.class_of(&link.node, registry)?;
        class.spec.outputs.get(position(link, &class)?).map(|output| output.socket.clone())
    }

    fn class_of(&self, node: &str, registry: &Registry) -> Option<Class> {
        class_of(self.node(node)?, registry)
    }

    /// What a value for a named input takes the place of.
    fn place_for(&self, name: &str, target: &Target, socket: &str, registry: &Registry) -> Result<PlaceFor, Problem> {
        let class = self.class_of(&target.node, registry);
        let class =
            class.ok_or_else(|| unknown(format!("`{name}`: no loaded pack has the class of `{}`", target.node)))?;
        let input = class.spec.inputs.iter().find(|input| input.name == target.input);
        let first = class.spec.outputs.first();
        match (input, first) {
            (Some(input), _) if !takes_literals(input) || socket_types_meet(socket, &input.socket) => {
                Ok(PlaceFor::Input)
            }
            (Some(input), Some(first))
                if input.path == Some(PathKind::Read) && socket_types_meet(socket, &first.socket) =>
            {
                let first = Link { node: target.node.clone(), output: OutputName::Name(first.name.clone()) };
                match self.links().find(|link| link.node == first.node && position(link, &class) != Some(0)) {
                    None => Ok(PlaceFor::Output(first)),
                    Some(other) => {
                        let message = format!(
                            "`{name}`: a value takes the place of `{first}`, but the graph also uses `{other}`"
                        );
                        Err(unknown(message).hint("supply both by these names".to_owned()))
                    }
                }
            }
            (Some(input), _) => {
                let problem = unknown(format!("`{name}`")).expected(super::literal::expected(input));
                Err(problem.received(format!("a value of the type {socket}")))
            }
            (None, _) => Err(unknown(format!("`{name}` sets the input `{target}`, which does not exist"))),
        }
    }

    fn set_link(&mut self, target: &Target, link: Link, registry: &Registry) {
        let consumers = consumers(self);
        let Some(node) = self.nodes.iter_mut().find(|node| node.id == target.node) else { return };
        let new = Input { name: target.input.clone(), source: Source::Link(link), place: None, base: Base::Graph };
        let old = match node.inputs.iter_mut().find(|input| input.name == new.name) {
            Some(input) => std::mem::replace(input, new).source,
            None => {
                node.inputs.push(new);
                return;
            }
        };
        let lost = old.links().iter().map(|link| link.node.as_str()).collect();
        self.remove_unneeded(lost, consumers, registry);
    }

    /// Removes the nodes that have no consumer any more, after each of the nodes `lost` lost one, and then those that only these needed.
    fn remove_unneeded(&mut self, lost: Vec<&str>, mut consumers: HashMap<String, usize>, registry: &Registry) {
        let mut unneeded = Vec::new();
        lost.into_iter().for_each(|node| lose(&mut consumers, node, &mut unneeded));
        let removed = remove(self, unneeded, consumers, registry);
        self.inputs.retain_mut(|named| {
            named.targets.retain(|target| !removed.contains(&target.node));
            !named.targets.is_empty()
        });
    }

    /// The output `node.output`; the node may be a graph node.
    fn output_of(&self, name: &str, registry: &Registry) -> Result<Link, Problem> {
        let Some(Target { node: id, input: output }) = Target::parse(name) else {
            let named = self.inputs.iter().map(|input| input.name.as_str());
            let hint = suggest(name, named, "its inputs are");
            return Err(unknown(format!("expected a named input or an output `node.output`, got `{name}`")).hint(hint));
        };
        let no_output = |names: Vec<&str>| {
            let hint = suggest(&output, names.iter().copied(), "its outputs are");
            Err(unknown(format!("`{name}`: the node `{id}` has no output `{output}`")).hint(hint))
        };
        if let Some(graph) = self.graph_node(&id).filter(|_| self.node(&id).is_none()) {
            let found = graph.outputs.iter().find(|of| of.name == output);
            return match found {
                Some(of) => Ok(of.link.clone()),
                None => no_output(graph.outputs.iter().map(|of| of.name.as_str()).collect()),
            };
        }
        if self.node(&id).is_none() {
            let ids = self.nodes.iter().map(|node| node.id.as_str());
            let hint = suggest(&id, ids, "the nodes are");
            return Err(unknown(format!("`{name}`: the graph has no node `{id}`")).hint(hint));
        }
        match self.class_of(&id, registry) {
            Some(class) if !class.spec.outputs.iter().any(|of| of.name == output) => {
                no_output(class.spec.outputs.iter().map(|of| of.name.as_str()).collect())
            }
            _ => Ok(Link { node: id, output: OutputName::Name(output) }),
        }
    }

    /// All links to outputs.
    fn links(&self) -> impl Iterator<Item = &Link> {
        let inputs = self.nodes.iter().flat_map(|node| &node.inputs).flat_map(|input| input.source.links());
        inputs.chain(self.outputs.iter().map(|output| &output.link))
    }

    /// Leads all links to `old` to `new` instead.
    fn replace_output(&mut self, old: &Link, new: &Link, registry: &Registry) {
        let class = self.class_of(&old.node, registry);
        let at = class.as_ref().and_then(|class| position(old, class));
        let is_old = |link: &Link| {
            let same = class.as_ref().and_then(|class| position(link, class)) == at && at.is_some();
            link.node == old.node && (same || link.output == old.output)
        };
        let consumers = consumers(self);
        let mut lost = Vec::new();
        let links = self.nodes.iter_mut().flat_map(|node| &mut node.inputs).flat_map(|input| input.source.links_mut());
        let links = links.chain(self.outputs.iter_mut().map(|output| &mut output.link));
        for link in links.filter(|link| is_old(link)) {
            *link = new.clone();
            lost.push(old.node.as_str());
        }
        self.remove_unneeded(lost, consumers, registry);
    }
}

/// What a value takes the place of.
enum PlaceFor {
    /// The value of the input itself.
    Input,
    /// An output of the node.
    Output(Link),
}

fn unknown(message: String) -> Problem {
    Problem::new(Kind::UnknownName, message)
}

/// The position of an output in its class.
fn position(link: &Link, class: &Class) -> Option<usize> {
    match &link.output {
        OutputName::Name(name) => class.spec.outputs.iter().position(|output| output.name == *name),
        OutputName::Index(index) => usize::try_from(*index).ok(),
    }
}
