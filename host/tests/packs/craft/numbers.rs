//! What the nodes of both versions compute, on numbers in a text.

use splatgraph_sdk::prelude::*;

pub(crate) fn read(text: &str) -> Result<Vec<f64>> {
    let number = |word: &str| word.parse().map_err(|_| Error::new(format!("expected numbers, got {word:?}")));
    text.split_whitespace().map(number).collect()
}

pub(crate) fn text(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// The mean or the largest of each number and its `size` neighbours on both sides, `passes` times.
pub(crate) fn smooth(numbers: &[f64], size: usize, largest: bool, passes: usize) -> Vec<f64> {
    let around = |numbers: &[f64], at: usize| {
        let near = &numbers[at.saturating_sub(size)..(at + size + 1).min(numbers.len())];
        if largest {
            near.iter().copied().fold(f64::MIN, f64::max)
        } else {
            near.iter().sum::<f64>() / near.len() as f64
        }
    };
    (0..passes).fold(numbers.to_vec(), |numbers, _| (0..numbers.len()).map(|at| around(&numbers, at)).collect())
}

/// The differences of neighbours, and 0 for the first.
pub(crate) fn edges(numbers: &[f64]) -> Vec<f64> {
    (0..numbers.len()).map(|at| numbers[at] - numbers[at.saturating_sub(1)]).collect()
}

pub(crate) fn invert(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().map(|number| 1.0 - number).collect()
}

pub(crate) fn scale(numbers: &[f64], by: f64) -> Vec<f64> {
    numbers.iter().map(|number| number * by).collect()
}

/// How many numbers are above each level.
pub(crate) fn above(numbers: &[f64], levels: &[f64]) -> Vec<f64> {
    levels.iter().map(|level| numbers.iter().filter(|number| *number > level).count() as f64).collect()
}

pub(crate) fn mean_and_largest(numbers: &[f64]) -> (f64, f64) {
    (numbers.iter().sum::<f64>() / numbers.len() as f64, numbers.iter().copied().fold(f64::MIN, f64::max))
}
