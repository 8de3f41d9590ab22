//! Reads the network from a checkpoint with the names of torchvision, which pytorch-fid and torch-fidelity use too. The checkpoint decides
//! about the widths of all layers.

use super::network::{Kind, Layer, Network, Pool, SPATIAL_CHANNELS, Step};
use crate::{checkpoint::Weights, kernels::patches::Kernel};
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// The number of classes of TensorFlow's network.
const TENSORFLOW_CLASSES: usize = 1008;

/// The number that batch normalisation adds to the variance.
const EPSILON: f64 = 1e-3;

/// The part of torchvision's checkpoint that only its training uses.
const AUXILIARY: &str = "AuxLogits.";

/// The counter that PyTorch keeps beside each batch normalisation.
const COUNTER: &str = ".num_batches_tracked";

impl Network {
    /// Builds the network from tensors with the names of torchvision (`Conv2d_1a_3x3.conv.weight`, `Mixed_5b.branch1x1.bn.bias`,
    /// `fc.weight`).
    ///
    /// # Errors
    /// Keys are missing, unknown or of the wrong shape. The message lists all of them.
    pub fn load(mut tensors: BTreeMap<String, Tensor>) -> Result<Self> {
        tensors.retain(|key, _| !key.contains(AUXILIARY) && !key.ends_with(COUNTER));
        let mut weights = Weights::new("InceptionV3", tensors, &["Conv2d_1a_3x3.conv.weight"]);
        let kind = match weights.side(&[("fc.weight", 0)]) {
            TENSORFLOW_CLASSES => Kind::TensorFlow,
            _ => Kind::Torchvision,
        };
        let width = weights.side(&[("Mixed_6d.branch1x1.conv.weight", 0)]);
        let (average, last) = match kind {
            Kind::TensorFlow => (Pool::AverageInside, Pool::Max),
            Kind::Torchvision => (Pool::AveragePadded, Pool::AveragePadded),
        };
        let mut reader = Reader { weights: &mut weights, average };
        let mut steps = Vec::new();
        let mut channels = 3;
        for (key, size, stride, padding) in
            [("1a", [3; 2], 2, [0; 2]), ("2a", [3; 2], 1, [0; 2]), ("2b", [3; 2], 1, [1; 2])]
        {
            steps.push(reader.layer(&format!("Conv2d_{key}_3x3"), size, stride, padding, &mut channels));
        }
        steps.push(Step::Pool(Pool::HalvedMax));
        steps.push(reader.layer("Conv2d_3b_1x1", [1; 2], 1, [0; 2], &mut channels));
        steps.push(reader.layer("Conv2d_4a_3x3", [3; 2], 1, [0; 2], &mut channels));
        steps.push(Step::Pool(Pool::HalvedMax));
        for block in ["Mixed_5b", "Mixed_5c", "Mixed_5d"] {
            steps.push(reader.block(block, BLOCK_5, &mut channels));
        }
        steps.push(reader.block("Mixed_6a", BLOCK_6A, &mut channels));
        for block in ["Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"] {
            steps.push(reader.block(block, BLOCK_6, &mut channels));
        }
        let spatial = steps.len() - 2;
        steps.push(reader.block("Mixed_7a", BLOCK_7A, &mut channels));
        steps.push(reader.block("Mixed_7b", BLOCK_7, &mut channels));
        reader.average = last;
        steps.push(reader.block("Mixed_7c", BLOCK_7, &mut channels));
        let classes = weights.side(&[("fc.weight", 0)]);
        let weight = weights.take("fc.weight", [classes, channels]);
        weights.take("fc.bias", [classes]);
        weights.finish()?;
        if width < SPATIAL_CHANNELS {
            return Err(Error::new(format!(
                "expected InceptionV3 with at least {SPATIAL_CHANNELS} channels in `Mixed_6d.branch1x1`, got {width}"
            )));
        }
        let classes = Layer {
            weight: weight.to_vec(),
            bias: vec![0.0; classes],
            inputs: channels,
            kernel: Kernel { size: [1; 2], stride: 1, padding: [0; 2] },
        };
        Ok(Self { kind, steps, spatial, classes })
    }
}

/// A part of a branch: a convolution by the end of its name, with height and width, and its stride; a pooling; or two convolutions side by
/// side.
#[derive(Clone, Copy)]
enum Part {
    /// The result has the size of the input.
    Same(&'static str, [usize; 2]),
    /// 3x3, two pixels apart, without a border.
    Halved(&'static str),
    /// The halving max pooling.
    Pool,
    /// The pooling that keeps the size.
    Around,
    /// 1x3 and 3x1 from the same map.
    Pair([&'static str; 2]),
}
use Part::{Around, Halved, Pair, Pool as Halving, Same};

const BLOCK_5: &[&[Part]] = &[
    &[Same("branch1x1", [1, 1])],
    &[Same("branch5x5_1", [1, 1]), Same("branch5x5_2", [5, 5])],
    &[Same("branch3x3dbl_1", [1, 1]), Same("branch3x3dbl_2", [3, 3]), Same("branch3x3dbl_3", [3, 3])],
    &[Around, Same("branch_pool", [1, 1])],
];
const BLOCK_6A: &[&[Part]] = &[
    &[Halved("branch3x3")],
    &[Same("branch3x3dbl_1", [1, 1]), Same("branch3x3dbl_2", [3, 3]), Halved("branch3x3dbl_3")],
    &[Halving],
];
const BLOCK_6: &[&[Part]] = &[
    &[Same("branch1x1", [1, 1])],
    &[Same("branch7x7_1", [1, 1]), Same("branch7x7_2", [1, 7]), Same("branch7x7_3", [7, 1])],
    &[
        Same("branch7x7dbl_1", [1, 1]),
        Same("branch7x7dbl_2", [7, 1]),
        Same("branch7x7dbl_3", [1, 7]),
        Same("branch7x7dbl_4", [7, 1]),
        Same("branch7x7dbl_5", [1, 7]),
    ],
    &[Around, Same("branch_pool", [1, 1])],
];
const BLOCK_7A: &[&[Part]] = &[
    &[Same("branch3x3_1", [1, 1]), Halved("branch3x3_2")],
    &[
        Same("branch7x7x3_1", [1, 1]),
        Same("branch7x7x3_2", [1, 7]),
        Same("branch7x7x3_3", [7, 1]),
        Halved("branch7x7x3_4"),
    ],
    &[Halving],
];
const BLOCK_7: &[&[Part]] = &[
    &[Same("branch1x1", [1, 1])],
    &[Same("branch3x3_1", [1, 1]), Pair(["branch3x3_2a", "branch3x3_2b"])],
    &[Same("branch3x3dbl_1", [1, 1]), Same("branch3x3dbl_2", [3, 3]), Pair(["branch3x3dbl_3a", "branch3x3dbl_3b"])],
    &[Around, Same("branch_pool", [1, 1])],
];

struct Reader<'a> {
    weights: &'a mut Weights,
    /// The pooling that keeps the size.
    average: Pool,
}

impl Reader<'_> {
    /// A convolution whose input has `channels`; sets them to the number of its outputs.
    fn layer(&mut self, key: &str, size: [usize; 2], stride: usize, padding: [usize; 2], channels: &mut usize) -> Step {
        let convolution = format!("{key}.conv.weight");
        let inputs = *channels;
        let outputs = self.weights.side(&[(&convolution, 0)]);
        let weight = self.weights.take(&convolution, [outputs, inputs, size[0], size[1]]);
        let [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
            .map(|name| self.weights.take(&format!("{key}.bn.{name}"), [outputs]));
        *channels = outputs;
        // y = (conv(x) - mean) / sqrt(variance + epsilon) * gamma + beta
        let scale: Vec<f64> =
            gamma.iter().zip(&*variance).map(|(g, v)| f64::from(*g) / (f64::from(*v) + EPSILON).sqrt()).collect();
        let scaled = weight.chunks(weight.len().div_ceil(outputs.max(1)).max(1)).zip(&scale);
        let weight =
            scaled.flat_map(|(values, scale)| values.iter().map(move |v| (f64::from(*v) * scale) as f32)).collect();
        let bias = beta.iter().zip(&*mean).zip(&scale);
        let bias = bias.map(|((beta, mean), scale)| (f64::from(*beta) - f64::from(*mean) * scale) as f32).collect();
        Step::Convolution(Layer { weight, bias, inputs, kernel: Kernel { size, stride, padding } })
    }

    fn block(&mut self, key: &str, branches: &[&[Part]], channels: &mut usize) -> Step {
        let mut sum = 0;
        let mut branch = |parts: &&[Part]| {
            let mut channels = *channels;
            let steps = parts.iter().map(|part| self.part(key, *part, &mut channels)).collect();
            sum += channels;
            steps
        };
        let branches = branches.iter().map(&mut branch).collect();
        *channels = sum;
        Step::Fork(branches)
    }

    fn part(&mut self, block: &str, part: Part, channels: &mut usize) -> Step {
        match part {
            Same(name, size) => self.layer(&format!("{block}.{name}"), size, 1, size.map(|side| side / 2), channels),
            Halved(name) => self.layer(&format!("{block}.{name}"), [3; 2], 2, [0; 2], channels),
            Halving => Step::Pool(Pool::HalvedMax),
            Around => Step::Pool(self.average),
            Pair(names) => {
                let inputs = *channels;
                *channels = 0;
                let pair = names.into_iter().zip([[1, 3], [3, 1]]).map(|(name, size)| {
                    let mut outputs = inputs;
                    let step = self.part(block, Same(name, size), &mut outputs);
                    *channels += outputs;
                    vec![step]
                });
                Step::Fork(pair.collect())
            }
        }
    }
}
