//! Two linear layers with a function between them, such as a transformer's feed-forward layer. A thread takes some rows through both
//! layers, so that the wide numbers between them stay in its cache.

use super::{
    activation::{Activation, activate, activate_backward},
    cpu::Level,
    product::{Rows, Target, linear_part, product, rows_of_part},
    workspace::Workspace,
};
use rayon::prelude::*;

/// Computes `second(f(first(x)))` for `x` `[rows, inputs]`, with the panels and biases of both layers. `inner` receives the results of
/// the first layer, `[rows, hidden]`, which the way back needs. Adds to `out` `[rows, outputs]` if `add`, otherwise overwrites it.
#[expect(clippy::too_many_arguments, reason = "two layers and their buffers")]
pub fn two_layers(
    level: Level,
    activation: Activation,
    x: &[f32],
    panels: [&[f32]; 2],
    biases: [&[f32]; 2],
    inner: &mut [f32],
    out: &mut [f32],
    add: bool,
    workspace: &Workspace,
) {
    let [hidden, outputs] = biases.map(<[f32]>::len);
    if inner.is_empty() || out.is_empty() {
        return;
    }
    let count = inner.len() / hidden;
    let (inputs, length) = (x.len() / count, rows_of_part(count));
    let parts = inner.par_chunks_mut(length * hidden).zip(out.par_chunks_mut(length * outputs)).enumerate();
    parts.for_each(|(part, (inner, out))| {
        let count = inner.len() / hidden;
        let rows = Rows { values: &x[part * length * inputs..], stride: inputs, count, inputs };
        linear_part(level, rows, panels[0], biases[0], inner, false);
        let mut activated = workspace.take(inner.len());
        activate(level, activation, inner, &mut activated);
        let rows = Rows { values: &activated, stride: hidden, count, inputs: hidden };
        linear_part(level, rows, panels[1], biases[1], out, add);
        workspace.put(activated);
    });
}

/// The way back through [`two_layers`], for the gradient of the result, `[rows, outputs]`. `panels` are the weights `[inputs, outputs]` of
/// both layers. Replaces `inner` by its function, `f(first(x))`. Writes the gradient of `first(x)` to `inner_gradient`, and the gradient
/// of `x` to `back`, which may be empty.
pub fn two_layers_backward(
    level: Level,
    activation: Activation,
    gradient: &[f32],
    panels: [&[f32]; 2],
    [inner, inner_gradient]: [&mut [f32]; 2],
    hidden: usize,
    back: &mut [f32],
) {
    if inner.is_empty() {
        return;
    }
    let count = inner.len() / hidden;
    let (outputs, inputs, length) = (gradient.len() / count, back.len() / count, rows_of_part(count));
    let run = |part: usize, inner: &mut [f32], inner_gradient: &mut [f32], back: &mut [f32]| {
        let count = inner.len() / hidden;
        let rows = Rows { values: &gradient[part * length * outputs..], stride: outputs, count, inputs: outputs };
        let target = Target { values: &mut *inner_gradient, stride: hidden, outputs: hidden, add: false };
        product(level, rows, panels[1], target);
        activate_backward(level, activation, inner, inner_gradient);
        if inputs > 0 {
            let rows = Rows { values: inner_gradient, stride: hidden, count, inputs: hidden };
            product(level, rows, panels[0], Target { values: back, stride: inputs, outputs: inputs, add: false });
        }
    };
    let parts = inner.par_chunks_mut(length * hidden).zip(inner_gradient.par_chunks_mut(length * hidden)).enumerate();
    if inputs == 0 {
        parts.for_each(|(part, (inner, inner_gradient))| run(part, inner, inner_gradient, &mut []));
    } else {
        let parts = parts.zip(back.par_chunks_mut(length * inputs));
        parts.for_each(|((part, (inner, inner_gradient)), back)| run(part, inner, inner_gradient, back));
    }
}
