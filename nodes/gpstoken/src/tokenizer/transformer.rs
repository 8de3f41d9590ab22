//! Turns the layout's gaussians into tokens by looking at the picture's features in their regions (paper, section 3.3).

use super::{
    convolution_shader::multiply,
    direct::Numbers,
    layers::{self, Convolution, LayerNorm, Linear, NORM_EPSILON},
};
use crate::kernels::{
    cpu::Level,
    product::{PANEL, Rows, Target, pack, panels_length, product},
    tokens::{Then, attend, from_panels, linear, normalise, to_panels},
};
use crate::weights::Weights;
use burn::{
    module::{Module, Param},
    prelude::s,
    tensor::{
        FloatDType, Tensor,
        activation::{gelu, sigmoid},
    },
};
use rayon::prelude::*;
use splatgraph_sdk::Result;

/// Heads of the attention between tokens: fixed in the authors' code, not to be seen in the shapes.
const HEADS: usize = 8;

/// The widths of a [`TokenTransformer`].
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// Channels of the feature map.
    pub stem: usize,
    /// Width of a token inside.
    pub width: usize,
    /// Channels of a token's texture.
    pub textures: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Places where a region is sampled: the square of the side.
    pub samples: usize,
}

/// Embeds gaussians, lets the tokens look at their regions and at each other, and gives their final geometry and textures.
#[derive(Module, Debug)]
pub struct TokenTransformer {
    region_projection: Convolution,
    embedding: Param<Tensor<2>>, // [1, width]
    gaussian_in: Linear,
    gaussian_out: Linear,
    blocks: Vec<Block>,
    geometry: Linear,
    textures: Linear,
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

    /// Number of blocks, so of calls of `watch` that name one's `out`.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// `gaussians` `[B, N, 5]` and `regions` `[B, N, stem, samples]` to gaussians `[B, N, 5]` and textures `[B, N, C]`, both
    /// in f32. `watch` sees what each stage gives.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn forward(
        &self,
        gaussians: Tensor<3>,
        regions: Tensor<4>,
        watch: &mut dyn FnMut(&str, &Tensor<3>) -> Result<()>,
    ) -> Result<(Tensor<3>, Tensor<3>)> {
        let precision = FloatDType::from(self.embedding.val().dtype());
        let conditions = self.conditions(regions.cast(precision));
        let embedded = self.gaussian_out.forward(gelu(self.gaussian_in.forward(gaussians.clone().cast(precision))));
        watch("embedding", &embedded)?;
        let mut x = embedded + self.embedding.val().unsqueeze::<3>();
        for (i, (block, condition)) in self.blocks.iter().zip(conditions).enumerate() {
            watch(&format!("block{i}.condition"), &condition)?;
            x = x + condition;
            let attended = block.attend(x.clone());
            watch(&format!("block{i}.attention"), &attended)?;
            x = block.feed_forward(x + attended);
            watch(&format!("block{i}.out"), &x)?;
        }
        let delta = self.geometry.forward(x.clone()).cast(FloatDType::F32);
        watch("delta", &delta)?;
        Ok((shift(gaussians, delta), self.textures.forward(x).cast(FloatDType::F32)))
    }

    /// As `forward` for one picture, on the CPU's kernels: `gaussians` `[N, 5]` and `regions` `[N, stem, samples]` to gaussians
    /// `[N, 5]` and textures `[N, C]`. `step` is called after each block.
    ///
    /// # Errors
    /// Those of `step`.
    pub fn direct(
        &self,
        level: Level,
        gaussians: &[f32],
        regions: &[f32],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let count = gaussians.len() / 5;
        let width = self.embedding.dims()[1];
        let padded = count.div_ceil(PANEL) * PANEL;
        let run = |parameters: [Numbers; 2], x: &[f32], then: Then<'_>, out: &mut [f32]| {
            linear(level, [&parameters[0], &parameters[1]], x, then, out);
        };
        let mut hidden = vec![0.0; padded * 4 * width];
        let (mut x, mut normal) = (vec![0.0; padded * width], vec![0.0; padded * width]);
        run(self.gaussian_in.numbers(), &to_panels(gaussians, 5), Then::Gelu, &mut normal);
        run(self.gaussian_out.numbers(), &normal, Then::Write, &mut x);
        let embedding = Numbers::of(self.embedding.val());
        for panel in x.chunks_exact_mut(width * PANEL) {
            for (lanes, value) in panel.chunks_exact_mut(PANEL).zip(embedding.iter()) {
                lanes.iter_mut().for_each(|v| *v += value);
            }
        }
        let [projection, projection_bias] = self.region_projection.numbers();
        let reduced = self.reduce(level, count, regions);
        for (block, reduced) in self.blocks.iter().zip(reduced) {
            let [weights, bias] = block.region.numbers();
            let total: f32 = weights.iter().sum();
            let constant: Vec<f32> = projection_bias.iter().map(|b| b * total + bias[0]).collect();
            linear(level, [&projection, &constant], &reduced, Then::Add, &mut x);
            let norm = |norm: &LayerNorm, x: &[f32], out: &mut [f32]| {
                let [scale, shift] = norm.numbers();
                normalise(level, NORM_EPSILON, width, |_| [&scale[..], &shift[..]], x, out);
            };
            norm(&block.norm1, &x, &mut normal);
            let joint = [Numbers::of(block.projection_weight.val()), Numbers::of(block.projection_bias.val())];
            let hidden_three = &mut hidden[..padded * 3 * width];
            run(joint, &normal, Then::Write, hidden_three);
            attend(level, HEADS, count, width, hidden_three, &mut normal);
            run(block.out.numbers(), &normal, Then::Add, &mut x);
            norm(&block.norm2, &x, &mut normal);
            run(block.widen.numbers(), &normal, Then::Gelu, &mut hidden);
            run(block.narrow.numbers(), &hidden, Then::Add, &mut x);
            step()?;
        }
        let mut delta = vec![0.0; padded * 5];
        run(self.geometry.numbers(), &x, Then::Write, &mut delta);
        let channels = self.textures.bias().dims()[0];
        let mut textures = vec![0.0; padded * channels];
        run(self.textures.numbers(), &x, Then::Write, &mut textures);
        let mut shifted = from_panels(&delta, count, 5);
        for (to, from) in shifted.as_chunks_mut::<5>().0.iter_mut().zip(gaussians.as_chunks::<5>().0) {
            *to = shift_gaussian(*from, *to);
        }
        Ok((shifted, from_panels(&textures, count, channels)))
    }

    /// The regions' samples reduced for each block, as panels of width `stem`; see `conditions`.
    fn reduce(&self, level: Level, count: usize, regions: &[f32]) -> Vec<Vec<f32>> {
        let stem = self.region_projection.weight().dims()[1];
        let blocks = self.blocks.len();
        let weights: Vec<f32> = self.blocks.iter().flat_map(|block| block.region.numbers()[0].to_vec()).collect();
        let samples = weights.len() / blocks.max(1);
        let mut panels = vec![0.0; panels_length(blocks, samples)];
        pack(&weights, blocks, samples, &mut panels);
        let mut reduced = vec![0.0; count * stem * blocks]; // [N, stem, blocks]
        let tokens = regions.par_chunks(stem * samples).zip(reduced.par_chunks_mut(stem * blocks));
        tokens.for_each(|(region, reduced)| {
            let rows = Rows { values: region, stride: samples, count: stem, inputs: samples };
            product(level, rows, &panels, Target { values: reduced, stride: blocks, outputs: blocks, add: false });
        });
        let of_block = |block: usize| {
            let mut panels = vec![0.0; count.div_ceil(PANEL) * PANEL * stem];
            for (token, reduced) in reduced.chunks_exact(stem * blocks).enumerate() {
                for (i, of_blocks) in reduced.chunks_exact(blocks).enumerate() {
                    panels[(token / PANEL * stem + i) * PANEL + token % PANEL] = of_blocks[block];
                }
            }
            panels
        };
        (0..blocks).into_par_iter().map(of_block).collect()
    }

    /// What each block adds for the regions, `[B, N, width]`.
    ///
    /// The authors bring every sample to the full width, then reduce the samples in each block. Both are linear, so here the
    /// samples are reduced for all blocks at once, at the stem's width: the same result from a fraction of the work.
    fn conditions(&self, regions: Tensor<4>) -> Vec<Tensor<3>> {
        let [batch, count, stem, samples] = regions.dims();
        let weights: Vec<Tensor<2>> = self.blocks.iter().map(|block| block.region.weight()).collect(); // [1, samples] each
        if weights.is_empty() {
            return Vec::new();
        }
        let (weights, samples): (_, Tensor<2>) =
            (Tensor::cat(weights, 0), regions.reshape([batch * count * stem, samples]));
        let samples = samples.transpose();
        // [blocks, B N stem]
        let reduced = multiply(weights.clone(), samples.clone()).unwrap_or_else(|| weights.matmul(samples));
        let projection: Tensor<2> = self.region_projection.weight().reshape([-1, stem as i32]); // [width, stem]
        let project = |(i, block): (usize, &Block)| {
            let features: Tensor<3> = reduced.clone().slice(s![i..i + 1]).reshape([batch, count, stem]);
            let constant = self.region_projection.bias() * block.region.weight().sum() + block.region.bias();
            layers::linear(features, projection.clone(), constant)
        };
        self.blocks.iter().enumerate().map(project).collect()
    }
}

/// Adds to a gaussian in the unbounded space where sigma is a logit, and rho, x, y are logits of `(1 + v) / 2`.
fn shift(gaussians: Tensor<3>, delta: Tensor<3>) -> Tensor<3> {
    let sigma = |t: &Tensor<3>| t.clone().slice(s![.., .., 0..2]);
    let rest = |t: &Tensor<3>| t.clone().slice(s![.., .., 2..5]);
    let sigma_logit = (sigma(&gaussians).recip() - 1.0).log().neg();
    let rest_logit = ((rest(&gaussians) + 1.0).recip() * 2.0 - 1.0).log().neg();
    let sigmas = sigmoid(sigma_logit + sigma(&delta));
    let others = sigmoid(rest_logit + rest(&delta)) * 2.0 - 1.0;
    Tensor::cat(vec![sigmas, others], 2)
}

/// As `shift`, for one gaussian.
fn shift_gaussian(gaussian: [f32; 5], delta: [f32; 5]) -> [f32; 5] {
    let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
    std::array::from_fn(|i| {
        if i < 2 {
            sigmoid(-(1.0 / gaussian[i] - 1.0).ln() + delta[i])
        } else {
            sigmoid(-(2.0 / (gaussian[i] + 1.0) - 1.0).ln() + delta[i]) * 2.0 - 1.0
        }
    })
}

/// Attention between tokens and a feed-forward layer, both with a normalisation in front.
#[derive(Module, Debug)]
struct Block {
    region: Linear,
    norm1: LayerNorm,
    projection_weight: Param<Tensor<2>>, // [3 width, width]: queries, keys, values
    projection_bias: Param<Tensor<1>>,
    out: Linear,
    norm2: LayerNorm,
    widen: Linear,
    narrow: Linear,
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

    fn attend(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, count, width] = x.dims();
        let (weight, bias) = (self.projection_weight.val(), self.projection_bias.val());
        let x = layers::linear(self.norm1.forward(x), weight, bias); // [B, N, 3 width]
        let heads = |i: usize| {
            let part = x.clone().slice(s![.., .., i * width..(i + 1) * width]);
            part.reshape([batch, count, HEADS, width / HEADS]).swap_dims(1, 2)
        };
        let attended = layers::attend(heads(0), heads(1), heads(2));
        self.out.forward(attended.swap_dims(1, 2).reshape([batch, count, width]))
    }

    fn feed_forward(&self, x: Tensor<3>) -> Tensor<3> {
        let inner = gelu(self.widen.forward(self.norm2.forward(x.clone())));
        x + self.narrow.forward(inner)
    }
}

/// What the number of heads asks of the width.
pub(super) fn width_fits(width: usize) -> bool {
    width > 0 && width.is_multiple_of(HEADS)
}
