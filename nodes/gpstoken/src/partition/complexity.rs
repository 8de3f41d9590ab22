//! The complexity of a region: the entropy of its gradient magnitudes (paper, section 3.2, eq. 4 and 5).

use super::{Region, Weights};
use crate::{
    canvas::plane::Plane,
    kernels::cpu::{Level, for_each_level},
};

/// Regions are resized to this side before they are compared.
const SIDE: usize = 64;
/// The width of the bins of gradient magnitudes, from 0 to [`LARGEST`]. The authors' histogram has as many bins below 0,
/// which a magnitude never reaches.
const BIN: f64 = 11.0 / 512.0;
const BINS: usize = 256;
const LARGEST: f64 = 5.5;

/// `entropy^exponent` times the number of `visible` pixels in the region, changed by the weights.
pub fn complexity(
    grey: &Plane,
    visible: [usize; 2],
    weights: Option<Weights<'_>>,
    region: Region,
    exponent: f64,
) -> f64 {
    let [columns, rows] = region.visible(visible);
    let own = match columns * rows {
        0 => 0.0,
        _ => entropy(grey, region).powf(exponent) * rows as f64 * columns as f64,
    };
    weights.map_or(own, |weights| weights.apply(own, region, columns * rows))
}

/// Entropy in bits of the histogram of gradient magnitudes; `grey` holds -1..1.
pub fn entropy(grey: &Plane, region: Region) -> f64 {
    let mut resized = [[0.0; SIDE]; SIDE];
    let mut counts = [0; BINS];
    resize(Level::best(), grey, region, &mut resized);
    histogram(Level::best(), &resized, &mut counts);
    let total: u32 = counts.iter().sum();
    let total = f64::from(total) + 1e-5;
    let terms = counts.map(|count| {
        if count == 0 {
            return 0.0;
        }
        let p = f64::from(count) / total;
        p * (p + 1e-10).log2()
    });
    // The order of numpy: two halves, each in eight interleaved sums.
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

/// `p + fraction * (q - p)` with the difference rounded to f32 and one rounding after it, as the authors' OpenCV computes on
/// x86. Any other order moves pixels across the edges of bins.
#[inline(always)]
fn between(p: f32, q: f32, fraction: f32) -> f32 {
    (f64::from(p) + f64::from(q - p) * f64::from(fraction)) as f32
}

type Line = [f32; SIDE];

for_each_level! {
    /// Resizes the region to a picture of 64 x 64 pixels with values 0..1, bilinear without antialiasing.
    fn resize(grey: &Plane, region: Region, resized: &mut [Line; SIDE]) => resize_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn resize_at<const L: u8>(grey: &Plane, region: Region, resized: &mut [Line; SIDE]) {
    let columns = taps(region.x0, region.width());
    let rows = taps(region.y0, region.height());
    // Lines that are resized along x; several successive rows need the same line.
    let (mut upper, mut lower) = ((usize::MAX, [0.0; SIDE]), (usize::MAX, [0.0; SIDE]));
    for (row, resized) in rows.iter().zip(resized) {
        if upper.0 != row.first {
            upper = if lower.0 == row.first { lower } else { (row.first, along(grey, row.first, &columns)) };
        }
        if lower.0 != row.second {
            lower = (row.second, along(grey, row.second, &columns));
        }
        for x in 0..SIDE {
            resized[x] = between(upper.1[x], lower.1[x], row.fraction);
        }
    }
}

#[inline(always)]
fn along(grey: &Plane, y: usize, columns: &[Tap; SIDE]) -> Line {
    let line = &grey.values[y * grey.width..][..grey.width];
    let (mut first, mut second) = ([0.0; SIDE], [0.0; SIDE]);
    for x in 0..SIDE {
        (first[x], second[x]) = (line[columns[x].first], line[columns[x].second]);
    }
    let mut resized = [0.0; SIDE];
    for x in 0..SIDE {
        resized[x] = between((first[x] + 1.0) / 2.0, (second[x] + 1.0) / 2.0, columns[x].fraction);
    }
    resized
}

for_each_level! {
    /// Counts the magnitudes of the 3x3 Sobel gradient; border pixels are repeated outwards.
    fn histogram(picture: &[Line; SIDE], counts: &mut [u32; BINS]) => histogram_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn histogram_at<const L: u8>(picture: &[Line; SIDE], counts: &mut [u32; BINS]) {
    // Neighbours often fall into one bin. With a table for each of four, the processor need not wait for its last addition.
    let mut tables = [[0u32; BINS + 1]; 4];
    let mut bins = [0; SIDE];
    for y in 0..SIDE {
        let (above, here, below) =
            (wider(&picture[y.saturating_sub(1)]), wider(&picture[y]), wider(&picture[(y + 1).min(SIDE - 1)]));
        for x in 0..SIDE {
            let (left, middle, right) = (x, x + 1, x + 2);
            let along_x =
                (above[right] - above[left]) + 2.0 * (here[right] - here[left]) + (below[right] - below[left]);
            let along_y =
                (below[left] - above[left]) + 2.0 * (below[middle] - above[middle]) + (below[right] - above[right]);
            bins[x] = bin((along_x * along_x + along_y * along_y).sqrt());
        }
        for four in bins.as_chunks::<4>().0 {
            for (table, bin) in tables.iter_mut().zip(four) {
                table[*bin as usize] += 1;
            }
        }
    }
    for (bin, count) in counts.iter_mut().enumerate() {
        *count = tables.iter().map(|table| table[bin]).sum();
    }
}

/// The line with the first and the last value repeated once.
#[inline(always)]
fn wider(line: &Line) -> [f64; SIDE + 2] {
    let mut wide = [0.0; SIDE + 2];
    for x in 0..SIDE {
        wide[x + 1] = f64::from(line[x]);
    }
    (wide[0], wide[SIDE + 1]) = (wide[1], wide[SIDE]);
    wide
}

/// The bin of a magnitude; the last bin includes its upper edge. Larger magnitudes and NaN are not counted: they go to an
/// extra bin.
#[inline(always)]
fn bin(magnitude: f64) -> u32 {
    const PER_BIN: f64 = 1.0 / BIN;
    let inside = (0.0..=LARGEST).contains(&magnitude);
    let magnitude = if inside { magnitude } else { 0.0 };
    let guess = (magnitude * PER_BIN) as i32;
    // The edges are exact in binary, the quotient is not.
    let low = f64::from(guess) * BIN > magnitude;
    let high = f64::from(guess + 1) * BIN <= magnitude;
    let bin = guess - i32::from(low) + i32::from(high);
    let bin = if bin > BINS as i32 - 1 { BINS as i32 - 1 } else { bin };
    if inside { bin as u32 } else { BINS as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_opens_its_bin() {
        for edge in 0..BINS {
            let at = edge as f64 * BIN;
            assert_eq!(bin(at), edge as u32);
            assert_eq!(bin(at.next_up()), edge as u32);
            if edge > 0 {
                assert_eq!(bin(at.next_down()), edge as u32 - 1);
            }
        }
        assert_eq!(bin(LARGEST), BINS as u32 - 1);
        assert_eq!(bin(LARGEST.next_up()), BINS as u32);
        assert_eq!(bin(f64::NAN), BINS as u32);
    }
}
