//! Layers on tokens. The tokens are in panels, `[tokens / 32, width, 32]`: the numbers of 32 tokens for the same channel are adjacent,
//! in the order in which a product reads its right matrix. So the checkpoint's weights are the left matrix without rearrangement, and
//! each result is in the order that the next layer needs.

use super::{
    cpu::{Level, for_each_level, fused},
    lanes::{Aligned, exp},
    memory::Buffer,
    product::{PANEL, Rows, Target, product},
};
use rayon::prelude::*;

type Lanes = [f32; PANEL];

/// The number of a layer's outputs that a thread works on at a time.
const OUTPUTS: usize = 48;

/// Writes tokens `[count, width]` as panels. Fills the last panel with zeros.
pub fn to_panels(tokens: &[f32], width: usize) -> Buffer {
    let count = tokens.len() / width.max(1);
    let mut panels = Buffer::zeroed(count.div_ceil(PANEL) * PANEL * width);
    super::product::pack(tokens, count, width, &mut panels);
    panels
}

/// Reads the tokens `[count, width]` from panels.
pub fn from_panels(panels: &[f32], count: usize, width: usize) -> Vec<f32> {
    let at = |token: usize, i: usize| panels[(token / PANEL * width + i) * PANEL + token % PANEL];
    (0..count).flat_map(|token| (0..width).map(move |i| at(token, i))).collect()
}

/// The last operation of a layer, applied to its results.
#[derive(Clone, Copy, Debug)]
pub enum Then<'a> {
    /// Writes the results.
    Write,
    /// Writes the GELU of the results.
    Gelu,
    /// Writes the GELU of the results, in its form with a hyperbolic tangent.
    TanhGelu,
    /// Adds the results to the numbers in the target.
    Add,
    /// Multiplies each output by a factor, then adds it to the numbers in the target. Each group of `panels` panels has its own factors.
    AddTimes {
        /// A factor for each output, for each group of panels.
        factors: &'a [&'a [f32]],
        /// Number of panels in a group.
        panels: usize,
    },
}

/// `x W^T + bias`, with `weight` `[outputs, inputs]`.
pub fn linear(level: Level, [weight, bias]: [&[f32]; 2], x: &[f32], then: Then<'_>, out: &mut [f32]) {
    let outputs = bias.len();
    let inputs = weight.len() / outputs.max(1);
    if inputs == 0 {
        return;
    }
    by_outputs(out, outputs, OUTPUTS).into_par_iter().enumerate().for_each(|(part, panels)| {
        let first = part * OUTPUTS;
        let mut product_only = Aligned([0.0; OUTPUTS * PANEL]);
        for (index, (x, values)) in x.chunks_exact(inputs * PANEL).zip(panels).enumerate() {
            let count = values.len() / PANEL;
            let rows = Rows { values: &weight[first * inputs..], stride: inputs, count, inputs };
            let bias = &bias[first..first + count];
            if let Then::AddTimes { factors, panels } = then {
                let values_only = &mut product_only.0[..values.len()];
                product(level, rows, x, Target { values: values_only, stride: PANEL, outputs: PANEL, add: false });
                add_times(level, values, values_only, bias, &factors[index / panels][first..first + count]);
                continue;
            }
            let add = matches!(then, Then::Add);
            product(level, rows, x, Target { values: &mut *values, stride: PANEL, outputs: PANEL, add });
            match then {
                Then::Gelu => finish_gelu(level, values, bias),
                Then::TanhGelu => finish_tanh_gelu(level, values, bias),
                _ => finish(level, values, bias),
            }
        }
    });
}

/// Splits the rows into parts of `size` rows. Each part contains its rows of every panel `[rows, 32]`.
fn by_outputs(panels: &mut [f32], rows: usize, size: usize) -> Vec<Vec<&mut [f32]>> {
    let mut parts: Vec<Vec<&mut [f32]>> = (0..rows.div_ceil(size)).map(|_| Vec::new()).collect();
    for panel in panels.chunks_exact_mut(rows * PANEL) {
        for (part, values) in parts.iter_mut().zip(panel.chunks_mut(size * PANEL)) {
            part.push(values);
        }
    }
    parts
}

for_each_level! {
    fn finish(values: &mut [f32], bias: &[f32]) => finish_at
}
for_each_level! {
    fn finish_gelu(values: &mut [f32], bias: &[f32]) => finish_gelu_at
}
for_each_level! {
    fn finish_tanh_gelu(values: &mut [f32], bias: &[f32]) => finish_tanh_gelu_at
}
for_each_level! {
    fn add_times(values: &mut [f32], product: &[f32], bias: &[f32], factors: &[f32]) => add_times_at
}

#[inline(always)]
fn finish_at<const L: u8>(values: &mut [f32], bias: &[f32]) {
    for (lanes, bias) in values.as_chunks_mut::<PANEL>().0.iter_mut().zip(bias) {
        for lane in lanes {
            *lane += bias;
        }
    }
}

#[inline(always)]
fn finish_gelu_at<const L: u8>(values: &mut [f32], bias: &[f32]) {
    for (lanes, bias) in values.as_chunks_mut::<PANEL>().0.iter_mut().zip(bias) {
        for lane in lanes {
            *lane = gelu::<L>(*lane + bias);
        }
    }
}

#[inline(always)]
fn finish_tanh_gelu_at<const L: u8>(values: &mut [f32], bias: &[f32]) {
    for (lanes, bias) in values.as_chunks_mut::<PANEL>().0.iter_mut().zip(bias) {
        for lane in lanes {
            *lane = tanh_gelu::<L>(*lane + bias);
        }
    }
}

/// `values + (product + bias) * factor`
#[inline(always)]
fn add_times_at<const L: u8>(values: &mut [f32], product: &[f32], bias: &[f32], factors: &[f32]) {
    let lines = values.as_chunks_mut::<PANEL>().0.iter_mut().zip(product.as_chunks::<PANEL>().0);
    for ((lanes, product), (bias, factor)) in lines.zip(bias.iter().zip(factors)) {
        for i in 0..PANEL {
            let value = product[i] + bias;
            lanes[i] = if fused(L) { value.mul_add(*factor, lanes[i]) } else { value * factor + lanes[i] };
        }
    }
}

/// `x (1 + tanh(u)) / 2` with `u = sqrt(2 / pi) (x + 0.044715 x^3)`, which is `x / (1 + e^-2u)`.
#[inline(always)]
pub(super) fn tanh_gelu<const L: u8>(x: f32) -> f32 {
    const FACTOR: f32 = -2.0 * 0.797_884_6;
    x / (1.0 + exp::<L>(FACTOR * (x + 0.044_715 * x * x * x)))
}

/// `x (1 + erf(x / sqrt 2)) / 2`
#[inline(always)]
pub(super) fn gelu<const L: u8>(x: f32) -> f32 {
    0.5 * x * (1.0 + erf::<L>(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function within a few units of the last place: a quotient of polynomials, as in Eigen.
#[inline(always)]
pub(super) fn erf<const L: u8>(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_4e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    let x = if x < -4.0 { -4.0 } else { x };
    let x = if x > 4.0 { 4.0 } else { x };
    let square = x * x;
    let (mut above, mut below) = (0.0, 0.0);
    for factor in ABOVE {
        above = if fused(L) { square.mul_add(above, factor) } else { square * above + factor };
    }
    for factor in BELOW {
        below = if fused(L) { square.mul_add(below, factor) } else { square * below + factor };
    }
    x * above / below
}

/// Layer normalisation of each token: normalises the numbers of a token to mean 0 and variance 1, then scales and shifts them.
/// `epsilon` is added to the variance. `parameters` returns a panel's scales and shifts, one for each number of a token.
pub fn normalise<'a>(
    level: Level,
    epsilon: f32,
    width: usize,
    parameters: impl Fn(usize) -> [&'a [f32]; 2] + Sync,
    x: &[f32],
    out: &mut [f32],
) {
    let length = width * PANEL;
    if length == 0 {
        return;
    }
    let panels = x.par_chunks_exact(length).zip(out.par_chunks_exact_mut(length)).enumerate();
    panels.for_each(|(panel, (x, out))| normalise_panel(level, epsilon, parameters(panel), x, out));
}

for_each_level! {
    fn normalise_panel(epsilon: f32, parameters: [&[f32]; 2], x: &[f32], out: &mut [f32]) => normalise_panel_at
}

#[inline(always)]
fn normalise_panel_at<const L: u8>(epsilon: f32, [scale, shift]: [&[f32]; 2], x: &[f32], out: &mut [f32]) {
    let width = scale.len() as f32;
    let (x, out) = (x.as_chunks::<PANEL>().0, out.as_chunks_mut::<PANEL>().0);
    let (mut mean, mut factor) = ([0.0; PANEL], [0.0; PANEL]);
    for lanes in x {
        for i in 0..PANEL {
            mean[i] += lanes[i];
        }
    }
    for value in &mut mean {
        *value /= width;
    }
    for lanes in x {
        for i in 0..PANEL {
            let centred = lanes[i] - mean[i];
            factor[i] = if fused(L) { centred.mul_add(centred, factor[i]) } else { centred * centred + factor[i] };
        }
    }
    for value in &mut factor {
        *value = 1.0 / (*value / width + epsilon).sqrt();
    }
    for ((out, x), (scale, shift)) in out.iter_mut().zip(x).zip(scale.iter().zip(shift)) {
        for i in 0..PANEL {
            out[i] = (x[i] - mean[i]) * factor[i] * scale + shift;
        }
    }
}

/// Attention with several heads between `count` tokens. `x` contains queries, keys and values, `[3 width]` for each token. `out`
/// receives `[width]` for each token.
pub fn attend(level: Level, heads: usize, count: usize, width: usize, x: &[f32], out: &mut [f32]) {
    let size = width / heads.max(1);
    if size == 0 || count == 0 {
        return;
    }
    by_outputs(out, width, size).into_par_iter().enumerate().for_each(|(head, targets)| {
        let row = |panel: usize, part: usize, d: usize| ((panel * 3 + part) * width + head * size + d) * PANEL;
        let mut keys = vec![0.0; count * size]; // [tokens, size]
        let mut values = vec![0.0; size * count]; // [size, tokens]
        for (panel, first) in (0..count).step_by(PANEL).enumerate() {
            let used = PANEL.min(count - first);
            for d in 0..size {
                values[d * count + first..][..used].copy_from_slice(&x[row(panel, 2, d)..][..used]);
                for (i, key) in x[row(panel, 1, d)..][..used].iter().enumerate() {
                    keys[(first + i) * size + d] = *key;
                }
            }
        }
        let mut weights = Buffer::zeroed(count * PANEL); // [keys, queries of a panel]
        for (panel, target) in targets.into_iter().enumerate() {
            let queries = &x[row(panel, 0, 0)..][..size * PANEL];
            let rows = Rows { values: &keys, stride: size, count, inputs: size };
            product(level, rows, queries, Target { values: &mut weights, stride: PANEL, outputs: PANEL, add: false });
            let mut sums = [0.0; PANEL];
            soften(level, &mut weights, 1.0 / (size as f32).sqrt(), &mut sums);
            let rows = Rows { values: &values, stride: count, count: size, inputs: count };
            product(level, rows, &weights, Target { values: &mut *target, stride: PANEL, outputs: PANEL, add: false });
            for lanes in target.as_chunks_mut::<PANEL>().0 {
                lanes.iter_mut().zip(&sums).for_each(|(v, sum)| *v /= sum);
            }
        }
    });
}

for_each_level! {
    /// Computes `e^(scale (x - largest))` in place for each of 32 columns, and the sum of the results.
    fn soften(weights: &mut [f32], scale: f32, sums: &mut Lanes) => soften_at
}

#[inline(always)]
fn soften_at<const L: u8>(weights: &mut [f32], scale: f32, sums: &mut Lanes) {
    let rows = weights.as_chunks_mut::<PANEL>().0;
    let mut largest = [f32::NEG_INFINITY; PANEL];
    for lanes in &*rows {
        for i in 0..PANEL {
            largest[i] = if lanes[i] > largest[i] { lanes[i] } else { largest[i] };
        }
    }
    for lanes in rows {
        for i in 0..PANEL {
            lanes[i] = exp::<L>((lanes[i] - largest[i]) * scale);
            sums[i] += lanes[i];
        }
    }
}
