//! `std.Calculate` and `std.Condition`

use crate::{
    expression,
    simple::{Number, Simple},
};
use splatgraph_sdk::prelude::*;

/// Calculates a number from other numbers.
///
/// The expression names the inputs: `a * 2 + b`, `max(a, b) / 255`, `round(a * 0.1)`. It has + - * / ^, `//` (division, rounded
/// down), `%` (its rest), brackets, `pi`, and the functions abs, ceil, cos, exp, floor, log (natural), max, min, round, sin and sqrt.
/// A half is rounded away from 0. Angles are in radians.
///
/// A result of whole numbers is whole if it is exact: 6 / 2 is 3, and 7 / 2 is 3.5. ceil, floor and round give whole numbers. A result
/// that is no finite number is an error.
#[node(category = "Numbers", outputs(value: "The number."))]
pub fn calculate(
    /// The expression.
    expression: String,
    /// The number `a`.
    a: Option<Number>,
    /// The number `b`.
    b: Option<Number>,
    /// The number `c`.
    c: Option<Number>,
    /// The number `d`.
    d: Option<Number>,
) -> Result<Number> {
    match expression::value(&expression, &[a, b, c, d].map(|number| number.map(Simple::Number)))? {
        // Only here, so that the error names the input.
        Simple::Number(number) => number.into_value().map(|_| number).map_err(|e| e.blame("expression")),
        other => {
            let message = format!("expected an expression of a number, got one of {}; use std.Condition", other.kind());
            Err(Error::input("expression", message))
        }
    }
}

/// Tells whether a condition holds.
///
/// The expression names the inputs: `a > 30`, `a == "small" and not b`, `a + b <= c or d`. It has == != < <= > >=, `and`, `or`, `not`,
/// texts in quotes, `true` and `false`, and all that std.Calculate has. `and` and `or` leave out their right side if the left side
/// decides: `b != 0 and a / b > 1` never divides by 0.
///
/// Texts are compared character by character, by their numbers in Unicode. Values of different kinds can't be compared.
#[node(category = "Numbers", outputs(value: "Whether the condition holds."))]
pub fn condition(
    /// The expression.
    expression: String,
    /// The value `a`.
    a: Option<Simple>,
    /// The value `b`.
    b: Option<Simple>,
    /// The value `c`.
    c: Option<Simple>,
    /// The value `d`.
    d: Option<Simple>,
) -> Result<bool> {
    match expression::value(&expression, &[a, b, c, d])? {
        Simple::Truth(truth) => Ok(truth),
        other => {
            let message = format!("expected a condition such as `a > 1`, got an expression of {}", other.kind());
            Err(Error::input("expression", message))
        }
    }
}
