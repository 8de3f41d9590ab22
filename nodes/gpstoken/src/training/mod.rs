//! Training: a folder of pictures in, a checkpoint in the authors' layout out.
//!
//! Weights, their averages and the optimiser's moments are plain numbers by key in the host's memory ([`state`]). Each step builds
//! the network from them on the run's device, so that a file holds all that a training is, and goes on exactly where it stopped.
//! Every random choice is a function of the seed, the step and the sample ([`random`]).

pub mod adam;
pub mod batch;
pub mod chart;
pub mod crop;
pub mod files;
pub mod loss;
pub mod pictures;
pub mod random;
pub mod sheet;
pub mod sizes;
pub mod state;
pub mod tokenizer;
