//! The gradient of max pooling.

use super::{Gradients, Tape, Value};
use crate::kernels::pool_backward::add_pool_backward;

impl<'a> Tape<'a> {
    /// Max pooling: the largest values of windows of `side` pixels, two pixels apart.
    pub fn halve_to_largest(&mut self, side: usize, x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let out = host.halve_to_largest(x.map(), side);
        let from = x.clone();
        self.push(out, &[x], false, move |gradients: &mut Gradients<'a>, gradient| {
            // The gradient so far gets the windows' gradients without a map of its own.
            let mut back = gradients.take(&from).unwrap_or_else(|| {
                let mut back = host.map(from.size(), from.channels());
                back.values_mut().fill(0.0);
                back
            });
            let map = (from.values(), from.size(), from.channels());
            add_pool_backward(host.level, side, map, gradient.values(), back.values_mut());
            gradients.add(&from, back);
            host.put(gradient);
        })
    }
}
