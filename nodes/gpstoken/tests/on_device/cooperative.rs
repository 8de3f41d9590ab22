//! Tests of the shaders on matrix units, on every adapter that offers cooperative matrices, against the shaders without them.
//!
//! A number of the result is rounded to half precision once. Sums in another order may be rounded to the neighbour, so a result may differ by
//! 2^-10 of itself, a step of half precision.

use super::{
    Numbers, assert_near, devices, largest,
    shaders::{upload, values},
};
use burn::{
    prelude::Device,
    tensor::{FloatDType, Tensor},
};
use splatgraph_pack_gpstoken::on_device::{
    convolution_shader::convolve_with,
    cooperative::{Matrices, matrices},
    linear_shader::{Activation, Then, linear, linear_then, linear_with},
};

const STEP: f32 = 1.0 / 1024.0;

/// The devices with matrix units. `SPLATGRAPH_NEED_MATRICES` demands one.
fn with_matrices() -> Vec<(String, Device, Matrices)> {
    let found = devices().into_iter().filter_map(|(id, device)| {
        let matrices = matrices(&device)?;
        Some((id, device, matrices))
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        assert!(
            std::env::var_os("SPLATGRAPH_NEED_MATRICES").is_none(),
            "expected an adapter that offers cooperative matrices, got none"
        );
        println!("skipped: no adapter offers cooperative matrices");
    }
    found
}

fn half<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    upload::<D>(values, shape, device).cast(FloatDType::F16)
}

fn back<const D: usize>(tensor: Option<Tensor<D>>) -> Vec<f32> {
    values(&tensor.unwrap().cast(FloatDType::F32))
}

#[test]
fn linear_layers_on_matrix_units_agree_with_those_without() {
    let mut numbers = Numbers::new(5);
    // A part of a workgroup, several workgroups of one subgroup, and many of two and of four subgroups.
    for [rows, inputs, outputs] in
        [[1, 4, 1], [5, 20, 3], [16, 16, 32], [33, 28, 65], [100, 132, 200], [16, 20, 9000], [400, 12, 900]]
    {
        let mut random =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| numbers.between(-size, size)).collect() };
        let x = random(rows * inputs, 1.0);
        let (weight, bias) = (random(outputs * inputs, (3.0 / inputs as f32).sqrt()), random(outputs, 0.1));
        let (gates, residual) = (random(2 * outputs, 1.0), random(rows * outputs, 1.0));
        for (id, device, matrices) in with_matrices() {
            let x = half(&x, [rows, inputs], &device);
            let (weight, bias) = (half(&weight, [outputs, inputs], &device), half(&bias, [outputs], &device));
            let (gates, residual) =
                (half(&gates, [1, 2 * outputs], &device), half(&residual, [rows, outputs], &device));
            let all = Then { activation: Activation::Gelu, gate: Some((&gates, 1)), residual: Some(&residual) };
            for then in [Then::default(), all] {
                let expected = back(linear_with(&x, &weight, &bias, then, None));
                let actual = back(linear_with(&x, &weight, &bias, then, Some(matrices)));
                let name = format!("{rows} rows, {inputs} to {outputs} on {id}, {:?} follows", then.activation);
                assert_near(&name, &actual, &expected, STEP * largest(&expected));
                let chosen = back(linear_then(&x, &weight, &bias, then));
                assert_eq!(chosen, actual, "{name}: a layer runs on the matrix units");
            }
        }
    }
}

#[test]
fn convolutions_on_matrix_units_agree_with_those_without() {
    let mut numbers = Numbers::new(6);
    // Batch, inputs, outputs, width, height, side, scale.
    for [batch, inputs, outputs, width, height, side, scale] in [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 3, 5, 7, 3, 3, 1],
        [2, 17, 70, 20, 9, 3, 1],
        [1, 16, 16, 32, 8, 1, 1],
        [2, 33, 130, 17, 19, 1, 1],
        [1, 20, 12, 130, 70, 3, 1],
        [3, 18, 40, 60, 40, 3, 1],
        [2, 6, 20, 9, 7, 3, 2],
        [1, 6, 40, 33, 1, 3, 2],
    ] {
        let mut random =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| numbers.between(-size, size)).collect() };
        let depth = inputs * side * side;
        let map = random(batch * inputs * width * height, 1.0);
        let (weight, bias) = (random(outputs * depth, (3.0 / depth as f32).sqrt()), random(outputs, 0.1));
        let residual = random(batch * outputs * scale * scale * width * height, 1.0);
        for (id, device, matrices) in with_matrices() {
            let map = half(&map, [batch, inputs, height, width], &device);
            let weight = half(&weight, [outputs, inputs, side, side], &device);
            let bias = half(&bias, [outputs], &device);
            let residual = half(&residual, [batch, outputs, scale * height, scale * width], &device);
            for residual in [None, Some(&residual)] {
                let expected = back(convolve_with(&map, &weight, &bias, scale, residual, None));
                let actual = back(convolve_with(&map, &weight, &bias, scale, residual, Some(matrices)));
                let name = format!(
                    "{batch} x {inputs} to {outputs} channels of {width} x {height}, side {side}, times {scale}, residual {}, on {id}",
                    residual.is_some()
                );
                assert_near(&name, &actual, &expected, STEP * largest(&expected));
            }
        }
    }
}

#[test]
fn matrix_units_take_only_numbers_in_half_precision_and_columns_in_fours() {
    for (id, device, matrices) in with_matrices() {
        let (weight, bias) = (Tensor::<2>::ones([3, 6], &device), Tensor::<1>::ones([3], &device));
        let x = Tensor::<2>::ones([2, 6], &device);
        assert!(linear_with(&x, &weight, &bias, Then::default(), Some(matrices)).is_none(), "{id}: f32");
        let [x, weight] = [x, weight].map(|tensor| tensor.cast(FloatDType::F16));
        let bias = bias.cast(FloatDType::F16);
        assert!(linear_with(&x, &weight, &bias, Then::default(), Some(matrices)).is_none(), "{id}: 6 columns");
        assert_eq!(back(linear(&x, &weight, &bias)), [7.0; 6], "{id}: without matrix units");
        let map = Tensor::<4>::ones([1, 8, 2, 2], &device);
        let weight = Tensor::<4>::ones([1, 8, 1, 1], &device);
        assert!(
            convolve_with(&map, &weight, &Tensor::ones([1], &device), 1, None, Some(matrices)).is_none(),
            "{id}: f32"
        );
    }
}
