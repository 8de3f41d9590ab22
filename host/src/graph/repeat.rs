//! Graph nodes that run their graph several times: `each` for every element of lists, and `fold` with values that go from one pass
//! to the next.

use super::{file::File, problem::Place};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

/// The most passes of a fold.
pub(super) const MOST_TIMES: u64 = 1_000_000;

/// How a graph node runs its graph several times.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// For what it runs.
    pub mode: Mode,
    /// The named input of the graph that gets the number of the pass, counted from 0.
    pub index: Option<String>,
    /// The graph, once it is read; see [`expand`](super::expand()).
    pub graph: Option<Arc<File>>,
    /// The place of its key.
    pub place: Option<Place>,
}

/// For what a graph runs several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For each element of lists.
    Each(Each),
    /// With values that go from one pass to the next.
    Fold(Fold),
}

/// Runs a graph for each element. Every named output becomes a list, in the order of the elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Each {
    /// The named inputs that take one element in each pass. Lists of several inputs have equal lengths.
    pub over: Vec<String>,
    /// Whether each element of a list meets each element of the others. The last list changes fastest.
    pub cross: bool,
    /// The most passes.
    pub limit: Option<u64>,
    /// Whether passes that fail are left out of the lists. Otherwise the first that fails ends the node.
    pub keep_going: bool,
}

/// Runs a graph with values that go from one pass to the next. The named outputs have the values of the last pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Named inputs, each with the named output whose value it has in the next pass.
    pub carry: Vec<(String, String)>,
    /// The most passes.
    pub times: u64,
    /// The named output that ends the node once it is true.
    pub until: Option<String>,
    /// The named outputs that are lists of the values of all passes.
    pub collect: Vec<String>,
}

impl Repeat {
    /// The key of a node: `each` or `fold`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self.mode {
            Mode::Each(_) => "each",
            Mode::Fold(_) => "fold",
        }
    }

    /// The named inputs whose values differ from pass to pass.
    pub(crate) fn varying(&self) -> impl Iterator<Item = &str> {
        let (over, carry) = match &self.mode {
            Mode::Each(each) => (&each.over[..], &[][..]),
            Mode::Fold(fold) => (&[][..], &fold.carry[..]),
        };
        over.iter().chain(carry.iter().map(|(input, _)| input)).chain(&self.index).map(String::as_str)
    }

    /// Whether a named input takes a list, of which each pass gets one element.
    pub(crate) fn goes_over(&self, input: &str) -> bool {
        matches!(&self.mode, Mode::Each(each) if each.over.iter().any(|over| over == input))
    }

    /// Whether a named output becomes a list.
    pub(crate) fn lists(&self, output: &str) -> bool {
        match &self.mode {
            Mode::Each(_) => true,
            Mode::Fold(fold) => fold.collect.iter().any(|name| name == output),
        }
    }

    /// As a graph file has it.
    pub(super) fn to_json(&self) -> Json {
        let mut out = Map::new();
        match &self.mode {
            Mode::Each(each) => {
                out.insert("over".to_owned(), json!(each.over));
                if each.cross {
                    out.insert("cross".to_owned(), true.into());
                }
                out.extend(each.limit.map(|limit| ("limit".to_owned(), limit.into())));
                if each.keep_going {
                    out.insert("keep_going".to_owned(), true.into());
                }
            }
            Mode::Fold(fold) => {
                let carry = fold.carry.iter().map(|(input, output)| (input.clone(), output.as_str().into()));
                out.insert("carry".to_owned(), carry.collect::<Map<_, _>>().into());
                out.insert("times".to_owned(), fold.times.into());
                out.extend(fold.until.as_ref().map(|until| ("until".to_owned(), until.as_str().into())));
                if !fold.collect.is_empty() {
                    out.insert("collect".to_owned(), json!(fold.collect));
                }
            }
        }
        out.extend(self.index.as_ref().map(|index| ("index".to_owned(), index.as_str().into())));
        out.into()
    }

    /// One line about it, for drawings.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.mode {
            Mode::Each(each) => format!("each {}", each.over.join(if each.cross { " x " } else { ", " })),
            Mode::Fold(fold) => match &fold.until {
                Some(until) => format!("fold until {until}, at most {} times", fold.times),
                None => format!("fold {} times", fold.times),
            },
        }
    }
}
