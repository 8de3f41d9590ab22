//! Tests of the shaders: every launched form is valid, which needs no graphics card, and agrees with burn's form.

use super::{Numbers, assert_near, devices, processor};
use burn::{
    prelude::Device,
    tensor::{
        FloatDType, Tensor, TensorData,
        module::{self, conv2d, interpolate},
        ops::{ConvOptions, InterpolateMode, InterpolateOptions},
    },
};
use burn_cubecl::template::KernelSource;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use splatgraph_pack_gpstoken::on_device::{
    self, arrange_shader, attention_shader, convolution_gradient_shader,
    convolution_shader::{self, convolve},
    cooperative::Matrices,
    elementwise_shader, large_attention_shader, learning_shader,
    linear_shader::{self, linear},
    normalise_shader, products_shader, region_condition_shader, roi_align_shader,
    shader::Shader,
    splat_shader::{MOST_CHANNELS, backward_shader, forward_shader},
    winograd_shader,
};

pub(super) fn upload<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

pub(super) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_to_vec().unwrap()
}

#[track_caller]
fn check(shader: &Shader, needs: Capabilities) {
    let (name, source) = (shader.name, shader.source().complete());
    let module =
        naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&source)));
    let about = Validator::new(ValidationFlags::all(), needs).validate(&module);
    about.unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&source)));
    // The limits that WebGPU guarantees.
    let shared: u32 = module
        .global_variables
        .iter()
        .filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup)
        .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()))
        .sum();
    assert!(shared <= 16_384, "{name} takes {shared} bytes of workgroup memory");
    assert!(module.entry_points[0].workgroup_size.iter().product::<u32>() <= 256, "{name}");
}

#[test]
fn every_form_of_the_shaders_is_valid() {
    let nothing = Capabilities::empty();
    for form in [
        normalise_shader::moments_shader(),
        elementwise_shader::place_shader(),
        arrange_shader::window_shader(),
        large_attention_shader::softmax_shader(),
        learning_shader::sum_shader(),
        learning_shader::product_shader(),
        learning_shader::softmax_shader(),
    ] {
        check(&form, nothing);
    }
    for sizes in [[1, 1], [3, 1], [3, 2]] {
        check(&convolution_gradient_shader::shader(sizes), nothing);
    }
    for accumulators in 1..=8 {
        check(&forward_shader(accumulators), nothing);
    }
    for channels in [1, 2, 3, 8, 16, 17, 32, MOST_CHANNELS] {
        check(&backward_shader(channels), nothing);
    }
    for (half, needs) in [(false, nothing), (true, Capabilities::SHADER_FLOAT16)] {
        check(&roi_align_shader::shader(half), needs);
        check(&linear_shader::shader(half), needs);
        check(&products_shader::shader(half), needs);
        check(&normalise_shader::parts_shader(half), needs);
        for tiled in [false, true] {
            check(&normalise_shader::apply_shader(tiled, half), needs);
        }
        check(&normalise_shader::layer_norm_shader(half), needs);
        for channels in [1, attention_shader::MOST_CHANNELS / 4, 200, 300, attention_shader::MOST_CHANNELS] {
            check(&attention_shader::shader(channels, half), needs);
        }
        for stem in [1, 32, 128, region_condition_shader::MOST_CHANNELS] {
            check(&region_condition_shader::shader(stem, half), needs);
        }
        for form in
            [elementwise_shader::add_shader, elementwise_shader::select_shader, elementwise_shader::shift_shader]
        {
            check(&form(half), needs);
        }
        check(&arrange_shader::shader(half, false), needs);
        check(&arrange_shader::shader(half, true), Capabilities::SHADER_FLOAT16);
        for sizes in [[1, 1, 4], [1, 1, 8], [1, 1, 16], [3, 1, 4], [3, 1, 8], [3, 1, 16], [3, 2, 16]] {
            check(&convolution_shader::shader(sizes, half), needs);
        }
        for scale in [1, 2] {
            check(&winograd_shader::map_shader(scale, half), needs);
        }
        check(&winograd_shader::weights_shader(half), needs);
        check(&winograd_shader::result_shader(half), needs);
    }
    let needs = Capabilities::SHADER_FLOAT16 | Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP;
    let subgroups = [4, 8, 16, 32, 64];
    for (side, subgroup) in [8, 16].into_iter().flat_map(|side| subgroups.map(|subgroup| (side, subgroup))) {
        let matrices = Matrices { side, subgroup };
        for tile in [[1, 1], [1, 2], [2, 2]] {
            check(&linear_shader::cooperative_shader(matrices, tile), needs);
            for sizes in [[1, 1], [3, 1], [3, 2]] {
                check(&convolution_shader::cooperative_shader(sizes, matrices, tile), needs);
            }
        }
    }
}

/// Checks that the shader runs on every device that runs shaders, in both precisions. A name ends with the device's id.
#[track_caller]
pub(super) fn assert_by_shader(
    name: &str,
    device: &Device,
    expected: &[f32],
    run: impl Fn(FloatDType) -> Option<Vec<f32>>,
) {
    let Some(single) = run(FloatDType::F32) else {
        assert!(!name.contains(" on gpu"), "{name} would go through burn");
        return;
    };
    assert_near(name, &single, expected, 2e-6);
    if device.supports_dtype(FloatDType::F16) {
        assert_near(&format!("{name}, in f16"), &run(FloatDType::F16).unwrap(), expected, 4e-3);
    }
}

#[test]
fn convolution_shaders_agree_with_burn_in_both_precisions() {
    let mut numbers = Numbers::new(3);
    // Batch, inputs, outputs, width, height, side, scale, for a part of a workgroup, a whole workgroup and several workgroups.
    for [batch, inputs, outputs, width, height, side, scale] in [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 3, 5, 7, 3, 3, 1],
        [2, 4, 70, 20, 9, 3, 1],
        [1, 20, 64, 16, 8, 3, 1],
        [2, 33, 130, 17, 19, 1, 1],
        [1, 9, 30, 25, 21, 3, 1],
        [1, 2, 3, 300, 2, 3, 1],
        [1, 5, 2, 1, 140, 3, 1],
        [2, 6, 20, 9, 7, 3, 2],
        [1, 6, 40, 33, 1, 3, 2],
    ] {
        let mut random =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| numbers.between(-size, size)).collect() };
        let depth = inputs * side * side;
        let map = random(batch * inputs * width * height, 1.0);
        let (weight, bias) = (random(outputs * depth, (3.0 / depth as f32).sqrt()), random(outputs, 0.1));
        let tensors = |device: &Device| {
            let map: Tensor<4> = upload(&map, [batch, inputs, height, width], device);
            let weight: Tensor<4> = upload(&weight, [outputs, inputs, side, side], device);
            (map, weight, upload(&bias, [outputs], device))
        };
        let (map, weight, bias) = tensors(&processor());
        assert!(convolve(&map, &weight, &bias, scale).is_none(), "the processor runs no shaders");
        let around = [side / 2, side / 2];
        let larger = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([scale as f32; 2]);
        let map = interpolate(map, larger);
        let expected = values(&conv2d(map, weight, Some(bias), ConvOptions::new([1, 1], around, [1, 1], 1)));
        for (id, device) in devices() {
            let (map, weight, bias) = tensors(&device);
            let name = format!(
                "{batch} x {inputs} to {outputs} channels of {width} x {height}, side {side}, times {scale}, on {id}"
            );
            assert_by_shader(&name, &device, &expected, |precision| {
                let (map, weight, bias) =
                    (map.clone().cast(precision), weight.clone().cast(precision), bias.clone().cast(precision));
                convolve(&map, &weight, &bias, scale).map(|map| values(&map.cast(FloatDType::F32)))
            });
        }
    }
}

#[test]
fn convolutions_of_one_pixel_run_as_products() {
    let mut numbers = Numbers::new(5);
    // Parts of a workgroup, and several workgroups along each axis; then outputs or pixels that are no fours.
    for ([batch, inputs, outputs, width, height], taken) in [
        ([1, 1, 4, 2, 2], true),
        ([3, 7, 12, 6, 2], true),
        ([2, 33, 136, 20, 10], true),
        ([1, 20, 64, 34, 66], true),
        ([2, 5, 8, 1030, 2], true),
        ([1, 6, 6, 2, 2], false),
        ([1, 6, 4, 3, 3], false),
    ] {
        let mut random =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| numbers.between(-size, size)).collect() };
        let places = width * height;
        let (map, residual) = (random(batch * inputs * places, 1.0), random(batch * outputs * places, 1.0));
        let (weight, bias) = (random(outputs * inputs, (3.0 / inputs as f32).sqrt()), random(outputs, 0.1));
        let tensors = |device: &Device| {
            let map: Tensor<4> = upload(&map, [batch, inputs, height, width], device);
            let residual: Tensor<4> = upload(&residual, [batch, outputs, height, width], device);
            let weight: Tensor<4> = upload(&weight, [outputs, inputs, 1, 1], device);
            (map, weight, upload::<1>(&bias, [outputs], device), residual)
        };
        let (map, weight, bias, residual) = tensors(&processor());
        let expected = conv2d(map, weight, Some(bias), ConvOptions::new([1, 1], [0, 0], [1, 1], 1));
        for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
            let (map, weight, bias, added) = tensors(&device);
            for residual in [None, Some((&added, &residual))] {
                let expected = residual.map_or(expected.clone(), |(_, residual)| expected.clone() + residual.clone());
                let name = format!("{batch} x {inputs} to {outputs} channels of {width} x {height} on {id}");
                let run = |precision: FloatDType| {
                    let [map, weight] = [&map, &weight].map(|tensor| tensor.clone().cast(precision));
                    let added = residual.map(|(added, _)| added.clone().cast(precision));
                    products_shader::convolve(&map, &weight, &bias.clone().cast(precision), added.as_ref())
                        .map(|map| values(&map.cast(FloatDType::F32)))
                };
                if taken {
                    assert_by_shader(&name, &device, &values(&expected), run);
                } else {
                    assert!(run(FloatDType::F32).is_none(), "{name}");
                }
            }
        }
    }
}

#[test]
fn linear_shaders_agree_with_burn_in_both_precisions() {
    let mut numbers = Numbers::new(4);
    // A part of a workgroup, a whole workgroup and several workgroups.
    for [rows, inputs, outputs] in [[1, 1, 1], [5, 5, 3], [32, 32, 64], [33, 30, 65], [100, 131, 200], [2, 300, 7]] {
        let mut random =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| numbers.between(-size, size)).collect() };
        let x = random(rows * inputs, 1.0);
        let (weight, bias) = (random(outputs * inputs, (3.0 / inputs as f32).sqrt()), random(outputs, 0.1));
        let tensors = |device: &Device| {
            let (x, weight) = (upload(&x, [rows, inputs], device), upload(&weight, [outputs, inputs], device));
            (x, weight, upload(&bias, [outputs], device))
        };
        let (x, weight, bias) = tensors(&processor());
        assert!(linear(&x, &weight, &bias).is_none(), "the processor runs no shaders");
        let expected = values(&module::linear(x, weight.transpose(), Some(bias)));
        for (id, device) in devices() {
            let (x, weight, bias) = tensors(&device);
            let name = format!("{rows} rows, {inputs} to {outputs} on {id}");
            assert_by_shader(&name, &device, &expected, |precision| {
                let (x, weight, bias) =
                    (x.clone().cast(precision), weight.clone().cast(precision), bias.clone().cast(precision));
                linear(&x, &weight, &bias).map(|x| values(&x.cast(FloatDType::F32)))
            });
        }
    }
}

#[test]
fn shaders_compute_inputs_with_more_parts_than_one_axis_of_workgroups() {
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        // A workgroup computes 16 outputs of 512 pixels, so there are 65,536 workgroups. Lavapipe takes no larger tensor.
        let [height, width] = [65_536, 512];
        let map = Tensor::<4>::ones([1, 1, height, width], &device);
        let weight = Tensor::<4>::full([1, 1, 1, 1], 2.0, &device);
        let doubled = convolve(&map, &weight, &Tensor::ones([1], &device), 1).unwrap();
        let [least, most] = [doubled.clone().min(), doubled.max()].map(|value| value.into_scalar::<f32>());
        assert_eq!([least, most], [3.0, 3.0], "{id}");

        // Each invocation computes a bin and a workgroup has 256 of them, so there are 65,540 workgroups.
        let map = Tensor::<3>::full([256, 2, 2], 5.0, &device);
        let sampled = on_device::roi_align(map, &vec![[0.5, 0.5, 1.5, 1.5]; 65_540], 1);
        let [least, most] = [sampled.clone().min(), sampled.max()].map(|value| value.into_scalar::<f32>());
        assert_eq!([least, most], [5.0, 5.0], "{id}");
    }
}
