//! A generator's network (SiT) on a tape.

use super::{Tape, Value};
use crate::{
    generator::{Block, EPSILON, Embedding, Network, frequencies},
    kernels::activation::Activation,
    layers::Linear,
};

impl Network {
    /// The results for samples of tokens `points` `[B, N]` with `C` channels: velocities, and learned sigmas in further channels if the
    /// network has them. Each sample has its time and its class. `layouts` are tokens `[B, N]` with 5 channels, for a network that takes
    /// a condition.
    pub fn learn<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        points: &Value<'a>,
        times: &[f32],
        classes: Vec<usize>,
        layouts: Option<&Value<'a>>,
    ) -> Value<'a> {
        let tokens = points.size()[1];
        let mut x = tape.linear([&self.tokens_in.weight, &self.tokens_in.bias], points);
        if let (Some(embedding), Some(layouts)) = (&self.condition, layouts) {
            x = tape.two_layers_onto(&x, embedding.layers(), Activation::Silu, layouts);
        } else if let Some(position) = &self.position {
            x = tape.add_rows(position, move |index| index % tokens, &x);
        }
        let condition = self.time_and_class(tape, times, classes);
        for block in &self.blocks {
            x = block.learn(tape, self.sizes.heads, &condition, &x);
        }
        let modulation = tape.linear(self.final_modulation.parameters(), &condition); // shift, scale
        let normal = tape.modulated_norm(EPSILON, &modulation, 0, &x);
        tape.linear(self.final_layer.parameters(), &normal)
    }

    /// `silu(time + class)` for each sample, `[1, B]` with `width` channels.
    fn time_and_class<'a>(&'a self, tape: &mut Tape<'a>, times: &[f32], classes: Vec<usize>) -> Value<'a> {
        let encoded = times.iter().flat_map(|t| frequencies(*t, self.sizes.frequencies));
        let mut map = tape.host().map([1, times.len()], self.sizes.frequencies);
        map.values_mut().iter_mut().zip(encoded).for_each(|(to, value)| *to = value);
        let encoded = tape.constant(map);
        let time = tape.two_layers(self.time.layers(), Activation::Silu, &encoded);
        let sum = tape.add_rows(&self.classes_table, move |sample| classes[sample], &time);
        tape.silu(&sum)
    }
}

impl Embedding {
    fn layers(&self) -> [&Linear; 2] {
        [&self.first, &self.second]
    }
}

impl Block {
    /// The modulation has six parts: shift, scale and factor of the attention, then of the feed-forward layer.
    fn learn<'a>(&'a self, tape: &mut Tape<'a>, heads: usize, condition: &Value<'a>, x: &Value<'a>) -> Value<'a> {
        let modulation = tape.linear(self.modulation.parameters(), condition);
        let normal = tape.modulated_norm(EPSILON, &modulation, 0, x);
        let joint = tape.linear(self.projection.parameters(), &normal);
        let attended = tape.attend_heads(heads, &joint);
        let attended = tape.linear(self.out.parameters(), &attended);
        let x = tape.add_gated(&modulation, 2, x, &attended);
        let normal = tape.modulated_norm(EPSILON, &modulation, 3, &x);
        let inner = tape.two_layers([&self.widen, &self.narrow], Activation::TanhGelu, &normal);
        tape.add_gated(&modulation, 5, &x, &inner)
    }
}
