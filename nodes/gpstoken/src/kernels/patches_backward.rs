//! The gradients of convolutions with any kernel, stride and padding; see [`patches`](super::patches).

use super::{
    cpu::{Level, for_each_level},
    outer_product::{Columns, product_of_columns},
    patches::{Kernel, read_patch},
    product::{PANEL, Rows, Target, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;

/// The approximate number of output pixels that a thread works on at a time.
const ROWS: usize = 96;

/// Writes the gradient of the map, `back` `[height, width, inputs]`, from the gradient of the result and the weights
/// `[outputs, inputs, size]`.
///
/// An output row and a row of the kernel meet in a single row of the map. So each row of the map is a sum of products of output rows, and
/// threads with different rows never write to the same place. The products of a row are `[columns, kernel's columns, inputs]`; the last
/// step adds up the numbers of the same pixel.
pub fn convolve_patches_backward(
    level: Level,
    weight: &[f32],
    kernel: Kernel,
    (gradient, outputs): (&[f32], usize),
    (back, size, inputs): (&mut [f32], [usize; 2], usize),
    workspace: &Workspace,
) {
    let Kernel { size: [down, across], stride, padding: [above, _] } = kernel;
    let ([rows, columns], [height, width]) = (kernel.outputs(size), size);
    let back = &mut back[..height * width * inputs];
    if rows * columns * outputs == 0 || back.is_empty() {
        back.fill(0.0);
        return;
    }
    let length = across * inputs;
    let of_row = panels_length(length, outputs);
    let mut panels = workspace.take(down * of_row);
    write_panels(weight, outputs, inputs, kernel, &mut panels);

    let lines = (ROWS / columns).max(1);
    let band_rows = lines * stride;
    back.par_chunks_mut(band_rows * width * inputs).enumerate().for_each(|(band, back)| {
        let mut products = workspace.take(lines * columns * length);
        let here = back.len() / (width * inputs);
        // Rows that are `stride` apart meet the same rows of the kernel, and adjacent output rows.
        for phase in 0..stride.min(here) {
            let count = (here - phase).div_ceil(stride);
            let products = &mut products[..count * columns * length];
            products.fill(0.0);
            let first = band * band_rows + phase + above; // of the padded map
            for (step, y) in (first % stride..down).step_by(stride).enumerate() {
                // The output row for the band's row `j` is `first / stride + j - step`.
                let begin = step.saturating_sub(first / stride);
                let end = count.min((rows + step).saturating_sub(first / stride));
                if begin >= end {
                    continue;
                }
                let values = &gradient[(first / stride + begin - step) * columns * outputs..];
                let rows = Rows { values, stride: outputs, count: (end - begin) * columns, inputs: outputs };
                let values = &mut products[begin * columns * length..];
                let target = Target { values, stride: length, outputs: length, add: true };
                product(level, rows, &panels[y * of_row..][..of_row], target);
            }
            let to = back.chunks_exact_mut(width * inputs).skip(phase).step_by(stride);
            for (row, products) in to.zip(products.chunks_exact(columns * length)) {
                fold(level, products, kernel, inputs, row);
            }
        }
        workspace.put(products);
    });
    workspace.put(panels);
}

/// Writes the weights as panels `[kernel's rows, kernel's columns * inputs / PANEL, outputs, PANEL]`.
fn write_panels(weight: &[f32], outputs: usize, inputs: usize, kernel: Kernel, panels: &mut [f32]) {
    let (area, [down, across]) = (kernel.area(), kernel.size);
    let length = across * inputs;
    let in_row = length.div_ceil(PANEL);
    panels[..down * in_row * outputs * PANEL].par_chunks_mut(outputs * PANEL).enumerate().for_each(|(at, panel)| {
        let (y, first) = (at / in_row, at % in_row * PANEL);
        let places: [Option<usize>; PANEL] = std::array::from_fn(|i| {
            let (x, input) = ((first + i) / inputs, (first + i) % inputs);
            (first + i < length).then_some(input * area + y * across + x)
        });
        let weights = weight.chunks_exact(inputs * area);
        for (lane, weight) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(weights) {
            *lane = places.map(|place| place.map_or(0.0, |place| weight[place]));
        }
    });
}

for_each_level! {
    /// Adds products `[columns, kernel's columns, inputs]` to the pixels of a row.
    fn fold(products: &[f32], kernel: Kernel, inputs: usize, row: &mut [f32]) => fold_at
}

#[inline(always)]
fn fold_at<const L: u8>(products: &[f32], kernel: Kernel, inputs: usize, row: &mut [f32]) {
    row.fill(0.0);
    let width = row.len() / inputs;
    for (column, products) in products.chunks_exact(kernel.size[1] * inputs).enumerate() {
        let left = column * kernel.stride;
        let inside = kernel.inside(left, width);
        if !inside.is_empty() {
            let start = (left + inside.start - kernel.padding[1]) * inputs;
            let products = &products[inside.start * inputs..inside.end * inputs];
            for (to, product) in row[start..start + products.len()].iter_mut().zip(products) {
                *to += product;
            }
        }
    }
}

/// The number of pixels in a product: their panels stay in the cache.
const PIXELS: usize = 256;
/// The number of a patch's numbers that a thread works on at a time.
const WIDTH: usize = 4 * PANEL;
/// The number of tasks that keeps all threads of usual processors busy.
const TASKS: usize = 16;
/// The least number of pixels for which a task of its own pays.
const LEAST: usize = 1024;

/// Adds the gradient of the weights to `sums` `[outputs, inputs, size]`, from the gradient of the result and the map with its size and
/// channels. The shapes alone decide the order of the sums.
pub fn add_patches_weight_gradient(
    level: Level,
    kernel: Kernel,
    gradient: &[f32],
    (map, size, inputs): (&[f32], [usize; 2], usize),
    sums: &mut [f32],
    workspace: &Workspace,
) {
    let ([rows, columns], area) = (kernel.outputs(size), kernel.area());
    let (pixels, length) = (rows * columns, area * inputs);
    if pixels * length == 0 || sums.is_empty() {
        return;
    }
    let outputs = sums.len() / length;
    let groups = length.div_ceil(WIDTH);
    let parts = (TASKS / groups).clamp(1, pixels.div_ceil(LEAST));
    let share = pixels.div_ceil(parts).next_multiple_of(PIXELS);
    let block = outputs * WIDTH;
    let mut partial = workspace.take(parts * groups * block); // [parts, groups, outputs, WIDTH]
    partial[..parts * groups * block].par_chunks_mut(block).enumerate().for_each(|(task, sums)| {
        sums.fill(0.0);
        let first = task % groups * WIDTH;
        let width = WIDTH.min(length - first);
        let start = task / groups * share;
        let end = (start + share).min(pixels);
        let mut panels = workspace.take(PIXELS * WIDTH);
        for start in (start.min(end)..end).step_by(PIXELS) {
            let count = PIXELS.min(end - start);
            let mut patch = [0.0; WIDTH];
            for i in 0..count {
                let place = [(start + i) / columns, (start + i) % columns];
                read_patch(map, size, inputs, kernel, place, first..first + width, &mut patch[..width]);
                for (panel, lane) in patch.as_chunks::<PANEL>().0.iter().enumerate() {
                    panels[(panel * count + i) * PANEL..][..PANEL].copy_from_slice(lane);
                }
            }
            let values = &gradient[start * outputs..];
            let columns = Columns { values, stride: outputs, count: outputs, inputs: count };
            let target = Target { values: &mut *sums, stride: WIDTH, outputs: width, add: true };
            product_of_columns(level, columns, &panels, target);
        }
        workspace.put(panels);
    });
    sums.par_chunks_mut(length).enumerate().for_each(|(output, sums)| {
        for part in partial[..parts * groups * block].chunks_exact(groups * block) {
            for at in 0..length {
                let sum = part[(at / WIDTH * outputs + output) * WIDTH + at % WIDTH];
                sums[at % inputs * area + at / inputs] += sum;
            }
        }
    });
    workspace.put(partial);
}
