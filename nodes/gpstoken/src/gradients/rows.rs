//! The gradients of small operations on the rows of a batch: rows of a table, and SiLU.

use super::{Gradients, Tape, Value};
use crate::{
    checkpoint::Parameter,
    kernels::activation::{Activation, activate, activate_backward},
};

impl<'a> Tape<'a> {
    /// Adds to each token a row of the table `[..., width]`: to token number `i` of all samples the row `row_of(i)`.
    pub fn add_rows(&mut self, table: &'a Parameter, row_of: impl Fn(usize) -> usize + 'a, x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let width = x.channels();
        let mut out = host.map(x.size(), width);
        let tokens = out.values_mut().chunks_exact_mut(width).zip(x.values().chunks_exact(width));
        for (index, (out, x)) in tokens.enumerate() {
            let row = &table[row_of(index) * width..][..width];
            out.iter_mut().zip(x.iter().zip(row)).for_each(|(out, (x, row))| *out = x + row);
        }
        let (learns, from) = (self.learns(), x.clone());
        self.push(out, &[x], true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                let sums = gradients.parameter(table);
                for (index, gradient) in gradient.values().chunks_exact(width).enumerate() {
                    let row = &mut sums[row_of(index) * width..][..width];
                    row.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
                }
            }
            gradients.add(&from, gradient);
        })
    }

    /// `x / (1 + e^-x)`
    pub fn silu(&mut self, x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let mut out = host.map(x.size(), x.channels());
        activate(host.level, Activation::Silu, x.values(), out.values_mut());
        let from = x.clone();
        self.push(out, &[x], false, move |gradients: &mut Gradients<'a>, mut gradient| {
            let mut x = from.copied();
            activate_backward(host.level, Activation::Silu, x.values_mut(), gradient.values_mut());
            host.put(x);
            gradients.add(&from, gradient);
        })
    }
}
