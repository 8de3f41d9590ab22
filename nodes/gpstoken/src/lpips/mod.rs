//! LPIPS, a distance of pictures that agrees with people better than PSNR does (Zhang et al. 2018, arXiv:1801.03924), version
//! 0.1 of its weights: how far apart the features of two pictures are, in five stages of a network that was trained to
//! classify photos.
//!
//! Each stage's features are brought to length 1 along the channels. Their squared differences, weighted by channel (`lin`),
//! are summed over the channels, averaged over the pixels and summed over the stages.

mod difference;
mod host;
pub(crate) mod network;

pub use difference::{Difference, at_each_pixel, distance};
pub use network::{Backbone, Network};
