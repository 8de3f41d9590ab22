//! Values for several places of a graph: `std.Int`, `std.Float`, `std.Text`, `std.Boolean`, `std.Json`.

use splatgraph_sdk::prelude::*;

/// A whole number.
#[node(category = "Constants", outputs(value: "The number."))]
pub fn int(
    /// The number.
    value: i64,
) -> Result<i64> {
    Ok(value)
}

/// A number.
#[node(category = "Constants", outputs(value: "The number."))]
pub fn float(
    /// The number.
    value: f64,
) -> Result<f64> {
    Ok(value)
}

/// A text.
#[node(category = "Constants", outputs(value: "The text."))]
pub fn text(
    /// The text.
    value: String,
) -> Result<String> {
    Ok(value)
}

/// True or false.
#[node(category = "Constants", outputs(value: "True or false."))]
pub fn boolean(
    /// True or false.
    value: bool,
) -> Result<bool> {
    Ok(value)
}

/// Any JSON value.
#[node(category = "Constants", outputs(value: "The JSON value."))]
pub fn json(
    /// The JSON value. Write an array as {"__value__": [..]}.
    value: Json,
) -> Result<Json> {
    Ok(value)
}
