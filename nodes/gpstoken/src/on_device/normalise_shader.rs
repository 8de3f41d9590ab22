//! Normalisations on graphics cards: `shaders/group_norm_parts.wgsl`, `group_norm_moments.wgsl`, `group_norm_apply.wgsl` and
//! `layer_norm.wgsl`.

use super::{
    operation::Operation,
    shader::{Shader, as_u32, runs_on, workgroups},
};
use crate::{kernels::group_norm::greatest_common_divisor, layers::Statistics};
use burn::tensor::{DType, Shape, Tensor};

/// About as many numbers of a map as a workgroup adds up for the statistics.
const PART: usize = 1 << 14;
/// Invocations of a workgroup for the moments and for tokens.
const FEW_THREADS: usize = 64;
/// Pixels of a channel that a workgroup normalises.
const CHUNK: usize = 1024;

/// `group_norm_parts.wgsl`.
pub fn parts_shader(half: bool) -> Shader {
    let text = include_str!("../../../../shaders/group_norm_parts.wgsl");
    Shader { name: "group_norm_parts", text, half, values: Vec::new() }
}

/// `group_norm_moments.wgsl`.
pub fn moments_shader() -> Shader {
    let text = include_str!("../../../../shaders/group_norm_moments.wgsl");
    Shader { name: "group_norm_moments", text, half: false, values: Vec::new() }
}

/// `group_norm_apply.wgsl`, for the statistics of several tiles if `tiled`.
pub fn apply_shader(tiled: bool, half: bool) -> Shader {
    let text = include_str!("../../../../shaders/group_norm_apply.wgsl");
    Shader { name: "group_norm_apply", text, half, values: vec![("tiled", usize::from(tiled))] }
}

/// `layer_norm.wgsl`.
pub fn layer_norm_shader(half: bool) -> Shader {
    Shader { name: "layer_norm", text: include_str!("../../../../shaders/layer_norm.wgsl"), half, values: Vec::new() }
}

/// Normalises groups of channels of `x` `[B, C, H, W]`, with `scale` and `shift` `[C]`, and applies SiLU if `silu`. Returns `None` if the
/// shaders do not take the tensors. The result has no gradients.
pub fn group_norm(
    x: &Tensor<4>,
    scale: &Tensor<1>,
    shift: &Tensor<1>,
    statistics: Statistics,
    silu: bool,
) -> Option<Tensor<4>> {
    if !runs_on(x.device().as_dispatch(), &[x.dtype(), scale.dtype(), shift.dtype()]) || x.shape().num_elements() == 0 {
        return None;
    }
    let half = x.dtype() == DType::F16;
    let [batch, channels, height, width] = x.dims();
    let [columns, rows] = if let Statistics::Tiles(grid) = statistics { grid } else { [1, 1] };
    let groups = greatest_common_divisor(32, channels);
    let members = channels / groups;
    let (tile_height, tile_width) = (height / rows, width / columns);
    let lines = members * tile_height;
    let lines_at_once = PART.div_ceil(tile_width).clamp(1, lines);
    let parts = lines.div_ceil(lines_at_once);
    let regions = batch * groups * rows * columns;

    let sizes = [batch * groups, members, height, width, rows, columns, parts, lines_at_once];
    let [across, down] = workgroups(regions * parts);
    let of_parts = Operation {
        shader: parts_shader(half),
        threads: 256,
        workgroups: [across, down, 1],
        shape: Shape::new([regions, parts, 2]),
        dtype: DType::F32,
        numbers: vec![as_u32(sizes)],
    };
    let of_parts: Tensor<3> = of_parts.run(vec![x.clone().into_dispatch()])?;

    let last = (lines - (parts - 1) * lines_at_once) * tile_width;
    let sizes = [regions, parts, lines_at_once * tile_width, last, usize::from(statistics != Statistics::Picture)];
    let [across, down] = workgroups(regions.div_ceil(FEW_THREADS));
    let moments = Operation {
        shader: moments_shader(),
        threads: FEW_THREADS as u32,
        workgroups: [across, down, 1],
        shape: Shape::new([regions, 2]),
        dtype: DType::F32,
        numbers: vec![as_u32(sizes)],
    };
    let moments: Tensor<2> = moments.run(vec![of_parts.into_dispatch()])?;

    let sizes = [batch * channels, channels, members, height, width, rows, columns, usize::from(silu)];
    let [across, down] = workgroups(batch * channels * (height * width).div_ceil(CHUNK));
    let apply = Operation {
        shader: apply_shader(rows * columns > 1, half),
        threads: 256,
        workgroups: [across, down, 1],
        shape: x.shape(),
        dtype: x.dtype(),
        numbers: vec![as_u32(sizes)],
    };
    let [scale, shift] = [scale, shift].map(|parameter| parameter.clone().into_dispatch());
    apply.run(vec![x.clone().into_dispatch(), moments.into_dispatch(), scale, shift])
}

/// Normalises tokens `x` `[N, K]`, with `scale` and `shift` `[K]`. Returns `None` if the shader does not take the tensors. The result has
/// no gradients.
pub fn layer_norm(x: &Tensor<2>, scale: &Tensor<1>, shift: &Tensor<1>, epsilon: f32) -> Option<Tensor<2>> {
    let [scale, shift] = [scale, shift].map(|parameter| parameter.clone().unsqueeze());
    normalise_tokens(x, [&scale, &shift], epsilon, [0; 4])
}

/// Normalises tokens `x` `[B N, K]` of `B` pictures, with shifts and scales minus 1 that are the parts with the numbers `shift` and
/// `scale` of `conditions` `[B, parts K]`. Returns `None` if the shader does not take the tensors. The result has no gradients.
pub fn layer_norm_modulated(
    x: &Tensor<2>,
    conditions: &Tensor<2>,
    [shift, scale]: [usize; 2],
    epsilon: f32,
) -> Option<Tensor<2>> {
    let ([rows, width], [pictures, stride]) = (x.dims(), conditions.dims());
    let about = [rows / pictures.max(1), stride, scale * width, shift * width];
    normalise_tokens(x, [conditions, conditions], epsilon, about)
}

/// `about` is the number of rows that share a condition, the condition's length, and where its scales and shifts begin.
fn normalise_tokens(x: &Tensor<2>, parameters: [&Tensor<2>; 2], epsilon: f32, about: [usize; 4]) -> Option<Tensor<2>> {
    let [rows, width] = x.dims();
    let [scale, shift] = parameters;
    if !runs_on(x.device().as_dispatch(), &[x.dtype(), scale.dtype(), shift.dtype()]) {
        return None;
    }
    let mut sizes = as_u32([rows, width]);
    sizes.push(epsilon.to_bits());
    sizes.extend(as_u32(about));
    let [across, down] = workgroups(rows);
    let operation = Operation {
        shader: layer_norm_shader(x.dtype() == DType::F16),
        threads: FEW_THREADS as u32,
        workgroups: [across, down, 1],
        shape: x.shape(),
        dtype: x.dtype(),
        numbers: vec![sizes],
    };
    operation.run([x, scale, shift].map(|tensor| tensor.clone().into_dispatch()).into())
}
