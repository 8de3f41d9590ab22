//! The networks of LPIPS: the convolutions of AlexNet and VGG16, in five stages.

use crate::{
    checkpoint::{Parameter, Weights},
    kernels::patches::Kernel,
    layers::Convolution,
};
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// The number that LPIPS subtracts from each channel, whose values are -1..1. `SCALE` is the number by which it divides the result.
pub(crate) const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
pub(crate) const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// The number that is added to the length of a pixel's features.
pub(crate) const EPSILON: f32 = 1e-10;

/// The network that computes the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backbone {
    /// AlexNet: the usual choice for measuring.
    Alex,
    /// VGG16: the usual choice for training.
    Vgg,
}

/// Torchvision's numbers of the convolutions, the layers `features.N`, by stage.
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

    /// The shortest side, in pixels, for which the last stage is not empty.
    pub fn smallest(self) -> usize {
        match self {
            Self::Alex => 31,
            Self::Vgg => 16,
        }
    }

    /// Checks that the network can compare pictures of this size.
    ///
    /// # Errors
    /// The pictures are too small.
    pub fn check_size(self, [width, height]: [usize; 2]) -> Result<()> {
        let smallest = self.smallest();
        if width.min(height) < smallest {
            return Err(Error::input(
                "a",
                format!(
                    "expected sides of at least {smallest} pixels, which the network `{}` needs, got {width} x {height} pixels. Use larger pictures",
                    self.name()
                ),
            ));
        }
        Ok(())
    }

    fn layers(self) -> [&'static [usize]; 5] {
        match self {
            Self::Alex => ALEX,
            Self::Vgg => VGG,
        }
    }

    fn kernel(self, layer: usize) -> Kernel {
        match (self, layer) {
            (Self::Alex, 0) => Kernel::square(11, 4, 2),
            (Self::Alex, 3) => Kernel::square(5, 1, 2),
            _ => Kernel::square(3, 1, 1),
        }
    }

    /// The side of the max pooling's windows before a stage. The windows are two pixels apart. `None` if the stage has no pooling.
    pub(crate) fn pool(self, stage: usize) -> Option<usize> {
        match self {
            Self::Alex => (1..=2).contains(&stage).then_some(3),
            Self::Vgg => (stage > 0).then_some(2),
        }
    }
}

/// A convolution with its stride and padding.
#[derive(Clone, Debug)]
pub(crate) struct Layer<P = Parameter> {
    pub(crate) convolution: Convolution<P>,
    pub(crate) kernel: Kernel,
}

/// The layers of a stage. LPIPS compares the features after each stage.
#[derive(Clone, Debug)]
pub(crate) struct Stage<P = Parameter> {
    /// The side of the windows of the pooling before the stage.
    pub(crate) pool: Option<usize>,
    pub(crate) layers: Vec<Layer<P>>,
    /// A weight for each channel, `[1, C, 1, 1]`.
    pub(crate) head: P,
}

/// A network with the weights of its channels.
#[derive(Clone, Debug)]
pub struct Network<P = Parameter> {
    /// The kind of the network.
    pub backbone: Backbone,
    pub(crate) stages: Vec<Stage<P>>,
}

impl Network {
    /// Builds the network from tensors with the names of torchvision (`features.0.weight`) and lpips (`lin0.weight`). The names and
    /// shapes determine the kind of the network and the widths of its layers.
    ///
    /// # Errors
    /// Keys are missing, unknown or of the wrong shape. The message lists all of them.
    pub fn load(tensors: BTreeMap<String, Tensor>) -> Result<Self> {
        let mut weights = Weights::new("an LPIPS network (AlexNet or VGG16)", tensors, &["lin0.weight"]);
        // Only AlexNet has these layers.
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
                    convolution: Convolution::load(&mut weights, &key, input, output, kernel.size[0]),
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
}

impl<P> Network<P> {
    /// The network with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Network<Q> {
        let layer = |layer: &Layer<P>, f: &mut dyn FnMut(&P) -> Q| Layer {
            convolution: layer.convolution.map(f),
            kernel: layer.kernel,
        };
        let stage = |stage: &Stage<P>| Stage {
            pool: stage.pool,
            layers: stage.layers.iter().map(|it| layer(it, f)).collect(),
            head: f(&stage.head),
        };
        Network { backbone: self.backbone, stages: self.stages.iter().map(stage).collect() }
    }

    /// Number of stages.
    pub fn stages(&self) -> usize {
        self.stages.len()
    }
}
