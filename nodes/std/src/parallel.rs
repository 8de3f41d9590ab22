//! Works on many rows at the same time.
//!
//! The compiler makes thousands of lines of machine code for each use of rayon's iterators. It compiles these functions once. They
//! call the work through a pointer, so the work on one piece should be a row or more.

use rayon::prelude::*;

/// The number of floats in a piece if rows do not matter.
pub(crate) const PIECE: usize = 1 << 16;

/// Calls `work` with the index and the values of each piece of `length` values; the last piece may be shorter.
pub(crate) fn pieces(values: &mut [f32], length: usize, work: &(dyn Fn(usize, &mut [f32]) + Sync)) {
    values.par_chunks_mut(length).enumerate().for_each(|(index, piece)| work(index, piece));
}

/// The results of `work` for the indices below `count`, in order.
pub(crate) fn numbers(count: usize, work: &(dyn Fn(usize) -> f64 + Sync)) -> Vec<f64> {
    (0..count).into_par_iter().map(work).collect()
}
