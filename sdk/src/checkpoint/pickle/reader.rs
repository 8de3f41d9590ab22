//! Follows the instructions of a pickle.

use super::{Pickle, text, tree::Tree};
use crate::{Error, Result};
use std::collections::HashMap;

/// The instructions that any pickle may have, and the bytes of a pickle that allow one more. Each instruction takes memory.
const MAX_INSTRUCTIONS: usize = 4_000_000;
const BYTES_PER_INSTRUCTION: usize = 32;

/// A pickle that was read.
pub(crate) struct Parsed {
    /// The value.
    pub(crate) root: Pickle,
    /// All references to data outside the pickle.
    pub(crate) persistent: Vec<Pickle>,
    /// The end of the pickle in the bytes.
    pub(crate) end: usize,
}

/// A value while the pickle is read. Containers grow after they are put into others, so they hold indices of values.
pub(super) enum Node<'a> {
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

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    accept: &'a dyn Fn(&str, &str) -> Result<()>,
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<usize, usize>,
    persistent: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], accept: &'a dyn Fn(&str, &str) -> Result<()>) -> Self {
        Self {
            bytes,
            accept,
            at: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            persistent: Vec::new(),
        }
    }

    /// The values, once `run` has returned the index of the resulting one.
    pub(super) fn parsed(self, root: usize) -> Result<Parsed> {
        let mut tree = Tree::new(&self.nodes, self.at);
        let root = tree.value(root, 0)?;
        let persistent = self.persistent.iter().map(|id| tree.value(*id, 0)).collect::<Result<_>>()?;
        Ok(Parsed { root, persistent, end: self.at })
    }

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

    fn raw_line(&mut self) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == b'\n').ok_or_else(|| self.malformed())?;
        let line = self.take(end + 1)?;
        Ok(&line[..end])
    }

    fn line(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(self.raw_line()?).into_owned())
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

    fn global(&mut self, module: String, name: String) -> Result<()> {
        (self.accept)(&module, &name)?;
        self.push(Node::Leaf(Pickle::Global(module, name)));
        Ok(())
    }

    fn call(&mut self, function: usize, arguments: usize) {
        self.push(Node::Call { function, arguments, items: Vec::new(), state: None });
    }

    fn refer(&mut self, id: usize) {
        self.persistent.push(self.nodes.len());
        self.push(Node::Persistent(id));
    }

    /// Follows the pickle's instructions to the end and returns the index of the resulting value.
    pub(super) fn run(&mut self) -> Result<usize> {
        let most = MAX_INSTRUCTIONS.max(self.bytes.len() / BYTES_PER_INSTRUCTION);
        for _ in 0..most {
            let op = self.take(1)?[0];
            if op == b'.' {
                return self.pop();
            }
            self.follow(op)?;
        }
        Err(Error::new(format!("expected a pickle of at most {most} instructions, got a longer one")))
    }

    fn follow(&mut self, op: u8) -> Result<()> {
        match op {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => self.stack.push(self.top()?),
            // The reader needs neither the protocol nor the frames.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'q' | b'r' | b'p' | 0x94 => self.remember(op)?,
            b'h' | b'j' | b'g' => {
                let key = self.key(op)?;
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
                self.global(module, name)?;
            }
            0x93 => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                self.global(module, name)?;
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(function, arguments);
            }
            0x92 => {
                let (_by_name, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(function, arguments);
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let arguments = self.pop_mark()?;
                self.global(module, name)?;
                self.instance(arguments)?;
            }
            b'o' => {
                let mut arguments = self.pop_mark()?;
                if arguments.is_empty() {
                    return Err(self.malformed());
                }
                self.stack.push(arguments.remove(0));
                self.instance(arguments)?;
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
                self.refer(id);
            }
            b'P' => {
                let id = self.line()?;
                self.nodes.push(Node::Leaf(Pickle::Text(id)));
                self.refer(self.nodes.len() - 1);
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
        Ok(())
    }

    /// Calls the class on top with arguments that older protocols collect behind a mark.
    fn instance(&mut self, arguments: Vec<usize>) -> Result<()> {
        let class = self.pop()?;
        self.nodes.push(Node::List(arguments));
        self.call(class, self.nodes.len() - 1);
        Ok(())
    }

    /// The key of a value that is remembered or used again.
    fn key(&mut self, op: u8) -> Result<usize> {
        match op {
            b'q' | b'h' => self.number(1),
            b'r' | b'j' => self.number(4),
            _ => {
                let line = self.line()?;
                line.parse().map_err(|_| self.malformed())
            }
        }
    }

    fn remember(&mut self, op: u8) -> Result<()> {
        let key = if op == 0x94 { self.memo.len() } else { self.key(op)? };
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

    /// An int in as many bytes as a number of `length` bytes says.
    fn long(&mut self, length: usize) -> Result<Pickle> {
        let count = self.number(length)?;
        let bytes = self.take(count)?;
        if count > 8 {
            return Ok(Pickle::LongInt);
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut all = [if negative { 0xff } else { 0 }; 8];
        all[..count].copy_from_slice(bytes);
        Ok(Pickle::Int(i64::from_le_bytes(all)))
    }

    fn literal(&mut self, op: u8) -> Result<Pickle> {
        Ok(match op {
            b'N' => Pickle::None,
            0x88 => Pickle::Bool(true),
            0x89 => Pickle::Bool(false),
            b'K' => Pickle::Int(self.number(1)? as i64),
            b'M' => Pickle::Int(self.number(2)? as i64),
            b'J' => Pickle::Int(i64::from(self.number(4)? as u32 as i32)),
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            b'G' => {
                let mut all = [0; 8];
                all.copy_from_slice(self.take(8)?);
                Pickle::Float(f64::from_be_bytes(all))
            }
            b'I' | b'L' => text::int(&self.line()?).ok_or_else(|| self.malformed())?,
            b'F' => Pickle::Float(self.line()?.parse().map_err(|_| self.malformed())?),
            b'S' => Pickle::Bytes(text::quoted(&self.line()?).ok_or_else(|| self.malformed())?),
            b'V' => Pickle::Text(text::unicode(self.raw_line()?).ok_or_else(|| self.malformed())?),
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
}
