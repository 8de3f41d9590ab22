//! Expressions over the inputs of a node, such as `a * 2 + b` and `a > 30 and not b`.
//!
//! `tokens` takes a text apart, `parse` makes a tree of it, and `evaluate` computes its value.

mod evaluate;
mod parse;
mod tokens;

use crate::simple::Simple;
use splatgraph_sdk::prelude::*;

/// The names of the inputs that an expression may use.
pub(crate) const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The most characters of an expression. With it, no expression is too deep for the stack.
const LONGEST: usize = 1000;

/// The value of an expression. `values` are the inputs in the order of [`NAMES`].
///
/// # Errors
/// The expression is malformed, names an input without a value, or has no value. The error names the input.
pub(crate) fn value(expression: &str, values: &[Option<Simple>; NAMES.len()]) -> Result<Simple> {
    let length = expression.chars().count();
    if length > LONGEST {
        let message = format!("expected at most {LONGEST} characters, got {length}; use several nodes");
        return Err(Error::input("expression", message));
    }
    let parsed = tokens::tokens(expression).and_then(parse::parse);
    parsed.and_then(|tree| evaluate::evaluate(&tree, values)).map_err(|e| e.blame("expression"))
}
