//! The decoder on a device.

use super::{
    Parameter,
    convolution_shader::multiply,
    layers,
    tiles::{join, split},
};
use crate::{
    canvas::grid::Grid,
    layers::Statistics,
    tokenizer::decoder::{Decoder, MapAttention},
};
use burn::{
    prelude::s,
    tensor::{
        FloatDType, Tensor,
        activation::{silu, softmax},
    },
};
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
        let mut x = self.conv_in.forward(map.cast(precision));
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
        x = self.norm_out.forward(x, Statistics::Tiles([1, 1]));
        watch("norm_out", &x)?;
        Ok(self.conv_out.forward(silu(x)).cast(FloatDType::F32))
    }
}

impl MapAttention<Parameter> {
    fn forward(&self, x: Tensor<4>, [columns, rows]: [usize; 2]) -> Tensor<4> {
        // One tile after the other, because the weights between all places of a tile take much memory.
        let grid = Grid { columns, rows };
        let attended = split(grid, &x).into_iter().map(|tile| self.within_tile(tile)).collect();
        x + join(grid, attended)
    }

    fn within_tile(&self, tile: Tensor<4>) -> Tensor<4> {
        let [batch, channels, h, w] = tile.dims();
        let x = self.norm.forward(tile, Statistics::Picture);
        let [query, key, value] = [&self.query, &self.key, &self.value]
            .map(|conv| -> Tensor<3> { conv.forward(x.clone()).reshape([batch, channels, h * w]) });
        let attended = attend_by_shader(&query, &key, &value).unwrap_or_else(|| {
            let rows = |places: Tensor<3>| places.swap_dims(1, 2).unsqueeze_dim(1); // [B, 1, h w, C]
            let attended: Tensor<3> = layers::attend(rows(query), rows(key), rows(value)).squeeze_dim(1);
            attended.swap_dims(1, 2)
        });
        self.out.forward(attended.reshape([batch, channels, h, w]))
    }
}

/// [`layers::attend`] with one head for maps `[B, C, places]`. Returns `None` if shaders do not run on the device.
fn attend_by_shader(query: &Tensor<3>, key: &Tensor<3>, value: &Tensor<3>) -> Option<Tensor<3>> {
    let [batch, channels, places] = query.dims();
    let attended = (0..batch).map(|b| -> Option<Tensor<3>> {
        let picture = |maps: &Tensor<3>| -> Tensor<2> { maps.clone().slice(s![b..b + 1]).reshape([channels, places]) };
        let query = picture(query) * (channels as f64).sqrt().recip();
        let weights = softmax(multiply(picture(key).transpose(), query)?, 0); // [keys, queries]
        Some(multiply(picture(value), weights)?.unsqueeze())
    });
    Some(Tensor::cat(attended.collect::<Option<_>>()?, 0))
}
