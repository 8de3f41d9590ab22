//! Shared parts of the tests: recorded runs of the authors' code (see `tests/goldens/README.md`), pictures and comparisons.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod lpips;
pub(crate) mod splat;
pub(crate) mod steps;

use splatgraph_sdk::{Image, Output, Tensor, Value, checkpoint, serde_json::Value as Json, testing::json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The recorded tensors of a file.
pub(crate) struct Golden(pub(crate) BTreeMap<String, Tensor>);

impl Golden {
    pub(crate) fn open(name: &str) -> Self {
        Self::at(&folder().join(name))
    }

    pub(crate) fn at(path: &Path) -> Self {
        Self(checkpoint::open(path).unwrap().tensors)
    }

    pub(crate) fn tensor(&self, key: &str) -> &Tensor {
        self.0.get(key).unwrap_or_else(|| panic!("no recorded tensor `{key}`"))
    }

    pub(crate) fn shape(&self, key: &str) -> &[usize] {
        self.tensor(key).shape()
    }

    pub(crate) fn f32(&self, key: &str) -> &[f32] {
        self.tensor(key).as_slice().unwrap()
    }

    /// The field's rows of `N` values.
    pub(crate) fn rows<const N: usize>(&self, key: &str) -> Vec<[f32; N]> {
        self.f32(key).chunks_exact(N).map(|row| row.try_into().unwrap()).collect()
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A recorded picture as bytes, with its width.
pub(crate) fn picture(name: &str) -> (Vec<u8>, usize) {
    let file = std::fs::File::open(folder().join("images").join(name)).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (bytes, info.width as usize)
}

/// A recorded picture with values 0..1.
pub(crate) fn unit_picture(name: &str) -> (Vec<f32>, usize) {
    let (bytes, width) = picture(name);
    (bytes.into_iter().map(|v| f32::from(v) / 255.0).collect(), width)
}

/// The largest difference of two slices of the same length.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d > m || d.is_nan() { d } else { m })
}

pub(crate) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, v| v.abs().max(m))
}

/// Fails if `actual` differs from the recorded values by more than `tolerance`.
#[track_caller]
pub(crate) fn assert_near(what: &str, actual: &[f32], recorded: &[f32], tolerance: f32) {
    let distance = distance(actual, recorded);
    println!("{what}: {distance:.1e} of {tolerance:.1e}, values up to {:.3}", largest(recorded));
    assert!(distance <= tolerance, "{what}: {distance:e} is more than {tolerance:e}");
}

/// Works like [`assert_near`], with a tolerance of 1e-5 of the largest recorded value.
#[track_caller]
pub(crate) fn assert_relative(what: &str, actual: &[f32], recorded: &[f32]) {
    assert_near(what, actual, recorded, largest(recorded) * 1e-5);
}

pub(crate) fn only(outputs: Vec<Value>) -> Value {
    <[Value; 1]>::try_from(outputs).unwrap_or_else(|all| panic!("{} outputs", all.len()))[0].clone()
}

pub(crate) fn image_of(names: &[&str]) -> Value {
    let pictures: Vec<(Vec<f32>, usize)> = names.iter().map(|name| unit_picture(name)).collect();
    let side = pictures[0].1;
    image(&[names.len(), side, side, 3], pictures.into_iter().flat_map(|(values, _)| values).collect())
}

pub(crate) fn image(shape: &[usize], values: Vec<f32>) -> Value {
    Image::new(Tensor::from_vec(shape, values).unwrap()).unwrap().into_value().unwrap()
}

pub(crate) fn model_b() -> Json {
    json!({"model": folder().join("weights_B.safetensors"), "map_width": 64, "map_height": 48, "support": 1.75})
}

/// A decoder of one level.
pub(crate) fn add_decoder(add: &mut dyn FnMut(&str, &[usize]), textures: usize, channels: usize) {
    let mut layer = |key: &str, shape: &[usize]| {
        add(&format!("{key}.weight"), shape);
        add(&format!("{key}.bias"), &shape[..1]);
    };
    layer("decoder.conv_in", &[channels, textures, 3, 3]);
    for block in ["decoder.mid.block_1", "decoder.mid.block_2", "decoder.up.0.block.0"] {
        for i in [1, 2] {
            layer(&format!("{block}.norm{i}"), &[channels]);
            layer(&format!("{block}.conv{i}"), &[channels, channels, 3, 3]);
        }
    }
    layer("decoder.mid.attn_1.norm", &[channels]);
    for name in ["q", "k", "v", "proj_out"] {
        layer(&format!("decoder.mid.attn_1.{name}"), &[channels, channels, 1, 1]);
    }
    layer("decoder.norm_out", &[channels]);
    layer("decoder.conv_out", &[3, channels, 3, 3]);
}

/// Pseudorandom numbers, equal in every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 40) as f32 / (1 << 24) as f32)
    }
}

/// Numbers from -1 to 1.
pub(crate) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
