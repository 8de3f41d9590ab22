//! Statistics of the numbers of one measure.

use serde::Serialize;
use std::f64::consts::FRAC_2_PI;

/// The confidence of the interval of the mean.
const CONFIDENCE: f64 = 0.95;

/// What is known of a measure of many items. Infinite numbers count; NaN does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many numbers there are.
    pub count: usize,
    /// How many results are NaN. They are in none of the figures.
    pub nan: usize,
    /// How many of the numbers are infinite.
    pub infinite: usize,
    /// `None` without numbers, or if both infinities are among them.
    pub mean: Option<f64>,
    /// The sample standard deviation; `None` with fewer than two numbers, or with infinite ones.
    pub std: Option<f64>,
    /// The 95 % interval of the mean by Student's t distribution; `None` where `std` is.
    pub interval: Option<[f64; 2]>,
    /// The smallest number.
    pub min: Option<f64>,
    /// A quarter of the numbers is below.
    pub lower_quartile: Option<f64>,
    /// The middle number, or the mean of the two in the middle.
    pub median: Option<f64>,
    /// A quarter of the numbers is above.
    pub upper_quartile: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
}

impl Summary {
    /// The summary of all numbers of a measure.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let infinite = sorted.iter().filter(|value| value.is_infinite()).count();
        let base = Self { count, nan: values.len() - count, infinite, ..Self::default() };
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return base };
        // Distances from a value of the list keep the mean of equal values exact.
        let middle = sorted[count / 2];
        let mean = if infinite == 0 {
            middle + sorted.iter().map(|value| value - middle).sum::<f64>() / count as f64
        } else {
            sorted.iter().sum()
        };
        let std = (count > 1 && infinite == 0).then(|| {
            let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (count - 1) as f64).sqrt()
        });
        let half = std.map(|std| t_value(count - 1) * std / (count as f64).sqrt());
        Self {
            mean: Some(mean).filter(|mean| !mean.is_nan()),
            std,
            interval: half.map(|half| [mean - half, mean + half]),
            min: Some(*first),
            lower_quartile: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper_quartile: quantile(&sorted, 0.75),
            max: Some(*last),
            ..base
        }
    }
}

/// The number below which a part of sorted numbers lies, between neighbours in proportion; `None` between both infinities. The
/// list is not empty.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let at = (sorted.len() - 1) as f64 * part;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // An infinite neighbour has no proportion.
    let value = if low == high || at.fract() == 0.0 { low } else { low + (high - low) * at.fract() };
    Some(value).filter(|value| !value.is_nan())
}

/// The distance from the mean, in its standard errors, within which Student's t distribution has 95 % of its mass.
fn t_value(freedom: usize) -> f64 {
    // Above, the distribution differs from this one by less than 1e-4.
    let freedom = freedom.min(20_000);
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if mass_within(middle, freedom) < CONFIDENCE {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The mass of Student's t distribution between `-t` and `t`: the finite series for whole degrees of freedom.
fn mass_within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    let (mut term, mut sum) = if is_odd { (cosine, 0.0) } else { (1.0, 0.0) };
    for k in (if is_odd { 1 } else { 0 }..freedom.saturating_sub(1)).step_by(2) {
        sum += term;
        term *= (k + 1) as f64 / (k + 2) as f64 * cosine * cosine;
    }
    if is_odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_textbook() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 9+1+1+1+0+0+4+16 = 32, variance 32/7, t(7) = 2.364624.
        let summary = Summary::of(&[9.0, 4.0, 2.0, 5.0, 4.0, 7.0, 4.0, 5.0]);
        assert_eq!((summary.count, summary.mean, summary.median), (8, Some(5.0), Some(4.5)));
        assert_eq!((summary.min, summary.max), (Some(2.0), Some(9.0)));
        assert_eq!((summary.lower_quartile, summary.upper_quartile), (Some(4.0), Some(5.5)));
        assert!((summary.std.unwrap() - 2.138_089_935).abs() < 1e-9);
        let [low, high] = summary.interval.unwrap();
        assert!((low - (5.0 - 1.787_488)).abs() < 1e-5 && (high - (5.0 + 1.787_488)).abs() < 1e-5, "{low} {high}");
    }

    #[test]
    fn t_values_are_those_of_printed_tables() {
        let printed = [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (10, 2.228),
            (29, 2.045),
            (30, 2.042),
            (100, 1.984),
            (1000, 1.962),
        ];
        for (freedom, expected) in printed {
            assert!((t_value(freedom) - expected).abs() < 6e-4, "{freedom}: {}", t_value(freedom));
        }
        assert!((t_value(1_000_000) - 1.959_964).abs() < 2e-4);
    }

    #[test]
    fn odd_numbers_have_figures_as_far_as_there_are_any() {
        assert_eq!(Summary::of(&[]), Summary::default());
        let one = Summary::of(&[3.0]);
        assert_eq!((one.mean, one.std, one.interval, one.median), (Some(3.0), None, None, Some(3.0)));
        let equal = Summary::of(&[0.1; 7]);
        assert_eq!((equal.mean, equal.std, equal.interval), (Some(0.1), Some(0.0), Some([0.1, 0.1])));
        let nan = Summary::of(&[f64::NAN, 1.0, 3.0]);
        assert_eq!((nan.count, nan.nan, nan.mean, nan.max), (2, 1, Some(2.0), Some(3.0)));
        let endless = Summary::of(&[f64::INFINITY, 1.0, 3.0]);
        assert_eq!((endless.infinite, endless.mean, endless.std), (1, Some(f64::INFINITY), None));
        assert_eq!((endless.median, endless.max), (Some(3.0), Some(f64::INFINITY)));
        let both = Summary::of(&[f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!((both.mean, both.min), (None, Some(f64::NEG_INFINITY)));
        assert_eq!(both.median, None);
    }
}
