//! The gradients of attention with several heads between tokens.

use super::{Gradients, Tape, Value};
use crate::kernels::heads::{Heads, attend_heads, attend_heads_backward};

impl<'a> Tape<'a> {
    /// Attention between the tokens of each sample. `joint` has queries, keys and values, `[B, N]` with channels `[3, heads, size]`; the
    /// result has channels `[heads, size]`.
    pub fn attend_heads(&mut self, count: usize, joint: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let (size, width) = (joint.size(), joint.channels() / 3);
        let heads = Heads { count, tokens: size[1], width };
        let mut out = host.map(size, width);
        let mut logarithms = host.map(size, count);
        let (of_out, of_logarithms) = (out.values_mut(), logarithms.values_mut());
        attend_heads(host.level, heads, joint.values(), of_out, of_logarithms, host.workspace);
        let from = joint.clone();
        self.push(out, &[joint], false, move |gradients: &mut Gradients<'a>, gradient| {
            let mut back = host.map(size, 3 * width);
            let (joint, logarithms_of, of_back) = (from.values(), logarithms.values(), back.values_mut());
            attend_heads_backward(host.level, heads, joint, logarithms_of, gradient.values(), of_back, host.workspace);
            host.put(logarithms);
            host.put(gradient);
            gradients.add(&from, back);
        })
    }
}
