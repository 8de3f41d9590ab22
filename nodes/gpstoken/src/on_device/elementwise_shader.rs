//! Small operations on graphics cards: `shaders/add.wgsl`, `select_rows.wgsl`, `place_gaussians.wgsl` and `shift_gaussians.wgsl`.

use super::{
    operation::Operation,
    shader::{Shader, as_u32, runs_on},
};
use burn::tensor::{DType, Shape, Tensor};

/// `add.wgsl`.
pub fn add_shader(half: bool) -> Shader {
    Shader { name: "add", text: include_str!("../../../../shaders/add.wgsl"), half, values: Vec::new() }
}

/// `select_rows.wgsl`.
pub fn select_shader(half: bool) -> Shader {
    Shader { name: "select_rows", text: include_str!("../../../../shaders/select_rows.wgsl"), half, values: Vec::new() }
}

/// `place_gaussians.wgsl`.
pub fn place_shader() -> Shader {
    let text = include_str!("../../../../shaders/place_gaussians.wgsl");
    Shader { name: "place_gaussians", text, half: false, values: Vec::new() }
}

/// `shift_gaussians.wgsl`.
pub fn shift_shader(half: bool) -> Shader {
    let text = include_str!("../../../../shaders/shift_gaussians.wgsl");
    Shader { name: "shift_gaussians", text, half, values: Vec::new() }
}

/// `a + b`, then SiLU if `silu`. `b` has the last axes of `a`, so it is repeated along the first. Returns `None` if the shader does not
/// take the tensors. The result has no gradients.
pub fn add<const D: usize, const E: usize>(a: &Tensor<D>, b: &Tensor<E>, silu: bool) -> Option<Tensor<D>> {
    let [count, period] = [a.shape(), b.shape()].map(|shape| shape.num_elements());
    if !runs_on(a.device().as_dispatch(), &[a.dtype(), b.dtype()]) {
        return None;
    }
    let sizes = as_u32([count, period, usize::from(silu)]);
    let operation = Operation::for_each(count, add_shader(a.dtype() == DType::F16), a.shape(), a.dtype(), vec![sizes]);
    operation.run(vec![a.clone().into_dispatch(), b.clone().into_dispatch()])
}

/// The rows of `table` `[R, K]` with these numbers: `[N, K]`. Returns `None` if the shader does not take the table, or if it has no such
/// row. The result has no gradients.
pub fn select(table: &Tensor<2>, rows: &[usize]) -> Option<Tensor<2>> {
    let [available, width] = table.dims();
    if !runs_on(table.device().as_dispatch(), &[table.dtype()]) || rows.iter().any(|row| *row >= available) {
        return None;
    }
    let numbers = vec![rows.iter().map(|row| *row as u32).collect(), as_u32([rows.len(), width])];
    let (shape, half) = (Shape::new([rows.len(), width]), table.dtype() == DType::F16);
    let operation = Operation::for_each(rows.len() * width, select_shader(half), shape, table.dtype(), numbers);
    operation.run(vec![table.clone().into_dispatch()])
}

/// Multiplies gaussians `[B, N, 5]` in f32 by `scales` and adds `offsets`, both `[N, 5]`. Returns `None` if the shader does not take the
/// gaussians. The result has no gradients.
pub fn place(gaussians: &Tensor<3>, scales: &[f32], offsets: &[f32]) -> Option<Tensor<3>> {
    if gaussians.dtype() != DType::F32 || !runs_on(gaussians.device().as_dispatch(), &[DType::F32]) {
        return None;
    }
    let count = gaussians.shape().num_elements();
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect();
    let numbers = vec![bits(scales), bits(offsets), as_u32([count, scales.len()])];
    let operation = Operation::for_each(count, place_shader(), gaussians.shape(), DType::F32, numbers);
    operation.run(vec![gaussians.clone().into_dispatch()])
}

/// Shifts gaussians `[B, N, 5]` in f32 by `delta` `[B, N, 5]` in unbounded space. Returns `None` if the shader does not take the tensors.
/// The result has no gradients.
pub fn shift(gaussians: &Tensor<3>, delta: &Tensor<3>) -> Option<Tensor<3>> {
    if gaussians.dtype() != DType::F32 || !runs_on(delta.device().as_dispatch(), &[delta.dtype()]) {
        return None;
    }
    let count = gaussians.shape().num_elements();
    let shader = shift_shader(delta.dtype() == DType::F16);
    let sizes = vec![count as u32, f32::NAN.to_bits()];
    let operation = Operation::for_each(count, shader, gaussians.shape(), DType::F32, vec![sizes]);
    operation.run(vec![gaussians.clone().into_dispatch(), delta.clone().into_dispatch()])
}
