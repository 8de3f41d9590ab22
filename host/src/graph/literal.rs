//! Checks whether values in a graph file or on the command line fit an input.

use super::{
    json::describe,
    problem::{Kind, Problem},
};
use crate::words::nearest;
use serde_json::{Number, Value as Json};
use splatgraph_sdk::spec::{InputSpec, scalar};

fn takes(spec: &InputSpec, socket_type: &str) -> bool {
    spec.socket.split(',').any(|t| t == socket_type)
}

/// Whether an input takes values, and not only links.
pub(crate) fn takes_literals(spec: &InputSpec) -> bool {
    [scalar::INT, scalar::FLOAT, scalar::BOOLEAN, scalar::STRING, scalar::JSON, scalar::ANY]
        .iter()
        .any(|socket_type| takes(spec, socket_type))
}

/// Describes the values of an input: `a whole number from 1 to 4096`.
pub(crate) fn expected(spec: &InputSpec) -> String {
    let one = expected_one(spec);
    if spec.list { format!("a list in which each item is {one}") } else { one }
}

fn expected_one(spec: &InputSpec) -> String {
    if !spec.choices.is_empty() {
        let names: Vec<String> = spec.choices.iter().map(|choice| format!("{:?}", choice.name)).collect();
        return format!("one of {}", names.join(", "));
    }
    if spec.path.is_some() {
        return "a path".to_owned();
    }
    let types = spec.socket.split(',').map(|socket_type| match socket_type {
        scalar::INT => format!("a whole number{}", range(spec)),
        scalar::FLOAT => format!("a number{}", range(spec)),
        scalar::BOOLEAN => "true or false".to_owned(),
        scalar::STRING => "a text".to_owned(),
        scalar::JSON => "a JSON value".to_owned(),
        scalar::ANY => "anything".to_owned(),
        other => format!("a link to {other}"),
    });
    types.collect::<Vec<_>>().join(" or ")
}

fn range(spec: &InputSpec) -> String {
    match (&spec.min, &spec.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of at least {min}"),
        (None, Some(max)) => format!(" of at most {max}"),
        (None, None) => String::new(),
    }
}

/// How JSON writes a word of Python, or of a person.
pub(super) fn in_json(word: &str) -> Option<&'static str> {
    match word {
        "True" | "TRUE" => Some("write true"),
        "False" | "FALSE" => Some("write false"),
        "None" | "NONE" | "Null" | "NULL" | "nil" | "undefined" => Some("write null"),
        _ => None,
    }
}

/// What to write for a text from the command line that is nearly JSON.
fn nearly_json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['[', '{', '(']) {
        return in_json(text).map(str::to_owned);
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).find_map(in_json);
    let hint = words.or_else(|| text.contains('\'').then_some("write text in double quotes, as \"text\""));
    hint.map(str::to_owned).or_else(|| Some("write it as JSON, as [1, 2] or {\"key\": 1}".to_owned()))
}

/// Whether a text from the command line is several values: `1,2` or `0..9`.
fn is_several(text: &str) -> bool {
    let parts: Vec<&str> = text.split(',').flat_map(|part| part.split("..")).collect();
    parts.len() > 1 && parts.iter().all(|part| part.trim().split(':').all(|number| number.parse::<f64>().is_ok()))
}

/// Checks a value. Returns it as the node gets it: a whole number becomes a float if the input takes only floats.
pub(crate) fn check(spec: &InputSpec, value: &Json) -> Result<Json, Problem> {
    if value.is_null() && !spec.required() {
        return Ok(Json::Null);
    }
    if !spec.list {
        return check_one(spec, value);
    }
    let Json::Array(items) = value else {
        let hint = r#"write a list of values as {"__value__": [...]}"#.to_owned();
        return Err(wrong_type(spec, &expected(spec), value).hint(hint));
    };
    let check_item = |(index, item)| {
        check_one(spec, item).map_err(|problem| {
            let received = problem.received.clone().unwrap_or_default();
            problem.received(format!("{received} at position {index}"))
        })
    };
    items.iter().enumerate().map(check_item).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

fn check_one(spec: &InputSpec, value: &Json) -> Result<Json, Problem> {
    let wrong = || wrong_type(spec, &expected_one(spec), value);
    if !takes_literals(spec) {
        return Err(wrong().hint(r#"write a link as ["node", "output"]"#.to_owned()));
    }
    if takes(spec, scalar::JSON)
        && !takes(spec, scalar::STRING)
        && let Json::String(text) = value
        && !matches!(spec.default, Some(Json::String(_)))
        && let Ok(inner @ (Json::Array(_) | Json::Object(_))) = serde_json::from_str::<Json>(text)
    {
        let form = if inner.is_array() { format!("{{\"__value__\": {inner}}}") } else { inner.to_string() };
        return Err(wrong().hint(format!("write it without quotes: {form}")));
    }
    if takes(spec, scalar::ANY) || takes(spec, scalar::JSON) {
        return Ok(value.clone());
    }
    match value {
        Json::Number(number) if takes(spec, scalar::INT) && !number.is_f64() => {
            in_range(spec, number).map(|()| value.clone())
        }
        Json::Number(number) if takes(spec, scalar::FLOAT) => {
            in_range(spec, number)?;
            Ok(number.as_f64().map_or_else(|| value.clone(), Json::from))
        }
        Json::Bool(_) if takes(spec, scalar::BOOLEAN) => Ok(value.clone()),
        Json::String(text) if takes(spec, scalar::STRING) => check_text(spec, text).map(|()| value.clone()),
        _ => Err(wrong()),
    }
}

fn check_text(spec: &InputSpec, text: &str) -> Result<(), Problem> {
    if spec.path.is_some() && text.is_empty() {
        return Err(Problem::new(Kind::Path, "").expected("a path").received("an empty text"));
    }
    if spec.choices.is_empty() || spec.choices.iter().any(|choice| choice.name == text) {
        return Ok(());
    }
    let near = nearest(text, spec.choices.iter().map(|choice| choice.name.as_str()));
    let problem = Problem::new(Kind::NotAChoice, "").expected(expected_one(spec)).received(format!("{text:?}"));
    Err(problem.hint(near.map(|near| format!("did you mean {near:?}?"))))
}

fn in_range(spec: &InputSpec, number: &Number) -> Result<(), Problem> {
    let limit = |limit: &Option<Json>| limit.as_ref().and_then(Json::as_number).cloned();
    let kind = match (limit(&spec.min), limit(&spec.max)) {
        (Some(min), _) if is_less(number, &min) => Kind::TooSmall,
        (_, Some(max)) if is_less(&max, number) => Kind::TooLarge,
        _ => return Ok(()),
    };
    Err(Problem::new(kind, "").expected(expected_one(spec)).received(number.to_string()))
}

/// Compares two numbers. Whole numbers are compared exactly, as a seed may be 2^64-1.
fn is_less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64() < b.as_f64(),
    }
}

fn wrong_type(spec: &InputSpec, expected: &str, value: &Json) -> Problem {
    let hint = match value {
        Json::Number(number) if takes(spec, scalar::INT) => {
            // A larger float may stand for several whole numbers.
            number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 2_f64.powi(53))
                .map(|float| format!("write {float:.0}"))
        }
        Json::Number(number) if takes(spec, scalar::STRING) => Some(format!("write it in quotes: \"{number}\"")),
        Json::Number(number) if takes(spec, scalar::BOOLEAN) => match number.as_i64() {
            Some(0) => Some("write false".to_owned()),
            Some(1) => Some("write true".to_owned()),
            _ => None,
        },
        Json::Bool(value) if takes(spec, scalar::STRING) => Some(format!("write it in quotes: \"{value}\"")),
        Json::String(text) if from_text(spec, text).is_ok() => Some(format!("write it without quotes: {text}")),
        Json::Null => Some("leave the input out to give it no value".to_owned()),
        _ => None,
    };
    Problem::new(Kind::WrongType, "").expected(expected).received(describe(value)).hint(hint)
}

/// Converts a text from the command line to a value, by the type of the input.
pub(crate) fn from_text(spec: &InputSpec, text: &str) -> Result<Json, Problem> {
    let failed = |expected: String| Problem::new(Kind::WrongType, "").expected(expected).received(format!("{text:?}"));
    if !takes_literals(spec) {
        let hint = "only the graph file can give it".to_owned();
        return Err(failed(format!("a link to {}", spec.socket)).hint(hint));
    }
    if spec.list {
        return match serde_json::from_str(text) {
            Ok(list @ Json::Array(_)) => check(spec, &list),
            _ => {
                let hint = Some("write a list as JSON: [1, 2]".to_owned());
                Err(failed(expected(spec)).hint(nearly_json(text).filter(|_| text.contains('[')).or(hint)))
            }
        };
    }
    let is_text = spec.path.is_some() || !spec.choices.is_empty();
    let value = scalar_from_text(spec, text).filter(|_| !is_text);
    match value {
        Some(value) => check(spec, &value),
        None if takes(spec, scalar::STRING) || takes(spec, scalar::ANY) => check(spec, &text.into()),
        None if takes(spec, scalar::INT) && is_whole(text) => {
            let limit = |limit: &Option<Json>, of_type: String| limit.as_ref().map_or(of_type, Json::to_string);
            let (min, max) = (limit(&spec.min, i64::MIN.to_string()), limit(&spec.max, u64::MAX.to_string()));
            let expected = format!("a whole number from {min} to {max}");
            let kind = if text.starts_with('-') { Kind::TooSmall } else { Kind::TooLarge };
            Err(Problem::new(kind, "").expected(expected).received(text))
        }
        None if is_several(text) => {
            let hint = "a run takes one value; `splatgraph batch` runs a graph over several".to_owned();
            Err(failed(expected(spec)).hint(hint))
        }
        None => {
            let is_near = takes(spec, scalar::JSON) || takes(spec, scalar::BOOLEAN);
            Err(failed(expected(spec)).hint(nearly_json(text).filter(|_| is_near)))
        }
    }
}

/// The value that a text from the command line most likely is, for an input whose type is not known: a number, a list, or else a text.
pub(super) fn as_written(text: &str) -> Json {
    let json = serde_json::from_str(text).ok().filter(|json: &Json| json.is_number() || json.is_array());
    json.unwrap_or_else(|| text.into())
}

/// Whether a text is a whole number of any size.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn scalar_from_text(spec: &InputSpec, text: &str) -> Option<Json> {
    let int = || text.parse::<i64>().map(Json::from).or_else(|_| text.parse::<u64>().map(Json::from)).ok();
    let float = || text.parse::<f64>().ok().and_then(Number::from_f64).map(Json::Number);
    let boolean = || text.parse::<bool>().map(Json::from).ok();
    let json = || serde_json::from_str(text).ok();
    None.or_else(|| int().filter(|_| takes(spec, scalar::INT)))
        .or_else(|| float().filter(|_| takes(spec, scalar::FLOAT)))
        .or_else(|| boolean().filter(|_| takes(spec, scalar::BOOLEAN)))
        .or_else(|| json().filter(|_| takes(spec, scalar::JSON) || takes(spec, scalar::ANY)))
}
