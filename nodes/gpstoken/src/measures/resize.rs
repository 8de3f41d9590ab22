//! Resizing as the conventions do it.

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    /// TensorFlow 1's `resize_bilinear`: pixel i of the result is at i * scale. No smoothing.
    Corner,
    /// PyTorch's `interpolate`, bilinear, `align_corners=False`: centres of pixels fit. No smoothing.
    Centre,
    /// Pillow's bicubic with a = -0.5, which smooths when it reduces.
    Bicubic,
}

/// The pixels from which a pixel of the result comes: the first, and their weights.
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

/// Resizes a map `[height, width, 3]` to `[side, side, 3]`, first along the rows.
pub(super) fn resized(map: &[f32], [height, width]: [usize; 2], side: usize, way: Ways) -> Vec<f32> {
    let [across, down] = [taps(width, side, way), taps(height, side, way)];
    let mut rows = vec![0.0; height * side * 3];
    for (line, from) in rows.chunks_exact_mut(side * 3).zip(map.chunks_exact(width * 3)) {
        for (to, taps) in line.as_chunks_mut::<3>().0.iter_mut().zip(&across) {
            let pixels = from.as_chunks::<3>().0[taps.first..].iter().zip(&taps.weights);
            let mut sum = [0.0; 3];
            pixels.for_each(|(pixel, weight)| (0..3).for_each(|c| sum[c] += f64::from(pixel[c]) * weight));
            *to = sum.map(|v| v as f32);
        }
    }
    let mut out = vec![0.0; side * side * 3];
    let mut sums = vec![0.0; side * 3];
    for (line, taps) in out.chunks_exact_mut(side * 3).zip(&down) {
        sums.fill(0.0);
        for (from, weight) in rows.chunks_exact(side * 3).skip(taps.first).zip(&taps.weights) {
            sums.iter_mut().zip(from).for_each(|(sum, v)| *sum += f64::from(*v) * weight);
        }
        line.iter_mut().zip(&sums).for_each(|(to, sum)| *to = *sum as f32);
    }
    out
}

fn taps(length: usize, side: usize, way: Ways) -> Vec<Taps> {
    let scale = length as f64 / side as f64;
    let between = |at: f64| {
        let first = (at.floor() as usize).min(length - 1);
        let part = at - first as f64;
        let weights = if first + 1 < length { vec![1.0 - part, part] } else { vec![1.0] };
        Taps { first, weights }
    };
    let bicubic = |i: usize| {
        let (wide, centre) = (scale.max(1.0), (i as f64 + 0.5) * scale);
        let first = (centre - 2.0 * wide + 0.5).max(0.0) as usize;
        let end = ((centre + 2.0 * wide + 0.5) as usize).min(length);
        let weights: Vec<f64> = (first..end).map(|x| cubic((x as f64 - centre + 0.5) / wide)).collect();
        let sum: f64 = weights.iter().sum();
        Taps { first, weights: weights.into_iter().map(|weight| weight / sum).collect() }
    };
    let place = |i: usize| match way {
        // In f32, as TensorFlow does.
        Ways::Corner => between(f64::from(i as f32 * (length as f32 / side as f32))),
        Ways::Centre => between(((i as f64 + 0.5) * scale - 0.5).max(0.0)),
        Ways::Bicubic => bicubic(i),
    };
    (0..side).map(place).collect()
}

/// Keys' cubic convolution with a = -0.5 (Keys 1981).
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}
