//! The gradient of the last operation on gaussians: a sum in unbounded space.

use super::{Gradients, Tape, Value};
use crate::tokenizer::transformer::shift_gaussian;

impl<'a> Tape<'a> {
    /// Adds `delta` to gaussians in unbounded space, where each sigma is a logit, and rho, x, y are logits of `(1 + v) / 2`. Both are
    /// tokens with 5 channels.
    pub fn shift_gaussians(&mut self, gaussians: &Value<'a>, delta: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let mut out = host.map(gaussians.size(), 5);
        let rows = gaussians.values().as_chunks::<5>().0.iter().zip(delta.values().as_chunks::<5>().0);
        for (out, (gaussian, delta)) in out.values_mut().as_chunks_mut::<5>().0.iter_mut().zip(rows) {
            *out = shift_gaussian(*gaussian, *delta);
        }
        let from = [gaussians.clone(), delta.clone()];
        self.push(out, &[gaussians, delta], false, move |gradients: &mut Gradients<'a>, mut gradient| {
            let [gaussians, delta] = from;
            let mut back = host.map(gaussians.size(), 5);
            let rows = gaussians.values().as_chunks::<5>().0.iter().zip(delta.values().as_chunks::<5>().0);
            let sides = back.values_mut().as_chunks_mut::<5>().0.iter_mut();
            let sides = sides.zip(gradient.values_mut().as_chunks_mut::<5>().0);
            for ((back, gradient), (gaussian, delta)) in sides.zip(rows) {
                let shifted = shift_gaussian(*gaussian, *delta);
                for i in 0..5 {
                    let [of_gaussian, of_delta] = slopes(i, gaussian[i], shifted[i]);
                    back[i] = gradient[i] * of_gaussian;
                    gradient[i] *= of_delta;
                }
            }
            gradients.add(&gaussians, back);
            gradients.add(&delta, gradient);
        })
    }
}

/// The slopes of number `i` of a shifted gaussian, by the number before the shift and by the shift. Both are 0 at the ends of the range,
/// where the logit is infinite.
fn slopes(i: usize, before: f32, shifted: f32) -> [f32; 2] {
    // The slope of a number by its logit.
    let slope = |v: f32| if i < 2 { v * (1.0 - v) } else { (1.0 - v * v) / 2.0 };
    let (of_delta, inverse) = (slope(shifted), slope(before));
    if inverse == 0.0 { [0.0; 2] } else { [of_delta / inverse, of_delta] }
}
