//! The gradients of sums with factors of a modulation (adaLN-zero).

use super::{Gradients, Tape, Value};
use crate::kernels::gates::{add_gated, add_gated_backward};

impl<'a> Tape<'a> {
    /// `x + y factor` for samples of tokens `[B, N]`. The factors are part number `part` of the modulation `[1, B]` with channels
    /// `[parts, width]`.
    pub fn add_gated(&mut self, modulation: &Value<'a>, part: usize, x: &Value<'a>, y: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let (width, [_, tokens]) = (x.channels(), x.size());
        let rows = modulation.values().chunks_exact(modulation.channels());
        let factors: Vec<f32> = rows.flat_map(|row| part_of(row, part, width).iter().copied()).collect();
        let mut out = host.map(x.size(), width);
        let shape = [tokens, width];
        add_gated(host.level, shape, &factors, [x.values(), y.values()], out.values_mut());
        let (of, from) = (modulation.clone(), [x.clone(), y.clone()]);
        self.push(out, &[modulation, x, y], false, move |gradients: &mut Gradients<'a>, gradient| {
            let [x, y] = from;
            let mut sums = vec![0.0; factors.len()];
            let mut back = host.map(y.size(), width);
            let (of_back, sides) = (back.values_mut(), [gradient.values(), y.values()]);
            add_gated_backward(host.level, shape, &factors, sides, of_back, &mut sums, host.workspace);
            if let Some(rows) = gradients.of(&of) {
                for (row, sums) in rows.chunks_exact_mut(of.channels()).zip(sums.chunks_exact(width)) {
                    row[part * width..][..width].iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
                }
            }
            gradients.add(&y, back);
            gradients.add(&x, gradient);
        })
    }
}

/// A part of a modulation's row `[parts, width]`.
pub(super) fn part_of(row: &[f32], part: usize, width: usize) -> &[f32] {
    &row[part * width..][..width]
}
