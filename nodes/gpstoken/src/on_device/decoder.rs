//! The decoder on a device.

use super::{
    Parameter, layers,
    tiles::{join, split},
};
use crate::{
    canvas::grid::Grid,
    layers::Statistics,
    tokenizer::decoder::{Decoder, MapAttention},
};
use burn::tensor::{FloatDType, Tensor};
use splatgraph_sdk::Result;

impl Decoder<Parameter> {
    /// Decodes `[B, C, h, w]` to `[B, 3, H, W]` in f32 with values around -1..1. The map consists of a `[columns, rows]` grid of tiles,
    /// which are decoded together, each with separate statistics. Calls `watch` with each stage's result.
    ///
    /// # Errors
    /// `watch` fails.
    pub fn forward(
        &self,
        map: Tensor<4>,
        grid: [usize; 2],
        watch: &mut dyn FnMut(&str, &Tensor<4>) -> Result<()>,
    ) -> Result<Tensor<4>> {
        let statistics = Statistics::Tiles(grid);
        let precision = FloatDType::from(self.conv_in.weight.tensor::<4>().dtype());
        let mut x = self.conv_in.forward(layers::cast(map, precision));
        watch("conv_in", &x)?;
        x = self.block_1.forward(x, statistics);
        watch("mid.block_1", &x)?;
        x = self.attention.forward(x, grid);
        watch("mid.attn_1", &x)?;
        x = self.block_2.forward(x, statistics);
        watch("mid.block_2", &x)?;
        for (i, level) in self.levels.iter().enumerate().rev() {
            for (j, block) in level.blocks.iter().enumerate() {
                x = block.forward(x, statistics);
                watch(&format!("up.{i}.block.{j}"), &x)?;
            }
            if let Some(conv) = &level.upsample {
                x = conv.forward_doubled(x);
                watch(&format!("up.{i}.upsample"), &x)?;
            }
        }
        // The last normalisation uses the statistics of the whole picture, as in the authors' code.
        x = self.norm_out.forward_silu(x, Statistics::Tiles([1, 1]));
        watch("norm_out", &x)?;
        Ok(layers::cast(self.conv_out.forward(x), FloatDType::F32))
    }
}

impl MapAttention<Parameter> {
    fn forward(&self, x: Tensor<4>, [columns, rows]: [usize; 2]) -> Tensor<4> {
        // One tile after the other, because burn's form keeps the weights between all places of a tile.
        let grid = Grid { columns, rows };
        let attended = split(grid, &x).into_iter().map(|tile| self.within_tile(tile)).collect();
        join(grid, attended)
    }

    fn within_tile(&self, tile: Tensor<4>) -> Tensor<4> {
        let [batch, channels, h, w] = tile.dims();
        let x = self.norm.forward(tile.clone(), Statistics::Picture);
        let [query, key, value] = [&self.query, &self.key, &self.value]
            .map(|conv| -> Tensor<3> { conv.forward(x.clone()).reshape([batch, channels, h * w]) });
        let attended = layers::attend_places(&query, &key, &value);
        self.out.forward_adding(attended.reshape([batch, channels, h, w]), tile)
    }
}
