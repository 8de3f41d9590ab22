//! The pack `craft` at version 0.1.0, with which the graphs in `host/tests/versions/graphs` were made.

mod numbers;

use numbers::{above, edges, invert, mean_and_largest, read, scale, smooth, text};
use splatgraph_sdk::prelude::*;

/// Numbers.
#[node(outputs(out))]
fn numbers_of(text: String) -> Result<String> {
    read(&text).map(|_| text)
}

/// The method of Blur.
#[derive(Choice)]
enum Method {
    /// The mean.
    Box,
    /// The largest.
    Dilate,
}

/// Smooths numbers.
#[node(outputs(out: "smoother numbers"))]
fn blur(
    numbers: String,
    #[input(default = 1, min = 0)] radius: usize,
    #[input(default = Method::Box)] method: Method,
    /// Beyond the ends; all do the same here.
    #[input(default = "mirror")]
    edges: String,
    #[input(default = 1)] passes: usize,
) -> Result<String> {
    let _ = edges;
    let largest = matches!(method, Method::Dilate);
    Ok(text(&smooth(&read(&numbers)?, radius, largest, passes)))
}

/// What Filter does.
#[derive(Choice)]
enum Kind {
    /// The differences.
    Edges,
    /// One minus each.
    Invert,
}

/// Filters numbers.
#[node(outputs(out))]
fn filter(numbers: String, #[input(default = Kind::Invert)] kind: Kind) -> Result<String> {
    let numbers = read(&numbers)?;
    Ok(text(&match kind {
        Kind::Edges => edges(&numbers),
        Kind::Invert => invert(&numbers),
    }))
}

/// Makes numbers larger.
#[node(outputs(out))]
fn lighten(
    numbers: String,
    /// In percent.
    #[input(default = 50.0, min = 0, max = 100)]
    amount: f64,
) -> Result<String> {
    Ok(text(&scale(&read(&numbers)?, 1.0 + amount / 100.0)))
}

/// Makes numbers smaller.
#[node(outputs(out))]
fn darken(
    numbers: String,
    /// In percent.
    #[input(default = 50.0, min = 0, max = 100)]
    amount: f64,
) -> Result<String> {
    Ok(text(&scale(&read(&numbers)?, 1.0 - amount / 100.0)))
}

/// Counts numbers above a level.
#[node(outputs(out))]
fn count(numbers: String, level: f64) -> Result<String> {
    Ok(text(&above(&read(&numbers)?, &[level])))
}

/// The mean and the largest.
#[node(outputs(mean, largest))]
fn measure(numbers: String) -> Result<(f64, f64)> {
    Ok(mean_and_largest(&read(&numbers)?))
}

/// Writes texts into a file, a line each.
#[node(output, outputs(path))]
fn write(texts: Vec<Value>, #[input(path = write, extensions = ["txt"])] path: PathBuf) -> Result<PathBuf> {
    let line = |value: &Value| format!("{}\n", value.to_json().unwrap_or_default());
    splatgraph_sdk::write_whole(&path, texts.iter().map(line).collect::<String>().as_bytes())?;
    Ok(path)
}

/// In the place of the crate's version, which the pack would have.
macro_rules! env {
    ("CARGO_PKG_VERSION") => {
        "0.1.0"
    };
    ($($other:tt)*) => {
        ::core::env!($($other)*)
    };
}

export_pack! {
    id: "craft",
    description: "Numbers, as they were",
    nodes: [numbers_of, blur, filter, lighten, darken, count, measure, write]
}
