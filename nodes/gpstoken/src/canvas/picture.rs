//! Conversion of pictures to the network's input.

use super::{TILE, plane::Plane};

/// The model's input, -1..1, for a picture's value, 0..1.
///
/// If the value is within a thousandth of a byte, the result equals the authors' f64 computation from that byte, because
/// partitions of flat areas depend on the last bit.
pub fn model_value(value: f32) -> f32 {
    let scaled = f64::from(value) * 255.0;
    let byte = scaled.round();
    if (0.0..=255.0).contains(&byte) && (scaled - byte).abs() <= 1e-3 {
        (byte / 127.5 - 1.0) as f32
    } else {
        2.0 * value - 1.0
    }
}

/// A tile of a picture `[H, W, 3]`, as the model's input `[3, TILE, TILE]`. Repeats the picture's last pixels beyond its right and
/// lower borders.
pub fn tile_input(picture: &[f32], [width, height]: [usize; 2], [column, row]: [usize; 2]) -> Vec<f32> {
    let mut input = vec![0.0; 3 * TILE * TILE];
    for y in 0..TILE {
        let line = &picture[(row * TILE + y).min(height - 1) * width * 3..][..width * 3];
        for x in 0..TILE {
            let pixel = &line[(column * TILE + x).min(width - 1) * 3..][..3];
            for (channel, &value) in pixel.iter().enumerate() {
                input[(channel * TILE + y) * TILE + x] = model_value(value);
            }
        }
    }
    input
}

/// A tile's brightness, -1..1, computed from the model's input.
pub fn grey(input: &[f32]) -> Plane {
    let (red, rest) = input.split_at(TILE * TILE);
    let (green, blue) = rest.split_at(TILE * TILE);
    let values = red.iter().zip(green).zip(blue).map(|((r, g), b)| 0.299 * r + 0.587 * g + 0.114 * b);
    Plane { width: TILE, height: TILE, values: values.collect() }
}
