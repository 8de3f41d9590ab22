//! The network, which maps tokens to velocities (SiT with patches of one token; paper, section 3.3 and appendix B).

use super::{Block, Embedding};
use crate::{
    checkpoint::{Parameter, Weights},
    layers::{Convolution, Linear},
};
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// The sizes of a [`Network`], taken from the shapes of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Numbers of a token.
    pub channels: usize,
    /// Width of a token inside the network.
    pub width: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Number of classes; one more row of the table stands for no class.
    pub classes: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Numbers of the encoded time.
    pub frequencies: usize,
    /// Numbers of a token's condition, if the network takes one; otherwise it uses a position embedding.
    pub condition_channels: Option<usize>,
    /// The required number of tokens; `None` with a condition, which allows any number.
    pub fixed_tokens: Option<usize>,
    /// Numbers in all parameters.
    pub parameters: usize,
}

/// A network with its weights.
#[derive(Clone, Debug)]
pub struct Network<P = Parameter> {
    /// The sizes of the network.
    pub sizes: Sizes,
    pub(crate) tokens_in: Convolution<P>,
    pub(crate) time: Embedding<P>,
    /// `[classes + 1, width]`
    pub(crate) classes_table: P,
    /// `[1, N, width]`
    pub(crate) position: Option<P>,
    pub(crate) condition: Option<Embedding<P>>,
    pub(crate) blocks: Vec<Block<P>>,
    pub(crate) final_modulation: Linear<P>,
    pub(crate) final_layer: Linear<P>,
}

/// Keys that distinguish a generator from other checkpoints.
const ROOTS: [&str; 3] = ["y_embedder.embedding_table.weight", "t_embedder.mlp.0.weight", "x_embedder.proj.weight"];

impl Network {
    /// Builds the network from the tensors of a checkpoint. All sizes come from their shapes, except the number of attention
    /// heads, which shapes do not show: it is `heads`, or the usual number for the width.
    ///
    /// # Errors
    /// Keys are missing, unknown, of the wrong shape or with numbers that are not finite; the message lists them all. Or a
    /// size is impossible.
    pub fn load(tensors: BTreeMap<String, Tensor>, heads: Option<usize>) -> Result<Self> {
        let mut weights = Weights::new("a generator (SiT)", tensors, &ROOTS);
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
        // A network with a condition also has a position embedding, but does not use it.
        let position =
            (!with_condition || weights.contains("pos_embed")).then(|| weights.take("pos_embed", [1, places, width]));
        let sizes = Sizes {
            channels,
            width,
            heads: heads.or(usual_heads(width)).unwrap_or_default(),
            classes: rows.saturating_sub(1),
            blocks: depth,
            frequencies,
            condition_channels: with_condition.then_some(condition_channels),
            fixed_tokens: (!with_condition).then_some(places),
            parameters: 0,
        };
        let mut network = Self {
            sizes,
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
        };
        weights.finish()?;
        if depth == 0 || rows < 2 || width == 0 || channels == 0 || frequencies == 0 || !frequencies.is_multiple_of(2) {
            return Err(Error::new(format!(
                "expected a generator with at least one block, one class, one channel and an even count of numbers for the time, got blocks: {depth} of width {width}, rows of classes: {rows}, channels: {channels}, numbers for the time: {frequencies}"
            )));
        }
        if outputs != channels && outputs != 2 * channels {
            return Err(Error::new(format!(
                "expected a generator that makes {channels} numbers for a token, or {} with their learned sigmas, got {outputs} from `final_layer.linear.weight`",
                2 * channels
            )));
        }
        if sizes.heads == 0 || !width.is_multiple_of(sizes.heads) {
            return Err(Error::new(match heads {
                Some(heads) => {
                    format!("expected a number of attention heads that divides the width {width}, got {heads}")
                }
                None => format!(
                    "expected a width with a usual number of attention heads, got {width}. Give the number in the input `heads` of LoadGenerator, or in the checkpoint's metadata (key `heads`)"
                ),
            }));
        }
        let mut parameters = 0;
        network.map(&mut |parameter| parameters += parameter.len());
        network.sizes.parameters = parameters;
        Ok(network)
    }
}

impl<P> Network<P> {
    /// The network with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Network<Q> {
        Network {
            sizes: self.sizes,
            tokens_in: self.tokens_in.map(f),
            time: self.time.map(f),
            classes_table: f(&self.classes_table),
            position: self.position.as_ref().map(&mut *f),
            condition: self.condition.as_ref().map(|embedding| embedding.map(f)),
            blocks: self.blocks.iter().map(|block| block.map(f)).collect(),
            final_modulation: self.final_modulation.map(f),
            final_layer: self.final_layer.map(f),
        }
    }
}

/// The number of heads in the authors' configurations.
fn usual_heads(width: usize) -> Option<usize> {
    match width {
        1152 | 1024 => Some(16),
        _ => width.is_multiple_of(64).then_some(width / 64),
    }
}
