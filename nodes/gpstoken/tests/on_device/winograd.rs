//! Tests of convolutions by Winograd's method on graphics cards, against the direct form on the same device and burn's on the processor.
//!
//! No run in f64 is recorded for these, so results in f32 may differ by 1e-5 of the largest. In f16 both forms round once, after sums in
//! f32, so they may differ by a step of half precision, 2^-10.

use super::{
    Numbers, assert_near, devices, largest,
    network_shaders::{random, single},
    processor,
    shaders::{upload, values},
};
use burn::{
    prelude::Device,
    tensor::{
        FloatDType, Tensor,
        module::{conv2d, interpolate},
        ops::{ConvOptions, InterpolateMode, InterpolateOptions},
    },
};
use splatgraph_pack_gpstoken::on_device::{
    convolution_shader::{convolve, convolve_adding, convolve_with},
    winograd_shader::convolve_in_bands,
};

/// The tensors of a convolution.
struct Case {
    batch: usize,
    channels: [usize; 2],
    /// Height and width of the map.
    size: [usize; 2],
    scale: usize,
    map: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    residual: Vec<f32>,
}

type Tensors = (Tensor<4>, Tensor<4>, Tensor<1>, Tensor<4>);

impl Case {
    fn new(numbers: &mut Numbers, batch: usize, channels: [usize; 2], size: [usize; 2], scale: usize) -> Self {
        let ([inputs, outputs], [height, width]) = (channels, size);
        Self {
            batch,
            channels,
            size,
            scale,
            map: random(numbers, batch * inputs * height * width, 1.0),
            weight: random(numbers, outputs * inputs * 9, (1.0 / (3 * inputs) as f32).sqrt()),
            bias: random(numbers, outputs, 0.1),
            residual: random(numbers, batch * outputs * height * width * scale * scale, 1.0),
        }
    }

    fn on(&self, device: &Device, precision: FloatDType) -> Tensors {
        let ([inputs, outputs], [height, width]) = (self.channels, self.size);
        let four = |values: &[f32], shape: [usize; 4]| upload::<4>(values, shape, device).cast(precision);
        (
            four(&self.map, [self.batch, inputs, height, width]),
            four(&self.weight, [outputs, inputs, 3, 3]),
            upload::<1>(&self.bias, [outputs], device).cast(precision),
            four(&self.residual, [self.batch, outputs, self.scale * height, self.scale * width]),
        )
    }

    fn name(&self) -> String {
        let ([inputs, outputs], [height, width]) = (self.channels, self.size);
        format!("{} x {inputs} to {outputs} channels of {width} x {height}, times {}", self.batch, self.scale)
    }

    /// Burn's convolution on the processor, without the residual.
    fn by_burn(&self) -> Vec<f32> {
        let (map, weight, bias, _) = self.on(&processor(), FloatDType::F32);
        let larger = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([self.scale as f32; 2]);
        values(&conv2d(interpolate(map, larger), weight, Some(bias), ConvOptions::new([1, 1], [1, 1], [1, 1], 1)))
    }
}

/// The devices that run shaders.
fn cards() -> impl Iterator<Item = (String, Device)> {
    devices().into_iter().filter(|(id, _)| id.starts_with("gpu"))
}

#[test]
fn convolutions_by_winograd_agree_with_the_direct_form() {
    let mut numbers = Numbers::new(21);
    for (batch, channels, size, scale) in [
        // A part of a tile, of four tiles, and of a workgroup.
        (1, [1, 1], [1, 4], 1),
        (1, [3, 5], [3, 8], 1),
        (1, [4, 8], [4, 16], 1),
        // Fours of tiles that lie partly outside, in several pictures.
        (3, [6, 9], [7, 20], 1),
        (2, [17, 70], [25, 36], 1),
        // Several workgroups along each axis.
        (1, [9, 130], [33, 132], 1),
        (1, [2, 3], [5, 2052], 1),
        // Doubled pixels.
        (1, [1, 1], [1, 4], 2),
        (2, [6, 20], [7, 12], 2),
        (1, [10, 33], [17, 40], 2),
    ] {
        let case = Case::new(&mut numbers, batch, channels, size, scale);
        let (map, weight, bias, _) = case.on(&processor(), FloatDType::F32);
        assert!(convolve_in_bands(&map, &weight, &bias, scale, None, 1).is_none(), "the processor runs no shaders");
        let exact = case.by_burn();
        for (id, device) in cards() {
            for precision in [FloatDType::F32, FloatDType::F16] {
                if !device.supports_dtype(precision) {
                    println!("skipped: {id} has no {precision:?}");
                    continue;
                }
                let name = format!("{} on {id} in {precision:?}", case.name());
                let (map, weight, bias, residual) = case.on(&device, precision);
                for residual in [None, Some(&residual)] {
                    let run = |band| convolve_in_bands(&map, &weight, &bias, scale, residual, band).map(single);
                    let expected = single(convolve_with(&map, &weight, &bias, scale, residual, None).unwrap());
                    let actual = run(1000).unwrap();
                    let step = if precision == FloatDType::F32 { 1e-5 } else { 1.0 / 1024.0 };
                    assert_near(&name, &actual, &expected, step * largest(&expected));
                    if residual.is_none() && precision == FloatDType::F32 {
                        assert_near(&format!("{name}, burn"), &actual, &exact, step * largest(&exact));
                    }
                    for band in [1, 3] {
                        assert_eq!(run(band).unwrap(), actual, "{name}: {band} fours at a time");
                    }
                }
            }
        }
    }
}

#[test]
fn large_convolutions_run_by_winograd_and_others_directly() {
    let mut numbers = Numbers::new(22);
    for (channels, size, scale, expected) in [
        ([3, 8], [32, 32], 1, true),
        ([8, 8], [16, 16], 2, true),
        ([12, 3], [23, 44], 1, true),
        ([8, 8], [28, 32], 1, false), // few tiles
        ([2, 8], [32, 32], 1, false), // few inputs
        ([8, 8], [64, 18], 1, false), // rows that do not begin at a multiple of four numbers
    ] {
        let case = Case::new(&mut numbers, 1, channels, size, scale);
        for (id, device) in cards() {
            let (map, weight, bias, residual) = case.on(&device, FloatDType::F32);
            for residual in [None, Some(&residual)] {
                let chosen = single(convolve_adding(&map, &weight, &bias, scale, residual).unwrap());
                let direct = single(convolve_with(&map, &weight, &bias, scale, residual, None).unwrap());
                assert_near(&case.name(), &chosen, &direct, 1e-5 * largest(&direct));
                // The forms round differently.
                assert_eq!(chosen != direct, expected, "{} on {id}", case.name());
                if let Some(fast) = convolve_in_bands(&map, &weight, &bias, scale, residual, 1000) {
                    assert_eq!(single(fast) == chosen, expected, "{} on {id}", case.name());
                }
            }
        }
    }
}

#[test]
fn winograd_refuses_what_its_shaders_do_not_take() {
    let mut numbers = Numbers::new(23);
    for (id, device) in cards() {
        let case = Case::new(&mut numbers, 1, [2, 2], [4, 8], 1);
        let (map, weight, bias, _) = case.on(&device, FloatDType::F32);
        let run = |map: &Tensor<4>, weight: &Tensor<4>, scale, band| {
            convolve_in_bands(map, weight, &bias, scale, None, band).is_some()
        };
        assert!(run(&map, &weight, 1, 1), "{id}");
        assert!(!run(&map, &weight, 1, 0), "{id}: no four at a time");
        assert!(!run(&map, &weight, 9, 1), "{id}: a ninefold map");
        assert!(!run(&map, &Tensor::ones([2, 2, 1, 1], &device), 1, 1), "{id}: a kernel of one pixel");
        assert!(!run(&Tensor::ones([1, 2, 4, 6], &device), &weight, 1, 1), "{id}: a width of 6");
        assert!(!run(&Tensor::ones([0, 2, 4, 8], &device), &weight, 1, 1), "{id}: no picture");
        assert!(
            !run(&Tensor::ones([1, 0, 4, 8], &device), &Tensor::ones([2, 0, 3, 3], &device), 1, 1),
            "{id}: no input"
        );
        assert!(!run(&map.clone().cast(FloatDType::F16), &weight, 1, 1), "{id}: numbers of two types");
        // The transformed weights of 1,000 to 1,000 channels are larger than a buffer between the shaders.
        let (map, weight) = (Tensor::ones([1, 1000, 4, 4], &device), Tensor::ones([1000, 1000, 3, 3], &device));
        let bias = Tensor::zeros([1000], &device);
        assert!(convolve_in_bands(&map, &weight, &bias, 1, None, 1).is_none(), "{id}: large weights");
        assert!(convolve(&map, &weight, &bias, 1).is_some(), "{id}: large weights");
    }
}

#[test]
fn maps_whose_transforms_fill_several_buffers_are_computed_in_parts() {
    let mut numbers = Numbers::new(24);
    // 32,768 fours of tiles; a buffer takes 29,127 of 8 channels.
    let case = Case::new(&mut numbers, 1, [8, 8], [1024, 2048], 1);
    for (id, device) in cards() {
        let (map, weight, bias, _) = case.on(&device, FloatDType::F32);
        let actual = single(convolve(&map, &weight, &bias, 1).unwrap());
        let expected = single(convolve_with(&map, &weight, &bias, 1, None, None).unwrap());
        assert_near(&format!("{} on {id}", case.name()), &actual, &expected, 1e-5 * largest(&expected));
    }
}
