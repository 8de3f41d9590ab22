//! The decoder: a feature map to a picture 2^(levels - 1) times its size (paper, section 3.4).

use super::{
    convolution_shader::multiply,
    direct::{Direct, Map},
    group_norm::{GroupNorm, Statistics},
    layers::{self, Convolution},
    residual::Residual,
};
use crate::{grid::Grid, kernels::attention::attend, weights::Weights};
use burn::{
    module::Module,
    prelude::s,
    tensor::{
        FloatDType, Tensor,
        activation::{silu, softmax},
    },
};
use rayon::prelude::*;
use splatgraph_sdk::Result;

/// Residual blocks with an attention between them at the map's size, then levels of residual blocks that double it.
#[derive(Module, Debug)]
pub struct Decoder {
    conv_in: Convolution,
    block_1: Residual,
    attention: MapAttention,
    block_2: Residual,
    /// The level of the highest resolution first, as in the checkpoint; it runs last.
    levels: Vec<Level>,
    norm_out: GroupNorm,
    conv_out: Convolution,
}

#[derive(Module, Debug)]
struct Level {
    blocks: Vec<Residual>,
    /// Runs after the map was doubled; the level of the highest resolution has none.
    upsample: Option<Convolution>,
}

impl Decoder {
    /// Takes the parameters.
    pub fn load(weights: &mut Weights, textures: usize) -> Self {
        let deep = weights.side(&[
            ("decoder.conv_in.weight", 0),
            ("decoder.conv_in.bias", 0),
            ("decoder.mid.block_1.conv1.weight", 0),
        ]);
        let depth = weights.count("decoder.up");
        let conv_in = Convolution::load(weights, "decoder.conv_in", textures, deep, 3);
        let block_1 = Residual::load(weights, "decoder.mid.block_1", deep, deep);
        let attention = MapAttention::load(weights, "decoder.mid.attn_1", deep);
        let block_2 = Residual::load(weights, "decoder.mid.block_2", deep, deep);
        let mut channels = deep;
        let mut levels: Vec<Level> = Vec::new();
        for level in (0..depth).rev() {
            let key = format!("decoder.up.{level}");
            let first = format!("{key}.block.0");
            let output = weights.side(&[(&format!("{first}.conv1.weight"), 0), (&format!("{first}.conv2.weight"), 0)]);
            let count = weights.count(&format!("{key}.block")).max(1);
            let blocks = (0..count).map(|i| {
                let input = if i == 0 { channels } else { output };
                Residual::load(weights, &format!("{key}.block.{i}"), input, output)
            });
            let blocks = blocks.collect();
            channels = output;
            let upsample =
                (level > 0).then(|| Convolution::load(weights, &format!("{key}.upsample.conv"), channels, channels, 3));
            levels.insert(0, Level { blocks, upsample });
        }
        let norm_out = GroupNorm::load(weights, "decoder.norm_out", channels);
        let conv_out = Convolution::load(weights, "decoder.conv_out", channels, 3, 3);
        Self { conv_in, block_1, attention, block_2, levels, norm_out, conv_out }
    }

    /// Number of levels; the picture's side is the map's times 2^(levels - 1).
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Number of calls of `watch`.
    pub fn stages(&self) -> usize {
        5 + self.levels.iter().map(|level| level.blocks.len() + usize::from(level.upsample.is_some())).sum::<usize>()
    }

    /// `[B, C, h, w]` to `[B, 3, H, W]` in f32 with values around -1..1. The map consists of a `[columns, rows]` grid of tiles that
    /// are decoded together, each with statistics of its own. `watch` sees what each stage gives.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn forward(
        &self,
        map: Tensor<4>,
        grid: [usize; 2],
        watch: &mut dyn FnMut(&str, &Tensor<4>) -> Result<()>,
    ) -> Result<Tensor<4>> {
        let statistics = Statistics::Tiles(grid);
        let precision = FloatDType::from(self.conv_in.weight().dtype());
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
        // As in the authors' code, the last normalisation takes the whole picture's statistics.
        x = self.norm_out.forward(x, Statistics::Tiles([1, 1]));
        watch("norm_out", &x)?;
        Ok(self.conv_out.forward(silu(x)).cast(FloatDType::F32))
    }

    /// As `forward`, on the CPU's kernels: `[h, w, C]` to `[H, W, 3]`.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn direct(
        &self,
        map: &Map,
        grid: [usize; 2],
        direct: Direct<'_>,
        watch: &mut dyn FnMut(&str, &Map) -> Result<()>,
    ) -> Result<Map> {
        let statistics = Statistics::Tiles(grid);
        let mut x = direct.convolve(&self.conv_in, map);
        watch("conv_in", &x)?;
        x = self.block_1.direct(x, statistics, direct);
        watch("mid.block_1", &x)?;
        self.attention.direct(&mut x, grid, direct);
        watch("mid.attn_1", &x)?;
        x = self.block_2.direct(x, statistics, direct);
        watch("mid.block_2", &x)?;
        for (i, level) in self.levels.iter().enumerate().rev() {
            for (j, block) in level.blocks.iter().enumerate() {
                x = block.direct(x, statistics, direct);
                watch(&format!("up.{i}.block.{j}"), &x)?;
            }
            if let Some(conv) = &level.upsample {
                let doubled = direct.convolve_doubled(conv, &x);
                direct.put(std::mem::replace(&mut x, doubled));
                watch(&format!("up.{i}.upsample"), &x)?;
            }
        }
        let mut picture = direct.map(x.size, self.conv_out.outputs());
        direct.normalise_convolve(&self.norm_out, &self.conv_out, &x, Statistics::Tiles([1, 1]), &mut picture, false);
        direct.put(x);
        watch("picture", &picture)?;
        Ok(picture)
    }
}

/// Attention between all places of a tile's map, with a single head.
#[derive(Module, Debug)]
struct MapAttention {
    norm: GroupNorm,
    query: Convolution,
    key: Convolution,
    value: Convolution,
    out: Convolution,
}

impl MapAttention {
    fn load(weights: &mut Weights, key: &str, channels: usize) -> Self {
        let mut conv = |name: &str| Convolution::load(weights, &format!("{key}.{name}"), channels, channels, 1);
        let (query, key_conv, value, out) = (conv("q"), conv("k"), conv("v"), conv("proj_out"));
        Self { norm: GroupNorm::load(weights, &format!("{key}.norm"), channels), query, key: key_conv, value, out }
    }

    fn forward(&self, x: Tensor<4>, [columns, rows]: [usize; 2]) -> Tensor<4> {
        // One tile after the other: all places of a tile against all are much to keep.
        let grid = Grid { columns, rows };
        let attended = grid.split(&x).into_iter().map(|tile| self.within_tile(tile)).collect();
        x + grid.join(attended)
    }

    fn direct(&self, x: &mut Map, [columns, rows]: [usize; 2], direct: Direct<'_>) {
        let [height, width] = x.size;
        let (h, w, channels) = (height / rows, width / columns, x.channels);
        let [scale, shift] = self.norm.numbers();
        let mut tile = direct.map([h, w], channels);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let line = |y: usize| ((row * h + y) * width + column * w) * channels;
            for (y, to) in tile.values_mut().chunks_exact_mut(w * channels).enumerate() {
                to.copy_from_slice(&x.values()[line(y)..][..w * channels]);
            }
            let mut normalised = direct.map([h, w], channels);
            let norm = direct.normalisation(&tile, [&scale, &shift], Statistics::Picture);
            normalised.values_mut().par_chunks_mut(w * channels).enumerate().for_each(|(y, to)| {
                norm.read(y, 0..w, false, to);
            });
            let [query, key, value] =
                [&self.query, &self.key, &self.value].map(|conv| direct.convolve_pixels(conv, &normalised));
            let places = [query.values(), key.values(), value.values()];
            attend(direct.level, places, channels, normalised.values_mut(), direct.workspace);
            let attended = direct.convolve_pixels(&self.out, &normalised);
            for (y, from) in attended.values().chunks_exact(w * channels).enumerate() {
                let to = &mut x.values_mut()[line(y)..][..w * channels];
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
            [query, key, value, attended, normalised].into_iter().for_each(|map| direct.put(map));
        }
        direct.put(tile);
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

/// [`layers::attend`] with one head for maps `[B, C, places]`, where shaders run.
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
