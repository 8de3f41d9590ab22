//! LPIPS (Zhang et al. 2018, arXiv:1801.03924), with version 0.1 of its weights: a distance of pictures that agrees with human judgement
//! better than PSNR does. LPIPS compares the features of two pictures in five stages of a network for the classification of photos.
//!
//! Each stage normalises the features of a pixel to length 1. The squared differences, weighted by channel (`lin`), are summed over the
//! channels, averaged over the pixels and summed over the stages.

mod difference;
pub(crate) mod host;
pub(crate) mod network;

pub use difference::{Difference, at_each_pixel, distance};
pub use network::{Backbone, Network};
