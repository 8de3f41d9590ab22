//! The networks: the convolutions of AlexNet and VGG16, in five stages, as burn tensors.

use super::Difference;
use crate::{
    kernels::patches::Kernel,
    tokenizer::{Convolution, Numbers},
    weights::Weights,
};
use burn::{
    module::Param,
    prelude::Device,
    tensor::{
        Tensor, TensorData,
        activation::relu,
        module::{conv2d, max_pool2d},
        ops::{ConvOptions, MaxPoolOptions},
    },
};
use splatgraph_sdk::{Error, Result};
use std::collections::BTreeMap;

/// What LPIPS subtracts from a channel (of -1..1), and then divides it by.
pub(super) const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
pub(super) const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// What is added to the length of a pixel's features.
pub(super) const EPSILON: f32 = 1e-10;

/// Which network looks at the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backbone {
    /// AlexNet: the usual choice for measuring.
    Alex,
    /// VGG16: the usual choice for training.
    Vgg,
}

/// The numbers of the layers `features.N` that are convolutions, by stage, in torchvision's count.
const ALEX: [&[usize]; 5] = [&[0], &[3], &[6], &[8], &[10]];
const VGG: [&[usize]; 5] = [&[0, 2], &[5, 7], &[10, 12, 14], &[17, 19, 21], &[24, 26, 28]];

impl Backbone {
    /// `alex` or `vgg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alex => "alex",
            Self::Vgg => "vgg",
        }
    }

    /// The shortest side, in pixels, of which anything is left in the last stage.
    pub fn smallest(self) -> usize {
        match self {
            Self::Alex => 31,
            Self::Vgg => 16,
        }
    }

    fn layers(self) -> [&'static [usize]; 5] {
        match self {
            Self::Alex => ALEX,
            Self::Vgg => VGG,
        }
    }

    fn kernel(self, layer: usize) -> Kernel {
        match (self, layer) {
            (Self::Alex, 0) => Kernel { side: 11, stride: 4, padding: 2 },
            (Self::Alex, 3) => Kernel { side: 5, stride: 1, padding: 2 },
            _ => Kernel { side: 3, stride: 1, padding: 1 },
        }
    }

    /// Side of the windows of which the largest value goes into a stage, two pixels apart; `None` where all values do.
    pub(super) fn pool(self, stage: usize) -> Option<usize> {
        match self {
            Self::Alex => (1..=2).contains(&stage).then_some(3),
            Self::Vgg => (stage > 0).then_some(2),
        }
    }
}

/// A convolution and how it walks.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) convolution: Convolution,
    pub(super) kernel: Kernel,
}

/// Layers after which features are compared.
#[derive(Debug)]
pub(super) struct Stage {
    /// Side of the windows of the pooling in front.
    pub(super) pool: Option<usize>,
    pub(super) layers: Vec<Layer>,
    head: Param<Tensor<4>>, // [1, C, 1, 1]
}

impl Stage {
    /// A weight for each channel.
    pub(super) fn head(&self) -> Numbers {
        Numbers::of(self.head.val())
    }

    /// `[B, C, H, W]` to this stage's features.
    fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        if let Some(side) = self.pool {
            x = max_pool2d(x, MaxPoolOptions { stride: [2, 2], ..MaxPoolOptions::new([side, side]) });
        }
        for Layer { convolution, kernel } in &self.layers {
            let options = ConvOptions::new([kernel.stride, kernel.stride], [kernel.padding, kernel.padding], [1, 1], 1);
            // Never trained: no gradients.
            x = relu(conv2d(x, convolution.weight().detach(), Some(convolution.bias().detach()), options));
        }
        x
    }
}

/// A network with the weights of its channels.
#[derive(Debug)]
pub struct Network {
    /// Which one.
    pub backbone: Backbone,
    pub(super) stages: Vec<Stage>,
}

impl Network {
    /// Builds the network from tensors named as in torchvision (`features.0.weight`) and lpips (`lin0.weight`). Names and shapes
    /// tell which network it is and how wide its layers are.
    ///
    /// # Errors
    /// Keys are missing, not known or of the wrong shape, all of them listed.
    pub fn load(tensors: BTreeMap<String, splatgraph_sdk::Tensor>, device: &Device) -> Result<Self> {
        let mut weights = Weights::new("an LPIPS network (AlexNet or VGG16)", tensors, &["lin0.weight"], device);
        // Only AlexNet has these.
        let is_alex = [3, 6, 8].iter().any(|layer| weights.contains(&format!("features.{layer}.weight")));
        let backbone = if is_alex { Backbone::Alex } else { Backbone::Vgg };
        let mut input = 3;
        let mut stages = Vec::new();
        for (index, numbers) in backbone.layers().into_iter().enumerate() {
            let mut layers = Vec::new();
            for &number in numbers {
                let kernel = backbone.kernel(number);
                let key = format!("features.{number}");
                let output = weights.side(&[(&format!("{key}.weight"), 0), (&format!("{key}.bias"), 0)]);
                layers.push(Layer {
                    convolution: Convolution::load(&mut weights, &key, input, output, kernel.side),
                    kernel,
                });
                input = output;
            }
            let head = weights.take(&format!("lin{index}.weight"), [1, input, 1, 1]);
            stages.push(Stage { pool: backbone.pool(index), layers, head });
        }
        weights.finish()?;
        Ok(Self { backbone, stages })
    }

    /// Whether pictures of this size can be compared.
    ///
    /// # Errors
    /// They are too small.
    pub fn check_size(&self, [width, height]: [usize; 2]) -> Result<()> {
        let smallest = self.backbone.smallest();
        if width.min(height) < smallest {
            return Err(Error::input(
                "a",
                format!(
                    "sides of at least {smallest} pixels were expected, which the network `{}` needs, {width} x {height} came",
                    self.backbone.name()
                ),
            ));
        }
        Ok(())
    }

    /// Compares two pictures `[1, 3, H, W]`, 0..1; `step` is called after each stage.
    ///
    /// # Errors
    /// Those of `step`; or the device failed.
    pub fn compare(&self, a: Tensor<4>, b: Tensor<4>, step: &mut dyn FnMut() -> Result<()>) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        self.stages_apart(a, b, &mut |apart| {
            let [_, _, height, width] = apart.dims();
            let data = apart.reshape([height * width]).try_into_data();
            let values = data.map_err(|e| Error::new(format!("reading the differences of a stage: {e}")))?;
            let values =
                values.try_into_vec().map_err(|e| Error::new(format!("reading the differences of a stage: {e:?}")))?;
            differences.push(Difference { size: [height, width], values });
            step()
        })?;
        Ok(differences)
    }

    /// The mean distance of pictures `[B, 3, H, W]`, 0..1, on the device: what a training makes small.
    ///
    /// # Errors
    /// None.
    pub fn loss(&self, a: Tensor<4>, b: Tensor<4>) -> Result<Tensor<1>> {
        let mut loss = Tensor::zeros([1], &a.device());
        self.stages_apart(a, b, &mut |apart| {
            loss = loss.clone() + apart.mean();
            Ok(())
        })?;
        Ok(loss)
    }

    /// Hands the weighted squared differences of each stage, `[B, 1, h, w]`, to `see`.
    fn stages_apart(&self, a: Tensor<4>, b: Tensor<4>, see: &mut dyn FnMut(Tensor<4>) -> Result<()>) -> Result<()> {
        let device = a.device();
        let pictures = a.dims()[0];
        let by_channel = |values: [f32; 3]| Tensor::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
        let both = Tensor::cat(vec![a, b], 0) * 2.0 - 1.0;
        let mut x: Tensor<4> = (both - by_channel(SHIFT)) / by_channel(SCALE); // [2 B, 3, H, W]
        for stage in &self.stages {
            x = stage.forward(x);
            let channels = x.dims()[1];
            // Convolutions with kernels of one pixel, not `sum_dim`: in burn 0.22.1, where what follows is fused to it, that took
            // the first of twelve channels of a single pixel for their sum (seen on a software adapter).
            let sum = |x: Tensor<4>, weights: Tensor<4>| {
                conv2d(x, weights, None, ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
            };
            let ones = Tensor::ones([1, channels, 1, 1], &device);
            // Far below what counts, and above 0, where a root has no gradient.
            let length = (sum(x.clone() * x.clone(), ones) + EPSILON * EPSILON).sqrt() + EPSILON; // [2 B, 1, h, w]
            let unit = x.clone() / length;
            let apart = unit.clone().narrow(0, 0, pictures) - unit.narrow(0, pictures, pictures);
            see(sum(apart.clone() * apart, stage.head.val().detach()))?;
        }
        Ok(())
    }
}
