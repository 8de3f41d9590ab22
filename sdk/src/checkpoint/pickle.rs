//! A reader of Python's pickles that runs nothing: what a pickle asks to be called comes out as data, for the caller to
//! accept by name or to refuse.

use crate::{Error, Result};
use std::collections::HashMap;

/// What a pickle holds.
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
    /// A call that was asked for and not made: what, with which arguments, and the state that was set on the result.
    Call {
        /// What was to be called.
        function: Box<Pickle>,
        /// Its arguments.
        arguments: Box<Pickle>,
        /// What `__setstate__` was to be called with.
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
}

/// Values nest through memo references; a pickle that doubles itself again and again must not fill the memory.
const MAX_VALUES: usize = 20_000_000;
const MAX_DEPTH: usize = 500;

/// Reads the pickle at the start of `bytes` (protocols 0 to 5, without protocol 0's text forms of numbers).
///
/// # Errors
/// It is truncated or malformed, or uses something that is not supported.
pub fn parse(bytes: &[u8]) -> Result<Pickle> {
    Reader { bytes, at: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), values: 0, depth: 0 }.run()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Values and how deep they are nested.
    stack: Vec<(Pickle, usize)>,
    marks: Vec<usize>,
    memo: HashMap<usize, (Pickle, usize)>,
    /// Values copied from the memo so far.
    values: usize,
    /// The deepest of the values that were popped for the one that is being made.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end
            .ok_or_else(|| Error::new(format!("a whole pickle was expected, it ends at byte {}", self.bytes.len())))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

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

    fn text(&mut self, count: usize) -> Result<Pickle> {
        let bytes = self.take(count)?;
        Ok(Pickle::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn malformed(&self) -> Error {
        Error::new(format!("a well-formed pickle was expected, it breaks off at byte {}", self.at))
    }

    fn pop(&mut self) -> Result<Pickle> {
        if self.marks.last().is_some_and(|mark| self.stack.len() <= *mark) {
            return Err(self.malformed());
        }
        let (value, depth) = self.stack.pop().ok_or_else(|| self.malformed())?;
        self.depth = self.depth.max(depth);
        Ok(value)
    }

    /// Pushes a value that was made of what was popped since the last push.
    fn push(&mut self, value: Pickle) -> Result<()> {
        let depth = std::mem::take(&mut self.depth) + 1;
        self.stack.push((value, depth));
        self.check_depth()
    }

    /// Notes that what was popped went into the value on top.
    fn deepen(&mut self) -> Result<()> {
        let inner = std::mem::take(&mut self.depth) + 1;
        if let Some((_, depth)) = self.stack.last_mut() {
            *depth = inner.max(*depth);
        }
        self.check_depth()
    }

    fn check_depth(&self) -> Result<()> {
        if self.stack.last().is_some_and(|(_, depth)| *depth > MAX_DEPTH) {
            return Err(Error::new("the pickle is nested too deeply"));
        }
        Ok(())
    }

    fn top(&mut self) -> Option<&mut Pickle> {
        self.stack.last_mut().map(|(value, _)| value)
    }

    fn pop_mark(&mut self) -> Result<Vec<Pickle>> {
        let mark = self.marks.pop().ok_or_else(|| self.malformed())?;
        if mark > self.stack.len() {
            return Err(self.malformed());
        }
        let (items, depths): (Vec<_>, Vec<_>) = self.stack.split_off(mark).into_iter().unzip();
        self.depth = depths.into_iter().fold(self.depth, usize::max);
        Ok(items)
    }

    fn pop_pairs(&mut self) -> Result<Vec<(Pickle, Pickle)>> {
        let items = self.pop_mark()?;
        if items.len() % 2 != 0 {
            return Err(self.malformed());
        }
        let mut items = items.into_iter();
        Ok(std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect())
    }

    fn list(&mut self) -> Result<&mut Vec<Pickle>> {
        let error = self.malformed();
        match self.top() {
            Some(Pickle::List(items)) => Ok(items),
            _ => Err(error),
        }
    }

    fn remember(&mut self, key: usize) -> Result<()> {
        let value = self.stack.last().cloned().ok_or_else(|| self.malformed())?;
        self.count(&value.0)?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, key: usize) -> Result<()> {
        let value = self.memo.get(&key).cloned().ok_or_else(|| self.malformed())?;
        self.count(&value.0)?;
        self.stack.push(value);
        Ok(())
    }

    fn count(&mut self, value: &Pickle) -> Result<()> {
        self.values += size(value);
        if self.values > MAX_VALUES {
            return Err(Error::new("the pickle repeats itself too often; it was not read further"));
        }
        Ok(())
    }

    fn set_items(&mut self, pairs: Vec<(Pickle, Pickle)>) -> Result<()> {
        let error = self.malformed();
        match self.top() {
            Some(Pickle::Dict(all)) => all.extend(pairs),
            // An OrderedDict is a call whose items are set afterwards.
            Some(Pickle::Call { state, .. }) => {
                match state.get_or_insert_with(|| Box::new(Pickle::Dict(Vec::new()))).as_mut() {
                    Pickle::Dict(all) => all.extend(pairs),
                    _ => return Err(error),
                }
            }
            _ => return Err(error),
        }
        self.deepen()
    }

    fn call(&mut self) -> Result<()> {
        let arguments = Box::new(self.pop()?);
        let function = Box::new(self.pop()?);
        self.push(Pickle::Call { function, arguments, state: None })
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        items.reverse();
        self.push(Pickle::List(items))
    }

    fn run(mut self) -> Result<Pickle> {
        loop {
            let op = self.take(1)?[0];
            match op {
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' | b'1' => {
                    let _ = if op == b'0' { vec![self.pop()?] } else { self.pop_mark()? };
                    self.depth = 0;
                }
                b'2' => {
                    let top = self.stack.last().cloned().ok_or_else(|| self.malformed())?;
                    self.count(&top.0)?;
                    self.stack.push(top);
                }
                // Memo and framing.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'q' => {
                    let key = self.number(1)?;
                    self.remember(key)?;
                }
                b'r' => {
                    let key = self.number(4)?;
                    self.remember(key)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'h' => {
                    let key = self.number(1)?;
                    self.recall(key)?;
                }
                b'j' => {
                    let key = self.number(4)?;
                    self.recall(key)?;
                }
                // Containers.
                b')' | b']' | 0x8f => self.push(Pickle::List(Vec::new()))?,
                b'}' => self.push(Pickle::Dict(Vec::new()))?,
                b't' | b'l' | 0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Pickle::List(items))?;
                }
                b'd' => {
                    let pairs = self.pop_pairs()?;
                    self.push(Pickle::Dict(pairs))?;
                }
                0x85..=0x87 => self.tuple(usize::from(op) - 0x84)?,
                b'a' => {
                    let item = self.pop()?;
                    self.list()?.push(item);
                    self.deepen()?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.list()?.extend(items);
                    self.deepen()?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(vec![(key, value)])?;
                }
                b'u' => {
                    let pairs = self.pop_pairs()?;
                    self.set_items(pairs)?;
                }
                // Calls, as data.
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Pickle::Global(module, name))?;
                }
                0x93 => match (self.pop()?, self.pop()?) {
                    (Pickle::Text(name), Pickle::Text(module)) => self.push(Pickle::Global(module, name))?,
                    _ => return Err(self.malformed()),
                },
                b'R' | 0x81 => self.call()?,
                b'b' => {
                    let state = self.pop()?;
                    match self.top() {
                        Some(Pickle::Call { state: slot @ None, .. }) => *slot = Some(Box::new(state)),
                        // Attributes on top of a dict's items carry nothing that we read.
                        Some(Pickle::Call { .. }) => {}
                        _ => return Err(self.malformed()),
                    }
                    self.deepen()?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Pickle::Persistent(Box::new(id)))?;
                }
                _ => self.literal(op)?,
            }
        }
    }

    fn literal(&mut self, op: u8) -> Result<()> {
        let value = match op {
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
                    return Err(Error::new("an integer of more than 64 bits in a pickle"));
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
            0x8c => {
                let count = self.number(1)?;
                self.text(count)?
            }
            b'X' => {
                let count = self.number(4)?;
                self.text(count)?
            }
            0x8d => {
                let count = self.number(8)?;
                self.text(count)?
            }
            // Python 2's str: bytes or text, as one looks at it.
            b'U' | b'C' => {
                let count = self.number(1)?;
                Pickle::Bytes(self.take(count)?.to_vec())
            }
            b'T' | b'B' => {
                let count = self.number(4)?;
                Pickle::Bytes(self.take(count)?.to_vec())
            }
            0x8e | 0x96 => {
                let count = self.number(8)?;
                Pickle::Bytes(self.take(count)?.to_vec())
            }
            other => {
                return Err(Error::new(format!(
                    "a pickle was expected; at byte {} stands the instruction {other:#04x}, which is unknown or not supported",
                    self.at - 1
                )));
            }
        };
        self.push(value)
    }
}

/// Roughly how many values these are; the depth is bounded already.
fn size(value: &Pickle) -> usize {
    let inner = match value {
        Pickle::List(items) => items.iter().map(size).sum(),
        Pickle::Dict(pairs) => pairs.iter().map(|(k, v)| size(k) + size(v)).sum(),
        Pickle::Call { function, arguments, state } => {
            size(function) + size(arguments) + state.as_deref().map_or(0, size)
        }
        Pickle::Persistent(id) => size(id),
        Pickle::Text(text) => text.len() / 16,
        Pickle::Bytes(bytes) => bytes.len() / 16,
        _ => 0,
    };
    inner + 1
}
