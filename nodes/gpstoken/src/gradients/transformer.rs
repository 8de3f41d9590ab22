//! The token transformer on a tape.

use super::{Tape, Value};
use crate::{
    kernels::activation::Activation,
    tokenizer::transformer::{HEADS, TokenTransformer},
};

impl TokenTransformer {
    /// Refines one picture: turns gaussians, tokens `[1, N]` with 5 channels, and regions, `[N, stem]` with the samples as channels, into
    /// gaussians `[1, N]` with 5 channels and textures `[1, N]` with `C` channels.
    pub fn learn<'a>(&'a self, tape: &mut Tape<'a>, gaussians: &Value<'a>, regions: &Value<'a>) -> [Value<'a>; 2] {
        let embedding = [&self.gaussian_in, &self.gaussian_out];
        let embedded = tape.two_layers(embedding, Activation::Gelu, gaussians);
        let mut x = tape.add_rows(&self.embedding, |_| 0, &embedded);
        let samples = self.blocks.iter().map(|block| &block.region.weight).collect();
        let reduced = tape.reduce_regions(samples, regions);
        let projection = [&self.region_projection.weight, &self.region_projection.bias];
        for (index, block) in self.blocks.iter().enumerate() {
            x = tape.add_region(index, [projection, block.region.parameters()], &reduced, &x);
            let normal = tape.layer_norm(&block.norm1, &x);
            let joint = tape.linear([&block.projection_weight, &block.projection_bias], &normal);
            let attended = tape.attend_heads(HEADS, &joint);
            x = tape.linear_onto(&x, block.out.parameters(), &attended);
            let normal = tape.layer_norm(&block.norm2, &x);
            x = tape.two_layers_onto(&x, [&block.widen, &block.narrow], Activation::Gelu, &normal);
        }
        let delta = tape.linear(self.geometry.parameters(), &x);
        [tape.shift_gaussians(gaussians, &delta), tape.linear(self.textures.parameters(), &x)]
    }
}
