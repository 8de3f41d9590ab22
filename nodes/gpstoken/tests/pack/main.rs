//! The nodes and what they are made of, on the host: against recorded runs of the authors' code, plain forms and properties. Runs in
//! builds with and without burn.

mod any_size;
mod builtin;
mod calibration;
mod classes;
mod draw;
mod edit;
mod errors;
mod generation;
mod generator;
mod gradients;
mod inception;
mod kernels;
mod layouts;
mod lpips;
mod measures;
mod nodes;
mod one_stage;
mod optimise;
mod partition;
mod samplers;
mod splat;
mod steering;
#[path = "../support/mod.rs"]
mod support;
mod token_file;
mod training;
mod training_classes;
mod training_generators;
mod training_pictures;
mod whole;

use support::{Golden, assert_near, distance, folder, image, image_of, largest, model_b, only, unit_picture};
