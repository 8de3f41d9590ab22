//! InceptionV3 (Szegedy et al. 2015, arXiv:1512.00567) as FID, sFID, KID, IS, precision and recall use it: the network of TensorFlow of 2015
//! with 1008 classes in its PyTorch form, and torchvision's network with 1000 classes.
//!
//! The network is data: convolutions, poolings, and forks whose branches are put together channel by channel. Batch normalisation is part of
//! the convolutions since loading.

mod forward;
mod load;
mod network;

pub use forward::{PictureFeatures, Prepared};
pub use network::{Kind, Layer, Network, Pool, SIDE, SPATIAL_CHANNELS, Step};
