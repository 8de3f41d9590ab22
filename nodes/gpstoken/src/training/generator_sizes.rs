//! The sizes and the first weights of a generator.

use super::random::{Purpose, Random};
use crate::generator::frequencies;
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// Numbers that encode the time for the network, as in the authors' configurations.
const FREQUENCIES: usize = 256;

/// The sizes of a new generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorSizes {
    /// Blocks of the transformer.
    pub depth: usize,
    /// Width of a token in the transformer.
    pub width: usize,
    /// Heads of the attention, which share the width.
    pub heads: usize,
    /// Numbers of a token.
    pub channels: usize,
    /// Tokens of a picture.
    pub tokens: usize,
    /// Number of classes.
    pub classes: usize,
    /// Whether the network takes the layout as a condition.
    pub condition: bool,
}

impl GeneratorSizes {
    /// The shape of each parameter, by its key. A network with a condition has a position embedding too, although it does not use it,
    /// because the authors' code asks for it.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let Self { depth, width, channels, tokens, classes, condition, .. } = *self;
        let mut shapes = BTreeMap::new();
        let mut layer = |key: &str, outputs: usize, inputs: &[usize]| {
            shapes.insert(format!("{key}.weight"), [&[outputs], inputs].concat());
            shapes.insert(format!("{key}.bias"), vec![outputs]);
        };
        layer("x_embedder.proj", width, &[channels, 1, 1]);
        layer("t_embedder.mlp.0", width, &[FREQUENCIES]);
        layer("t_embedder.mlp.2", width, &[width]);
        if condition {
            layer("cond_embedder.0", width, &[5]);
            layer("cond_embedder.2", width, &[width]);
        }
        for i in 0..depth {
            let key = format!("blocks.{i}");
            layer(&format!("{key}.adaLN_modulation.1"), 6 * width, &[width]);
            layer(&format!("{key}.attn.qkv"), 3 * width, &[width]);
            layer(&format!("{key}.attn.proj"), width, &[width]);
            layer(&format!("{key}.mlp.fc1"), 4 * width, &[width]);
            layer(&format!("{key}.mlp.fc2"), width, &[4 * width]);
        }
        layer("final_layer.adaLN_modulation.1", 2 * width, &[width]);
        layer("final_layer.linear", channels, &[width]);
        shapes.insert("y_embedder.embedding_table.weight".to_owned(), vec![classes + 1, width]);
        shapes.insert("pos_embed".to_owned(), vec![1, tokens, width]);
        shapes
    }

    /// Random weights, as in SiT. The modulations and the last layer are 0, so that blocks change nothing and the velocity is 0
    /// (adaLN-zero). The layers are uniform (Glorot and Bengio 2010). The embeddings of time and class are normal with a deviation of
    /// 0.02. The position embedding consists of waves, like the encoding of the time.
    ///
    /// # Errors
    /// The heads do not divide the width evenly.
    pub fn weights(&self, seed: u64) -> Result<BTreeMap<String, Tensor>> {
        if !self.width.is_multiple_of(2 * self.heads.max(1)) || self.heads == 0 {
            return Err(Error::input(
                "width",
                format!(
                    "expected a width that is a multiple of twice the number of heads, {}, got {}. Change width or heads",
                    self.heads, self.width
                ),
            ));
        }
        let fill = |(index, (key, shape)): (usize, (String, Vec<usize>))| {
            let count: usize = shape.iter().product();
            let mut random = Random::new(seed, Purpose::Weights, 0, index as u32);
            let zero = key.ends_with(".bias") || key.contains("adaLN_modulation") || key.starts_with("final_layer");
            let values: Vec<f32> = if key == "pos_embed" {
                (0..self.tokens).flat_map(|place| frequencies(place as f32, self.width)).collect()
            } else if zero {
                vec![0.0; count]
            } else if key.starts_with("t_embedder") || key.starts_with("y_embedder") {
                random.normal(count).into_iter().map(|v| 0.02 * v).collect()
            } else {
                let bound = (6.0 / (shape[0] + count / shape[0]) as f64).sqrt();
                (0..count).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect()
            };
            Ok((key, Tensor::from_vec(shape, values)?))
        };
        self.shapes().into_iter().enumerate().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Network;

    #[test]
    fn new_weights_make_a_network_of_these_sizes() {
        let sizes =
            GeneratorSizes { depth: 2, width: 24, heads: 3, channels: 9, tokens: 7, classes: 4, condition: true };
        let load = |sizes: GeneratorSizes| Network::load(sizes.weights(3).unwrap(), Some(sizes.heads)).unwrap().sizes;
        let network = load(sizes);
        assert_eq!((network.blocks, network.width, network.channels, network.classes), (2, 24, 9, 4));
        assert_eq!((network.condition_channels, network.fixed_tokens), (Some(5), None));
        let network = load(GeneratorSizes { condition: false, ..sizes });
        assert_eq!((network.condition_channels, network.fixed_tokens), (None, Some(7)));
        insta::assert_snapshot!(GeneratorSizes { heads: 5, ..sizes }.weights(0).unwrap_err(), @"expected a width that is a multiple of twice the number of heads, 5, got 24. Change width or heads");
    }
}
