//! How the numbers of a measure are written: with the same digits behind the point, so that a column lines up.

/// The largest and the smallest size of a measure that is written without an exponent.
const PLAIN: std::ops::Range<i32> = -3..7;

/// The digits of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// So many digits behind the point.
    Fixed(usize),
    /// One digit, the point, three digits and an exponent.
    Exponent,
}

impl Digits {
    /// Four digits for the largest of these numbers: `27.78`, `0.5781`. Numbers that are not finite do not count.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let sizes = numbers.into_iter().filter(|number| number.is_finite() && *number != 0.0);
        let Some(largest) = sizes.map(f64::abs).reduce(f64::max) else { return Self::Fixed(0) };
        let size = largest.log10().floor() as i32;
        if PLAIN.contains(&size) { Self::Fixed(usize::try_from(3 - size).unwrap_or(0)) } else { Self::Exponent }
    }

    /// The digits of the steps of an axis of this length.
    #[must_use]
    pub(super) fn of_steps(length: f64) -> Self {
        let size = length.log10().floor() as i32;
        if PLAIN.contains(&size) { Self::Fixed(usize::try_from(1 - size).unwrap_or(0)) } else { Self::Exponent }
    }

    /// A number in words: `27.78`, `∞`.
    #[must_use]
    pub fn text(self, number: f64) -> String {
        match self {
            _ if number.is_nan() => "NaN".to_owned(),
            _ if number.is_infinite() => if number > 0.0 { "∞" } else { "−∞" }.to_owned(),
            Self::Fixed(digits) => format!("{number:.digits$}").replace('-', "−"),
            Self::Exponent => format!("{number:.3e}").replace('-', "−"),
        }
    }

    /// A number that may be missing.
    #[must_use]
    pub fn or_dash(self, number: Option<f64>) -> String {
        number.map_or_else(|| "–".to_owned(), |number| self.text(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_has_four_digits() {
        let written = |numbers: &[f64]| {
            let digits = Digits::of(numbers.iter().copied());
            numbers.iter().map(|number| digits.text(*number)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(written(&[27.7766, 9.5]), "27.78 9.50");
        assert_eq!(written(&[0.57812, -0.1]), "0.5781 −0.1000");
        assert_eq!(written(&[0.65, f64::INFINITY, f64::NAN, f64::NEG_INFINITY]), "0.6500 ∞ NaN −∞");
        assert_eq!(written(&[1_234_567.0, 2.5]), "1234567 2");
        assert_eq!(written(&[123_456_789.0]), "1.235e8");
        assert_eq!(written(&[0.000_012_345]), "1.234e−5");
        assert_eq!(written(&[0.0, 0.0]), "0 0");
        assert_eq!(written(&[]), "");
        assert_eq!(written(&[f64::MAX, f64::MIN_POSITIVE]), "1.798e308 2.225e−308");
    }
}
