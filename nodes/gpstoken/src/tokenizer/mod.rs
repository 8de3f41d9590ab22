//! The tokenizer's network: image stem, token transformer, decoder. No node code in here.

pub(crate) mod convolution_shader;
mod decoder;
mod direct;
mod group_norm;
mod layers;
pub(crate) mod linear_shader;
mod residual;
mod roi_align;
pub(crate) mod roi_align_shader;
mod stem;
mod transformer;

pub use decoder::Decoder;
pub(crate) use direct::Numbers;
pub use direct::{Direct, Map};
pub use group_norm::{GroupNorm, Statistics};
pub(crate) use layers::{Convolution, Linear, attend};
pub use roi_align::{FeatureTile, roi_align, roi_align_dense, roi_align_tensor};
pub use stem::ImageStem;
pub use transformer::{TokenTransformer, Widths};

use crate::weights::Weights;
use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    prelude::Device,
    tensor::{FloatDType, Tensor},
};
use splatgraph_sdk::{Error, Result};
use std::collections::BTreeMap;

/// Pictures are worked on in tiles of this side.
pub const TILE: usize = 256;

/// A network with its weights.
#[derive(Module, Debug)]
pub struct Network {
    /// Picture to features.
    pub stem: ImageStem,
    /// Layout and features to tokens.
    pub transformer: TokenTransformer,
    /// Feature map to picture.
    pub decoder: Decoder,
    /// Channels of the features.
    pub stem_channels: usize,
    /// Width of a token in the transformer.
    pub width: usize,
    /// Channels of a token's texture.
    pub textures: usize,
    /// A region is sampled at `bins` x `bins` places.
    pub bins: usize,
}

impl Network {
    /// Builds the network from a checkpoint's tensors. All sizes are read from their shapes.
    ///
    /// # Errors
    /// Keys are missing, not known or of the wrong shape, all of them listed; or a size can't be.
    pub fn load(tensors: BTreeMap<String, splatgraph_sdk::Tensor>, device: &Device) -> Result<Self> {
        Ok(Self::load_with_keys(tensors, device)?.0)
    }

    /// As [`load`](Self::load), with the key of each parameter.
    ///
    /// # Errors
    /// The same.
    pub fn load_with_keys(
        tensors: BTreeMap<String, splatgraph_sdk::Tensor>,
        device: &Device,
    ) -> Result<(Self, Vec<(String, ParamId)>)> {
        let roots = ["gps_embed.weight", "preprocess_img.0.weight", "decoder.conv_in.weight"];
        let mut weights = Weights::new("a GPSToken tokenizer", tensors, &roots, device);
        let stem =
            weights.side(&[("preprocess_img.0.weight", 0), ("preprocess_img.0.bias", 0), ("roialign_layer.weight", 1)]);
        let width = weights.side(&[("gps_embed.weight", 1), ("to_gps.1.weight", 1), ("roialign_layer.weight", 0)]);
        let textures = weights.side(&[("to_gps.1.weight", 0), ("to_gps.1.bias", 0), ("decoder.conv_in.weight", 1)]);
        let samples = weights.side(&[("attnblocks.0.roimlp.weight", 1)]);
        let depth = weights.count("attnblocks");
        let network = Self {
            stem: ImageStem::load(&mut weights, stem),
            transformer: TokenTransformer::load(&mut weights, Widths { stem, width, textures, depth, samples }),
            decoder: Decoder::load(&mut weights, textures),
            stem_channels: stem,
            width,
            textures,
            bins: samples.isqrt(),
        };
        let keys = weights.finish()?;
        if network.bins * network.bins != samples {
            return Err(Error::new(format!(
                "a tokenizer that samples a region at a square number of places was expected, `attnblocks.0.roimlp.weight` has {samples}"
            )));
        }
        if !transformer::width_fits(width) {
            return Err(Error::new(format!(
                "a tokenizer with a width that 8 attention heads share was expected, `gps_embed.weight` has {width}"
            )));
        }
        if depth == 0 || !(1..=9).contains(&network.decoder.levels()) {
            return Err(Error::new(format!(
                "a tokenizer with at least one attention block and 1 to 9 decoder levels was expected, {depth} blocks and {} levels were found",
                network.decoder.levels()
            )));
        }
        Ok((network, keys))
    }

    /// With parameters of another precision.
    #[must_use]
    pub fn with_precision(self, precision: FloatDType) -> Self {
        struct Cast(FloatDType);
        impl ModuleMapper for Cast {
            fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
                parameter.map(|tensor| tensor.cast(self.0))
            }
        }
        if precision == FloatDType::F32 { self } else { self.map(&mut Cast(precision)) }
    }

    /// How many times larger the picture is than the map.
    pub fn enlargement(&self) -> usize {
        1 << (self.decoder.levels() - 1)
    }
}
