//! Reads Python's pickles without running code. A call that a pickle asks for becomes data, so that the caller can accept it by
//! name or refuse it.

mod reader;
mod text;
mod tree;

use crate::Result;

pub(super) use reader::Parsed;

/// A value in a pickle.
#[derive(Clone, Debug, PartialEq)]
pub enum Pickle {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// An int that fits 64 bits.
    Int(i64),
    /// An int beyond 64 bits. The reader does not keep its value.
    LongInt,
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
            Self::Int(_) | Self::LongInt => "an int",
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

    /// The values of a list or tuple; empty for everything else.
    pub(super) fn items(&self) -> &[Pickle] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A str, also where Python 2 wrote it as bytes.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// Reads the pickle at the start of `bytes`, of any protocol from 0 to 5.
///
/// # Errors
/// The pickle is truncated or malformed, uses an unsupported instruction, or contains itself.
pub fn parse(bytes: &[u8]) -> Result<Pickle> {
    Ok(parse_first(bytes, &|_, _| Ok(()))?.root)
}

/// Reads the pickle at the start of `bytes`. `accept` gets the module and the name of every class and function that the pickle
/// names, and may refuse it.
pub(super) fn parse_first(bytes: &[u8], accept: &dyn Fn(&str, &str) -> Result<()>) -> Result<Parsed> {
    let mut reader = reader::Reader::new(bytes, accept);
    let root = reader.run()?;
    reader.parsed(root)
}
