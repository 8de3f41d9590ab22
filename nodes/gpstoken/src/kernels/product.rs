//! Products of matrices with few rows and prepared weights.
//!
//! On one core of an EPYC 9004, the crate `gemm` reaches 74 to 104 GFLOP/s for the shapes of the decoder (64 to 128 rows). This
//! product reaches 94 to 114 GFLOP/s, because its weights are already in the order of their use.

use super::cpu::{AVX2, AVX512, Level, for_each_level, fused};
use rayon::prelude::*;

/// The number of outputs in a panel. Their weights are adjacent.
pub const PANEL: usize = 32;

/// The length of the panels for `outputs` and `inputs`.
pub fn panels_length(outputs: usize, inputs: usize) -> usize {
    outputs.div_ceil(PANEL) * PANEL * inputs
}

/// Writes a matrix `[outputs, inputs]` as panels `[outputs / PANEL, inputs, PANEL]`. Fills the last panel with zeros.
pub fn pack(matrix: &[f32], outputs: usize, inputs: usize, panels: &mut [f32]) {
    panels[..panels_length(outputs, inputs)].par_chunks_mut(PANEL * inputs.max(1)).enumerate().for_each(
        |(p, panel)| {
            let (first, count) = (p * PANEL, PANEL.min(outputs - p * PANEL));
            pack_rows(Rows { values: &matrix[first * inputs..], stride: inputs, count, inputs }, panel);
        },
    );
}

/// Writes rows as panels, on the calling thread; see [`pack`].
pub fn pack_rows(rows: Rows<'_>, panels: &mut [f32]) {
    /// The number of rows that the compiler takes together. Measured: 0.3 ns a number, and 1 ns with all rows of a panel.
    const TOGETHER: usize = 8;
    let Rows { values, stride, count, inputs } = rows;
    let zeros = vec![0.0; if count.is_multiple_of(PANEL) { 0 } else { inputs }];
    for (first, panel) in (0..count).step_by(PANEL).zip(panels.chunks_exact_mut(PANEL * inputs.max(1))) {
        let lanes = panel.as_chunks_mut::<PANEL>().0;
        for offset in (0..PANEL).step_by(TOGETHER) {
            let rows: [&[f32]; TOGETHER] = std::array::from_fn(|j| {
                let row = first + offset + j;
                if row < count { &values[row * stride..][..inputs] } else { &zeros[..inputs] }
            });
            for (i, lane) in lanes[..inputs].iter_mut().enumerate() {
                let numbers: [f32; TOGETHER] = std::array::from_fn(|j| rows[j][i]);
                lane[offset..offset + TOGETHER].copy_from_slice(&numbers);
            }
        }
    }
}

/// Writes a matrix `[inputs, outputs]` as panels; see [`pack`].
pub fn pack_transposed(matrix: &[f32], outputs: usize, inputs: usize, panels: &mut [f32]) {
    panels[..panels_length(outputs, inputs)].par_chunks_mut(PANEL * inputs.max(1)).enumerate().for_each(
        |(p, panel)| {
            let first = p * PANEL;
            let rows =
                Rows { values: &matrix[first..], stride: outputs, count: inputs, inputs: PANEL.min(outputs - first) };
            pack_columns(rows, panel);
        },
    );
}

/// Writes the columns of rows `[count, inputs]` as panels `[inputs / PANEL, count, PANEL]`, on the calling thread.
pub fn pack_columns(rows: Rows<'_>, panels: &mut [f32]) {
    let Rows { values, stride, count, inputs } = rows;
    for (first, panel) in (0..inputs).step_by(PANEL).zip(panels.chunks_exact_mut(PANEL * count.max(1))) {
        let used = PANEL.min(inputs - first);
        let lanes = panel.as_chunks_mut::<PANEL>().0[..count].iter_mut().enumerate();
        if used == PANEL {
            // The compiler makes no call of a copy with a constant length.
            lanes.for_each(|(i, lane)| lane.copy_from_slice(&values[i * stride + first..][..PANEL]));
        } else {
            for (i, lane) in lanes {
                lane[..used].copy_from_slice(&values[i * stride + first..][..used]);
                lane[used..].fill(0.0);
            }
        }
    }
}

/// The left matrix of a product, `[rows, inputs]`, with rows at a distance of `stride` numbers.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The numbers.
    pub values: &'a [f32],
    /// The distance between the starts of two rows.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
    /// Length of a row.
    pub inputs: usize,
}

/// The target of a product, `[rows, outputs]`, with rows at a distance of `stride` numbers.
pub struct Target<'a> {
    /// The numbers.
    pub values: &'a mut [f32],
    /// The distance between the starts of two rows.
    pub stride: usize,
    /// Length of a row.
    pub outputs: usize,
    /// Whether to add the product to the target's numbers instead of replacing them.
    pub add: bool,
}

/// Computes `target = rows * panels`, or `target += rows * panels`, on the calling thread.
pub fn product(level: Level, rows: Rows<'_>, panels: &[f32], target: Target<'_>) {
    product_with_bias(level, rows, panels, &[], target);
}

for_each_level! {
    /// Computes [`product`] and adds a bias for each output. Without a bias, the slice is empty.
    pub fn product_with_bias(rows: Rows<'_>, panels: &[f32], bias: &[f32], target: Target<'_>) => product_at
}

#[inline(always)]
fn product_at<const L: u8>(rows: Rows<'_>, panels: &[f32], bias: &[f32], mut target: Target<'_>) {
    // The number of sums that fit into the registers.
    match L {
        AVX512 => by_panels::<L, 32, 12>(rows, panels, bias, &mut target),
        AVX2 => by_panels::<L, 16, 6>(rows, panels, bias, &mut target),
        _ => by_panels::<L, 8, 4>(rows, panels, bias, &mut target),
    }
}

#[inline(always)]
fn by_panels<const L: u8, const WIDTH: usize, const HEIGHT: usize>(
    rows: Rows<'_>,
    panels: &[f32],
    bias: &[f32],
    target: &mut Target<'_>,
) {
    let inputs = rows.inputs;
    for output in (0..target.outputs).step_by(WIDTH) {
        let panel = &panels[output / PANEL * PANEL * inputs..][..PANEL * inputs];
        let bias = bias.get(output..).unwrap_or_default();
        let mut row = 0;
        while row + HEIGHT <= rows.count {
            block::<L, WIDTH, HEIGHT>(rows, panel, bias, target, [row, output]);
            row += HEIGHT;
        }
        // Blocks of two rows alone would take twice as long for the last eleven.
        if HEIGHT > 8 && row + 8 <= rows.count {
            block::<L, WIDTH, 8>(rows, panel, bias, target, [row, output]);
            row += 8;
        }
        if HEIGHT > 4 && row + 4 <= rows.count {
            block::<L, WIDTH, 4>(rows, panel, bias, target, [row, output]);
            row += 4;
        }
        while row + 2 <= rows.count {
            block::<L, WIDTH, 2>(rows, panel, bias, target, [row, output]);
            row += 2;
        }
        if row < rows.count {
            block::<L, WIDTH, 1>(rows, panel, bias, target, [row, output]);
        }
    }
}

#[inline(always)]
fn block<const L: u8, const WIDTH: usize, const HEIGHT: usize>(
    rows: Rows<'_>,
    panel: &[f32],
    bias: &[f32],
    target: &mut Target<'_>,
    [row, output]: [usize; 2],
) {
    let inputs = rows.inputs;
    let lines: [&[f32]; HEIGHT] = std::array::from_fn(|j| &rows.values[(row + j) * rows.stride..][..inputs]);
    let offset = output % PANEL;
    // All indices are constants, so that the sums stay in registers.
    let mut sums = [[0.0; WIDTH]; HEIGHT];
    for (i, weights) in panel.as_chunks::<PANEL>().0[..inputs].iter().enumerate() {
        let weights = &weights[offset..offset + WIDTH];
        for j in 0..HEIGHT {
            let value = lines[j][i];
            for o in 0..WIDTH {
                sums[j][o] =
                    if fused(L) { value.mul_add(weights[o], sums[j][o]) } else { sums[j][o] + value * weights[o] };
            }
        }
    }
    let width = WIDTH.min(target.outputs - output);
    for (j, sums) in sums.into_iter().enumerate() {
        let to = &mut target.values[(row + j) * target.stride + output..][..width];
        match (<&mut [f32; WIDTH]>::try_from(&mut *to), bias.first_chunk::<WIDTH>(), target.add) {
            (Ok(to), None, false) if bias.is_empty() => *to = sums,
            (Ok(to), None, true) if bias.is_empty() => *to = std::array::from_fn(|o| to[o] + sums[o]),
            (Ok(to), Some(bias), false) => *to = std::array::from_fn(|o| bias[o] + sums[o]),
            (Ok(to), Some(bias), true) => *to = std::array::from_fn(|o| to[o] + bias[o] + sums[o]),
            (_, _, add) => {
                for (o, (to, sum)) in to.iter_mut().zip(sums).enumerate() {
                    let start = if add { *to } else { 0.0 };
                    *to = start + bias.get(o).copied().unwrap_or(0.0) + sum;
                }
            }
        }
    }
}

/// The most rows that a thread works on at a time, a multiple of all heights above.
const ROWS: usize = 96;
/// The fewest rows. With fewer, reading the weights would take longer than the product.
const FEW_ROWS: usize = 24;

/// The number of rows that a thread works on at a time, if there are `count` of them. Few rows make small parts, so that several threads
/// have work.
pub fn rows_of_part(count: usize) -> usize {
    count.div_ceil(8).next_multiple_of(12).clamp(FEW_ROWS, ROWS)
}

/// Computes a product on all threads, with a bias for each output: `out = rows * panels + bias`, or `out += rows * panels + bias`.
pub fn linear(level: Level, rows: Rows<'_>, panels: &[f32], bias: &[f32], out: &mut [f32], add: bool) {
    let outputs = bias.len();
    if outputs == 0 {
        return;
    }
    let length = rows_of_part(rows.count);
    out[..rows.count * outputs].par_chunks_mut(length * outputs).enumerate().for_each(|(part, out)| {
        let rows = Rows { values: &rows.values[part * length * rows.stride..], count: out.len() / outputs, ..rows };
        linear_part(level, rows, panels, bias, out, add);
    });
}

/// Computes [`linear`] on the calling thread.
pub fn linear_part(level: Level, rows: Rows<'_>, panels: &[f32], bias: &[f32], out: &mut [f32], add: bool) {
    let outputs = bias.len();
    product_with_bias(level, rows, panels, bias, Target { values: out, stride: outputs, outputs, add });
}
