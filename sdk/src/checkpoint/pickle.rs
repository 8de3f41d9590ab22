//! Reads Python's pickles without running code. A call that a pickle asks for becomes data, so that the caller can accept it by
//! name or refuse it.

use crate::{Error, Result};
use std::collections::HashMap;

/// A value in a pickle.
#[derive(Clone, Debug, PartialEq)]
pub enum Pickle {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// An int that fits 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// A str.
    Text(String),
    /// bytes or bytearray.
    Bytes(Vec<u8>),
    /// A list, a tuple or a set.
    List(Vec<Pickle>),
    /// A dict, in order.
    Dict(Vec<(Pickle, Pickle)>),
    /// A class or function: its module and name.
    Global(String, String),
    /// A call that the pickle asks for. The reader does not make it.
    Call {
        /// The function.
        function: Box<Pickle>,
        /// The arguments.
        arguments: Box<Pickle>,
        /// The argument of `__setstate__` on the result.
        state: Option<Box<Pickle>>,
    },
    /// A reference to data outside the pickle.
    Persistent(Box<Pickle>),
}

impl Pickle {
    /// `module.name`, for a global or a call of one.
    #[must_use]
    pub fn global_name(&self) -> Option<String> {
        match self {
            Self::Global(module, name) => Some(format!("{module}.{name}")),
            Self::Call { function, .. } => function.global_name(),
            _ => None,
        }
    }

    /// The name for messages: `a list`, ``a call of `posix.system` ``.
    #[must_use]
    pub fn describe(&self) -> String {
        let what = match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Text(_) => "a str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dict",
            Self::Persistent(_) => "a reference to other data",
            Self::Global(module, name) => return format!("`{module}.{name}`"),
            Self::Call { .. } => {
                let name = self.global_name().unwrap_or_else(|| "something unnamed".to_owned());
                return format!("a call of `{name}`");
            }
        };
        what.to_owned()
    }
}

/// The number of values that are read from any pickle; a large pickle may hold more. A small pickle can describe any amount of data
/// and any nesting by repeating itself.
const MAX_VALUES: usize = 2_000_000;
const BYTES_PER_VALUE: usize = 16;
const MAX_DEPTH: usize = 200;

/// Reads the pickle at the start of `bytes` (protocols 0 to 5, without protocol 0's text forms of numbers).
///
/// # Errors
/// The pickle is truncated or malformed, uses an unsupported instruction, or contains itself.
pub fn parse(bytes: &[u8]) -> Result<Pickle> {
    let mut reader =
        Reader { bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let root = reader.run()?;
    reader.tree(root, 0, &mut 0)
}

/// A value while the pickle is read. Containers grow after they are put into others, so they hold indices of values.
enum Node<'a> {
    Leaf(Pickle),
    /// Borrowed from the pickle, as they may be most of it.
    Bytes(&'a [u8]),
    List(Vec<usize>),
    Dict(Vec<usize>),
    Call {
        function: usize,
        arguments: usize,
        items: Vec<usize>,
        state: Option<usize>,
    },
    Persistent(usize),
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<usize, usize>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| {
            Error::new(format!("expected a whole pickle, got one that ends at byte {}", self.bytes.len()))
        })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// Reads an unsigned little-endian number of `count` bytes.
    fn number(&mut self, count: usize) -> Result<usize> {
        let mut all = [0; 8];
        all[..count].copy_from_slice(self.take(count)?);
        usize::try_from(u64::from_le_bytes(all)).map_err(|_| self.malformed())
    }

    fn line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == b'\n').ok_or_else(|| self.malformed())?;
        let line = self.take(end + 1)?;
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn malformed(&self) -> Error {
        Error::new(format!("expected a well-formed pickle, got one that breaks off at byte {}", self.at))
    }

    fn push(&mut self, node: Node<'a>) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn pop(&mut self) -> Result<usize> {
        if self.marks.last().is_some_and(|mark| self.stack.len() <= *mark) {
            return Err(self.malformed());
        }
        self.stack.pop().ok_or_else(|| self.malformed())
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<usize>> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        items.reverse();
        Ok(items)
    }

    /// The values since the last mark.
    fn pop_mark(&mut self) -> Result<Vec<usize>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or_else(|| self.malformed())?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<usize> {
        self.stack.last().copied().ok_or_else(|| self.malformed())
    }

    fn pop_text(&mut self) -> Result<String> {
        let index = self.pop()?;
        match &self.nodes[index] {
            Node::Leaf(Pickle::Text(text)) => Ok(text.clone()),
            _ => Err(self.malformed()),
        }
    }

    /// Adds items to the list on top.
    fn append(&mut self, items: &[usize]) -> Result<()> {
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::List(all) => all.extend(items),
            _ => return Err(self.malformed()),
        }
        Ok(())
    }

    /// Adds alternating keys and values to the dictionary on top. An `OrderedDict` is a call that gets its items afterwards.
    fn set_items(&mut self, items: &[usize]) -> Result<()> {
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::Dict(all) | Node::Call { items: all, .. } if items.len().is_multiple_of(2) => all.extend(items),
            _ => return Err(self.malformed()),
        }
        Ok(())
    }

    /// Follows the pickle's instructions to the end and returns the index of the resulting value.
    fn run(&mut self) -> Result<usize> {
        loop {
            let op = self.take(1)?[0];
            match op {
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => self.stack.push(self.top()?),
                // The reader needs neither the protocol nor the frames.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'q' | b'r' | 0x94 => self.remember(op)?,
                b'h' | b'j' => {
                    let key = self.number(if op == b'h' { 1 } else { 4 })?;
                    let index = self.memo.get(&key).copied().ok_or_else(|| self.malformed())?;
                    self.stack.push(index);
                }
                b')' | b']' | 0x8f => self.push(Node::List(Vec::new())),
                b'}' => self.push(Node::Dict(Vec::new())),
                b't' | b'l' | 0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Node::List(items));
                }
                0x85..=0x87 => {
                    let items = self.pop_many(usize::from(op) - 0x84)?;
                    self.push(Node::List(items));
                }
                b'd' => {
                    let items = self.pop_mark()?;
                    self.push(Node::Dict(Vec::new()));
                    self.set_items(&items)?;
                }
                b'a' => {
                    let items = self.pop_many(1)?;
                    self.append(&items)?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.append(&items)?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set_items(&items)?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set_items(&items)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Node::Leaf(Pickle::Global(module, name)));
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    self.push(Node::Leaf(Pickle::Global(module, name)));
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    self.push(Node::Call { function, arguments, items: Vec::new(), state: None });
                }
                b'b' => {
                    let (value, top) = (self.pop()?, self.top()?);
                    match &mut self.nodes[top] {
                        Node::Call { state, .. } => *state = Some(value),
                        _ => return Err(self.malformed()),
                    }
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Node::Persistent(id));
                }
                // A str of Python 2 can be bytes or text.
                b'U' | b'C' => self.push_bytes(1)?,
                b'T' | b'B' => self.push_bytes(4)?,
                0x8e | 0x96 => self.push_bytes(8)?,
                _ => {
                    let literal = self.literal(op)?;
                    self.push(Node::Leaf(literal));
                }
            }
        }
    }

    fn remember(&mut self, op: u8) -> Result<()> {
        let key = match op {
            b'q' => self.number(1)?,
            b'r' => self.number(4)?,
            _ => self.memo.len(),
        };
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<Pickle> {
        let count = self.number(length)?;
        Ok(Pickle::Text(String::from_utf8_lossy(self.take(count)?).into_owned()))
    }

    fn push_bytes(&mut self, length: usize) -> Result<()> {
        let count = self.number(length)?;
        let bytes = self.take(count)?;
        self.push(Node::Bytes(bytes));
        Ok(())
    }

    fn literal(&mut self, op: u8) -> Result<Pickle> {
        Ok(match op {
            b'N' => Pickle::None,
            0x88 => Pickle::Bool(true),
            0x89 => Pickle::Bool(false),
            b'K' => Pickle::Int(self.number(1)? as i64),
            b'M' => Pickle::Int(self.number(2)? as i64),
            b'J' => Pickle::Int(i64::from(self.number(4)? as u32 as i32)),
            0x8a => {
                let count = self.number(1)?;
                let bytes = self.take(count)?;
                if count > 8 {
                    return Err(Error::new("expected an integer of at most 64 bits, got a longer one"));
                }
                let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
                let mut all = [if negative { 0xff } else { 0 }; 8];
                all[..count].copy_from_slice(bytes);
                Pickle::Int(i64::from_le_bytes(all))
            }
            b'G' => {
                let mut all = [0; 8];
                all.copy_from_slice(self.take(8)?);
                Pickle::Float(f64::from_be_bytes(all))
            }
            0x8c => self.text(1)?,
            b'X' => self.text(4)?,
            0x8d => self.text(8)?,
            other => {
                return Err(Error::new(format!(
                    "expected a pickle, got the unknown or unsupported instruction {other:#04x} at byte {}",
                    self.at - 1
                )));
            }
        })
    }

    /// The value at `index` with its content; `values` counts the values.
    fn tree(&self, index: usize, depth: usize, values: &mut usize) -> Result<Pickle> {
        *values += match &self.nodes[index] {
            Node::Leaf(Pickle::Text(text)) => 1 + text.len() / 1024,
            Node::Bytes(bytes) => 1 + bytes.len() / 1024,
            _ => 1,
        };
        if *values > MAX_VALUES.max(self.bytes.len() / BYTES_PER_VALUE) {
            return Err(Error::new("expected a pickle without much repetition, got one that repeats itself too often"));
        }
        if depth > MAX_DEPTH {
            return Err(Error::new("expected a pickle without deep nesting, got one that is nested too deeply"));
        }
        let mut inner = |index: usize| self.tree(index, depth + 1, values);
        Ok(match &self.nodes[index] {
            Node::Leaf(leaf) => leaf.clone(),
            Node::Bytes(bytes) => Pickle::Bytes(bytes.to_vec()),
            Node::List(items) => Pickle::List(items.iter().map(|i| inner(*i)).collect::<Result<_>>()?),
            Node::Dict(items) => Pickle::Dict(pairs(items, &mut inner)?),
            Node::Call { function, arguments, items, state } => {
                let state = match state {
                    Some(state) if items.is_empty() => Some(Box::new(inner(*state)?)),
                    _ if items.is_empty() => None,
                    // Nobody reads the attributes beside a dictionary's items.
                    _ => Some(Box::new(Pickle::Dict(pairs(items, &mut inner)?))),
                };
                Pickle::Call { function: Box::new(inner(*function)?), arguments: Box::new(inner(*arguments)?), state }
            }
            Node::Persistent(id) => Pickle::Persistent(Box::new(inner(*id)?)),
        })
    }
}

fn pairs(items: &[usize], inner: &mut impl FnMut(usize) -> Result<Pickle>) -> Result<Vec<(Pickle, Pickle)>> {
    items.chunks_exact(2).map(|pair| Ok((inner(pair[0])?, inner(pair[1])?))).collect()
}
