//! `std.Format` and `std.JoinText`

use crate::expression::NAMES;
use splatgraph_sdk::{Kind, prelude::*};

/// Writes values into a text.
///
/// `{a}` stands for the value of the input `a`: "{a} dB of {b:.2}". Behind a colon come a width and a number of decimals: `{a:.2}` has
/// 2 decimals, `{a:6}` fills up with spaces to 6 characters, and `{a:04}` with zeros to 4. Numbers stand at the right of their width,
/// texts at the left. Write `{{` and `}}` for braces.
///
/// A number without decimals has as many digits as it needs. JSON and lists are written as JSON.
#[node(category = "Text", outputs(text: "The text."))]
pub fn format(
    /// The text with `{a}`, `{b}`, `{c}` and `{d}` for the values.
    template: String,
    /// The value of `{a}`: a number, a text, true or false, JSON or a list of them.
    a: Option<Value>,
    /// The value of `{b}`.
    b: Option<Value>,
    /// The value of `{c}`.
    c: Option<Value>,
    /// The value of `{d}`.
    d: Option<Value>,
) -> Result<String> {
    let values = [a, b, c, d];
    let mut text = String::new();
    let mut rest = template.as_str();
    while let Some(place) = rest.find(['{', '}']) {
        text.push_str(&rest[..place]);
        rest = &rest[place..];
        let at = template[..template.len() - rest.len()].chars().count() + 1;
        if let Some(brace @ ("{{" | "}}")) = rest.get(..2) {
            text.push_str(&brace[..1]);
            rest = &rest[2..];
            continue;
        }
        let Some(end) = rest.find('}').filter(|end| *end > 0) else {
            let (got, other) = if rest.starts_with('{') { ("{", "}") } else { ("}", "{") };
            let message = format!(
                "expected a `{other}` for the `{got}` at character {at}, got none; write {got}{got} for a brace"
            );
            return Err(Error::input("template", message));
        };
        text.push_str(&written(&rest[1..end], at, &values)?);
        rest = &rest[end + 1..];
    }
    Ok(text + rest)
}

/// Joins texts to one.
#[node(category = "Text", outputs(text: "The text; empty for an empty list."))]
pub fn join_text(
    /// The texts.
    texts: Vec<String>,
    /// What stands between two texts.
    #[input(default = ", ")]
    separator: String,
) -> Result<String> {
    Ok(texts.join(&separator))
}

/// The text for the content of a pair of braces. `at` is the place of the first brace, for errors.
fn written(content: &str, at: usize, values: &[Option<Value>; NAMES.len()]) -> Result<String> {
    let refused = |message: String| Err(Error::input("template", message));
    let (name, form) = content.split_once(':').unwrap_or((content, ""));
    let Some(input) = NAMES.iter().position(|known| *known == name) else {
        return refused(format!(
            "expected the name of an input ({}) in braces, got `{{{content}}}` at character {at}; write {{{{ for a brace",
            NAMES.join(", ")
        ));
    };
    let Some(Form { zeros, width, decimals }) = Form::parse(form) else {
        return refused(format!(
            "expected a width of at most 1000, and a point and at most 100 decimals, such as 04 or 6.2, got `{form}` at character {at}"
        ));
    };
    let Some(value) = &values[input] else {
        return Err(Error::input(name, format!("expected a value for `{{{name}}}` in the template, got nothing")));
    };
    let is_number = value.as_float().is_some();
    if !is_number && (zeros || decimals.is_some()) {
        let message = format!("expected a number for `{{{content}}}`, got {}", value.type_name());
        return Err(Error::input(name, message));
    }
    let text = match (value.kind(), decimals) {
        (Kind::Text, _) => value.as_text().unwrap_or_default().to_owned(),
        (Kind::Float, Some(decimals)) => format!("{:.decimals$}", value.as_float().unwrap_or_default()),
        (Kind::Float, None) => value.as_float().unwrap_or_default().to_string(),
        (Kind::Int | Kind::Uint, _) => {
            let whole = value.as_int().unwrap_or_default().to_string();
            match decimals.unwrap_or_default() {
                0 => whole,
                decimals => format!("{whole}.{}", "0".repeat(decimals)),
            }
        }
        _ => match value.to_json() {
            Some(json) => json.to_string(),
            None => {
                let got =
                    if value.kind() == Kind::List { "a list of other values".to_owned() } else { value.type_name() };
                let message = format!("expected a number, a text, true or false, JSON or a list of them, got {got}");
                return Err(Error::input(name, message));
            }
        },
    };
    let missing = width.saturating_sub(text.chars().count());
    Ok(match (is_number, zeros) {
        (false, _) => text + &" ".repeat(missing),
        (true, false) => " ".repeat(missing) + &text,
        (true, true) => {
            let sign = usize::from(text.starts_with('-'));
            format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
        }
    })
}

/// How to write a value: `04`, `6.2`, `.3`.
struct Form {
    zeros: bool,
    width: usize,
    decimals: Option<usize>,
}

impl Form {
    /// `None` if the text is no form.
    fn parse(text: &str) -> Option<Self> {
        let (width, decimals) = text.split_once('.').map_or((text, None), |(width, decimals)| (width, Some(decimals)));
        let number = |digits: &str, most: usize| -> Option<usize> {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|number| is_number && *number <= most)
        };
        Some(Self {
            zeros: width.len() > 1 && width.starts_with('0'),
            width: if width.is_empty() { 0 } else { number(width, 1000)? },
            decimals: decimals.map(|decimals| number(decimals, 100)).map_or(Some(None), |found| found.map(Some))?,
        })
    }
}
