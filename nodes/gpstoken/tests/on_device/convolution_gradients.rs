//! Tests of the gradients of convolutions on graphics cards, against burn's on the processor.

use super::{
    Numbers, assert_near, devices, largest,
    network_shaders::random,
    processor,
    shaders::{upload, values},
};
use burn::{
    prelude::Device,
    tensor::{
        Tensor,
        module::{conv2d, interpolate},
        ops::{ConvOptions, InterpolateMode, InterpolateOptions},
    },
};
use splatgraph_pack_gpstoken::{
    kernels::patches::Kernel,
    on_device::{convolution_gradient_shader::convolve, patches},
};

#[test]
fn convolutions_and_their_gradients_agree_with_burn() {
    let mut numbers = Numbers::new(31);
    // Batch, inputs, outputs, height, width, side, scale. The gradient of a loss that weighs all results differently.
    for [batch, inputs, outputs, height, width, side, scale] in [
        [1, 1, 1, 1, 1, 3, 1],
        [1, 3, 5, 2, 7, 3, 1],
        [2, 4, 6, 5, 4, 3, 1],
        [3, 5, 70, 9, 12, 3, 1],
        [1, 3, 8, 32, 64, 3, 1], // by Winograd's method
        [2, 40, 33, 34, 32, 3, 1],
        [1, 2, 3, 1, 5, 3, 2],
        [2, 6, 10, 7, 4, 3, 2],
        [1, 8, 12, 16, 32, 3, 2],
        [1, 1, 1, 1, 1, 1, 1],
        [2, 7, 9, 6, 5, 1, 1],
        [1, 70, 66, 8, 12, 1, 1],
        [1, 2, 3, 700, 40, 3, 1], // several parts
    ] {
        let (results, depth) = (batch * outputs * height * width * scale * scale, inputs * side * side);
        let map = random(&mut numbers, batch * inputs * height * width, 1.0);
        let weight = random(&mut numbers, outputs * depth, (3.0 / depth as f32).sqrt());
        let (bias, factors) = (random(&mut numbers, outputs, 0.1), random(&mut numbers, results, 1.0));
        let leaves = |device: &Device| {
            let device = &device.clone().autodiff();
            let map: Tensor<4> = upload(&map, [batch, inputs, height, width], device).require_grad();
            let weight: Tensor<4> = upload(&weight, [outputs, inputs, side, side], device).require_grad();
            let bias: Tensor<1> = upload(&bias, [outputs], device).require_grad();
            (map, weight, bias)
        };
        let found = |(map, weight, bias): (Tensor<4>, Tensor<4>, Tensor<1>), result: Tensor<4>| {
            let factors: Tensor<4> = upload(&factors, result.dims(), &result.device());
            let gradients = (result.clone() * factors).sum().backward();
            let of_map = values(&map.grad(&gradients).unwrap());
            [
                values(&result.inner()),
                of_map,
                values(&weight.grad(&gradients).unwrap()),
                values(&bias.grad(&gradients).unwrap()),
            ]
        };
        let tensors = leaves(&processor());
        assert!(convolve(&tensors.0, &tensors.1, &tensors.2, scale).is_none(), "the processor runs no shaders");
        let larger = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([scale as f32; 2]);
        let (map, weight, bias) = tensors.clone();
        let map = if scale == 1 { map } else { interpolate(map, larger) };
        let around = [side / 2; 2];
        let result = conv2d(map, weight, Some(bias), ConvOptions::new([1, 1], around, [1, 1], 1));
        let expected = found(tensors, result);
        for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
            let tensors = leaves(&device);
            let result = convolve(&tensors.0, &tensors.1, &tensors.2, scale).unwrap();
            let size =
                format!("{batch} x {inputs} to {outputs} channels of {width} x {height}, side {side}, times {scale}");
            let actual = found(tensors.clone(), result);
            for ((what, actual), expected) in
                ["result", "map", "weight", "bias"].into_iter().zip(&actual).zip(&expected)
            {
                // As for convolutions by Winograd's method, which some of these are.
                assert_near(&format!("{what}, {size} on {id}"), actual, expected, 1e-5 * largest(expected));
            }
            let plain = [&tensors.0, &tensors.1].map(|tensor| tensor.clone().inner());
            assert!(
                convolve(&plain[0], &plain[1], &tensors.2.clone().inner(), scale).is_none(),
                "{id} does not differentiate"
            );
        }
    }
}

#[test]
fn a_frozen_part_of_a_convolution_has_no_gradient() {
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        let device = device.autodiff();
        let map = Tensor::<4>::ones([1, 2, 4, 4], &device).require_grad();
        let (weight, bias) = (Tensor::<4>::ones([3, 2, 3, 3], &device), Tensor::<1>::ones([3], &device));
        let gradients = convolve(&map, &weight, &bias, 1).unwrap().sum().backward();
        // 3 outputs, and the 9 taps of an inner pixel.
        assert_eq!(values(&map.grad(&gradients).unwrap())[5], 27.0, "{id}");
        assert!(weight.grad(&gradients).is_none() && bias.grad(&gradients).is_none(), "{id}");
    }
}

#[test]
fn convolutions_with_any_kernel_agree_with_burn() {
    let mut numbers = Numbers::new(32);
    for (batch, inputs, outputs, kernel, [height, width]) in [
        (2, 3, 9, Kernel::square(11, 4, 2), [31, 45]),
        (1, 5, 4, Kernel::square(5, 1, 2), [2, 9]),
        (2, 3, 8, Kernel::square(4, 2, 1), [16, 18]),
        (2, 4, 1, Kernel::square(4, 1, 1), [7, 6]),
        (1, 2, 33, Kernel::square(3, 2, 0), [3, 120]),
        (2, 4, 8, Kernel::square(3, 1, 1), [5, 4]),
        (1, 5, 40, Kernel { size: [1, 7], stride: 1, padding: [0, 3] }, [17, 6]),
        (3, 6, 7, Kernel { size: [3, 1], stride: 2, padding: [1, 0] }, [9, 11]),
    ] {
        let map = random(&mut numbers, batch * inputs * height * width, 1.0);
        let weight = random(&mut numbers, outputs * inputs * kernel.size[0] * kernel.size[1], 0.3);
        let bias = random(&mut numbers, outputs, 0.1);
        let factors =
            random(&mut numbers, batch * outputs * kernel.outputs([height, width]).iter().product::<usize>(), 1.0);
        let found = |device: &Device| {
            let device = &device.clone().autodiff();
            let map: Tensor<4> = upload(&map, [batch, inputs, height, width], device).require_grad();
            let weight = upload(&weight, [outputs, inputs, kernel.size[0], kernel.size[1]], device).require_grad();
            let bias: Tensor<1> = upload(&bias, [outputs], device).require_grad();
            let result = patches::convolve(map.clone(), weight.clone(), bias.clone(), kernel);
            let factors: Tensor<4> = upload(&factors, result.dims(), device);
            let gradients = (result.clone() * factors).sum().backward();
            let of_map = values(&map.grad(&gradients).unwrap());
            let of_weight = values(&weight.grad(&gradients).unwrap());
            [values(&result.inner()), of_map, of_weight, values(&bias.grad(&gradients).unwrap())]
        };
        let expected = found(&processor());
        for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
            for (i, (actual, expected)) in found(&device).iter().zip(&expected).enumerate() {
                let name = format!("{}, {kernel:?} on {id}", ["result", "map", "weight", "bias"][i]);
                assert_near(&name, actual, expected, 1e-5 * largest(expected));
            }
        }
    }
}
