//! A change of the values of an input.

use crate::graph::literal::as_written;
use serde_json::{Number, Value as Json};
use std::{collections::BTreeMap, fmt};

/// What happens to each value of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Texts have new words.
    Words(BTreeMap<String, String>),
    /// Numbers are multiplied.
    Times(f64),
    /// One value becomes a list.
    List,
}

impl Step {
    /// The value in the new form. A value that the change does not concern stays as it is.
    pub(super) fn apply(&self, value: Json) -> Json {
        match (self, value) {
            (Self::List, value @ (Json::Array(_) | Json::Null)) => value,
            (Self::List, value) => Json::Array(vec![value]),
            (_, Json::Array(items)) => items.into_iter().map(|item| self.apply(item)).collect(),
            (Self::Words(words), Json::String(text)) => words.get(&text).cloned().unwrap_or(text).into(),
            (Self::Times(factor), Json::Number(number)) => scaled(&number, *factor),
            (_, value) => value,
        }
    }

    /// The value that a user gives as text, in the new form.
    pub(super) fn apply_to_text(&self, text: &str) -> String {
        match self.apply(as_written(text)) {
            Json::String(text) => text,
            value => value.to_string(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => {
                let words: Vec<String> = words.iter().map(|(old, new)| format!("{old:?} > {new:?}")).collect();
                write!(f, "has new words: {}", words.join(", "))
            }
            Self::Times(factor) => write!(f, "has numbers {factor} times as large"),
            Self::List => f.write_str("takes a list"),
        }
    }
}

/// The product, as a whole number if it is one. It is rounded to 15 digits, so that 57 times 0.01 is 0.57 and not 0.5700000000000001.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
fn scaled(number: &Number, factor: f64) -> Json {
    let product = number.as_f64().unwrap_or_default() * factor;
    if !product.is_finite() {
        return number.clone().into();
    }
    let rounded = format!("{product:.14e}").parse().unwrap_or(product);
    if rounded.fract() == 0.0 && rounded.abs() < 2_f64.powi(53) { (rounded as i64).into() } else { rounded.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_and_texts_take_the_new_form() {
        let words = Step::Words([("box".to_owned(), "mean".to_owned())].into());
        assert_eq!(words.apply(json!(["box", "gauss"])), json!(["mean", "gauss"]));
        assert_eq!((words.apply_to_text("box"), words.apply_to_text("7")), ("mean".into(), "7".into()));
        let percent = Step::Times(0.01);
        assert_eq!(percent.apply(json!(57)), json!(0.57));
        assert_eq!(percent.apply(json!(200.0)), json!(2));
        assert_eq!(
            (percent.apply_to_text("29"), percent.apply_to_text("[100, 7]")),
            ("0.29".into(), "[1,0.07]".into())
        );
        assert_eq!(percent.apply_to_text("much"), "much");
        assert_eq!(Step::Times(-100.0).apply(json!(0.07)), json!(-7));
        assert_eq!(Step::List.apply(json!(3)), json!([3]));
        assert_eq!(Step::List.apply(json!([3])), json!([3]));
        assert_eq!(
            (Step::List.apply_to_text("a.png"), Step::List.apply_to_text("[1]")),
            ("[\"a.png\"]".into(), "[1]".into())
        );
    }
}
