//! The token transformer: refines the layout's gaussians to tokens with the picture's features in their regions (paper, section 3.3).

use crate::{
    checkpoint::{Parameter, Weights},
    kernels::{
        cpu::Level,
        memory::Buffer,
        product::{PANEL, Rows, Target, pack, panels_length, product},
        tokens::{Then, attend, from_panels, linear, normalise, to_panels},
    },
    layers::{Convolution, LayerNorm, Linear, NORM_EPSILON},
};
use rayon::prelude::*;
use splatgraph_sdk::Result;

/// Number of heads of the attention between tokens. The authors' code fixes it, and the parameters' shapes do not show it.
pub(crate) const HEADS: usize = 8;

/// The widths of a [`TokenTransformer`].
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// Channels of the feature map.
    pub stem: usize,
    /// Width of a token inside the transformer.
    pub width: usize,
    /// Channels of a token's texture.
    pub textures: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Number of places where a region is sampled: the square of the number of bins along an axis.
    pub samples: usize,
}

/// The transformer's network. It embeds gaussians, combines each token with its region and with the other tokens, and returns the tokens'
/// final geometry and textures.
#[derive(Clone, Debug)]
pub struct TokenTransformer<P = Parameter> {
    pub(crate) region_projection: Convolution<P>,
    /// `[1, width]`
    pub(crate) embedding: P,
    pub(crate) gaussian_in: Linear<P>,
    pub(crate) gaussian_out: Linear<P>,
    pub(crate) blocks: Vec<Block<P>>,
    pub(crate) geometry: Linear<P>,
    pub(crate) textures: Linear<P>,
}

/// A block: attention between tokens and a feed-forward layer, each after a normalisation.
#[derive(Clone, Debug)]
pub(crate) struct Block<P = Parameter> {
    pub(crate) region: Linear<P>,
    pub(crate) norm1: LayerNorm<P>,
    /// `[3 width, width]`: queries, keys, values
    pub(crate) projection_weight: P,
    pub(crate) projection_bias: P,
    pub(crate) out: Linear<P>,
    pub(crate) norm2: LayerNorm<P>,
    pub(crate) widen: Linear<P>,
    pub(crate) narrow: Linear<P>,
}

impl TokenTransformer {
    /// Takes the parameters.
    pub fn load(weights: &mut Weights, widths: Widths) -> Self {
        let Widths { stem, width, textures, depth, samples } = widths;
        Self {
            region_projection: Convolution::load(weights, "roialign_layer", stem, width, 1),
            embedding: weights.take("gps_embed.weight", [1, width]),
            gaussian_in: Linear::load(weights, "gps_embed_layer.0", 5, width),
            gaussian_out: Linear::load(weights, "gps_embed_layer.2", width, width),
            blocks: (0..depth).map(|i| Block::load(weights, &format!("attnblocks.{i}"), width, samples)).collect(),
            geometry: Linear::load(weights, "to_gps.0", width, 5),
            textures: Linear::load(weights, "to_gps.1", width, textures),
        }
    }

    /// Refines one picture: turns `gaussians` `[N, 5]` and `regions` `[N, stem, samples]` into gaussians `[N, 5]` and textures
    /// `[N, C]`. Calls `step` after each block.
    ///
    /// # Errors
    /// `step` fails.
    pub fn forward(
        &self,
        level: Level,
        gaussians: &[f32],
        regions: &[f32],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let count = gaussians.len() / 5;
        let width = self.embedding.shape()[1];
        let padded = count.div_ceil(PANEL) * PANEL;
        let run = |parameters: [&[f32]; 2], x: &[f32], then: Then<'_>, out: &mut [f32]| {
            linear(level, parameters, x, then, out);
        };
        let mut hidden = Buffer::zeroed(padded * 4 * width);
        let (mut x, mut normal) = (Buffer::zeroed(padded * width), Buffer::zeroed(padded * width));
        run(self.gaussian_in.numbers(), &to_panels(gaussians, 5), Then::Gelu, &mut normal);
        run(self.gaussian_out.numbers(), &normal, Then::Write, &mut x);
        for panel in x.chunks_exact_mut(width * PANEL) {
            for (lanes, value) in panel.chunks_exact_mut(PANEL).zip(self.embedding.iter()) {
                lanes.iter_mut().for_each(|v| *v += value);
            }
        }
        let [projection, projection_bias] = self.region_projection.numbers();
        let reduced = self.reduce(level, count, regions);
        for (block, reduced) in self.blocks.iter().zip(reduced) {
            let [weights, bias] = block.region.numbers();
            let total: f32 = weights.iter().sum();
            let constant: Vec<f32> = projection_bias.iter().map(|b| b * total + bias[0]).collect();
            linear(level, [projection, &constant], &reduced, Then::Add, &mut x);
            let norm = |norm: &LayerNorm, x: &[f32], out: &mut [f32]| {
                let [scale, shift] = norm.numbers();
                normalise(level, NORM_EPSILON, width, |_| [scale, shift], x, out);
            };
            norm(&block.norm1, &x, &mut normal);
            let joint: [&[f32]; 2] = [&block.projection_weight, &block.projection_bias];
            let hidden_three = &mut hidden[..padded * 3 * width];
            run(joint, &normal, Then::Write, hidden_three);
            attend(level, HEADS, count, width, hidden_three, &mut normal);
            run(block.out.numbers(), &normal, Then::Add, &mut x);
            norm(&block.norm2, &x, &mut normal);
            run(block.widen.numbers(), &normal, Then::Gelu, &mut hidden);
            run(block.narrow.numbers(), &hidden, Then::Add, &mut x);
            step()?;
        }
        let mut delta = Buffer::zeroed(padded * 5);
        run(self.geometry.numbers(), &x, Then::Write, &mut delta);
        let channels = self.textures.outputs();
        let mut textures = Buffer::zeroed(padded * channels);
        run(self.textures.numbers(), &x, Then::Write, &mut textures);
        let mut shifted = from_panels(&delta, count, 5);
        for (to, from) in shifted.as_chunks_mut::<5>().0.iter_mut().zip(gaussians.as_chunks::<5>().0) {
            *to = shift_gaussian(*from, *to);
        }
        Ok((shifted, from_panels(&textures, count, channels)))
    }

    /// The regions' samples reduced for each block, as panels of width `stem`.
    ///
    /// The authors project every sample to the full width, then reduce the samples in each block. Both operations are linear. So this code
    /// reduces the samples for all blocks at once, at the stem's width, and gets the same result with a fraction of the work.
    fn reduce(&self, level: Level, count: usize, regions: &[f32]) -> Vec<Buffer> {
        let stem = self.region_projection.weight.shape()[1];
        let blocks = self.blocks.len();
        let weights: Vec<f32> = self.blocks.iter().flat_map(|block| block.region.weight.iter().copied()).collect();
        let samples = weights.len() / blocks.max(1);
        let mut panels = Buffer::zeroed(panels_length(blocks, samples));
        pack(&weights, blocks, samples, &mut panels);
        let mut reduced = Buffer::zeroed(count * stem * blocks); // [N, stem, blocks]
        let tokens = regions.par_chunks(stem * samples).zip(reduced.par_chunks_mut(stem * blocks));
        tokens.for_each(|(region, reduced)| {
            let rows = Rows { values: region, stride: samples, count: stem, inputs: samples };
            product(level, rows, &panels, Target { values: reduced, stride: blocks, outputs: blocks, add: false });
        });
        let of_block = |block: usize| {
            let mut panels = Buffer::zeroed(count.div_ceil(PANEL) * PANEL * stem);
            for (token, reduced) in reduced.chunks_exact(stem * blocks).enumerate() {
                for (i, of_blocks) in reduced.chunks_exact(blocks).enumerate() {
                    panels[(token / PANEL * stem + i) * PANEL + token % PANEL] = of_blocks[block];
                }
            }
            panels
        };
        (0..blocks).into_par_iter().map(of_block).collect()
    }
}

impl<P> TokenTransformer<P> {
    /// Number of blocks, which is the number of calls of `watch` with a block's `out`.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// The transformer with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> TokenTransformer<Q> {
        TokenTransformer {
            region_projection: self.region_projection.map(f),
            embedding: f(&self.embedding),
            gaussian_in: self.gaussian_in.map(f),
            gaussian_out: self.gaussian_out.map(f),
            blocks: self.blocks.iter().map(|block| block.map(f)).collect(),
            geometry: self.geometry.map(f),
            textures: self.textures.map(f),
        }
    }
}

/// Adds `delta` to a gaussian in unbounded space, where each sigma is a logit, and rho, x, y are logits of `(1 + v) / 2`.
pub(crate) fn shift_gaussian(gaussian: [f32; 5], delta: [f32; 5]) -> [f32; 5] {
    let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
    std::array::from_fn(|i| {
        if i < 2 {
            sigmoid(-(1.0 / gaussian[i] - 1.0).ln() + delta[i])
        } else {
            sigmoid(-(2.0 / (gaussian[i] + 1.0) - 1.0).ln() + delta[i]) * 2.0 - 1.0
        }
    })
}

impl Block {
    fn load(weights: &mut Weights, key: &str, width: usize, samples: usize) -> Self {
        Self {
            region: Linear::load(weights, &format!("{key}.roimlp"), samples, 1),
            norm1: LayerNorm::load(weights, &format!("{key}.ln1"), width),
            projection_weight: weights.take(&format!("{key}.attn1.in_proj_weight"), [3 * width, width]),
            projection_bias: weights.take(&format!("{key}.attn1.in_proj_bias"), [3 * width]),
            out: Linear::load(weights, &format!("{key}.attn1.out_proj"), width, width),
            norm2: LayerNorm::load(weights, &format!("{key}.ln2"), width),
            widen: Linear::load(weights, &format!("{key}.mlp.0"), width, 4 * width),
            narrow: Linear::load(weights, &format!("{key}.mlp.2"), 4 * width, width),
        }
    }
}

impl<P> Block<P> {
    fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Block<Q> {
        Block {
            region: self.region.map(f),
            norm1: self.norm1.map(f),
            projection_weight: f(&self.projection_weight),
            projection_bias: f(&self.projection_bias),
            out: self.out.map(f),
            norm2: self.norm2.map(f),
            widen: self.widen.map(f),
            narrow: self.narrow.map(f),
        }
    }
}

/// Whether the heads can share the width.
pub(super) fn width_fits(width: usize) -> bool {
    width > 0 && width.is_multiple_of(HEADS)
}
