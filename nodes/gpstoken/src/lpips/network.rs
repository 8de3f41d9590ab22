//! The networks: the convolutions of AlexNet and VGG16, in five stages.

use crate::{
    checkpoint::{Parameter, Weights},
    kernels::patches::Kernel,
    layers::Convolution,
};
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// What LPIPS subtracts from a channel (of -1..1), and then divides it by.
pub(crate) const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
pub(crate) const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// What is added to the length of a pixel's features.
pub(crate) const EPSILON: f32 = 1e-10;

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

    /// Whether pictures of this size can be compared.
    ///
    /// # Errors
    /// They are too small.
    pub fn check_size(self, [width, height]: [usize; 2]) -> Result<()> {
        let smallest = self.smallest();
        if width.min(height) < smallest {
            return Err(Error::input(
                "a",
                format!(
                    "expected sides of at least {smallest} pixels, which the network `{}` needs, got {width} x {height}",
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
            (Self::Alex, 0) => Kernel { side: 11, stride: 4, padding: 2 },
            (Self::Alex, 3) => Kernel { side: 5, stride: 1, padding: 2 },
            _ => Kernel { side: 3, stride: 1, padding: 1 },
        }
    }

    /// Side of the windows of which the largest value goes into a stage, two pixels apart; `None` where all values do.
    pub(crate) fn pool(self, stage: usize) -> Option<usize> {
        match self {
            Self::Alex => (1..=2).contains(&stage).then_some(3),
            Self::Vgg => (stage > 0).then_some(2),
        }
    }
}

/// A convolution and how it walks.
#[derive(Clone, Debug)]
pub(crate) struct Layer<P = Parameter> {
    pub(crate) convolution: Convolution<P>,
    pub(crate) kernel: Kernel,
}

/// Layers after which features are compared.
#[derive(Clone, Debug)]
pub(crate) struct Stage<P = Parameter> {
    /// Side of the windows of the pooling in front.
    pub(crate) pool: Option<usize>,
    pub(crate) layers: Vec<Layer<P>>,
    /// A weight for each channel, `[1, C, 1, 1]`.
    pub(crate) head: P,
}

/// A network with the weights of its channels.
#[derive(Clone, Debug)]
pub struct Network<P = Parameter> {
    /// Which one.
    pub backbone: Backbone,
    pub(crate) stages: Vec<Stage<P>>,
}

impl Network {
    /// Builds the network from tensors named as in torchvision (`features.0.weight`) and lpips (`lin0.weight`). Names and shapes
    /// tell which network it is and how wide its layers are.
    ///
    /// # Errors
    /// Keys are missing, not known or of the wrong shape, all of them listed.
    pub fn load(tensors: BTreeMap<String, Tensor>) -> Result<Self> {
        let mut weights = Weights::new("an LPIPS network (AlexNet or VGG16)", tensors, &["lin0.weight"]);
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
