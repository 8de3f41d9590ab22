//! Convolutions with any kernel, stride and padding. The pixels under the kernel form a row of a product.

use super::{
    convolution::Weights,
    cpu::Level,
    product::{Rows, Target, pack, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;

/// A square kernel.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// The kernel's side in pixels.
    pub side: usize,
    /// The distance between two outputs, in pixels of the input.
    pub stride: usize,
    /// The number of zeros at each border.
    pub padding: usize,
}

impl Kernel {
    /// The number of outputs along an axis of `pixels` pixels; 0 if the kernel does not fit.
    pub fn outputs(self, pixels: usize) -> usize {
        (pixels + 2 * self.padding).checked_sub(self.side).map_or(0, |rest| rest / self.stride + 1)
    }
}

/// The approximate number of output pixels that a thread works on at a time: several times the rows of a product's block.
const ROWS: usize = 96;

/// Writes the convolution of a map `[height, width, inputs]` with weights `[outputs, inputs, side, side]`.
pub fn convolve_patches(
    level: Level,
    weights: Weights<'_>,
    kernel: Kernel,
    map: &[f32],
    [height, width]: [usize; 2],
    out: &mut [f32],
    workspace: &Workspace,
) {
    let Weights { weight, bias, inputs } = weights;
    let (outputs, area) = (bias.len(), kernel.side * kernel.side);
    let [rows, columns] = [height, width].map(|side| kernel.outputs(side));
    if rows * columns * outputs * inputs == 0 {
        return;
    }
    // [outputs, side, side, inputs], in the order of the patches
    let ordered: Vec<f32> = (0..outputs * area * inputs)
        .map(|i| (i / (area * inputs) * inputs + i % inputs) * area + i / inputs % area)
        .map(|at| weight[at])
        .collect();
    let mut panels = workspace.take(panels_length(outputs, area * inputs));
    pack(&ordered, outputs, area * inputs, &mut panels);

    let lines = (ROWS / columns).max(1);
    out[..rows * columns * outputs].par_chunks_mut(lines * columns * outputs).enumerate().for_each(|(band, out)| {
        let count = out.len() / outputs;
        let mut patches = workspace.take(count * area * inputs);
        for (i, patch) in patches.chunks_exact_mut(area * inputs).take(count).enumerate() {
            let (row, column) = (band * lines + i / columns, i % columns);
            read_patch(map, [height, width], inputs, kernel, [row, column], patch);
        }
        out.chunks_exact_mut(outputs).for_each(|pixel| pixel.copy_from_slice(bias));
        let rows = Rows { values: &patches, stride: area * inputs, count, inputs: area * inputs };
        product(level, rows, &panels, Target { values: out, stride: outputs, outputs, add: true });
        workspace.put(patches);
    });
    workspace.put(panels);
}

/// The pixels under the kernel for an output pixel, `[side, side, inputs]`.
fn read_patch(
    map: &[f32],
    [height, width]: [usize; 2],
    inputs: usize,
    kernel: Kernel,
    [row, column]: [usize; 2],
    patch: &mut [f32],
) {
    let Kernel { side, stride, padding } = kernel;
    let (top, left) = (row * stride, column * stride); // of the padded map
    let first = padding.saturating_sub(left).min(side);
    let end = (width + padding).saturating_sub(left).clamp(first, side);
    for (y, line) in patch.chunks_exact_mut(side * inputs).enumerate() {
        if !(padding..height + padding).contains(&(top + y)) {
            line.fill(0.0);
            continue;
        }
        line[..first * inputs].fill(0.0);
        line[end * inputs..].fill(0.0);
        if first < end {
            let start = ((top + y - padding) * width + left + first - padding) * inputs;
            line[first * inputs..end * inputs].copy_from_slice(&map[start..start + (end - first) * inputs]);
        }
    }
}
