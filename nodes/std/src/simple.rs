//! Inputs and outputs that are numbers of either kind, or any plain value.

use splatgraph_sdk::{
    prelude::*,
    serde_json,
    socket::{Literal, Socket},
    spec::scalar,
};
use std::{cmp::Ordering, fmt};

/// A number: the sockets INT and FLOAT. It is never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number. Wider than those that pass between nodes, so that results in between have room.
    Whole(i128),
    /// A float.
    Float(f64),
}

/// A number, true or false, or a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Simple {
    /// A number.
    Number(Number),
    /// True or false.
    Truth(bool),
    /// A text.
    Text(String),
}

impl Number {
    pub(crate) fn as_float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            // 0 and -0 are equal, and NaN is refused before.
            _ => self.as_float().partial_cmp(&other.as_float()).unwrap_or(Ordering::Equal),
        }
    }
}

impl Simple {
    /// Compares two values of one kind; `None` if their kinds differ.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.compare(*b)),
            (Self::Truth(a), Self::Truth(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The kind of value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Truth(_) => "true or false",
            Self::Text(_) => "a text",
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => whole.fmt(f),
            Self::Float(float) => float.fmt(f),
        }
    }
}

impl Socket for Number {
    fn socket() -> String {
        [scalar::INT, scalar::FLOAT].join(",")
    }
}

impl Input for Number {
    fn from_value(value: &Value) -> Result<Self> {
        if let Some(whole) = value.as_int() {
            return Ok(Self::Whole(whole));
        }
        match value.as_float() {
            Some(float) if float.is_nan() => bail!("expected a number, got NaN (not a number)"),
            Some(float) => Ok(Self::Float(float)),
            None => bail!("expected a number, got {}", value.type_name()),
        }
    }
}

impl Output for Number {
    fn into_value(self) -> Result<Value> {
        match self {
            Self::Float(float) => Ok(Value::float(float)),
            Self::Whole(whole) => match (i64::try_from(whole), u64::try_from(whole)) {
                (Ok(whole), _) => Ok(Value::int(whole)),
                (_, Ok(whole)) => Ok(Value::uint(whole)),
                _ => bail!(
                    "expected a whole number from {} to {}, got {whole}; write one of the numbers as a float, such as 2.0",
                    i64::MIN,
                    u64::MAX
                ),
            },
        }
    }
}

impl Literal for Number {
    fn to_literal(&self) -> serde_json::Value {
        self.into_value().ok().and_then(|value| value.to_json()).unwrap_or_default()
    }
}

impl Socket for Simple {
    fn socket() -> String {
        [scalar::INT, scalar::FLOAT, scalar::BOOLEAN, scalar::STRING].join(",")
    }
}

impl Input for Simple {
    fn from_value(value: &Value) -> Result<Self> {
        match (value.as_text(), value.as_bool()) {
            (Some(text), _) => Ok(Self::Text(text.to_owned())),
            (_, Some(truth)) => Ok(Self::Truth(truth)),
            _ if value.as_float().is_some() => Number::from_value(value).map(Self::Number),
            _ => bail!("expected a number, true or false, or a text, got {}", value.type_name()),
        }
    }
}

impl Output for Simple {
    fn into_value(self) -> Result<Value> {
        match self {
            Self::Number(number) => number.into_value(),
            Self::Truth(truth) => Ok(Value::bool(truth)),
            Self::Text(text) => Ok(Value::text(text)),
        }
    }
}
