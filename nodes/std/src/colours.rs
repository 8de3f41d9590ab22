//! Turns numbers into colours.

use splatgraph_sdk::prelude::*;

/// A scale of colours for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Colours {
    /// Dark violet over green to yellow; equal steps look equal.
    Viridis,
    /// Black to white.
    Grey,
}

/// The colour of values that are not finite: magenta, which stands out.
const NOT_FINITE: [f32; 3] = [1.0, 0.0, 1.0];

/// matplotlib's viridis at 0, 1/8, .. 1.
const VIRIDIS: [[u8; 3]; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x28, 0xae, 0x80],
    [0x5e, 0xc9, 0x62],
    [0xad, 0xdc, 0x30],
    [0xfd, 0xe7, 0x25],
];

impl Colours {
    /// Colours `values`, one per pixel. The smallest value gets the first colour and the largest value the last colour. If all values
    /// are equal, they get the middle colour. Infinities and NaN get magenta.
    #[must_use]
    pub(crate) fn paint(self, values: impl Iterator<Item = f32> + Clone) -> Vec<f32> {
        let finite = values.clone().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        // In f64, as high - low may exceed f32.
        let (low, range) = (f64::from(low), f64::from(high) - f64::from(low));
        let part = |v: f32| if range > 0.0 { (f64::from(v) - low) / range } else { 0.5 };
        values.flat_map(|v| if v.is_finite() { self.at(part(v) as f32) } else { NOT_FINITE }).collect()
    }

    /// The colour at 0..1.
    fn at(self, part: f32) -> [f32; 3] {
        match self {
            Self::Grey => [part; 3],
            Self::Viridis => {
                let place = part * 8.0;
                let i = (place as usize).min(7);
                std::array::from_fn(|c| {
                    let (from, to) = (f32::from(VIRIDIS[i][c]), f32::from(VIRIDIS[i + 1][c]));
                    (from + (to - from) * (place - i as f32)) / 255.0
                })
            }
        }
    }
}
