//! The decoder on a tape.

use super::{Tape, Value};
use crate::{
    kernels::group_norm_backward::Activation,
    layers::Statistics,
    tokenizer::{Decoder, decoder::MapAttention},
};

impl Decoder {
    /// Decodes `[h, w, C]` to `[H, W, 3]` with values around -1..1. The map consists of a `[columns, rows]` grid of tiles; see
    /// [`forward`](Decoder::forward).
    pub fn learn<'a>(&'a self, tape: &mut Tape<'a>, map: &Value<'a>, grid: [usize; 2]) -> Value<'a> {
        let statistics = Statistics::Tiles(grid);
        let mut x = tape.convolve(&self.conv_in, map);
        x = self.block_1.learn(tape, &x, statistics);
        x = self.attention.learn(tape, &x, grid);
        x = self.block_2.learn(tape, &x, statistics);
        for level in self.levels.iter().rev() {
            for block in &level.blocks {
                x = block.learn(tape, &x, statistics);
            }
            if let Some(conv) = &level.upsample {
                x = tape.convolve_doubled(conv, &x);
            }
        }
        // The last normalisation uses the statistics of the whole picture, as in the authors' code.
        tape.normalise_convolve(&self.norm_out, &self.conv_out, &x, Statistics::Tiles([1, 1]), None)
    }
}

impl MapAttention {
    fn learn<'a>(&'a self, tape: &mut Tape<'a>, x: &Value<'a>, grid: [usize; 2]) -> Value<'a> {
        let attended = tape.split(x, grid).into_iter().map(|tile| {
            let normalised = tape.normalise_map(&self.norm, &tile, Statistics::Picture, Activation::Identity);
            let [query, key, value] =
                [&self.query, &self.key, &self.value].map(|conv| tape.linear([&conv.weight, &conv.bias], &normalised));
            let attended = tape.attend_map([&query, &key, &value]);
            tape.linear([&self.out.weight, &self.out.bias], &attended)
        });
        let attended = attended.collect();
        tape.add_tiles(x, attended, grid)
    }
}
