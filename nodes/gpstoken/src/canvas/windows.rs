//! Windows: the parts of a map that are decoded separately, and their weights in the picture.

use super::grid::Grid;

/// The overlap of a window with its neighbour, as a fraction of the window's size.
const HALO: f64 = 0.125;

/// A part of a map along one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Index of the first place in the map.
    pub start: usize,
    /// Number of places.
    pub length: usize,
    /// A weight for each pixel that is decoded from the span. At each pixel of the picture, the weights of all spans add up to 1.
    pub weights: Vec<f32>,
}

/// Windows over a map: a window for each pair of a column and a row.
#[derive(Clone, Debug)]
pub struct Windows {
    /// The spans along the x axis.
    pub columns: Vec<Span>,
    /// The spans along the y axis.
    pub rows: Vec<Span>,
}

impl Windows {
    /// One window for each tile, side by side. `map` is the map's width and height; `enlargement` is the number of pixels for each
    /// of its places, along each axis.
    pub fn side_by_side(tiles: Grid, map: [usize; 2], enlargement: usize) -> Self {
        let spans = |size: usize, count: usize| {
            let length = size / count;
            let span = |i| Span { start: i * length, length, weights: vec![1.0; length * enlargement] };
            (0..count).map(span).collect()
        };
        Self { columns: spans(map[0], tiles.columns), rows: spans(map[1], tiles.rows) }
    }

    /// Evenly spaced windows of about the size `own`. Neighbouring windows overlap by a halo, and their weights blend there.
    pub fn overlapping(map: [usize; 2], own: [usize; 2], enlargement: usize) -> Self {
        let [columns, rows] = [0, 1].map(|axis| overlapping(map[axis], own[axis], enlargement));
        Self { columns, rows }
    }

    /// Number of windows.
    pub fn count(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// All windows, row by row, as `[column, row]`.
    pub fn iter(&self) -> impl Iterator<Item = [&Span; 2]> {
        self.rows.iter().flat_map(|row| self.columns.iter().map(move |column| [column, row]))
    }
}

fn overlapping(size: usize, own: usize, enlargement: usize) -> Vec<Span> {
    let count = size.div_ceil(own);
    let halo = (own as f64 * HALO).ceil() as usize;
    let border = |i: usize| i * size / count;
    // Rises from 0 to 1 across the border, within the halos on both sides of it.
    let past = |pixel: usize, border: usize| {
        let from = (border - halo) * enlargement;
        smooth((pixel as f64 + 0.5 - from as f64) / (2 * halo * enlargement) as f64)
    };
    let span = |i: usize| {
        let (start, end) = (border(i).saturating_sub(halo), (border(i + 1) + halo).min(size));
        let weight = |pixel: usize| {
            let left = if i == 0 { 1.0 } else { past(pixel, border(i)) };
            let right = if i + 1 == count { 1.0 } else { 1.0 - past(pixel, border(i + 1)) };
            (left * right) as f32
        };
        Span { start, length: end - start, weights: (start * enlargement..end * enlargement).map(weight).collect() }
    };
    (0..count).map(span).collect()
}

/// Rises smoothly from 0 to 1 for `x` from 0 to 1 (smoothstep).
fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_windows_cover_every_pixel_once() {
        for (size, own, enlargement) in
            [(64, 64, 4), (128, 64, 4), (127, 32, 8), (512, 64, 4), (20, 32, 8), (33, 32, 1), (9, 2, 2)]
        {
            let mut sums = vec![0.0; size * enlargement];
            for span in overlapping(size, own, enlargement) {
                assert_eq!(span.weights.len(), span.length * enlargement);
                for (i, weight) in span.weights.iter().enumerate() {
                    assert!((0.0..=1.0).contains(weight));
                    sums[span.start * enlargement + i] += weight;
                }
            }
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{size} {own}: {sums:?}");
        }
    }

    #[test]
    fn a_single_window_counts_in_full() {
        assert_eq!(overlapping(30, 32, 2), [Span { start: 0, length: 30, weights: vec![1.0; 60] }]);
    }
}
