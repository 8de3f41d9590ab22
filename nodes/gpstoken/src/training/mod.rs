//! Training: a folder of pictures in, a checkpoint in the authors' layout out.
//!
//! All trainings have the same course ([`run`]). A tokenizer is trained on crops that are made while it goes on ([`batch`]),
//! generators on samples that are made once ([`samples`]).
//!
//! Weights, their averages and the optimiser's moments are plain numbers by key in the host's memory ([`state`]). Each step builds
//! the network from them on the run's device, so that a file holds all that a training is, and goes on exactly where it stopped.
//! Every random choice is a function of the seed, the step and the sample ([`random`]).

pub mod adam;
pub mod batch;
pub mod chart;
pub mod classes;
pub mod crop;
pub mod discriminator;
pub mod files;
pub(crate) mod generator;
pub mod generator_sheet;
pub mod generator_sizes;
pub mod gradients;
pub mod loss;
pub mod pictures;
pub mod random;
pub mod run;
pub mod samples;
pub mod sheet;
pub mod sizes;
pub mod state;
pub mod tokenizer;
pub mod velocity;
