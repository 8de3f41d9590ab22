//! Lists: `std.List`, `std.Range`, `std.Item`, `std.Length`, `std.Slice`, `std.Sort`, `std.Reverse`.

use crate::simple::{Number, Simple};
use splatgraph_sdk::prelude::*;
use std::cmp::Ordering;

/// The most numbers of a range. They take less than 1 GB of memory.
const MOST: usize = 10_000_000;

/// Makes a list of values, and of all values of lists.
#[node(category = "Lists", outputs(list: "The values, in order."))]
pub fn list(
    /// The values. A list among them gives its values.
    values: Vec<Value>,
) -> Result<Vec<Value>> {
    Ok(values)
}

/// Makes a list of numbers.
///
/// Like a range of `batch`, it has its end: from 0 to 9 are 10 numbers. With a step, the last number is the last one that does not pass
/// the end. With a count, so many numbers have equal distances from start to stop. A number is whole if start and stop are whole and it
/// is exact. If stop is less than start, the step has to be negative.
#[node(category = "Lists", outputs(list: "The numbers, at most 10 million."))]
pub fn range(
    /// The first number.
    #[input(default = Number::Whole(0))]
    start: Number,
    /// The last number.
    stop: Number,
    /// The difference of two numbers; 1 without a count.
    step: Option<Number>,
    /// How many numbers, in place of a step. One number is start.
    #[input(min = 0, max = 10_000_000)]
    count: Option<usize>,
) -> Result<Vec<Number>> {
    for (name, number) in [("start", Some(start)), ("stop", Some(stop)), ("step", step)] {
        if let Some(number) = number.filter(|number| !number.as_float().is_finite()) {
            return Err(Error::input(name, format!("expected a finite number, got {number}")));
        }
    }
    match (step, count) {
        (Some(_), Some(_)) => Err(Error::input("step", "expected a step or a count, got both; leave one out")),
        (None, Some(count)) => Ok((0..count).map(|i| between(start, stop, i, count - 1)).collect()),
        (step, None) => steps(start, stop, step.unwrap_or(Number::Whole(1))),
    }
}

/// The number after `i` of `parts` equal parts of the way from start to stop.
fn between(start: Number, stop: Number, i: usize, parts: usize) -> Number {
    if i == 0 {
        return start;
    }
    if i == parts {
        return stop;
    }
    if let (Number::Whole(start), Number::Whole(stop)) = (start, stop) {
        let way = (stop - start) * i as i128;
        if way % parts as i128 == 0 {
            return Number::Whole(start + way / parts as i128);
        }
    }
    let part = i as f64 / parts as f64;
    // Both ends are exact, and the way between them can't be too large for a float.
    Number::Float(start.as_float() * (1.0 - part) + stop.as_float() * part)
}

fn steps(start: Number, stop: Number, step: Number) -> Result<Vec<Number>> {
    let (from, to, by) = (start.as_float(), stop.as_float(), step.as_float());
    if by == 0.0 {
        return Err(Error::input("step", "expected a number other than 0, got 0"));
    }
    let way = stop.compare(start);
    if way.is_ne() && way.is_lt() != (by < 0.0) {
        let sign = if by < 0.0 { "positive" } else { "negative" };
        let message = format!(
            "expected a {sign} step from {start} to {stop}, got {step}; give another step, or exchange start and stop"
        );
        return Err(Error::input("step", message));
    }
    let too_many = |count: String| {
        Error::input("step", format!("expected at most {MOST} numbers, got {count}; use a larger step"))
    };
    if let (Number::Whole(start), Number::Whole(stop), Number::Whole(step)) = (start, stop, step) {
        let count = (stop - start) / step + 1;
        let count =
            usize::try_from(count).ok().filter(|count| *count <= MOST).ok_or_else(|| too_many(count.to_string()))?;
        return Ok((0..count).map(|i| Number::Whole(start + step * i as i128)).collect());
    }
    // The tolerance lets 0 to 1 in steps of 0.1 have its end, although 0.1 is not exact.
    let last = (to / by - from / by + 1e-9).floor();
    if !(0.0..MOST as f64).contains(&last) {
        return Err(too_many(format!("about {:.0e}", last + 1.0)));
    }
    Ok((0..=last as usize).map(|i| Number::Float(from + by * i as f64)).collect())
}

/// Takes one value of a list.
#[node(category = "Lists", outputs(value: "The value."))]
pub fn item(
    /// The list.
    list: Vec<Value>,
    /// The position, from 0; negative from the end: -1 is the last value.
    #[input(default = 0)]
    index: i64,
) -> Result<Value> {
    let length = list.len() as i64;
    if length == 0 {
        return Err(Error::input("list", "expected a list with at least one value, got an empty list"));
    }
    let at = if index < 0 { index.checked_add(length) } else { Some(index) };
    let value = at.and_then(|at| usize::try_from(at).ok()).and_then(|at| list.get(at));
    value.cloned().ok_or_else(|| {
        let values = if length == 1 { "value" } else { "values" };
        let message = format!(
            "expected an index from {} to {} for a list of {length} {values}, got {index}",
            -length,
            length - 1
        );
        Error::input("index", message)
    })
}

/// Counts the values of a list.
///
/// A batch of pictures is one value.
#[node(category = "Lists", outputs(length: "The number of values."))]
pub fn length(
    /// The list.
    list: Vec<Value>,
) -> Result<usize> {
    Ok(list.len())
}

/// Takes a part of a list.
///
/// Positions beyond the list mean its end, so the part may be shorter or empty.
#[node(category = "Lists", outputs(list: "The values from start to stop, without the one at stop."))]
pub fn slice(
    /// The list.
    list: Vec<Value>,
    /// The position of the first value, from 0; negative from the end.
    #[input(default = 0)]
    start: i64,
    /// The position behind the last value; negative from the end. Without it, the part has all values to the end.
    stop: Option<i64>,
) -> Result<Vec<Value>> {
    let length = list.len();
    let place = |index: i64| {
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        if index < 0 { length.saturating_sub(distance) } else { distance.min(length) }
    };
    let (start, stop) = (place(start), stop.map_or(length, place));
    Ok(list[start..stop.max(start)].to_vec())
}

/// Sorts a list of numbers or of texts.
///
/// Texts are sorted character by character, by their numbers in Unicode: B before a, and 10 before 9. Equal values keep their order.
#[node(category = "Lists", outputs(list: "The values, the smallest first."))]
pub fn sort(
    /// The list: numbers, or texts, or true and false.
    list: Vec<Simple>,
    /// Whether the largest value comes first.
    #[input(default = false)]
    descending: bool,
) -> Result<Vec<Simple>> {
    if let Some(at) = list.iter().position(|value| value.kind() != list[0].kind()) {
        let (first, other) = (list[0].kind(), list[at].kind());
        let message = format!("expected values of one kind, got {first} at position 0 and {other} at position {at}");
        return Err(Error::input("list", message));
    }
    let mut sorted = list;
    sorted.sort_by(|a, b| {
        let ordering = a.compare(b).unwrap_or(Ordering::Equal);
        if descending { ordering.reverse() } else { ordering }
    });
    Ok(sorted)
}

/// Turns the order of a list around.
#[node(category = "Lists", outputs(list: "The values, the last one first."))]
pub fn reverse(
    /// The list.
    list: Vec<Value>,
) -> Result<Vec<Value>> {
    Ok(list.into_iter().rev().collect())
}
