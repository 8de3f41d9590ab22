//! The equal steps on which a file stores the numbers of a group.

use super::{Bits, Group, TokenFile, count};

/// The equal steps of all groups of a file.
pub struct Steps {
    /// In the order of the groups. A group that is stored exactly has none.
    ranges: [Option<Range>; 4],
}

impl Steps {
    /// The steps that `encode` takes.
    ///
    /// # Errors
    /// A number has no place among equal steps: it is not finite, or it is a size that is not above 0. The text names it.
    pub fn of(file: &TokenFile, bits: Bits) -> Result<Self, String> {
        let rows = file.rows();
        let mut ranges = [const { None }; 4];
        for (range, group) in ranges.iter_mut().zip(Group::ALL) {
            let steps = group.bits(bits);
            if steps > Bits::MOST {
                return Err(format!("expected at most {} bits for {}, got {steps}", Bits::MOST, group.name()));
            }
            *range = if steps == 0 { None } else { Some(Range::of(file, &rows, group, steps)?) };
        }
        Ok(Self { ranges })
    }

    /// The number that a reader of the file gets instead of a number of this column of a token.
    pub fn rounded(&self, column: usize, number: f32) -> f32 {
        self.range(Group::of_column(column)).map_or(number, |range| range.number(range.step_of(number)))
    }

    /// The row and the column of the smallest and the largest number of each group that is not stored exactly. While they stay, numbers
    /// between them may change without a change of the steps.
    pub fn ends(&self) -> impl Iterator<Item = [usize; 2]> {
        self.ranges.iter().flatten().flat_map(|range| range.ends).flatten()
    }

    /// The range of a group; `None` for one that is stored exactly.
    pub(super) fn range(&self, group: Group) -> Option<&Range> {
        self.ranges[group as usize].as_ref()
    }
}

/// The range of a group's equal steps.
pub(super) struct Range {
    group: Group,
    pub(super) low: f32,
    pub(super) high: f32,
    /// The number of the last step.
    last: f64,
    /// The row and the column of the smallest and the largest number.
    ends: [Option<[usize; 2]>; 2],
}

impl Range {
    /// The range of a group with `bits` bits, at least 1.
    pub(super) fn new(group: Group, [low, high]: [f32; 2], bits: u8) -> Self {
        Self { group, low, high, last: f64::from((1u32 << bits) - 1), ends: [None; 2] }
    }

    fn of(file: &TokenFile, rows: &[usize], group: Group, bits: u8) -> Result<Self, String> {
        let (mut low, mut high, mut ends) = (f64::INFINITY, f64::NEG_INFINITY, [None; 2]);
        for &row in rows {
            for column in group.columns(file.channels) {
                let number = file.number(row, column);
                let scaled = group.scaled(number);
                if !scaled.is_finite() {
                    let (picture, token) = (row / file.tokens, row % file.tokens);
                    let expected = if group == Group::Size { "a size above 0" } else { "a finite number" };
                    return Err(format!(
                        "expected {expected} in the group {name}, as {} can store no other, got {number} for token {token} of picture {picture}. Set {name} to 0, which stores numbers exactly",
                        count(bits.into(), "bit"),
                        name = group.name()
                    ));
                }
                if scaled < low {
                    (low, ends[0]) = (scaled, Some([row, column]));
                }
                if scaled > high {
                    (high, ends[1]) = (scaled, Some([row, column]));
                }
            }
        }
        if low > high {
            (low, high) = (0.0, 0.0);
        }
        Ok(Self { ends, ..Self::new(group, [low as f32, high as f32], bits) })
    }

    /// The step nearest to a number.
    pub(super) fn step_of(&self, number: f32) -> u32 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        if high <= low {
            return 0;
        }
        // A range that was rounded to f32 may begin above the smallest number.
        ((self.group.scaled(number) - low) / (high - low) * self.last).round().clamp(0.0, self.last) as u32
    }

    /// The number for which a step stands.
    pub(super) fn number(&self, step: u32) -> f32 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        self.group.unscaled(low + (high - low) * (f64::from(step) / self.last))
    }
}
