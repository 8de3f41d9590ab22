//! Values in the form of the store, from which the same values are made again, bit by bit.
//!
//! A text has `s` before it, and a number with a fraction is a text of `f` and its bits: JSON has no infinities, and readers of JSON
//! round. A list is an array. JSON and records are objects with one key. Tensors have numbers, and lie in a record of their own.

use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::{DType, Kind, Record, Tensor, Value, host::as_remote};

/// The deepest lists and JSON that are stored. Readers of JSON refuse deeper ones.
const DEEPEST: usize = 60;
/// The types on which packs agree: each pack makes its own object of a record of such a type.
const STANDARD: [&str; 7] = ["IMAGE", "MASK", "FEATURES", "SELECTION", "LAYOUT", "TOKENS", "FEATURE_MAP"];

/// The tensors of an entry, by their numbers.
#[derive(Default)]
pub(super) struct Tensors(Vec<Tensor>);

impl Tensors {
    /// All tensors in bytes; none without tensors.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return Some(Vec::new());
        }
        let fields = self.0.into_iter().enumerate().map(|(number, tensor)| (number.to_string(), tensor)).collect();
        Record { fields, ..Record::default() }.to_safetensors(DType::F32).ok()
    }

    /// The tensors in these bytes; `None` if the bytes are damaged.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let fields = Record::from_safetensors(bytes).ok()?.fields;
        let mut numbered: Vec<(usize, Tensor)> =
            fields.into_iter().map(|(name, tensor)| Some((name.parse().ok()?, tensor))).collect::<Option<_>>()?;
        numbered.sort_by_key(|(number, _)| *number);
        Some(Self(numbered.into_iter().map(|(_, tensor)| tensor).collect()))
    }

    fn add(&mut self, tensor: Tensor) -> usize {
        self.0.push(tensor);
        self.0.len() - 1
    }

    fn get(&self, number: &Json) -> Option<Tensor> {
        self.0.get(usize::try_from(number.as_u64()?).ok()?).cloned()
    }
}

/// A value for the store; `None` if it can't be stored.
pub(super) fn to_stored(value: &Value, tensors: &mut Tensors) -> Option<Json> {
    value_to_stored(value, tensors, 0)
}

fn value_to_stored(value: &Value, tensors: &mut Tensors, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    Some(match value.kind() {
        Kind::None => Json::Null,
        Kind::Bool => value.as_bool()?.into(),
        Kind::Int | Kind::Uint => value.to_json()?,
        Kind::Float => float(value.as_float()?),
        Kind::Text => format!("s{}", value.as_text()?).into(),
        Kind::Json => json!({"json": json_to_stored(&value.to_json()?, 0)?}),
        Kind::List => {
            let items = value.as_list()?;
            Json::Array(items.iter().map(|item| value_to_stored(item, tensors, depth + 1)).collect::<Option<_>>()?)
        }
        Kind::Object if is_record(value) => record_to_stored(value, tensors)?,
        _ => return None,
    })
}

/// Whether an object is no more than its fields and its header.
fn is_record(value: &Value) -> bool {
    let about = value.describe();
    let has_fields = about["fields"].as_object().is_some_and(|fields| !fields.is_empty());
    let belongs_to_pack = about["resident"] == true || as_remote(value).is_some();
    has_fields && (!belongs_to_pack || STANDARD.contains(&&*value.type_name()))
}

fn record_to_stored(value: &Value, tensors: &mut Tensors) -> Option<Json> {
    let record = Record::from_value(value).ok()?;
    let header = json_to_stored(&Json::Object(record.header), 0)?;
    let fields: Vec<Json> =
        record.fields.into_iter().map(|(name, tensor)| json!([name, tensors.add(tensor)])).collect();
    Some(json!({"record": {"type": record.type_name, "header": header, "fields": fields}}))
}

fn float(number: f64) -> Json {
    format!("f{:016x}", number.to_bits()).into()
}

fn json_to_stored(json: &Json, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    let inner = |json| json_to_stored(json, depth + 1);
    Some(match json {
        Json::Number(number) if number.is_f64() => float(number.as_f64()?),
        Json::String(text) => format!("s{text}").into(),
        Json::Array(items) => Json::Array(items.iter().map(inner).collect::<Option<_>>()?),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| Some((name.clone(), inner(value)?)));
            Json::Object(members.collect::<Option<_>>()?)
        }
        plain => plain.clone(),
    })
}

/// The value that [`to_stored`] made a form of; `None` if it is no such form.
pub(super) fn from_stored(stored: &Json, tensors: &Tensors) -> Option<Value> {
    match stored {
        Json::Array(items) => {
            let items = items.iter().map(|item| from_stored(item, tensors)).collect::<Option<Vec<_>>>()?;
            Some(Value::list(items))
        }
        Json::Object(members) => match members.iter().next()? {
            (key, json) if key == "json" => Some(Value::json(&json_from_stored(json)?)),
            (key, record) if key == "record" => record_from_stored(record, tensors),
            _ => None,
        },
        Json::String(text) => match text.strip_prefix('s') {
            Some(text) => Some(Value::text(text)),
            None => bits(text).map(Value::float),
        },
        plain => Some(Value::from_json(plain)),
    }
}

fn record_from_stored(stored: &Json, tensors: &Tensors) -> Option<Value> {
    let header: Map<String, Json> = match json_from_stored(&stored["header"])? {
        Json::Object(header) => header,
        _ => return None,
    };
    let fields = stored["fields"].as_array()?.iter();
    let fields = fields.map(|field| Some((field[0].as_str()?.to_owned(), tensors.get(&field[1])?)));
    let type_name = stored["type"].as_str()?.to_owned();
    Some(Record { type_name, header, fields: fields.collect::<Option<_>>()? }.into_value())
}

fn bits(text: &str) -> Option<f64> {
    u64::from_str_radix(text.strip_prefix('f')?, 16).ok().map(f64::from_bits)
}

fn json_from_stored(stored: &Json) -> Option<Json> {
    Some(match stored {
        Json::String(text) => match text.strip_prefix('s') {
            Some(text) => text.into(),
            None => bits(text)?.into(),
        },
        Json::Array(items) => Json::Array(items.iter().map(json_from_stored).collect::<Option<_>>()?),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| Some((name.clone(), json_from_stored(value)?)));
            Json::Object(members.collect::<Option<_>>()?)
        }
        plain => plain.clone(),
    })
}
