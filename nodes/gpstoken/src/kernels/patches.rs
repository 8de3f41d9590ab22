//! Convolutions with any kernel, stride and padding. The pixels under the kernel form a row of a product.

use super::{
    convolution::Weights,
    cpu::Level,
    memory::Buffer,
    product::{PANEL, Rows, Target, linear, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;
use std::ops::Range;

/// The shape of a convolution. Pairs are height and width.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// The kernel's sides in pixels.
    pub size: [usize; 2],
    /// The distance between two outputs along both axes, in pixels of the input.
    pub stride: usize,
    /// The number of zeros at each border.
    pub padding: [usize; 2],
}

impl Kernel {
    /// A kernel with equal sides.
    pub const fn square(side: usize, stride: usize, padding: usize) -> Self {
        Self { size: [side; 2], stride, padding: [padding; 2] }
    }

    /// The number of outputs along each axis of a map; 0 where the kernel does not fit.
    pub fn outputs(self, pixels: [usize; 2]) -> [usize; 2] {
        let along = |axis: usize| {
            let padded = pixels[axis] + 2 * self.padding[axis];
            padded.checked_sub(self.size[axis]).map_or(0, |rest| rest / self.stride + 1)
        };
        [along(0), along(1)]
    }

    pub(super) fn area(self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The columns of the kernel that are inside the map when its first column is at `left` of the padded map.
    pub(super) fn inside(self, left: usize, width: usize) -> Range<usize> {
        let (across, before) = (self.size[1], self.padding[1]);
        let first = before.saturating_sub(left).min(across);
        first..(width + before).saturating_sub(left).clamp(first, across)
    }
}

/// The approximate number of output pixels that a thread works on at a time: several times the rows of a product's block.
const ROWS: usize = 96;

/// Writes the convolution of a map `[height, width, inputs]` with weights `[outputs, inputs, size]`.
pub fn convolve_patches(
    level: Level,
    weights: Weights<'_>,
    kernel: Kernel,
    map: &[f32],
    size: [usize; 2],
    out: &mut [f32],
    workspace: &Workspace,
) {
    let Weights { weight, bias, inputs } = weights;
    let mut panels = workspace.take(panels_length(bias.len(), kernel.area() * inputs));
    write_panels(weight, bias.len(), inputs, kernel, &mut panels);
    convolve_panels(level, [&panels, bias], kernel, (map, size, inputs), out, workspace);
    workspace.put(panels);
}

/// Weights `[outputs, inputs, size]` in the order in which [`convolve_panels`] reads them.
pub fn panels_of(weight: &[f32], outputs: usize, inputs: usize, kernel: Kernel) -> Buffer {
    let mut panels = Buffer::zeroed(panels_length(outputs, kernel.area() * inputs));
    write_panels(weight, outputs, inputs, kernel, &mut panels);
    panels
}

fn write_panels(weight: &[f32], outputs: usize, inputs: usize, kernel: Kernel, panels: &mut [f32]) {
    let (area, length) = (kernel.area(), kernel.area() * inputs);
    let panels = panels[..panels_length(outputs, length)].par_chunks_mut((PANEL * length).max(1));
    panels.enumerate().for_each(|(panel, lanes)| {
        let count = PANEL.min(outputs - panel * PANEL);
        let weight = &weight[panel * PANEL * length..]; // [outputs, inputs, size]
        let lanes = lanes.as_chunks_mut::<PANEL>().0; // [size, inputs], in the order of the patches
        for at in 0..length {
            lanes[at % area * inputs + at / area] =
                std::array::from_fn(|o| if o < count { weight[o * length + at] } else { 0.0 });
        }
    });
}

/// Writes the convolution of a map with its numbers `[height, width, inputs]`, its size and its channels. The weights are panels of
/// [`panels_of`] and the bias `[outputs]`.
pub fn convolve_panels(
    level: Level,
    [panels, bias]: [&[f32]; 2],
    kernel: Kernel,
    (map, size, inputs): (&[f32], [usize; 2], usize),
    out: &mut [f32],
    workspace: &Workspace,
) {
    let (outputs, length) = (bias.len(), kernel.area() * inputs);
    let [rows, columns] = kernel.outputs(size);
    if rows * columns * outputs * inputs == 0 {
        return;
    }
    let out = &mut out[..rows * columns * outputs];
    if (kernel.area(), kernel.stride) == (1, 1) {
        // The patches are the pixels.
        let pixels = Rows { values: map, stride: inputs, count: rows * columns, inputs };
        return linear(level, pixels, panels, bias, out, false);
    }
    let lines = (ROWS / columns).max(1);
    out.par_chunks_mut(lines * columns * outputs).enumerate().for_each(|(band, out)| {
        let count = out.len() / outputs;
        let mut patches = workspace.take(count * length);
        for (i, patch) in patches.chunks_exact_mut(length).take(count).enumerate() {
            read_patch(map, size, inputs, kernel, [band * lines + i / columns, i % columns], 0..length, patch);
        }
        out.chunks_exact_mut(outputs).for_each(|pixel| pixel.copy_from_slice(bias));
        let rows = Rows { values: &patches, stride: length, count, inputs: length };
        product(level, rows, panels, Target { values: out, stride: outputs, outputs, add: true });
        workspace.put(patches);
    });
}

/// Writes a part of the pixels under the kernel for an output pixel, `[size, inputs]`.
pub(super) fn read_patch(
    map: &[f32],
    [height, width]: [usize; 2],
    inputs: usize,
    kernel: Kernel,
    [row, column]: [usize; 2],
    part: Range<usize>,
    mut patch: &mut [f32],
) {
    let Kernel { size: [_, across], stride, padding: [above, before] } = kernel;
    let (top, left, line) = (row * stride, column * stride, across * inputs); // of the padded map
    let inside = kernel.inside(left, width);
    let mut at = part.start;
    while at < part.end {
        let (y, from) = (at / line, at % line);
        let to = line.min(from + part.end - at);
        let (here, rest) = patch.split_at_mut(to - from);
        let begin = (inside.start * inputs).clamp(from, to);
        let end = (inside.end * inputs).clamp(begin, to);
        if begin < end && (above..height + above).contains(&(top + y)) {
            here[..begin - from].fill(0.0);
            here[end - from..].fill(0.0);
            let start = ((top + y - above) * width + left) * inputs + begin - before * inputs;
            here[begin - from..end - from].copy_from_slice(&map[start..start + end - begin]);
        } else {
            here.fill(0.0);
        }
        at += to - from;
        patch = rest;
    }
}
