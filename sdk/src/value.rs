//! The values that pass along links.

use crate::{Error, Result, Tensor};
use serde_json::Value as Json;
use splatgraph_abi::{self as abi, DlTensor, NodeError, Shared, device, kind, share};
use std::{any::Any, fmt};

/// A scalar, text, JSON, a list, or a shared object. Cloning is cheap.
#[derive(Clone)]
pub struct Value(pub(crate) abi::Value);

/// The kind of content of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    None,
    Bool,
    /// A whole number that fits an `i64`.
    Int,
    /// A whole number above `i64::MAX` that fits a `u64`.
    Uint,
    Float,
    Text,
    Json,
    List,
    /// A record, or a value that only its own pack understands.
    Object,
    /// A kind of a newer interface.
    Unknown,
}

struct Text(String);
struct JsonText(String);
struct List(Vec<abi::Value>);

fn no_field(name: &str, of: &str) -> NodeError {
    NodeError::bad_input(format!("expected a value with fields, got {of} for the field `{name}`"))
}

impl Shared for Text {
    fn type_name(&self) -> &str {
        crate::spec::scalar::STRING
    }
    fn describe(&self) -> String {
        "{}".into()
    }
    fn text(&self) -> &str {
        &self.0
    }
    fn field(&self, name: &str, _: i32) -> Result<DlTensor, NodeError> {
        Err(no_field(name, "a text"))
    }
    fn inner(&self) -> &(dyn Any + Send + Sync) {
        &self.0
    }
}

impl Shared for JsonText {
    fn type_name(&self) -> &str {
        crate::spec::scalar::JSON
    }
    fn describe(&self) -> String {
        "{}".into()
    }
    fn text(&self) -> &str {
        &self.0
    }
    fn field(&self, name: &str, _: i32) -> Result<DlTensor, NodeError> {
        Err(no_field(name, "a JSON value"))
    }
    fn inner(&self) -> &(dyn Any + Send + Sync) {
        &self.0
    }
}

impl Shared for List {
    fn type_name(&self) -> &str {
        "LIST"
    }
    fn describe(&self) -> String {
        format!("{{\"length\":{}}}", self.0.len())
    }
    fn items(&self) -> &[abi::Value] {
        &self.0
    }
    fn field(&self, name: &str, _: i32) -> Result<DlTensor, NodeError> {
        Err(no_field(name, "a list"))
    }
    fn inner(&self) -> &(dyn Any + Send + Sync) {
        &self.0
    }
}

impl Value {
    /// Nothing: an input that the graph leaves out.
    #[must_use]
    pub fn none() -> Self {
        Self(abi::Value::scalar(kind::NONE, 0))
    }
    /// true or false.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self(abi::Value::scalar(kind::BOOL, u64::from(value)))
    }
    /// A whole number.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self(abi::Value::scalar(kind::INT, value.cast_unsigned()))
    }
    /// A whole number that is not negative.
    #[must_use]
    pub fn uint(value: u64) -> Self {
        match i64::try_from(value) {
            Ok(value) => Self::int(value),
            Err(_) => Self(abi::Value::scalar(kind::UINT, value)),
        }
    }
    /// A floating point number.
    #[must_use]
    pub fn float(value: f64) -> Self {
        Self(abi::Value::scalar(kind::FLOAT, value.to_bits()))
    }
    /// Text.
    #[must_use]
    pub fn text(value: impl Into<String>) -> Self {
        Self::of_text(value.into())
    }
    // `of_text` and `of_list` are not generic, so that they are compiled here and not again in each pack.
    fn of_text(text: String) -> Self {
        Self(share(kind::TEXT, Text(text)))
    }
    fn of_list(values: Vec<abi::Value>) -> Self {
        Self(share(kind::LIST, List(values)))
    }
    /// Any JSON value.
    #[must_use]
    pub fn json(value: &Json) -> Self {
        Self(share(kind::JSON, JsonText(value.to_string())))
    }
    /// A list of values.
    #[must_use]
    pub fn list(values: impl IntoIterator<Item = Value>) -> Self {
        Self::of_list(values.into_iter().map(|v| v.0).collect())
    }

    /// Converts a literal. Null becomes nothing, an array a list and an object JSON.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::none(),
            Json::Bool(b) => Self::bool(*b),
            Json::Number(n) => n
                .as_i64()
                .map(Self::int)
                .or_else(|| n.as_u64().map(Self::uint))
                .unwrap_or_else(|| Self::float(n.as_f64().unwrap_or(f64::NAN))),
            Json::String(s) => Self::text(s.clone()),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json)),
            Json::Object(_) => Self::json(json),
        }
    }

    /// Converts to a literal; `None` if the value holds an object. Infinities and NaN, which JSON can't write, become null.
    #[must_use]
    pub fn to_json(&self) -> Option<Json> {
        Some(match self.kind() {
            Kind::None => Json::Null,
            Kind::Bool => Json::Bool(self.0.bits != 0),
            Kind::Int => Json::from(self.0.bits.cast_signed()),
            Kind::Uint => Json::from(self.0.bits),
            Kind::Float => Json::from(f64::from_bits(self.0.bits)),
            Kind::Text => Json::from(self.0.text()),
            Kind::Json => serde_json::from_str(self.0.text()).ok()?,
            Kind::List => Json::Array(self.0.items().into_iter().map(|v| Value(v).to_json()).collect::<Option<_>>()?),
            Kind::Object | Kind::Unknown => return None,
        })
    }

    /// The kind of content.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.kind {
            kind::NONE => Kind::None,
            kind::BOOL => Kind::Bool,
            kind::INT => Kind::Int,
            kind::UINT => Kind::Uint,
            kind::FLOAT => Kind::Float,
            kind::TEXT => Kind::Text,
            kind::JSON => Kind::Json,
            kind::LIST => Kind::List,
            kind::OBJECT => Kind::Object,
            _ => Kind::Unknown,
        }
    }

    /// Whether the value is nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.kind() == Kind::None
    }

    /// true or false.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then_some(self.0.bits != 0)
    }

    /// A whole number of any size.
    #[must_use]
    pub fn as_int(&self) -> Option<i128> {
        match self.kind() {
            Kind::Int => Some(i128::from(self.0.bits.cast_signed())),
            Kind::Uint => Some(i128::from(self.0.bits)),
            _ => None,
        }
    }

    /// A number; whole numbers are converted.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self.kind() {
            Kind::Float => Some(f64::from_bits(self.0.bits)),
            _ => self.as_int().map(|i| i as f64),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        (self.kind() == Kind::Text).then(|| self.0.text())
    }

    /// The values of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<Vec<Value>> {
        (self.kind() == Kind::List).then(|| self.0.items().into_iter().map(Value).collect())
    }

    /// The first values of a list, at most `most`, and the number of all values.
    #[must_use]
    pub fn start_of_list(&self, most: usize) -> Option<(Vec<Value>, u64)> {
        let start = || self.0.first_items(most as u64).into_iter().map(Value).collect();
        (self.kind() == Kind::List).then(|| (start(), self.0.item_count()))
    }

    /// `INT`, `FLOAT`, `IMAGE`, ...
    #[must_use]
    pub fn type_name(&self) -> String {
        use crate::spec::scalar;
        match self.kind() {
            Kind::None => "nothing".into(),
            Kind::Bool => scalar::BOOLEAN.into(),
            Kind::Int | Kind::Uint => scalar::INT.into(),
            Kind::Float => scalar::FLOAT.into(),
            Kind::Text => scalar::STRING.into(),
            Kind::Json => scalar::JSON.into(),
            Kind::List => "a list".into(),
            Kind::Object | Kind::Unknown => self.0.type_name().to_owned(),
        }
    }

    /// A description of an object: `{"type", "fields": {name: {"dtype", "shape"}}, "header", "device", "host_bytes", "device_bytes"}`.
    #[must_use]
    pub fn describe(&self) -> Json {
        let mut description =
            serde_json::from_str(&self.0.describe()).unwrap_or_else(|_| Json::Object(serde_json::Map::new()));
        description["type"] = self.type_name().into();
        description
    }

    /// The names of an object's fields.
    #[must_use]
    pub fn field_names(&self) -> Vec<String> {
        self.describe()["fields"].as_object().map(|f| f.keys().cloned().collect()).unwrap_or_default()
    }

    /// A field of an object, in host memory.
    ///
    /// # Errors
    /// The object has no such field, or the field can't be read.
    pub fn field(&self, name: &str) -> Result<Tensor> {
        Tensor::from_dlpack(self.0.field(name, device::CPU).map_err(Error::from_abi)?)
    }

    /// The approximate number of bytes in host memory.
    #[must_use]
    pub fn host_bytes(&self) -> u64 {
        match self.kind() {
            Kind::Text | Kind::Json => self.0.text().len() as u64,
            Kind::List => self.0.items().into_iter().map(|v| Value(v).host_bytes()).sum(),
            Kind::Object => self.describe()["host_bytes"].as_u64().unwrap_or(0),
            _ => 0,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_json() {
            Some(json) => write!(f, "Value({json})"),
            None => write!(f, "Value({} {})", self.type_name(), self.0.describe()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_survive() {
        for literal in [
            json!(null),
            json!(true),
            json!(-3),
            json!(u64::MAX),
            json!(1.5),
            json!("a"),
            json!([1, [2]]),
            json!({"a": [1]}),
        ] {
            assert_eq!(Value::from_json(&literal).to_json(), Some(literal));
        }
    }

    #[test]
    fn a_list_has_a_start() {
        let (start, all) = Value::list((0..5).map(Value::int)).start_of_list(2).unwrap();
        assert_eq!((start.iter().map(Value::as_int).collect::<Vec<_>>(), all), (vec![Some(0), Some(1)], 5));
        assert_eq!(Value::list([Value::int(7)]).start_of_list(2).unwrap().0.len(), 1);
        assert!(Value::text("ab").start_of_list(2).is_none());
    }

    #[test]
    fn whole_numbers_keep_all_their_digits() {
        assert_eq!(Value::uint(u64::MAX).as_int(), Some(i128::from(u64::MAX)));
        assert_eq!(Value::uint(7).kind(), Kind::Int);
        assert_eq!(Value::int(2).as_float(), Some(2.0));
        assert_eq!(Value::float(2.0).as_int(), None);
    }
}
