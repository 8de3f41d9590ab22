//! The input below a plot, and its numbers.

use super::data::Report;

/// Larger numbers have no plot.
const LARGEST: f64 = 1e100;

/// An input whose values are numbers, or texts that differ only in a number: the names of a training's checkpoints.
pub(super) struct Axis {
    /// The position of the input.
    pub(super) input: usize,
    /// What the numbers are, for the axis and the caption.
    pub(super) name: String,
    /// The number of each configuration, and its form on the axis.
    pub(super) places: Vec<(f64, String)>,
}

/// The input with the most different numbers.
pub(super) fn axis(report: &Report) -> Option<Axis> {
    let axes = (0..report.inputs.len()).rev().filter_map(|input| {
        let values: Vec<&str> =
            report.configurations.iter().map(|configuration| configuration.values[input].as_str()).collect();
        let (places, is_in_name) = match numbers(&values) {
            Some(numbers) => (numbers, false),
            None => (numbers_in_names(&values)?, true),
        };
        let mut different: Vec<f64> = places.iter().map(|(number, _)| *number).collect();
        different.sort_by(f64::total_cmp);
        different.dedup();
        let name = &report.inputs[input];
        let name = if is_in_name { format!("the number in {name}") } else { name.clone() };
        (different.len() > 1).then_some((different.len(), Axis { input, name, places }))
    });
    axes.max_by_key(|(different, _)| *different).map(|(_, axis)| axis)
}

/// Whether a number has a place in a plot.
pub(super) fn is_small(number: &f64) -> bool {
    number.abs() < LARGEST
}

fn numbers(values: &[&str]) -> Option<Vec<(f64, String)>> {
    let number = |value: &&str| Some((value.parse().ok().filter(is_small)?, (*value).to_owned()));
    values.iter().map(number).collect()
}

/// The numbers in texts that are equal but for one whole number.
fn numbers_in_names(values: &[&str]) -> Option<Vec<(f64, String)>> {
    let first = values.first()?;
    let same = |other: &str| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let same_end = |other: &str| first.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    let start = values.iter().map(|value| same(value)).min()?;
    let end = values.iter().map(|value| same_end(value)).min()?;
    // All digits of a number belong to it, also those that are equal in all texts.
    let digits = |bytes: &mut dyn Iterator<Item = u8>| bytes.take_while(u8::is_ascii_digit).count();
    let bytes = first.as_bytes();
    let start = start - digits(&mut bytes[..start].iter().rev().copied());
    let end = end - digits(&mut bytes[bytes.len() - end..].iter().copied());
    let number = |value: &&str| {
        let digits = value.get(start..value.len().checked_sub(end)?)?;
        let number: f64 = digits.parse().ok().filter(is_small)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| (number, number.to_string()))
    };
    values.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_a_number_have_places() {
        let of = |values: &[&str]| {
            numbers_in_names(values).map(|places| places.into_iter().map(|(number, _)| number).collect::<Vec<_>>())
        };
        let names = ["t/a-step-000900.safetensors", "t/a-step-001000.safetensors", "t/a-step-012000.safetensors"];
        assert_eq!(of(&names), Some(vec![900.0, 1000.0, 12000.0]));
        assert_eq!(of(&["x9", "x10"]), Some(vec![9.0, 10.0]));
        assert_eq!(of(&["64 small", "64 large"]), None);
        assert_eq!(of(&["a1b2", "a2b1"]), None);
        assert_eq!(of(&["é1", "è1"]), None);
        assert_eq!(of(&["a", "a1"]), None);
        assert_eq!(of(&[]), None);
    }
}
