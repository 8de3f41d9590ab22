//! The tokenizer's network: image stem, token transformer, decoder, and their forward passes on the host's kernels.

mod decode;
pub(crate) mod decoder;
mod encode;
mod refine;
pub(crate) mod residual;
pub mod roi_align;
mod stem;
pub(crate) mod transformer;

pub use decode::{Pieces, Together, decode};
pub use decoder::Decoder;
pub use encode::encode;
pub use refine::{Geometry, Tiled, refine, region_pixel};
use residual::Residual;
pub use stem::{ImageStem, STEM_STAGES};
pub use transformer::{TokenTransformer, Widths};

use crate::{
    checkpoint::{Parameter, Weights},
    names::counted,
};
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// The widths of a [`Network`], read from the shapes of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Channels of the features.
    pub stem_channels: usize,
    /// Width of a token in the transformer.
    pub width: usize,
    /// Channels of a token's texture.
    pub textures: usize,
    /// Number of bins along an axis of a region, which is sampled at `bins` x `bins` places.
    pub bins: usize,
    /// Number of blocks of the transformer.
    pub blocks: usize,
    /// Number of levels of the decoder.
    pub levels: usize,
    /// Numbers in all parameters.
    pub parameters: usize,
}

impl Sizes {
    /// The picture's side divided by the map's side.
    pub fn enlargement(&self) -> usize {
        1 << (self.levels - 1)
    }
}

/// A network with its weights.
#[derive(Clone, Debug)]
pub struct Network<P = Parameter> {
    /// The network's widths.
    pub sizes: Sizes,
    /// Turns a picture into features.
    pub stem: ImageStem<P>,
    /// Turns a layout and features into tokens.
    pub transformer: TokenTransformer<P>,
    /// Turns a feature map into a picture.
    pub decoder: Decoder<P>,
}

impl Network {
    /// Builds the network from a checkpoint's tensors. Reads all sizes from their shapes.
    ///
    /// # Errors
    /// Keys are missing, unknown or of the wrong shape, and the message lists all of them; or a size is impossible.
    pub fn load(tensors: BTreeMap<String, Tensor>) -> Result<Self> {
        let roots = ["gps_embed.weight", "preprocess_img.0.weight", "decoder.conv_in.weight"];
        let mut weights = Weights::new("a GPSToken tokenizer", tensors, &roots);
        let stem =
            weights.side(&[("preprocess_img.0.weight", 0), ("preprocess_img.0.bias", 0), ("roialign_layer.weight", 1)]);
        let width = weights.side(&[("gps_embed.weight", 1), ("to_gps.1.weight", 1), ("roialign_layer.weight", 0)]);
        let textures = weights.side(&[("to_gps.1.weight", 0), ("to_gps.1.bias", 0), ("decoder.conv_in.weight", 1)]);
        let samples = weights.side(&[("attnblocks.0.roimlp.weight", 1)]);
        let depth = weights.count("attnblocks");
        let image_stem = ImageStem::load(&mut weights, stem);
        let transformer = TokenTransformer::load(&mut weights, Widths { stem, width, textures, depth, samples });
        let decoder = Decoder::load(&mut weights, textures);
        weights.finish()?;
        let (bins, levels) = (samples.isqrt(), decoder.levels());
        if bins * bins != samples {
            return Err(Error::new(format!(
                "expected a tokenizer that samples a region at a square number of places, got {samples} places in `attnblocks.0.roimlp.weight`"
            )));
        }
        if !transformer::width_fits(width) {
            return Err(Error::new(format!(
                "expected a tokenizer with a width that 8 attention heads can share, got {width} in `gps_embed.weight`"
            )));
        }
        if depth == 0 || !(1..=9).contains(&levels) {
            return Err(Error::new(format!(
                "expected a tokenizer with at least one attention block and 1 to 9 decoder levels, got {} and {}",
                counted(depth, "block"),
                counted(levels, "level")
            )));
        }
        let sizes = Sizes { stem_channels: stem, width, textures, bins, blocks: depth, levels, parameters: 0 };
        let mut network = Self { sizes, stem: image_stem, transformer, decoder };
        let mut parameters = 0;
        network.map(&mut |parameter| parameters += parameter.len());
        network.sizes.parameters = parameters;
        Ok(network)
    }
}

impl<P> Network<P> {
    /// The network with every parameter mapped, in the order of their use.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Network<Q> {
        Network {
            sizes: self.sizes,
            stem: self.stem.map(f),
            transformer: self.transformer.map(f),
            decoder: self.decoder.map(f),
        }
    }
}
