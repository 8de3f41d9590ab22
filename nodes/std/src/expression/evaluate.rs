//! Computes the value of an expression.

use super::{NAMES, parse::Tree};
use crate::simple::{Number, Simple};
use Number::{Float, Whole};
use splatgraph_sdk::prelude::*;
use std::cmp::Ordering;

/// The value of a tree. `and` and `or` leave their right side alone if the left side decides.
///
/// # Errors
/// An input has no value, an operator gets another kind of value, or a number has no result.
pub(super) fn evaluate(tree: &Tree, values: &[Option<Simple>; NAMES.len()]) -> Result<Simple> {
    let of = |tree: &Tree| evaluate(tree, values);
    Ok(match tree {
        Tree::Value(value) => value.clone(),
        Tree::Input(input) => {
            let name = NAMES[*input];
            values[*input].clone().ok_or_else(|| {
                Error::input(name, format!("expected a value for `{name}`, which the expression names, got nothing"))
            })?
        }
        Tree::Negative(inner) => Simple::Number(match number(of(inner)?, "-")? {
            Whole(whole) => whole_result(whole.checked_neg(), "-")?,
            Float(float) => Float(-float),
        }),
        Tree::Not(inner) => Simple::Truth(!truth(of(inner)?, "not")?),
        Tree::Pair(word @ ("and" | "or"), sides) => {
            let left = truth(of(&sides[0])?, word)?;
            Simple::Truth(if left == (*word == "or") { left } else { truth(of(&sides[1])?, word)? })
        }
        Tree::Pair(sign, sides) => {
            let (left, right) = (of(&sides[0])?, of(&sides[1])?);
            match comparison(sign) {
                Some(holds) => {
                    let ordering = left.compare(&right).ok_or_else(|| {
                        let kinds = format!("{} and {}", left.kind(), right.kind());
                        Error::new(format!("expected two values of one kind for `{sign}`, got {kinds}"))
                    })?;
                    Simple::Truth(holds(ordering))
                }
                None => Simple::Number(calculate(sign, number(left, sign)?, number(right, sign)?)?),
            }
        }
        Tree::Call(function, arguments) => {
            let numbers = arguments.iter().map(|tree| number(of(tree)?, function)).collect::<Result<Vec<_>>>()?;
            Simple::Number(call(function, &numbers)?)
        }
    })
}

fn number(value: Simple, operator: &str) -> Result<Number> {
    match value {
        Simple::Number(number) => Ok(number),
        other => bail!("expected numbers for `{operator}`, got {}", other.kind()),
    }
}

fn truth(value: Simple, operator: &str) -> Result<bool> {
    match value {
        Simple::Truth(truth) => Ok(truth),
        other => bail!("expected true or false for `{operator}`, got {}; compare it with another value", other.kind()),
    }
}

fn comparison(sign: &str) -> Option<fn(Ordering) -> bool> {
    Some(match sign {
        "==" => Ordering::is_eq,
        "!=" => Ordering::is_ne,
        "<" => Ordering::is_lt,
        "<=" => Ordering::is_le,
        ">" => Ordering::is_gt,
        ">=" => Ordering::is_ge,
        _ => return None,
    })
}

fn whole_result(result: Option<i128>, operator: &str) -> Result<Number> {
    let Some(whole) = result else {
        bail!(
            "expected a whole number below 2^127 from `{operator}`, got a larger one; write a number as a float, such as 2.0"
        );
    };
    Ok(Whole(whole))
}

fn float_result(float: f64, operator: &str) -> Result<Number> {
    if !float.is_finite() {
        bail!(
            "expected a finite number from `{operator}`, got {}; use other numbers",
            if float.is_nan() { "none" } else { "one that is too large" }
        );
    }
    Ok(Float(float))
}

/// Whole numbers stay whole if the result is one. `//` rounds down, and `%` has the sign of its right side, as in Python.
fn calculate(sign: &str, left: Number, right: Number) -> Result<Number> {
    if matches!(sign, "/" | "//" | "%") && right.as_float() == 0.0 {
        bail!("expected a number other than 0 behind `{sign}`, got 0");
    }
    if let (Whole(a), Whole(b)) = (left, right) {
        // Division rounds towards 0; if it rounded up, the rest has the other sign than the right side.
        let is_up = |rest: i128| rest != 0 && (rest < 0) != (b < 0);
        let result = match sign {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "/" if a.checked_rem(b) != Some(0) => return float_result(a as f64 / b as f64, sign),
            "/" => a.checked_div(b),
            "//" => a.checked_rem(b).map(|rest| a / b - i128::from(is_up(rest))),
            "%" => a.checked_rem(b).map(|rest| if is_up(rest) { rest + b } else { rest }),
            // The power of a whole number with a negative exponent is a fraction.
            _ if b < 0 => return float_result((a as f64).powf(b as f64), sign),
            _ if matches!(a, 0 | 1) => Some(if b == 0 { 1 } else { a }),
            _ => u32::try_from(b).ok().and_then(|exponent| a.checked_pow(exponent)),
        };
        return whole_result(result, sign);
    }
    let (a, b) = (left.as_float(), right.as_float());
    let result = match sign {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "//" => (a / b).floor(),
        "%" => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
        _ => a.powf(b),
    };
    float_result(result, sign)
}

fn call(function: &str, numbers: &[Number]) -> Result<Number> {
    let (first, rest) = numbers.split_first().expect("the parser gives a function at least one value");
    let smallest = |best: Number, next: &Number| if next.compare(best).is_lt() { *next } else { best };
    let largest = |best: Number, next: &Number| if next.compare(best).is_gt() { *next } else { best };
    let x = first.as_float();
    float_result(
        match (function, *first) {
            ("min", _) => return Ok(rest.iter().fold(*first, smallest)),
            ("max", _) => return Ok(rest.iter().fold(*first, largest)),
            ("abs", Whole(whole)) => return whole_result(whole.checked_abs(), function),
            ("ceil" | "floor" | "round", Whole(whole)) => return Ok(Whole(whole)),
            ("ceil", _) => return rounded(x.ceil(), function),
            ("floor", _) => return rounded(x.floor(), function),
            ("round", _) => return rounded(x.round(), function),
            ("abs", _) => x.abs(),
            ("cos", _) => x.cos(),
            ("exp", _) => x.exp(),
            ("log", _) => x.ln(),
            ("sin", _) => x.sin(),
            _ => x.sqrt(),
        },
        function,
    )
}

/// A float without a fraction as a whole number.
fn rounded(float: f64, function: &str) -> Result<Number> {
    // Beyond, the conversion would give the nearest number that fits.
    let fits = float.abs() < 2_f64.powi(127);
    whole_result(fits.then_some(float as i128), function)
}
