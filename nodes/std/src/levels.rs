//! Turns floats into 8-bit levels.

use splatgraph_sdk::Choice;

/// How to write a value between two levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Rounding {
    /// To the nearest level.
    Round,
    /// To the level below, as GPSToken's authors write their pictures: byte = floor(255 v).
    Truncate,
}

/// The 8-bit level of a value: 0..1 becomes 0..255, values outside are cut off.
#[must_use]
pub(crate) fn level(value: f32, rounding: Rounding) -> u8 {
    // The authors compute (x + 1) * 127.5 in f32 from x = 2v - 1. Doubling and halving are exact, so this is the same.
    let scaled = value.clamp(0.0, 1.0) * 255.0;
    match rounding {
        Rounding::Round => (scaled + 0.5) as u8,
        Rounding::Truncate => scaled as u8,
    }
}
