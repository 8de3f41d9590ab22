//! Puts the values of a pickle together. A small pickle can describe any amount of data and any nesting by repeating itself, so this
//! has limits.

use super::{Pickle, reader::Node};
use crate::{Error, Result};

/// The number of values that any pickle may have, and the bytes of a pickle that allow one more.
const MAX_VALUES: usize = 2_000_000;
const BYTES_PER_VALUE: usize = 64;
/// The bytes of texts that any pickle may have beyond its own size.
const MAX_CONTENT: usize = 64 << 20;
const MAX_DEPTH: usize = 200;

/// Makes values of nodes.
pub(super) struct Tree<'a> {
    nodes: &'a [Node<'a>],
    values: usize,
    content: usize,
}

impl<'a> Tree<'a> {
    /// `bytes` is the size of the pickle.
    pub(super) fn new(nodes: &'a [Node<'a>], bytes: usize) -> Self {
        Self { nodes, values: MAX_VALUES.max(bytes / BYTES_PER_VALUE), content: bytes.saturating_add(MAX_CONTENT) }
    }

    /// The value of a node with its content.
    pub(super) fn value(&mut self, index: usize, depth: usize) -> Result<Pickle> {
        if depth > MAX_DEPTH {
            return Err(Error::new("expected a pickle without deep nesting, got one that is nested too deeply"));
        }
        let node = &self.nodes[index];
        let content = match node {
            Node::Leaf(Pickle::Text(text)) => text.len(),
            Node::Leaf(Pickle::Bytes(bytes)) => bytes.len(),
            Node::Leaf(Pickle::Global(module, name)) => module.len() + name.len(),
            Node::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        let (Some(values), Some(content)) = (self.values.checked_sub(1), self.content.checked_sub(content)) else {
            return Err(Error::new("expected a pickle without much repetition, got one that repeats itself too often"));
        };
        (self.values, self.content) = (values, content);
        let depth = depth + 1;
        Ok(match node {
            Node::Leaf(leaf) => leaf.clone(),
            Node::Bytes(bytes) => Pickle::Bytes(bytes.to_vec()),
            Node::List(items) => Pickle::List(items.iter().map(|i| self.value(*i, depth)).collect::<Result<_>>()?),
            Node::Dict(items) => Pickle::Dict(self.pairs(items, depth)?),
            Node::Call { function, arguments, items, state } => {
                let state = match state {
                    // Nobody reads the attributes beside a dictionary's items.
                    _ if !items.is_empty() => Some(Box::new(Pickle::Dict(self.pairs(items, depth)?))),
                    Some(state) => Some(Box::new(self.value(*state, depth)?)),
                    None => None,
                };
                let (function, arguments) = (self.value(*function, depth)?, self.value(*arguments, depth)?);
                Pickle::Call { function: Box::new(function), arguments: Box::new(arguments), state }
            }
            Node::Persistent(id) => Pickle::Persistent(Box::new(self.value(*id, depth)?)),
        })
    }

    fn pairs(&mut self, items: &[usize], depth: usize) -> Result<Vec<(Pickle, Pickle)>> {
        let pairs = items.chunks_exact(2);
        pairs.map(|pair| Ok((self.value(pair[0], depth)?, self.value(pair[1], depth)?))).collect()
    }
}
