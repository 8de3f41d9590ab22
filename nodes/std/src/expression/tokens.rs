//! Takes the text of an expression apart.

use crate::simple::{Number, Simple};
use splatgraph_sdk::prelude::*;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// A number or a text.
    Value(Simple),
    /// The name of an input or a function, or a word such as `and`.
    Name(String),
    /// An operator, a bracket or a comma.
    Sign(&'static str),
    End,
}

/// A part and its place: the number of its first character, from 1.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) part: Part,
    pub(super) at: usize,
}

/// The longer ones come first.
const SIGNS: [&str; 16] = ["**", "//", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")"];

/// The parts of a text, with [`Part::End`] behind the last one.
///
/// # Errors
/// The text has a character that no part begins with, or a number or a text that is malformed.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.chars().count() - rest.chars().count() + 1;
        let (part, length) = match rest.chars().next() {
            None => (Part::End, 0),
            Some(first) if first.is_ascii_digit() || first == '.' => number(rest, at)?,
            Some(quote @ ('\'' | '"')) => quoted(rest, quote, at)?,
            Some(first) if is_of_name(first) => {
                let length = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
                (Part::Name(rest[..length].to_owned()), length)
            }
            Some(',') => (Part::Sign(","), 1),
            Some(first) => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Part::Sign(sign), sign.len()),
                None => {
                    bail!("expected a number, a name or an operator, got `{first}` at character {at}{}", hint(first))
                }
            },
        };
        let is_end = part == Part::End;
        tokens.push(Token { part, at });
        if is_end {
            return Ok(tokens);
        }
        rest = &rest[length..];
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What to write in place of a sign of other languages.
fn hint(sign: char) -> &'static str {
    match sign {
        '=' => "; write == to compare",
        '&' => "; write and",
        '|' => "; write or",
        '!' => "; write not",
        _ => "",
    }
}

/// A number: `12`, `0.5`, `.5`, `1e-3`. Without a point and an exponent it is whole.
fn number(text: &str, at: usize) -> Result<(Part, usize)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    let mut is_whole = true;
    if bytes.get(end) == Some(&b'.') {
        (is_whole, end) = (false, digits(end + 1));
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(exponent) > exponent {
            (is_whole, end) = (false, digits(exponent));
        }
    }
    let literal = &text[..end];
    let value = if is_whole {
        literal.parse().ok().map(Number::Whole)
    } else {
        literal.parse().ok().filter(|float: &f64| float.is_finite()).map(Number::Float)
    };
    let Some(value) = value else { bail!("expected a number, got `{literal}` at character {at}") };
    Ok((Part::Value(Simple::Number(value)), end))
}

/// A text between two quotes of one kind.
fn quoted(text: &str, quote: char, at: usize) -> Result<(Part, usize)> {
    let Some(end) = text[1..].find(quote) else {
        bail!("expected a closing {quote} for the text at character {at}, got the end of the expression");
    };
    Ok((Part::Value(Simple::Text(text[1..=end].to_owned())), end + 2))
}
