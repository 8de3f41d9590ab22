//! Reads `each` and `fold` of a graph node.

use super::{
    file::{File, Node},
    json::{Member, Shape, Tree},
    parse::Reader,
    problem::{Kind, Problem},
    repeat::{Each, Fold, MOST_TIMES, Mode, Repeat},
};
use serde_json::Value as Json;
use std::sync::Arc;

const EACH_KEYS: [&str; 5] = ["over", "cross", "limit", "keep_going", "index"];
const FOLD_KEYS: [&str; 5] = ["carry", "times", "until", "collect", "index"];

/// The class of a node whose graph stands in the node itself.
pub(super) const OWN_GRAPH: &str = "graph";

impl Reader<'_> {
    /// Reads `each`, `fold` and `graph` of a node.
    pub(super) fn repeats(&mut self, node: &mut Node, members: &[Member]) {
        let what = format!("node `{}`", node.id);
        for Member { at, key, value } in members.iter().filter(|member| ["each", "fold"].contains(&member.key.as_str()))
        {
            if node.repeat.is_some() {
                let problem = Problem::new(Kind::Format, format!("{what} has `each` and `fold`"));
                let hint = "put one of them into a graph of its own, and use that graph as a node".to_owned();
                self.problem(*at, problem.expected("one of them").received("both").hint(hint));
            } else {
                node.repeat = self.repeat(&node.id, *at, key, value);
            }
        }
        let own = members.iter().find(|member| member.key == "graph");
        if let Some(Member { at, value, .. }) = own {
            match (&mut node.repeat, value.members()) {
                (None, _) => {
                    let problem =
                        Problem::new(Kind::Format, format!("{what} has `graph`, but nothing that repeats it"));
                    self.problem(*at, problem.expected("`each` or `fold` beside it").received("neither"));
                }
                (Some(_), None) => self.wrong(value, &format!("{what}, `graph`"), "a graph"),
                (Some(repeat), Some(members)) => repeat.graph = Some(Arc::new(self.own_graph(members))),
            }
            if node.class_type.is_empty() && node.repeat.is_some() {
                OWN_GRAPH.clone_into(&mut node.class_type);
            }
        }
        let is_path = node.class_type.ends_with(".json") || node.class_type.contains('/');
        let repeats_no_graph = !node.class_type.is_empty() && own.is_none() && !is_path;
        if let Some(repeat) = node.repeat.take_if(|_| repeats_no_graph) {
            let message = format!("{what} has `{}`, which repeats a graph", repeat.key());
            let problem = Problem::new(Kind::Format, message).expected("the path of a graph as `class_type`");
            let hint = "put the node into a graph: a file, or the key `graph` of this node".to_owned();
            let problem =
                Problem { place: repeat.place, ..problem.received(format!("{:?}", node.class_type)).hint(hint) };
            self.problems.push(problem);
        }
    }

    /// Reads a graph that stands in a node.
    fn own_graph(&mut self, members: &[Member]) -> File {
        let mut file = File::empty(self.origin.clone());
        let ids = std::mem::take(&mut self.ids);
        self.own_format(members, &mut file);
        self.ids = ids;
        file.set_versions();
        file
    }

    /// Reads the value of `each` or `fold` of the node `id`. `at` is the place of the key.
    pub(super) fn repeat(&mut self, id: &str, at: usize, key: &str, tree: &Tree) -> Option<Repeat> {
        let what = format!("node `{id}`, `{key}`");
        let Some(members) = tree.members() else {
            let form = match key {
                "each" => r#"an object like {"over": ["image"]}"#,
                _ => r#"an object like {"carry": {"image": "better"}, "times": 8}"#,
            };
            self.wrong(tree, &what, form);
            return None;
        };
        let (mut each, mut fold, mut index) = (Each::default(), Fold::default(), None);
        let is_each = key == "each";
        for Member { at, key: name, value } in members {
            let about = format!("{what}, `{name}`");
            match (is_each, name.as_str()) {
                (_, "index") => index = self.name(value, &about),
                (true, "over") => each.over = self.names(value, &about),
                (true, "cross") => each.cross = self.flag(value, &about),
                (true, "keep_going") => each.keep_going = self.flag(value, &about),
                (true, "limit") => each.limit = self.number(value, &about, u64::MAX),
                (false, "carry") => fold.carry = self.carry(value, &about),
                (false, "times") => fold.times = self.number(value, &about, MOST_TIMES).unwrap_or(1),
                (false, "until") => fold.until = self.name(value, &about),
                (false, "collect") => fold.collect = self.names(value, &about),
                _ => self.unknown_key(*at, name, if is_each { &EACH_KEYS } else { &FOLD_KEYS }, &what),
            }
        }
        let needed: &[(&str, &str)] = match is_each {
            true => &[("over", "the named inputs that take one element in each pass")],
            false => &[
                ("carry", "the named inputs that get a named output of the pass before"),
                ("times", "the most passes"),
            ],
        };
        for (name, about) in needed {
            if tree.get(name).is_none() {
                self.missing(at, &what, &format!("the key `{name}`: {about}"));
            }
        }
        let mode = if is_each { Mode::Each(each) } else { Mode::Fold(fold) };
        Some(Repeat { mode, index, graph: None, place: self.place(at) })
    }

    fn name(&mut self, tree: &Tree, what: &str) -> Option<String> {
        let name = tree.as_str().filter(|name| !name.is_empty());
        if name.is_none() {
            self.wrong(tree, what, "a name");
        }
        name.map(str::to_owned)
    }

    /// One name, or a list of them.
    fn names(&mut self, tree: &Tree, what: &str) -> Vec<String> {
        let names: Option<Vec<&str>> = match &tree.shape {
            Shape::Array(items) => items.iter().map(Tree::as_str).collect(),
            _ => tree.as_str().map(|name| vec![name]),
        };
        match names.filter(|names| !names.is_empty() && names.iter().all(|name| !name.is_empty())) {
            Some(names) => names.into_iter().map(str::to_owned).collect(),
            None => {
                self.wrong(tree, what, "a name, or a list of names");
                Vec::new()
            }
        }
    }

    fn flag(&mut self, tree: &Tree, what: &str) -> bool {
        match &tree.shape {
            Shape::Scalar(Json::Bool(flag)) => *flag,
            _ => {
                self.wrong(tree, what, "true or false");
                false
            }
        }
    }

    fn number(&mut self, tree: &Tree, what: &str, most: u64) -> Option<u64> {
        let number = match &tree.shape {
            Shape::Scalar(Json::Number(number)) => number.as_u64().filter(|number| (1..=most).contains(number)),
            _ => None,
        };
        if number.is_none() {
            let to = if most == u64::MAX { " of at least 1".to_owned() } else { format!(" from 1 to {most}") };
            self.wrong(tree, what, &format!("a whole number{to}"));
        }
        number
    }

    fn carry(&mut self, tree: &Tree, what: &str) -> Vec<(String, String)> {
        let pairs = tree.members().filter(|members| !members.is_empty()).and_then(|members| {
            members.iter().map(|Member { key, value, .. }| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        });
        pairs.unwrap_or_else(|| {
            self.wrong(tree, what, r#"named inputs with named outputs, like {"image": "better"}"#);
            Vec::new()
        })
    }
}
