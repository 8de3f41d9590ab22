//! The pack `craft` at version 0.3.0, the successor of `before.rs`.

mod numbers;

use numbers::{above, edges, invert, mean_and_largest, read, scale, smooth as smoothed, text};
use splatgraph_sdk::{changes::since, prelude::*};

/// Numbers.
#[node(outputs(out))]
fn numbers_of(text: String) -> Result<String> {
    read(&text).map(|_| text)
}

/// The method of Smooth.
#[derive(Choice)]
enum Method {
    /// The mean.
    Mean,
    /// The largest.
    Largest,
}

/// Smooths numbers.
#[node(outputs(numbers: "smoother numbers"))]
fn smooth(
    numbers: String,
    #[input(default = 1, min = 0)] size: usize,
    #[input(default = Method::Mean)] method: Method,
    #[input(default = 2)] passes: usize,
) -> Result<String> {
    let largest = matches!(method, Method::Largest);
    Ok(text(&smoothed(&read(&numbers)?, size, largest, passes)))
}

/// The differences of neighbours.
#[node(outputs(out))]
fn find_edges(numbers: String) -> Result<String> {
    Ok(text(&edges(&read(&numbers)?)))
}

/// One minus each number.
#[node(name = "Invert", outputs(out))]
fn inverted(numbers: String) -> Result<String> {
    Ok(text(&invert(&read(&numbers)?)))
}

/// The direction of Brightness.
#[derive(Choice)]
enum Direction {
    /// Larger.
    Up,
    /// Smaller.
    Down,
}

/// Makes numbers larger or smaller.
#[node(outputs(out))]
fn brightness(
    numbers: String,
    direction: Direction,
    /// A fraction.
    #[input(default = 0.5, min = 0, max = 1)]
    amount: f64,
) -> Result<String> {
    let sign = if matches!(direction, Direction::Up) { 1.0 } else { -1.0 };
    Ok(text(&scale(&read(&numbers)?, 1.0 + sign * amount)))
}

/// Counts numbers above levels.
#[node(outputs(out))]
fn count(numbers: String, levels: Vec<f64>) -> Result<String> {
    Ok(text(&above(&read(&numbers)?, &levels)))
}

/// The largest and the mean.
#[node(outputs(largest, mean))]
fn measure(numbers: String) -> Result<(f64, f64)> {
    let (mean, largest) = mean_and_largest(&read(&numbers)?);
    Ok((largest, mean))
}

/// Writes texts into a file.
#[node(output, outputs(path))]
fn write(
    texts: Vec<Value>,
    /// The text behind each.
    ending: String,
    #[input(path = write, extensions = ["txt"])] path: PathBuf,
) -> Result<PathBuf> {
    let line = |value: &Value| format!("{}{ending}", value.to_json().unwrap_or_default());
    splatgraph_sdk::write_whole(&path, texts.iter().map(line).collect::<String>().as_bytes())?;
    Ok(path)
}

/// In the place of the crate's version, which the pack would have.
macro_rules! env {
    ("CARGO_PKG_VERSION") => {
        "0.3.0"
    };
    ($($other:tt)*) => {
        ::core::env!($($other)*)
    };
}

export_pack! {
    id: "craft",
    description: "Numbers, as they are",
    nodes: [numbers_of, smooth, find_edges, inverted, brightness, count, measure, write],
    changes: [
        since("0.2.0", "Blur").renamed("Soften"),
        since("0.2.0", "Soften").input("radius").renamed("size"),
        since("0.2.0", "Soften").output("out").renamed("numbers"),
        since("0.2.0", "Soften").input("method").words(&[("box", "mean"), ("dilate", "largest")]),
        since("0.2.0", "Soften").input("edges").removed("the ends are always mirrored"),
        since("0.2.0", "Filter").input("kind").split(&[("edges", "FindEdges"), ("invert", "Invert")]).was("invert"),
        since("0.2.0", "Lighten").renamed("Brightness").with("direction", "up"),
        since("0.2.0", "Darken").renamed("Brightness").with("direction", "down"),
        since("0.2.0", "Brightness").input("amount").times(0.01),
        since("0.2.0", "Measure").output("mean").was_at(0),
        since("0.2.0", "Measure").output("largest").was_at(1),
        since("0.3.0", "Soften").renamed("Smooth"),
        since("0.3.0", "Smooth").input("passes").was(1),
        since("0.3.0", "Count").input("level").renamed("levels"),
        since("0.3.0", "Count").input("levels").list(),
        since("0.3.0", "Write").input("ending").was("\n"),
    ],
}
