//! The Rust types that can be inputs and outputs of a node.

use crate::{Error, Record, Result, Value, spec::ChoiceSpec, spec::scalar};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json_;
use std::path::PathBuf;

/// A Rust type that stands for a type of graphs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that can pass between nodes",
    note = "use a number, bool, String, PathBuf, a standard type such as Image, Json<T>, Local<T>, or derive Choice or Union"
)]
pub trait Socket: Sized {
    /// The type's name: `FLOAT`, `IMAGE`, a union `TOKENS,LAYOUT`, or `*`.
    fn socket() -> String;
    /// Whether the socket takes or gives a list.
    const LIST: bool = false;
    /// Whether a graph may leave the input out.
    const OPTIONAL: bool = false;
    /// Whether the socket takes paths that stand for several files, as [`NumberedPath`](crate::NumberedPath) does.
    const NUMBERED: bool = false;
    /// The allowed texts; empty if every text is allowed.
    fn choices() -> Vec<ChoiceSpec> {
        Vec::new()
    }
}

/// A type of inputs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an input of a node",
    note = "use a number, bool, String, PathBuf, Option<T>, Vec<T>, a standard type such as Image, Json<T>, Local<T>, or derive Choice or Union"
)]
pub trait Input: Socket {
    /// Converts a value of the graph.
    ///
    /// # Errors
    /// The value is of another type or out of range. The caller adds the name of the input to the error.
    fn from_value(value: &Value) -> Result<Self>;
}

/// A type of outputs.
#[diagnostic::on_unimplemented(message = "`{Self}` can't be an output of a node")]
pub trait Output: Socket {
    /// Converts to a value of the graph.
    ///
    /// # Errors
    /// The value can't leave the pack.
    fn into_value(self) -> Result<Value>;
}

/// A type whose values can be defaults in the declaration of a node.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't have a default in the declaration; use Option<{Self}> instead"
)]
pub trait Literal {
    /// The value as it stands in a graph file.
    fn to_literal(&self) -> Json_;
}

fn expected(what: &str, value: &Value) -> Error {
    let got = value.to_json().map_or_else(|| value.type_name(), |json| format!("{} {json}", value.type_name()));
    Error::new(format!("expected {what}, got {got}"))
}

/// Makes the choices of an enum from pairs of a name and a help text.
#[doc(hidden)]
#[must_use]
pub fn declare_choices(choices: &[(&str, &str)]) -> Vec<ChoiceSpec> {
    choices.iter().map(|&(name, help)| ChoiceSpec { name: name.to_owned(), help: help.to_owned() }).collect()
}

/// The error for a value that is not one of the choices of an enum.
#[doc(hidden)]
#[must_use]
#[track_caller]
pub fn no_such_choice(value: &Value, choices: &[&str]) -> Error {
    let got = value.as_text().map_or_else(|| value.type_name(), |text| format!("`{text}`"));
    Error::new(format!("expected one of {}, got {got}", choices.join(", ")))
}

/// The error for a value that fits no type of a union.
#[doc(hidden)]
#[must_use]
#[track_caller]
pub fn no_such_type(value: &Value, union: &str) -> Error {
    Error::new(format!("expected one of {union}, got {}", value.type_name()))
}

macro_rules! whole_numbers {
    ($($ty:ty),*) => { $(
        impl Socket for $ty {
            fn socket() -> String {
                scalar::INT.to_owned()
            }
        }
        impl Input for $ty {
            fn from_value(value: &Value) -> Result<Self> {
                let whole = value.as_int().ok_or_else(|| expected("a whole number", value))?;
                <$ty>::try_from(whole).map_err(|_| expected(&format!("a whole number between {} and {}", <$ty>::MIN, <$ty>::MAX), value))
            }
        }
        impl Literal for $ty {
            fn to_literal(&self) -> Json_ {
                Json_::from(*self)
            }
        }
    )* };
}
whole_numbers!(i32, i64, u32, u64, usize);

impl Output for i64 {
    fn into_value(self) -> Result<Value> {
        Ok(Value::int(self))
    }
}
impl Output for i32 {
    fn into_value(self) -> Result<Value> {
        Ok(Value::int(self.into()))
    }
}
impl Output for u32 {
    fn into_value(self) -> Result<Value> {
        Ok(Value::int(self.into()))
    }
}
impl Output for u64 {
    fn into_value(self) -> Result<Value> {
        Ok(Value::uint(self))
    }
}
impl Output for usize {
    fn into_value(self) -> Result<Value> {
        Ok(Value::uint(self as u64))
    }
}

macro_rules! simple {
    ($ty:ty, $socket:expr, |$value:ident| $from:expr, |$own:ident| $into:expr, |$lit:ident| $literal:expr) => {
        impl Socket for $ty {
            fn socket() -> String {
                $socket.to_owned()
            }
        }
        impl Input for $ty {
            fn from_value($value: &Value) -> Result<Self> {
                $from
            }
        }
        impl Output for $ty {
            fn into_value(self) -> Result<Value> {
                let $own = self;
                Ok($into)
            }
        }
        impl Literal for $ty {
            fn to_literal(&self) -> Json_ {
                let $lit = self;
                $literal
            }
        }
    };
}
simple!(f64, scalar::FLOAT, |v| v.as_float().ok_or_else(|| expected("a number", v)), |v| Value::float(v), |v| {
    Json_::from(*v)
});
simple!(
    f32,
    scalar::FLOAT,
    |v| v.as_float().map(|f| f as f32).ok_or_else(|| expected("a number", v)),
    |v| Value::float(v.into()),
    // Through text, so that 0.1f32 becomes 0.1 in a graph and not 0.10000000149011612.
    |v| v.to_string().parse::<f64>().map_or(Json_::Null, Json_::from)
);
simple!(bool, scalar::BOOLEAN, |v| v.as_bool().ok_or_else(|| expected("true or false", v)), |v| Value::bool(v), |v| {
    Json_::from(*v)
});
simple!(
    String,
    scalar::STRING,
    |v| v.as_text().map(str::to_owned).ok_or_else(|| expected("a text", v)),
    |v| Value::text(v),
    |v| Json_::from(v.as_str())
);
simple!(
    PathBuf,
    scalar::STRING,
    |v| v.as_text().map(PathBuf::from).ok_or_else(|| expected("a path", v)),
    |v| Value::text(v.to_string_lossy()),
    |v| Json_::from(v.to_string_lossy())
);

impl Literal for &str {
    fn to_literal(&self) -> Json_ {
        Json_::from(*self)
    }
}

/// Any value: the socket `*`.
impl Socket for Value {
    fn socket() -> String {
        scalar::ANY.to_owned()
    }
}
impl Input for Value {
    fn from_value(value: &Value) -> Result<Self> {
        Ok(value.clone())
    }
}
impl Output for Value {
    fn into_value(self) -> Result<Value> {
        Ok(self)
    }
}

/// Any record: the socket `*`, checked when the node runs.
impl Socket for Record {
    fn socket() -> String {
        scalar::ANY.to_owned()
    }
}
impl Input for Record {
    fn from_value(value: &Value) -> Result<Self> {
        Self::from_value(value)
    }
}
impl Output for Record {
    fn into_value(self) -> Result<Value> {
        Ok(self.into_value())
    }
}

impl<T: Socket> Socket for Option<T> {
    fn socket() -> String {
        T::socket()
    }
    const LIST: bool = T::LIST;
    const OPTIONAL: bool = true;
    const NUMBERED: bool = T::NUMBERED;
    fn choices() -> Vec<ChoiceSpec> {
        T::choices()
    }
}
impl<T: Input> Input for Option<T> {
    fn from_value(value: &Value) -> Result<Self> {
        if value.is_none() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: Socket> Socket for Vec<T> {
    fn socket() -> String {
        T::socket()
    }
    const LIST: bool = true;
    const NUMBERED: bool = T::NUMBERED;
    fn choices() -> Vec<ChoiceSpec> {
        T::choices()
    }
}
impl<T: Input> Input for Vec<T> {
    fn from_value(value: &Value) -> Result<Self> {
        // One value stands for a list of one.
        let Some(items) = value.as_list() else { return Ok(vec![T::from_value(value)?]) };
        items
            .iter()
            .enumerate()
            .map(|(i, v)| T::from_value(v).map_err(|e| e.context(format!("at index {i}"))))
            .collect()
    }
}
impl<T: Output> Output for Vec<T> {
    fn into_value(self) -> Result<Value> {
        Ok(Value::list(self.into_iter().map(T::into_value).collect::<Result<Vec<_>>>()?))
    }
}

/// A JSON value, converted with serde: the socket `JSON`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json<T = Json_>(pub T);

impl<T> Socket for Json<T> {
    fn socket() -> String {
        scalar::JSON.to_owned()
    }
}
impl<T: DeserializeOwned> Input for Json<T> {
    fn from_value(value: &Value) -> Result<Self> {
        let json = value.to_json().ok_or_else(|| expected("JSON", value))?;
        serde_json::from_value(json).map(Self).map_err(|e| Error::new(format!("the JSON does not fit: {e}")))
    }
}
impl<T: Serialize> Output for Json<T> {
    fn into_value(self) -> Result<Value> {
        Ok(Value::json(&serde_json::to_value(self.0)?))
    }
}
impl<T: Serialize> Literal for Json<T> {
    fn to_literal(&self) -> Json_ {
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}

/// The result of a node: one output, or a tuple of outputs.
pub trait Outputs {
    /// The type name of each output, and whether it is a list.
    fn sockets() -> Vec<(String, bool)>;
    /// The outputs in order.
    ///
    /// # Errors
    /// A value can't leave the pack.
    fn into_values(self) -> Result<Vec<Value>>;
}

impl Outputs for () {
    fn sockets() -> Vec<(String, bool)> {
        Vec::new()
    }
    fn into_values(self) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
}
impl<T: Output> Outputs for T {
    fn sockets() -> Vec<(String, bool)> {
        vec![(T::socket(), T::LIST)]
    }
    fn into_values(self) -> Result<Vec<Value>> {
        Ok(vec![self.into_value()?])
    }
}

macro_rules! tuples {
    ($(($($name:ident),*)),*) => { $(
        impl<$($name: Output),*> Outputs for ($($name,)*) {
            fn sockets() -> Vec<(String, bool)> {
                vec![$(($name::socket(), $name::LIST)),*]
            }
            #[expect(non_snake_case, reason = "the type parameters name the parts of the tuple")]
            fn into_values(self) -> Result<Vec<Value>> {
                let ($($name,)*) = self;
                Ok(vec![$($name.into_value()?),*])
            }
        }
    )* };
}
tuples!(
    (A, B),
    (A, B, C),
    (A, B, C, D),
    (A, B, C, D, E),
    (A, B, C, D, E, F),
    (A, B, C, D, E, F, G),
    (A, B, C, D, E, F, G, H)
);
