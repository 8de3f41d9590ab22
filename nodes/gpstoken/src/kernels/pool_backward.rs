//! The gradient of max pooling.

use super::cpu::{Level, for_each_level};
use rayon::prelude::*;

/// The number of rows of the map that a thread works on at a time.
const ROWS: usize = 8;

/// Adds the gradient of a map to `back` `[height, width, channels]`, from the gradient of its largest values in windows of `side` pixels,
/// two pixels apart. A window's gradient goes to its first largest value, row by row, as in PyTorch.
pub fn add_pool_backward(
    level: Level,
    side: usize,
    (map, size, channels): (&[f32], [usize; 2], usize),
    gradient: &[f32],
    back: &mut [f32],
) {
    let [height, width] = size;
    let [rows, columns] = size.map(|length| length.checked_sub(side).map_or(0, |rest| rest / 2 + 1));
    if rows * columns * channels == 0 {
        return;
    }
    back[..height * width * channels].par_chunks_mut(ROWS * width * channels).enumerate().for_each(|(band, back)| {
        let here = band * ROWS..band * ROWS + back.len() / (width * channels);
        let mut scratch = (vec![0.0; channels], vec![0; channels]);
        // The windows with at least one of these rows.
        for row in (here.start + 1).saturating_sub(side).div_ceil(2)..rows.min(here.end.div_ceil(2)) {
            let gradient = &gradient[row * columns * channels..][..columns * channels];
            let top = 2 * row;
            let map = &map[top * width * channels..][..side * width * channels];
            let window =
                Windows { side, width, channels, inside: here.start.saturating_sub(top)..side.min(here.end - top) };
            let start = (top + window.inside.start - here.start) * width * channels;
            add_windows(level, &window, map, gradient, &mut back[start..], &mut scratch);
        }
    });
}

/// A row of windows.
struct Windows {
    side: usize,
    width: usize,
    channels: usize,
    /// The rows of the windows that get gradients.
    inside: std::ops::Range<usize>,
}

for_each_level! {
    /// Adds the gradients of a row of windows to the rows `inside`. `scratch` has a number and a place for each channel.
    fn add_windows(windows: &Windows, map: &[f32], gradient: &[f32], back: &mut [f32], scratch: &mut (Vec<f32>, Vec<u32>)) => add_windows_at
}

#[inline(always)]
fn add_windows_at<const L: u8>(
    windows: &Windows,
    map: &[f32],
    gradient: &[f32],
    back: &mut [f32],
    (largest, places): &mut (Vec<f32>, Vec<u32>),
) {
    let Windows { side, width, channels, inside } = windows;
    for (x, gradient) in gradient.chunks_exact(*channels).enumerate() {
        let at = |y: usize, dx: usize| (y * width + 2 * x + dx) * channels;
        largest.copy_from_slice(&map[at(0, 0)..][..*channels]);
        places.fill(0);
        for place in 1..side * side {
            let values = &map[at(place / side, place % side)..][..*channels];
            for ((largest, found), value) in largest.iter_mut().zip(places.iter_mut()).zip(values) {
                let is_larger = *value > *largest;
                *largest = if is_larger { *value } else { *largest };
                *found = if is_larger { place as u32 } else { *found };
            }
        }
        for place in inside.start * side..inside.end * side {
            let back = &mut back[at(place / side - inside.start, place % side)..][..*channels];
            for ((to, found), gradient) in back.iter_mut().zip(places.iter()).zip(gradient) {
                *to += if *found == place as u32 { *gradient } else { 0.0 };
            }
        }
    }
}
