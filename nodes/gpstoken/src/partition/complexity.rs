//! How much there is to see in a region: the entropy of its gradient magnitudes (paper, section 3.2, eq. 4 and 5).

use super::Region;
use crate::plane::Plane;

/// Regions are brought to this size before they are compared.
const SIDE: usize = 64;
/// Gradient magnitudes are counted in bins of this width, from 0 to [`LARGEST`]; the authors' histogram has as many below 0,
/// which a magnitude never reaches.
const BIN: f64 = 11.0 / 512.0;
const BINS: usize = 256;
const LARGEST: f64 = 5.5;

/// `entropy^exponent * height * width`, plus the sum of `added` over the region.
pub fn complexity(grey: &Plane, added: Option<&Plane>, region: Region, exponent: f64) -> f64 {
    let value = entropy(grey, region).powf(exponent) * region.height() as f64 * region.width() as f64;
    let sum = |plane: &Plane| -> f64 {
        let rows = (region.y0..=region.y1).map(|y| plane.row(y, region.x0, region.x1));
        rows.flatten().map(|&v| f64::from(v)).sum()
    };
    value + added.map_or(0.0, sum)
}

/// Entropy in bits of the histogram of gradient magnitudes; `grey` holds -1..1.
pub fn entropy(grey: &Plane, region: Region) -> f64 {
    let counts = histogram(&resize(grey, region));
    let total: u32 = counts.iter().sum();
    let total = f64::from(total) + 1e-5;
    let terms = counts.map(|count| {
        let p = f64::from(count) / total;
        p * (p + 1e-10).log2()
    });
    // In numpy's order: two halves, each in eight interleaved sums.
    -(sum_of_eight(&terms[..BINS / 2]) + sum_of_eight(&terms[BINS / 2..]))
}

fn sum_of_eight(terms: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for chunk in terms.chunks_exact(8) {
        for (sum, term) in sums.iter_mut().zip(chunk) {
            *sum += term;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Where an output pixel lies between two input pixels.
#[derive(Clone, Copy, Default)]
struct Tap {
    first: usize,
    second: usize,
    /// 0 at `first`, 1 at `second`.
    fraction: f32,
}

fn taps(start: usize, length: usize) -> [Tap; SIDE] {
    let scale = length as f64 / SIDE as f64;
    std::array::from_fn(|i| {
        let at = ((i as f64 + 0.5) * scale - 0.5) as f32;
        let floor = at.floor();
        let last = start + length - 1;
        if floor < 0.0 {
            return Tap { first: start, second: (start + 1).min(last), fraction: 0.0 };
        }
        let first = start + floor as usize;
        if first >= last {
            return Tap { first: last, second: last, fraction: 0.0 };
        }
        Tap { first, second: first + 1, fraction: at - floor }
    })
}

/// `p + fraction * (q - p)` with the difference rounded to f32 and one rounding after it, which is what the authors' OpenCV
/// computes on x86. Any other order moves pixels across the edges of bins.
fn between(p: f32, q: f32, fraction: f32) -> f32 {
    (f64::from(p) + f64::from(q - p) * f64::from(fraction)) as f32
}

/// The region as a 64x64 picture with values 0..1, bilinear without antialiasing.
fn resize(grey: &Plane, region: Region) -> Vec<f32> {
    let columns = taps(region.x0, region.width());
    let rows = taps(region.y0, region.height());
    let mut resized = Vec::with_capacity(SIDE * SIDE);
    for row in rows {
        let upper = &grey.values[row.first * grey.width..][..grey.width];
        let lower = &grey.values[row.second * grey.width..][..grey.width];
        resized.extend(columns.map(|tap| {
            let along = |line: &[f32]| {
                let unit = |x: usize| (line[x] + 1.0) / 2.0;
                between(unit(tap.first), unit(tap.second), tap.fraction)
            };
            between(along(upper), along(lower), row.fraction)
        }));
    }
    resized
}

/// Counts the magnitudes of the 3x3 Sobel gradient; border pixels are repeated outwards.
fn histogram(picture: &[f32]) -> [u32; BINS] {
    let at = |y: usize, x: usize| f64::from(picture[y * SIDE + x]);
    let mut counts = [0; BINS];
    for y in 0..SIDE {
        let (above, below) = (y.saturating_sub(1), (y + 1).min(SIDE - 1));
        for x in 0..SIDE {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(SIDE - 1));
            let along_x = (at(above, right) - at(above, left))
                + 2.0 * (at(y, right) - at(y, left))
                + (at(below, right) - at(below, left));
            let along_y = (at(below, left) - at(above, left))
                + 2.0 * (at(below, x) - at(above, x))
                + (at(below, right) - at(above, right));
            if let Some(bin) = bin((along_x * along_x + along_y * along_y).sqrt()) {
                counts[bin] += 1;
            }
        }
    }
    counts
}

/// The bin of a magnitude; the last bin includes its upper edge, and what lies above is not counted (nor is NaN).
fn bin(magnitude: f64) -> Option<usize> {
    if !(0.0..=LARGEST).contains(&magnitude) {
        return None;
    }
    let guess = (magnitude / BIN) as usize;
    // The edges are exact in binary, the quotient is not.
    let bin = if guess as f64 * BIN > magnitude {
        guess - 1
    } else if (guess + 1) as f64 * BIN <= magnitude {
        guess + 1
    } else {
        guess
    };
    Some(bin.min(BINS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_opens_its_bin() {
        for edge in 0..BINS {
            let at = edge as f64 * BIN;
            assert_eq!(bin(at), Some(edge));
            assert_eq!(bin(at.next_up()), Some(edge));
            if edge > 0 {
                assert_eq!(bin(at.next_down()), Some(edge - 1));
            }
        }
        assert_eq!(bin(LARGEST), Some(BINS - 1));
        assert_eq!(bin(LARGEST.next_up()), None);
        assert_eq!(bin(f64::NAN), None);
    }
}
