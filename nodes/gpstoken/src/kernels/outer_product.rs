//! Products that sum over rows: the gradients of weights, `left^T right`.

use super::{
    cpu::{AVX2, AVX512, Level, for_each_level, fused},
    product::{PANEL, Target, pack_transposed, panels_length},
    workspace::Workspace,
};
use rayon::prelude::*;

/// The left matrix of a product, `[inputs, rows]`, so that the numbers of a row are `stride` apart.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    /// The numbers.
    pub values: &'a [f32],
    /// The distance between two numbers of a row.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
    /// Length of a row.
    pub inputs: usize,
}

for_each_level! {
    /// Computes `target = columns^T * panels`, or `target += columns^T * panels`, on the calling thread. See
    /// [`product`](super::product::product).
    pub fn product_of_columns(columns: Columns<'_>, panels: &[f32], target: Target<'_>) => product_of_columns_at
}

#[inline(always)]
fn product_of_columns_at<const L: u8>(columns: Columns<'_>, panels: &[f32], mut target: Target<'_>) {
    match L {
        AVX512 => by_panels::<L, 32, 12>(columns, panels, &mut target),
        AVX2 => by_panels::<L, 16, 6>(columns, panels, &mut target),
        _ => by_panels::<L, 8, 4>(columns, panels, &mut target),
    }
}

#[inline(always)]
fn by_panels<const L: u8, const WIDTH: usize, const HEIGHT: usize>(
    columns: Columns<'_>,
    panels: &[f32],
    target: &mut Target<'_>,
) {
    let inputs = columns.inputs;
    for output in (0..target.outputs).step_by(WIDTH) {
        let panel = &panels[output / PANEL * PANEL * inputs..][..PANEL * inputs];
        let mut row = 0;
        while row + HEIGHT <= columns.count {
            block::<L, WIDTH, HEIGHT>(columns, panel, target, row, output);
            row += HEIGHT;
        }
        if HEIGHT > 8 && row + 8 <= columns.count {
            block::<L, WIDTH, 8>(columns, panel, target, row, output);
            row += 8;
        }
        if HEIGHT > 4 && row + 4 <= columns.count {
            block::<L, WIDTH, 4>(columns, panel, target, row, output);
            row += 4;
        }
        while row + 2 <= columns.count {
            block::<L, WIDTH, 2>(columns, panel, target, row, output);
            row += 2;
        }
        if row < columns.count {
            block::<L, WIDTH, 1>(columns, panel, target, row, output);
        }
    }
}

#[inline(always)]
fn block<const L: u8, const WIDTH: usize, const HEIGHT: usize>(
    columns: Columns<'_>,
    panel: &[f32],
    target: &mut Target<'_>,
    row: usize,
    output: usize,
) {
    let offset = output % PANEL;
    // All indices are constants, so that the sums stay in registers.
    let mut sums = [[0.0; WIDTH]; HEIGHT];
    let columns = columns.values[row..].chunks(columns.stride).take(columns.inputs);
    for (values, weights) in columns.zip(panel.as_chunks::<PANEL>().0) {
        let Some(values) = values.first_chunk::<HEIGHT>() else { break };
        let weights = &weights[offset..offset + WIDTH];
        for j in 0..HEIGHT {
            for o in 0..WIDTH {
                sums[j][o] = if fused(L) {
                    values[j].mul_add(weights[o], sums[j][o])
                } else {
                    sums[j][o] + values[j] * weights[o]
                };
            }
        }
    }
    let width = WIDTH.min(target.outputs - output);
    for (j, sums) in sums.into_iter().enumerate() {
        let to = &mut target.values[(row + j) * target.stride + output..][..width];
        match (<&mut [f32; WIDTH]>::try_from(&mut *to), target.add) {
            (Ok(to), false) => *to = sums,
            (Ok(to), true) => *to = std::array::from_fn(|o| to[o] + sums[o]),
            (Err(_), add) => to.iter_mut().zip(sums).for_each(|(to, sum)| *to = if add { *to + sum } else { sum }),
        }
    }
}

/// The number of rows in a product on one thread: they stay in the cache.
const ROWS: usize = 256;
/// The number of outputs that a thread works on at a time, a multiple of all heights above.
const OUTPUTS: usize = 12;
/// The least number of rows for which another part pays.
const LONG: usize = 1024;
/// The most parts of the rows. Each has sums of its own.
const PARTS: usize = 16;

/// Adds `left^T right` to `sums` `[a, b]`, for `left` `[rows, a]` and `right` `[rows, b]`, on all threads. The lengths alone decide the
/// order of the sums.
pub fn add_outer_product(
    level: Level,
    [left, right]: [&[f32]; 2],
    [a, b]: [usize; 2],
    sums: &mut [f32],
    workspace: &Workspace,
) {
    if a * b == 0 || left.is_empty() {
        return;
    }
    let rows = left.len() / a;
    let parts = (rows / LONG).clamp(1, PARTS);
    let length = rows.div_ceil(parts).next_multiple_of(ROWS);
    let mut partial = workspace.take(parts * a * b);
    let of_parts = partial[..parts * a * b].par_chunks_mut(a * b).enumerate();
    of_parts.for_each(|(part, sums)| {
        let mut panels = workspace.take(panels_length(b, ROWS));
        let end = ((part + 1) * length).min(rows);
        let start = (part * length).min(end);
        if start == end {
            sums.fill(0.0);
        }
        for first in (start..end).step_by(ROWS) {
            let inputs = ROWS.min(end - first);
            pack_transposed(&right[first * b..(first + inputs) * b], b, inputs, &mut panels);
            sums.par_chunks_mut(OUTPUTS * b).enumerate().for_each(|(block, sums)| {
                let count = sums.len() / b;
                // Rows at a distance of many numbers would share a few lines of the cache.
                let mut values = [0.0; ROWS * OUTPUTS];
                let rows = left[first * a + block * OUTPUTS..].chunks(a);
                for (to, row) in values.as_chunks_mut::<OUTPUTS>().0[..inputs].iter_mut().zip(rows) {
                    match row.first_chunk::<OUTPUTS>() {
                        Some(row) => *to = *row,
                        None => to[..count].copy_from_slice(&row[..count]),
                    }
                }
                let columns = Columns { values: &values, stride: OUTPUTS, count, inputs };
                let target = Target { values: sums, stride: b, outputs: b, add: first > start };
                product_of_columns(level, columns, &panels, target);
            });
        }
        workspace.put(panels);
    });
    sums.par_chunks_mut(b).enumerate().for_each(|(row, sums)| {
        for part in partial[..parts * a * b].chunks_exact(a * b) {
            sums.iter_mut().zip(&part[row * b..]).for_each(|(sum, part)| *sum += part);
        }
    });
    workspace.put(partial);
}

/// Adds the sums of the columns of `values` `[rows, sums]` to `sums`.
pub fn add_column_sums(values: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    if columns == 0 {
        return;
    }
    let parts = values.par_chunks(columns * ROWS).map(|part| {
        let mut sums = vec![0.0; columns];
        for row in part.chunks_exact(columns) {
            sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
        }
        sums
    });
    for part in parts.collect::<Vec<_>>() {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
}
