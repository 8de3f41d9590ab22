//! Tests against recorded runs of the authors' code; see `tests/goldens/README.md`.

mod adversarial;
mod any_size;
mod builtin;
mod calibration;
mod classes;
mod devices;
mod draw;
mod edit;
mod errors;
mod generation;
mod generator;
mod kernels;
mod layouts;
mod lpips;
mod network;
mod nodes;
mod partition;
mod samplers;
mod shaders;
mod splat;
mod splat_devices;
mod steering;
mod token_file;
mod training;
mod training_generators;
mod whole;

use crate::device::{self, Compute};
use burn::{prelude::Device, tensor::FloatDType};
use splatgraph_sdk::{Tensor, checkpoint};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The recorded tensors of a file.
struct Golden(BTreeMap<String, Tensor>);

impl Golden {
    fn open(name: &str) -> Self {
        Self::at(&folder().join(name))
    }

    fn at(path: &Path) -> Self {
        Self(checkpoint::open(path).unwrap().tensors)
    }

    fn tensor(&self, key: &str) -> &Tensor {
        self.0.get(key).unwrap_or_else(|| panic!("no recorded tensor `{key}`"))
    }

    fn shape(&self, key: &str) -> &[usize] {
        self.tensor(key).shape()
    }

    fn f32(&self, key: &str) -> &[f32] {
        self.tensor(key).as_slice().unwrap()
    }

    /// Rows of `N` values.
    fn rows<const N: usize>(&self, key: &str) -> Vec<[f32; N]> {
        self.f32(key).chunks_exact(N).map(|row| row.try_into().unwrap()).collect()
    }
}

/// All devices that this build and machine have, with their ids; software adapters and libtorch too. Tells what is skipped.
fn devices() -> Vec<(String, Device)> {
    computes().into_iter().map(|compute| (compute.id, compute.device)).collect()
}

/// Those that are no software adapters, which take minutes for what the processor does in a second.
fn fast_devices() -> Vec<(String, Device)> {
    let software = |id: &str| {
        let mut known = device::list().into_iter();
        known.any(|device| device.id == id && device.on_request.is_some_and(|why| why.contains("software")))
    };
    devices().into_iter().filter(|(id, _)| !software(id)).collect()
}

fn computes() -> Vec<Compute> {
    let mut found = Vec::new();
    for device in device::list() {
        match device.unavailable {
            // Whether the libtorch that is linked has CUDA is only seen when it fails.
            None if device.id.starts_with("libtorch-cuda") => {}
            None => found.push(Compute::open(&device.id, FloatDType::F32).unwrap()),
            Some(why) => println!("skipped: {}: {why}", device.id),
        }
    }
    found
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A recorded picture as bytes, with its width.
fn picture(name: &str) -> (Vec<u8>, usize) {
    let file = std::fs::File::open(folder().join("images").join(name)).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (bytes, info.width as usize)
}

/// The same as 0..1.
fn unit_picture(name: &str) -> (Vec<f32>, usize) {
    let (bytes, width) = picture(name);
    (bytes.into_iter().map(|v| f32::from(v) / 255.0).collect(), width)
}

/// Largest difference; the lengths agree.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d > m || d.is_nan() { d } else { m })
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, v| v.abs().max(m))
}

/// Fails when `actual` is farther from the recorded values than `tolerance`.
#[track_caller]
fn assert_near(what: &str, actual: &[f32], recorded: &[f32], tolerance: f32) {
    let distance = distance(actual, recorded);
    println!("{what}: {distance:.1e} of {tolerance:.1e}, values up to {:.3}", largest(recorded));
    assert!(distance <= tolerance, "{what}: {distance:e} is more than {tolerance:e}");
}

/// As [`assert_near`], to 1e-5 of the largest recorded value.
#[track_caller]
fn assert_relative(what: &str, actual: &[f32], recorded: &[f32]) {
    assert_near(what, actual, recorded, largest(recorded) * 1e-5);
}
