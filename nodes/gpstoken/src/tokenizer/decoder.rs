//! The decoder: turns a feature map into a picture of 2^(levels - 1) times its size (paper, section 3.4).

use super::Residual;
use crate::{
    checkpoint::{Parameter, Weights},
    kernels::attention::attend,
    layers::{Convolution, GroupNorm, Host, Map, Statistics},
};
use rayon::prelude::*;
use splatgraph_sdk::Result;

/// The decoder's network: two residual blocks with an attention between them at the map's size, then levels of residual blocks that
/// double the size.
#[derive(Clone, Debug)]
pub struct Decoder<P = Parameter> {
    pub(crate) conv_in: Convolution<P>,
    pub(crate) block_1: Residual<P>,
    pub(crate) attention: MapAttention<P>,
    pub(crate) block_2: Residual<P>,
    /// The levels in the checkpoint's order: the level of the highest resolution is first in the list and runs last.
    pub(crate) levels: Vec<Level<P>>,
    pub(crate) norm_out: GroupNorm<P>,
    pub(crate) conv_out: Convolution<P>,
}

#[derive(Clone, Debug)]
pub(crate) struct Level<P = Parameter> {
    pub(crate) blocks: Vec<Residual<P>>,
    /// The convolution after the doubling of the map. The level of the highest resolution has none.
    pub(crate) upsample: Option<Convolution<P>>,
}

/// Attention between all places of a tile's map, with a single head.
#[derive(Clone, Debug)]
pub(crate) struct MapAttention<P = Parameter> {
    pub(crate) norm: GroupNorm<P>,
    pub(crate) query: Convolution<P>,
    pub(crate) key: Convolution<P>,
    pub(crate) value: Convolution<P>,
    pub(crate) out: Convolution<P>,
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

    /// Decodes `[h, w, C]` to `[H, W, 3]` with values around -1..1. The map consists of a `[columns, rows]` grid of tiles, which are
    /// decoded together, each with separate statistics. Calls `watch` with each stage's result.
    ///
    /// # Errors
    /// `watch` fails.
    pub fn forward(
        &self,
        map: &Map,
        grid: [usize; 2],
        host: Host<'_>,
        watch: &mut dyn FnMut(&str, &Map) -> Result<()>,
    ) -> Result<Map> {
        let statistics = Statistics::Tiles(grid);
        let mut x = host.convolve(&self.conv_in, map);
        watch("conv_in", &x)?;
        x = self.block_1.forward(x, statistics, host);
        watch("mid.block_1", &x)?;
        self.attention.forward(&mut x, grid, host);
        watch("mid.attn_1", &x)?;
        x = self.block_2.forward(x, statistics, host);
        watch("mid.block_2", &x)?;
        for (i, level) in self.levels.iter().enumerate().rev() {
            for (j, block) in level.blocks.iter().enumerate() {
                x = block.forward(x, statistics, host);
                watch(&format!("up.{i}.block.{j}"), &x)?;
            }
            if let Some(conv) = &level.upsample {
                let doubled = host.convolve_doubled(conv, &x);
                host.put(std::mem::replace(&mut x, doubled));
                watch(&format!("up.{i}.upsample"), &x)?;
            }
        }
        // The last normalisation uses the statistics of the whole picture, as in the authors' code.
        let mut picture = host.map(x.size, self.conv_out.outputs());
        host.normalise_convolve(&self.norm_out, &self.conv_out, &x, Statistics::Tiles([1, 1]), &mut picture, false);
        host.put(x);
        watch("picture", &picture)?;
        Ok(picture)
    }
}

impl<P> Decoder<P> {
    /// Number of levels. The picture's side is the map's side times 2^(levels - 1).
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Number of calls of `watch`.
    pub fn stages(&self) -> usize {
        5 + self.levels.iter().map(|level| level.blocks.len() + usize::from(level.upsample.is_some())).sum::<usize>()
    }

    /// The decoder with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Decoder<Q> {
        let Self { conv_in, block_1, attention, block_2, levels, norm_out, conv_out } = self;
        Decoder {
            conv_in: conv_in.map(f),
            block_1: block_1.map(f),
            attention: MapAttention {
                norm: attention.norm.map(f),
                query: attention.query.map(f),
                key: attention.key.map(f),
                value: attention.value.map(f),
                out: attention.out.map(f),
            },
            block_2: block_2.map(f),
            levels: levels
                .iter()
                .map(|level| Level {
                    blocks: level.blocks.iter().map(|block| block.map(f)).collect(),
                    upsample: level.upsample.as_ref().map(|conv| conv.map(f)),
                })
                .collect(),
            norm_out: norm_out.map(f),
            conv_out: conv_out.map(f),
        }
    }
}

impl MapAttention {
    fn load(weights: &mut Weights, key: &str, channels: usize) -> Self {
        let mut conv = |name: &str| Convolution::load(weights, &format!("{key}.{name}"), channels, channels, 1);
        let (query, key_conv, value, out) = (conv("q"), conv("k"), conv("v"), conv("proj_out"));
        Self { norm: GroupNorm::load(weights, &format!("{key}.norm"), channels), query, key: key_conv, value, out }
    }

    fn forward(&self, x: &mut Map, [columns, rows]: [usize; 2], host: Host<'_>) {
        let [height, width] = x.size;
        let (h, w, channels) = (height / rows, width / columns, x.channels);
        let [scale, shift] = self.norm.numbers();
        let mut tile = host.map([h, w], channels);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let line = |y: usize| ((row * h + y) * width + column * w) * channels;
            for (y, to) in tile.values_mut().chunks_exact_mut(w * channels).enumerate() {
                to.copy_from_slice(&x.values()[line(y)..][..w * channels]);
            }
            let mut normalised = host.map([h, w], channels);
            let moments = host.moments(&tile, Statistics::Picture);
            let norm = host.normalisation(&tile, [scale, shift], &moments);
            normalised.values_mut().par_chunks_mut(w * channels).enumerate().for_each(|(y, to)| {
                norm.read(y, 0..w, false, to);
            });
            let [query, key, value] =
                [&self.query, &self.key, &self.value].map(|conv| host.convolve_pixels(conv, &normalised));
            let places = [query.values(), key.values(), value.values()];
            attend(host.level, places, channels, normalised.values_mut(), host.workspace);
            let attended = host.convolve_pixels(&self.out, &normalised);
            for (y, from) in attended.values().chunks_exact(w * channels).enumerate() {
                let to = &mut x.values_mut()[line(y)..][..w * channels];
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
            [query, key, value, attended, normalised].into_iter().for_each(|map| host.put(map));
        }
        host.put(tile);
    }
}
