//! The network: tokens in, velocities out (SiT with patches of one token; paper, section 3.3 and appendix B).

use super::{
    block::{Block, modulate},
    embedding::{Embedding, silu_layer},
};
use crate::{
    tokenizer::{Convolution, Linear},
    weights::Weights,
};
use burn::{
    module::{Module, Param, ParamId},
    prelude::{Device, s},
    tensor::{Int, Tensor},
};
use splatgraph_sdk::{Error, Result};
use std::collections::BTreeMap;

/// A network with its weights.
#[derive(Module, Debug)]
pub struct Network {
    pub(super) tokens_in: Convolution,
    pub(super) time: Embedding,
    pub(super) classes_table: Param<Tensor<2>>,    // [classes + 1, width]
    pub(super) position: Option<Param<Tensor<3>>>, // [1, N, width]
    pub(super) condition: Option<Embedding>,
    pub(super) blocks: Vec<Block>,
    pub(super) final_modulation: Linear,
    pub(super) final_layer: Linear,
    /// Numbers of a token.
    pub channels: usize,
    /// Width of a token inside.
    pub width: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Number of classes; one more row of the table stands for no class.
    pub classes: usize,
}

/// What tells a generator from other checkpoints.
const ROOTS: [&str; 3] = ["y_embedder.embedding_table.weight", "t_embedder.mlp.0.weight", "x_embedder.proj.weight"];

impl Network {
    /// Builds the network from a checkpoint's tensors. All sizes are read from their shapes, but for the number of attention
    /// heads, which these do not show: `heads`, or what is usual for the width.
    ///
    /// # Errors
    /// Keys are missing, not known, of the wrong shape or with numbers that are not finite, all of them listed; or a size
    /// can't be.
    pub fn load(
        tensors: BTreeMap<String, splatgraph_sdk::Tensor>,
        heads: Option<usize>,
        device: &Device,
    ) -> Result<Self> {
        Self::load_with_keys(tensors, heads, device).map(|(network, _)| network)
    }

    /// As [`load`](Self::load), with the key of each parameter.
    ///
    /// # Errors
    /// The same.
    pub fn load_with_keys(
        tensors: BTreeMap<String, splatgraph_sdk::Tensor>,
        heads: Option<usize>,
        device: &Device,
    ) -> Result<(Self, Vec<(String, ParamId)>)> {
        let mut weights = Weights::new("a generator (SiT)", tensors, &ROOTS, device);
        let width = weights.side(&[("y_embedder.embedding_table.weight", 1), ("x_embedder.proj.weight", 0)]);
        let channels = weights.side(&[("x_embedder.proj.weight", 1)]);
        let frequencies = weights.side(&[("t_embedder.mlp.0.weight", 1)]);
        let hidden = weights.side(&[("blocks.0.mlp.fc1.weight", 0), ("blocks.0.mlp.fc1.bias", 0)]);
        let outputs = weights.side(&[("final_layer.linear.weight", 0), ("final_layer.linear.bias", 0)]);
        let rows = weights.side(&[("y_embedder.embedding_table.weight", 0)]);
        let places = weights.side(&[("pos_embed", 1)]);
        let depth = weights.count("blocks");
        let condition_channels = weights.side(&[("cond_embedder.0.weight", 1)]);
        let with_condition = weights.contains("cond_embedder.0.weight") || weights.contains("cond_embedder.2.weight");
        // A network with a condition has a position embedding too, which it does not use.
        let position =
            (!with_condition || weights.contains("pos_embed")).then(|| weights.take("pos_embed", [1, places, width]));
        let network = Self {
            tokens_in: Convolution::load(&mut weights, "x_embedder.proj", channels, width, 1),
            time: Embedding::load(&mut weights, ["t_embedder.mlp.0", "t_embedder.mlp.2"], frequencies, width),
            classes_table: weights.take("y_embedder.embedding_table.weight", [rows, width]),
            position: position.filter(|_| !with_condition),
            condition: with_condition.then(|| {
                Embedding::load(&mut weights, ["cond_embedder.0", "cond_embedder.2"], condition_channels, width)
            }),
            blocks: (0..depth).map(|i| Block::load(&mut weights, &format!("blocks.{i}"), width, hidden)).collect(),
            final_modulation: Linear::load(&mut weights, "final_layer.adaLN_modulation.1", width, 2 * width),
            final_layer: Linear::load(&mut weights, "final_layer.linear", width, outputs),
            channels,
            width,
            heads: heads.or_else(|| usual_heads(width)).unwrap_or(0),
            classes: rows.saturating_sub(1),
        };
        let keys = weights.finish()?;
        if depth == 0 || rows < 2 || width == 0 || channels == 0 || frequencies == 0 || !frequencies.is_multiple_of(2) {
            return Err(Error::new(format!(
                "a generator with at least one block, one class and one channel was expected, {depth} blocks of width {width}, {channels} channels, {rows} rows of classes and {frequencies} numbers for the time were found"
            )));
        }
        if outputs != channels && outputs != 2 * channels {
            return Err(Error::new(format!(
                "a generator that gives {channels} numbers for a token, or {} with their learned sigmas, was expected, `final_layer.linear.weight` gives {outputs}",
                2 * channels
            )));
        }
        if network.heads == 0 || !width.is_multiple_of(network.heads) {
            return Err(Error::new(match heads {
                Some(heads) => {
                    format!("a number of attention heads that divides the width {width} was expected, {heads} came")
                }
                None => format!(
                    "the number of attention heads can't be told from a width of {width}. Give it in LoadGenerator's input `heads`, or in the checkpoint's metadata under `heads`"
                ),
            }));
        }
        Ok((network, keys))
    }

    /// Number of blocks.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Numbers of a token's condition, if the network takes one; it takes a position embedding otherwise.
    pub fn condition_channels(&self) -> Option<usize> {
        self.condition.as_ref().map(Embedding::inputs)
    }

    /// How many tokens there must be; with a condition any number is possible.
    pub fn fixed_tokens(&self) -> Option<usize> {
        self.position.as_ref().map(|position| position.dims()[1])
    }

    /// What is added to the embedded tokens and stays the same through all steps: the embedded condition `[B, N, 5]`, or
    /// the position embedding: `[B or 1, N, width]`.
    pub fn start(&self, condition: Option<Tensor<3>>) -> Tensor<3> {
        match (&self.condition, condition, &self.position) {
            (Some(embedding), Some(condition), _) => embedding.forward(condition),
            (_, _, Some(position)) => position.val(),
            _ => Tensor::zeros([1, 1, self.width], &self.classes_table.device()),
        }
    }

    /// Velocities `[B, C, N]` for `x` `[B, C, N]` at the times `t` (one a picture) for classes `[B]`, with what
    /// [`start`](Self::start) gave. `watch` sees what each stage gives.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn forward(
        &self,
        x: Tensor<3>,
        t: &[f32],
        classes: Tensor<1, Int>,
        start: Tensor<3>,
        watch: &mut dyn FnMut(&str, &Tensor<3>) -> Result<()>,
    ) -> Result<Tensor<3>> {
        let tokens = self.tokens_in.forward(x.unsqueeze_dim::<4>(3)).squeeze_dim::<3>(3).swap_dims(1, 2);
        watch("tokens", &tokens)?;
        let mut h = tokens + start;
        let time = self.time.forward(self.frequencies(t));
        watch("time", &time)?;
        let class = self.classes_table.val().select(0, classes).unsqueeze_dim::<3>(1);
        watch("class", &class)?;
        let condition = time + class; // [B, 1, width]
        for (i, block) in self.blocks.iter().enumerate() {
            h = block.forward(h, &condition, self.heads);
            watch(&format!("block{i}.out"), &h)?;
        }
        let modulation = silu_layer(&self.final_modulation, condition); // [B, 1, 2 width]
        let part = |i: usize| modulation.clone().slice(s![.., .., i * self.width..(i + 1) * self.width]);
        let out = self.final_layer.forward(modulate(h, part(0), part(1)));
        watch("final", &out)?;
        Ok(out.slice(s![.., .., 0..self.channels]).swap_dims(1, 2))
    }

    /// `[B, 1, frequencies]`
    fn frequencies(&self, t: &[f32]) -> Tensor<3> {
        let count = self.time.inputs();
        let values: Vec<f32> = t.iter().flat_map(|t| super::embedding::frequencies(*t, count)).collect();
        let data = burn::tensor::TensorData::new(values, [t.len(), 1, count]);
        Tensor::from_data(data, &self.classes_table.device())
    }
}

/// The heads of the authors' configurations.
fn usual_heads(width: usize) -> Option<usize> {
    match width {
        1152 | 1024 => Some(16),
        _ => width.is_multiple_of(64).then_some(width / 64),
    }
}
