//! Checks the inputs of nodes: values, links, and inputs that are missing.

use super::{
    super::{
        changes::was_renamed,
        file::{Input, Link, OutputName, Source, Target},
        literal,
        problem::{Kind, Problem},
    },
    Checker, Feed, Socket,
};
use crate::words::{count, suggest};
use splatgraph_sdk::spec::{InputSpec, OutputSpec, scalar, socket_types_meet};

impl Checker<'_> {
    /// The feed of each input of a node; `Feed::Nothing` if there is a problem.
    pub(super) fn check_inputs(&mut self, node: usize) -> Vec<Feed> {
        let Some(class) = self.class(node).cloned() else { return Vec::new() };
        let inputs = self.file.nodes[node].inputs.clone();
        for input in &inputs {
            if !class.spec.inputs.iter().any(|spec| spec.name == input.name) {
                self.unknown_input(node, input, &class.spec.inputs);
            }
        }
        let mut feeds = Vec::with_capacity(class.spec.inputs.len());
        for spec in &class.spec.inputs {
            let result = match inputs.iter().find(|input| input.name == spec.name) {
                Some(input) => self.feed(node, spec, input),
                None if spec.required() && !self.wrongly_given.contains(&(node, spec.name.clone())) => {
                    Err(self.missing_input(node, spec))
                }
                None => Ok(Feed::Nothing),
            };
            match result {
                Ok(feed) => feeds.push(feed),
                Err(problem) => {
                    feeds.push(Feed::Nothing);
                    self.problems.push(problem);
                }
            }
        }
        feeds
    }

    fn unknown_input(&mut self, node: usize, input: &Input, specs: &[InputSpec]) {
        let known = specs.iter().map(|spec| spec.name.as_str());
        let renamed =
            self.class(node).and_then(|class| was_renamed(self.registry, &class.full_name, Some(&input.name)));
        let renamed = renamed.map(|renamed| self.or_name_version(node, &renamed));
        let hint = renamed.or_else(|| self.name_in_comfyui(node, &input.name));
        let hint = hint.or_else(|| suggest(&input.name, known, "its inputs are"));
        let hint = hint.or_else(|| Some("the class has no inputs".to_owned()));
        let problem = self.about(Kind::UnknownInput, format!("the class has no input `{}`", input.name), node);
        let problem = problem.at(input.place.clone()).hint(hint);
        // ComfyUI ignores unknown values too, since other versions and front ends write extra ones.
        if self.file.nodes[node].bare && input.source.links().is_empty() {
            self.warnings.push(problem);
        } else {
            self.problems.push(problem);
        }
    }

    /// For an input that has this name in a class of ComfyUI for which the node stands in, what to write.
    fn name_in_comfyui(&self, node: usize, theirs: &str) -> Option<String> {
        let class = self.class(node)?;
        let stands_in = class.pack.manifest.replaces.iter().filter(|of| of.node == class.spec.name);
        let mut names = stands_in.flat_map(|of| &of.inputs);
        let (ours, _) = names.find(|(ours, other)| *other == theirs && *ours != theirs)?;
        Some(format!("`{theirs}` is its name in ComfyUI; write `{ours}`"))
    }

    fn missing_input(&self, node: usize, spec: &InputSpec) -> Problem {
        let problem = self.about(Kind::MissingInput, "", node).input(&spec.name);
        let place = self.file.nodes[node].place.clone();
        let hint = self
            .way_through_graph_nodes(node, spec)
            .or_else(|| self.linkable_outputs(node, spec))
            .or_else(|| self.way_from_outside(node, spec));
        problem.at(place).expected(literal::expected(spec)).received("nothing").hint(hint)
    }

    /// For an input of a node inside a graph node, the named input that sets it.
    fn way_through_graph_nodes(&self, node: usize, spec: &InputSpec) -> Option<String> {
        let id = &self.file.nodes[node].id;
        // Outer graph nodes come before inner ones.
        let (outer, name) = self.file.graph_nodes.iter().find_map(|outer| {
            let is_it = |target: &Target| target.node == *id && target.input == spec.name;
            let named = outer.inputs.iter().find(|named| named.targets.iter().any(is_it))?;
            Some((outer, &named.name))
        })?;
        Some(format!("set the input `{name}` of the node `{}` ({})", outer.id, outer.class_type))
    }

    /// For an input that users of the graph set, how they do it. A link comes only from a graph that has this one as a node.
    fn way_from_outside(&self, node: usize, spec: &InputSpec) -> Option<String> {
        let is_it = |target: &Target| target.node == self.file.nodes[node].id && target.input == spec.name;
        let named = self.file.inputs.iter().find(|named| named.targets.iter().any(is_it))?;
        Some(if literal::takes_literals(spec) {
            format!("give one with `{}=VALUE`", named.name)
        } else {
            format!(
                "a graph that has this one as a node gives it with its input `{}`; check or run that graph",
                named.name
            )
        })
    }

    /// Outputs that fit an input which takes only links.
    fn linkable_outputs(&self, node: usize, spec: &InputSpec) -> Option<String> {
        const SHOWN: usize = 3;
        if literal::takes_literals(spec) {
            return None;
        }
        let others = self.file.nodes.iter().zip(&self.classes).enumerate().filter(|(other, _)| *other != node);
        let outputs = others.flat_map(|(_, (other, class))| {
            let outputs = class.iter().flat_map(|class| &class.spec.outputs);
            outputs.map(move |output| (&other.id, output))
        });
        let fitting = outputs.filter(|(_, output)| {
            output.socket != scalar::ANY
                && socket_types_meet(&output.socket, &spec.socket)
                && (spec.list || !output.list)
        });
        let links: Vec<String> =
            fitting.map(|(id, output)| format!("[{id:?}, {:?}]", output.name)).take(SHOWN).collect();
        (!links.is_empty()).then(|| format!("these outputs fit: {}", links.join(", ")))
    }

    fn feed(&self, node: usize, spec: &InputSpec, input: &Input) -> Result<Feed, Problem> {
        let located = |problem: Problem| {
            let about = self.about(problem.kind, "", node).input(&spec.name).at(input.place.clone());
            Problem { node: about.node, class: about.class, input: about.input, place: about.place, ..problem }
        };
        match &input.source {
            Source::Literal(value) => {
                let value = literal::check(spec, value).map_err(located)?;
                Ok(if value.is_null() { Feed::Nothing } else { Feed::Value(value) })
            }
            Source::Link(link) => {
                let Some((socket, output)) = self.socket(link).map_err(located)? else { return Ok(Feed::Nothing) };
                check_link(spec, link, &output).map_err(located)?;
                Ok(Feed::Link(socket))
            }
            Source::Links(links) if !spec.list => {
                let problem = Problem::new(Kind::ListLink, "").expected(literal::expected(spec));
                Err(located(
                    problem.received(format!("a list of {}", count(links.len(), "link"))).hint(
                        links.is_empty().then(|| r#"write an array of values as {"__value__": [...]}"#.to_owned()),
                    ),
                ))
            }
            Source::Links(links) => {
                let mut sockets = Vec::with_capacity(links.len());
                for link in links {
                    let Some((socket, output)) = self.socket(link).map_err(located)? else { continue };
                    check_link(spec, link, &output).map_err(located)?;
                    sockets.push(socket);
                }
                Ok(Feed::Links(sockets))
            }
        }
    }

    /// The output that a link names; `None` if the class of its node is unknown, which another problem reports.
    pub(super) fn socket(&self, link: &Link) -> Result<Option<(Socket, OutputSpec)>, Problem> {
        let Some(&node) = self.by_id.get(&link.node) else {
            if let Some(graph_node) = self.file.graph_node(&link.node) {
                // `expand` has put the outputs that the graph names in the place of this link.
                let names = graph_node.outputs.iter().map(|output| output.name.as_str());
                let of = format!("node `{}` ({})", graph_node.id, graph_node.class_type);
                return Err(unknown_output(&of, &link.output, names, "its graph has no named outputs"));
            }
            let message =
                format!("the link {} needs a node `{}`, which the graph does not have", json(link), link.node);
            return Err(Problem::new(Kind::DanglingLink, message).hint(self.suggest_node(&link.node)));
        };
        let Some(class) = self.class(node) else { return Ok(None) };
        let outputs = &class.spec.outputs;
        let output = match &link.output {
            OutputName::Name(name) => outputs.iter().position(|output| output.name == *name),
            OutputName::Index(index) => usize::try_from(*index).ok().filter(|&index| index < outputs.len()),
        };
        let Some(output) = output else {
            let names = outputs.iter().map(|output| output.name.as_str());
            let of = format!("node `{}` ({})", link.node, class.full_name);
            let gone = self.file.advice_for_output(&link.node, &link.output.to_string());
            return Err(unknown_output(&of, &link.output, names, "it has no outputs").hint(gone));
        };
        Ok(Some((Socket { node, output }, outputs[output].clone())))
    }
}

fn unknown_output<'a>(
    of: &str,
    output: &OutputName,
    names: impl Iterator<Item = &'a str> + Clone,
    none: &str,
) -> Problem {
    let (shown, wanted) = match output {
        OutputName::Name(name) => (format!("`{name}`"), name.as_str()),
        OutputName::Index(index) => (format!("number {index}"), ""),
    };
    let hint = suggest(wanted, names, "its outputs are").unwrap_or_else(|| none.to_owned());
    Problem::new(Kind::UnknownOutput, format!("{of} has no output {shown}")).hint(hint)
}

/// A link in the form of graph files.
fn json(link: &Link) -> String {
    match &link.output {
        OutputName::Name(name) => format!("[{:?}, {name:?}]", link.node),
        OutputName::Index(index) => format!("[{:?}, {index}]", link.node),
    }
}

fn check_link(spec: &InputSpec, link: &Link, output: &OutputSpec) -> Result<(), Problem> {
    let from = format!("{} from `{link}`", output.socket);
    if !socket_types_meet(&output.socket, &spec.socket) {
        return Err(Problem::new(Kind::LinkType, "").expected(&spec.socket).received(from));
    }
    let takes_anything = spec.socket.split(',').any(|socket_type| socket_type == scalar::ANY);
    if output.list && !spec.list && !takes_anything {
        let problem = Problem::new(Kind::ListLink, "").expected(format!("one {}", spec.socket));
        return Err(problem.received(format!("a list of {from}")));
    }
    Ok(())
}
