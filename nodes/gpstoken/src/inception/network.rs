//! The parts of the network, independent of how a layer is held.

use crate::kernels::patches::Kernel;

/// The side of the network's input in pixels.
pub const SIDE: usize = 299;

/// The number of channels that sFID takes from the block `Mixed_6d`.
pub const SPATIAL_CHANNELS: usize = 7;

/// Which InceptionV3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// TensorFlow's network of 2015 with 1008 classes, from which FID is computed. Its averages leave out the border, and its last block
    /// has a max pooling.
    TensorFlow,
    /// Torchvision's network with 1000 classes. Its averages count zeros beyond the border.
    Torchvision,
}

impl Kind {
    /// The kind's name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::TensorFlow => "tensorflow-2015",
            Self::Torchvision => "torchvision",
        }
    }
}

/// A convolution with its batch normalisation. ReLU follows.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `[outputs, inputs, height, width]`
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
    /// Channels of a pixel of the input.
    pub inputs: usize,
    /// Size, stride and padding.
    pub kernel: Kernel,
}

/// A pooling over windows of 3x3 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The largest value; windows are two pixels apart, without a border.
    HalvedMax,
    /// The largest value around each pixel.
    Max,
    /// The mean of the pixels around each pixel that are inside the map.
    AverageInside,
    /// The mean around each pixel, with zeros beyond the border.
    AveragePadded,
}

/// A step of the network. `L` holds a layer.
#[derive(Clone, Debug)]
pub enum Step<L = Layer> {
    /// A convolution and ReLU.
    Convolution(L),
    /// A pooling.
    Pool(Pool),
    /// Branches that start from the same map. The result has the channels of all, in their order.
    Fork(Vec<Vec<Step<L>>>),
}

/// The network.
#[derive(Clone, Debug)]
pub struct Network<L = Layer> {
    /// Which InceptionV3.
    pub kind: Kind,
    /// The steps from the picture to the last map, whose mean over all pixels gives the features.
    pub steps: Vec<Step<L>>,
    /// The step whose first channels are the spatial features.
    pub spatial: usize,
    /// The last layer: features to classes, without its bias, as IS uses it.
    pub classes: L,
}

impl<L> Network<L> {
    /// The network with every layer mapped.
    pub fn map<M>(&self, f: &mut dyn FnMut(&L) -> M) -> Network<M> {
        fn steps<L, M>(from: &[Step<L>], f: &mut dyn FnMut(&L) -> M) -> Vec<Step<M>> {
            let step = |step: &Step<L>| match step {
                Step::Convolution(layer) => Step::Convolution(f(layer)),
                Step::Pool(pool) => Step::Pool(*pool),
                Step::Fork(branches) => Step::Fork(branches.iter().map(|branch| steps(branch, f)).collect()),
            };
            from.iter().map(step).collect()
        }
        let spatial = self.spatial;
        Network { kind: self.kind, steps: steps(&self.steps, f), spatial, classes: f(&self.classes) }
    }
}
