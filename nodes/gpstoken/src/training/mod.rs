//! Training: turns a folder of pictures into a checkpoint in the authors' layout.
//!
//! All trainings share one loop ([`run`]). A tokenizer trains on crops that a thread makes during the training ([`batch`]). Generators
//! train on samples that are made once ([`samples`]).
//!
//! Weights, their averages and the optimiser's moments are plain numbers by key ([`state`]), in the host's memory or on the device where each
//! step computes their gradients ([`gradients`]). One file holds them all, so a later run continues a training exactly. Every random choice
//! is a function of the seed, the step and the sample ([`random`]).

pub mod adam;
pub mod adversary;
pub mod batch;
pub mod chart;
pub mod classes;
pub mod crop;
pub mod discriminator;
pub mod files;
pub mod generator;
pub mod generator_sheet;
pub mod generator_sizes;
pub mod gradients;
pub mod losses;
pub mod parameters;
pub mod pictures;
mod plot;
pub mod random;
pub mod run;
pub mod samples;
pub mod sheet;
pub mod sizes;
pub mod state;
pub mod step;
