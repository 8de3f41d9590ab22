//! The sizes and the first weights of a tokenizer.

use super::random::{Purpose, Random};
use serde::Deserialize;
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// The sizes of a new tokenizer. The defaults are the sizes of the model `small`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sizes {
    /// Channels of the features.
    pub stem: usize,
    /// Width of a token in the transformer, a multiple of 8.
    pub width: usize,
    /// Blocks of the transformer.
    pub blocks: usize,
    /// A region is sampled at `bins` x `bins` places.
    pub bins: usize,
    /// Channels of a texture.
    pub textures: usize,
    /// Channels of the decoder's levels, beginning with the level of the picture's size. Each further level doubles the enlargement of
    /// the map's sides.
    pub levels: Vec<usize>,
    /// Residual blocks in each level.
    pub residuals: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { stem: 32, width: 192, blocks: 9, bins: 8, textures: 32, levels: vec![32, 64, 128], residuals: 2 }
    }
}

/// The shapes of a checkpoint's parameters, by key.
#[derive(Default)]
struct Shapes(BTreeMap<String, Vec<usize>>);

impl Shapes {
    fn layer(&mut self, key: &str, shape: &[usize]) {
        self.0.insert(format!("{key}.weight"), shape.to_vec());
        self.0.insert(format!("{key}.bias"), vec![shape[0]]);
    }

    fn residual(&mut self, key: &str, input: usize, output: usize) {
        self.layer(&format!("{key}.norm1"), &[input]);
        self.layer(&format!("{key}.conv1"), &[output, input, 3, 3]);
        self.layer(&format!("{key}.norm2"), &[output]);
        self.layer(&format!("{key}.conv2"), &[output, output, 3, 3]);
        if input != output {
            self.layer(&format!("{key}.nin_shortcut"), &[output, input, 1, 1]);
        }
    }
}

impl Sizes {
    /// The shape of each parameter, by its key.
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let Self { stem, width, blocks, bins, textures, ref levels, residuals } = *self;
        let mut shapes = Shapes::default();
        shapes.layer("preprocess_img.0", &[stem, 3, 3, 3]);
        for i in 1..=2 {
            shapes.residual(&format!("preprocess_img.{i}"), stem, stem);
        }
        shapes.layer("roialign_layer", &[width, stem, 1, 1]);
        shapes.0.insert("gps_embed.weight".to_owned(), vec![1, width]);
        shapes.layer("gps_embed_layer.0", &[width, 5]);
        shapes.layer("gps_embed_layer.2", &[width, width]);
        for i in 0..blocks {
            let key = format!("attnblocks.{i}");
            shapes.layer(&format!("{key}.roimlp"), &[1, bins * bins]);
            shapes.layer(&format!("{key}.ln1"), &[width]);
            shapes.layer(&format!("{key}.ln2"), &[width]);
            shapes.0.insert(format!("{key}.attn1.in_proj_weight"), vec![3 * width, width]);
            shapes.0.insert(format!("{key}.attn1.in_proj_bias"), vec![3 * width]);
            shapes.layer(&format!("{key}.attn1.out_proj"), &[width, width]);
            shapes.layer(&format!("{key}.mlp.0"), &[4 * width, width]);
            shapes.layer(&format!("{key}.mlp.2"), &[width, 4 * width]);
        }
        shapes.layer("to_gps.0", &[5, width]);
        shapes.layer("to_gps.1", &[textures, width]);
        let mut channels = levels.last().copied().unwrap_or(1);
        shapes.layer("decoder.conv_in", &[channels, textures, 3, 3]);
        for i in 1..=2 {
            shapes.residual(&format!("decoder.mid.block_{i}"), channels, channels);
        }
        shapes.layer("decoder.mid.attn_1.norm", &[channels]);
        for name in ["q", "k", "v", "proj_out"] {
            shapes.layer(&format!("decoder.mid.attn_1.{name}"), &[channels, channels, 1, 1]);
        }
        for (level, &output) in levels.iter().enumerate().rev() {
            for i in 0..residuals {
                shapes.residual(&format!("decoder.up.{level}.block.{i}"), channels, output);
                channels = output;
            }
            if level > 0 {
                shapes.layer(&format!("decoder.up.{level}.upsample.conv"), &[channels, channels, 3, 3]);
            }
        }
        shapes.layer("decoder.norm_out", &[channels]);
        shapes.layer("decoder.conv_out", &[3, channels, 3, 3]);
        shapes.0
    }

    /// Random weights. Layers are uniform within plus and minus the root of one over their number of inputs, as in PyTorch. Norms change
    /// nothing, and the gaussians stay near those of the partition.
    ///
    /// # Errors
    /// A size is 0, the width is not a multiple of 8, or there are not 1 to 9 levels.
    pub fn weights(&self, seed: u64) -> Result<BTreeMap<String, Tensor>> {
        let sides = [self.stem, self.width, self.blocks, self.bins, self.textures, self.residuals];
        let levels = &self.levels;
        if sides.contains(&0)
            || levels.contains(&0)
            || !(1..=9).contains(&levels.len())
            || !self.width.is_multiple_of(8)
        {
            return Err(Error::input(
                "sizes",
                format!(
                    "expected sizes above 0, a width that is a multiple of 8, and 1 to 9 levels, got {self:?}. Change the sizes that do not fit"
                ),
            ));
        }
        let fill = |(index, (key, shape)): (usize, (String, Vec<usize>))| {
            let count = shape.iter().product();
            let norm = shape.len() == 1 && key.ends_with(".weight");
            let inputs: usize = shape[1..].iter().product();
            let bound = if key == "to_gps.0.weight" { 1e-3 } else { (inputs as f64).sqrt().recip() };
            let mut random = Random::new(seed, Purpose::Weights, 0, index as u32);
            let values: Vec<f32> = match shape.len() {
                1 => vec![if norm { 1.0 } else { 0.0 }; count],
                _ => (0..count).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect(),
            };
            Ok((key, Tensor::from_vec(shape, values)?))
        };
        self.shapes().into_iter().enumerate().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::Network;

    #[test]
    fn new_weights_make_a_network_of_these_sizes() {
        let sizes = Sizes { width: 24, blocks: 2, levels: vec![8, 12], residuals: 1, ..Sizes::default() };
        let network = Network::load(sizes.weights(3).unwrap()).unwrap();
        assert_eq!(
            (network.sizes.stem_channels, network.sizes.width, network.sizes.textures, network.sizes.bins),
            (32, 24, 32, 8)
        );
        assert_eq!((network.transformer.depth(), network.decoder.levels()), (2, 2));
        insta::assert_snapshot!(Sizes { width: 20, ..Sizes::default() }.weights(0).unwrap_err(), @"expected sizes above 0, a width that is a multiple of 8, and 1 to 9 levels, got Sizes { stem: 32, width: 20, blocks: 9, bins: 8, textures: 32, levels: [32, 64, 128], residuals: 2 }. Change the sizes that do not fit");
    }

    #[cfg(feature = "embed-models")]
    #[test]
    fn the_default_sizes_match_the_model_small() {
        let small = crate::checkpoint::builtin::open("small".as_ref()).unwrap();
        let small: BTreeMap<String, Vec<usize>> =
            small.tensors.into_iter().map(|(key, tensor)| (key, tensor.shape().to_vec())).collect();
        assert_eq!(Sizes::default().shapes(), small);
    }
}
