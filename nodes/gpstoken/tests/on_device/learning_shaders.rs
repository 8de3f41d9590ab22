//! Tests of sums, products and softmax with gradients on graphics cards, against burn's on the processor.

use super::{
    Numbers, assert_near, devices, largest,
    network_shaders::random,
    processor,
    shaders::{upload, values},
};
use burn::{
    prelude::Device,
    tensor::{FloatDType, Tensor, activation},
};
use splatgraph_pack_gpstoken::on_device::learning_shader::{expand, mean, products, softmax, sum_axis, takes};

/// The result of an operation on leaves, and their gradients for a loss that weighs all numbers of the result differently.
fn found<const D: usize>(
    device: &Device,
    inputs: &[(&[f32], [usize; 3])],
    operation: impl Fn(&[Tensor<3>]) -> Tensor<D>,
) -> Vec<Vec<f32>> {
    let device = device.clone().autodiff();
    let leaves: Vec<Tensor<3>> =
        inputs.iter().map(|(values, shape)| upload(values, *shape, &device).require_grad()).collect();
    let result = operation(&leaves);
    let factors = random(&mut Numbers::new(41), result.shape().num_elements(), 1.0);
    let gradients = (result.clone() * upload::<D>(&factors, result.dims(), &device)).sum().backward();
    let of_leaves = leaves.iter().map(|leaf| values(&leaf.grad(&gradients).unwrap()));
    [values(&result.inner())].into_iter().chain(of_leaves).collect()
}

/// Checks an operation against burn's on every graphics card.
fn check<const D: usize>(
    name: &str,
    inputs: &[(&[f32], [usize; 3])],
    by_burn: impl Fn(&[Tensor<3>]) -> Tensor<D>,
    operation: impl Fn(&[Tensor<3>]) -> Tensor<D>,
) {
    let expected = found(&processor(), inputs, by_burn);
    let [on_processor] = [found(&processor(), inputs, &operation)];
    for (id, device) in
        devices().into_iter().filter(|(id, _)| id.starts_with("gpu")).chain([("cpu".to_owned(), processor())])
    {
        let actual = if id == "cpu" { on_processor.clone() } else { found(&device, inputs, &operation) };
        for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let what = if i == 0 { "result".to_owned() } else { format!("gradient {i}") };
            assert_near(&format!("{name}, {what} on {id}"), actual, expected, 2e-6 * largest(expected).max(1e-3));
        }
    }
}

#[test]
fn sums_and_repetitions_agree_with_burn() {
    let mut numbers = Numbers::new(42);
    // Parts of an axis, one part, and several steps of parts.
    for shape in [[1, 1, 1], [3, 5, 7], [2, 64, 3], [4, 65, 1], [1, 300, 40], [70, 3, 129]] {
        let x = random(&mut numbers, shape.iter().product(), 1.0);
        for axis in 0..3 {
            let name = format!("the sum of {shape:?} along {axis}");
            check(&name, &[(&x, shape)], |x| x[0].clone().sum_dim(axis), |x| sum_axis(x[0].clone(), axis));
        }
        check(&format!("the mean of {shape:?}"), &[(&x, shape)], |x| x[0].clone().mean(), |x| mean(x[0].clone()));
        let longer = shape.map(|length| if length == 1 { 70 } else { length });
        let name = format!("{shape:?} as {longer:?}");
        check(&name, &[(&x, shape)], |x| x[0].clone().expand(longer), |x| expand(x[0].clone(), longer));
    }
}

#[test]
fn long_sums_are_as_exact_as_short_ones() {
    let x = random(&mut Numbers::new(45), 300_001, 1.0);
    let expected = x.iter().map(|v| f64::from(*v)).sum::<f64>();
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        let actual = f64::from(values(&sum_axis(upload::<1>(&x, [x.len()], &device), 0))[0]);
        // Parts of 64 numbers, three times.
        assert!((actual - expected).abs() < 1e-3, "{id}: {actual} and {expected}");
    }
}

#[test]
fn products_agree_with_burn() {
    let mut numbers = Numbers::new(43);
    // Products, rows, depth, columns: a part of a workgroup, several, and a depth in parts.
    for [count, rows, depth, columns] in
        [[1, 1, 1, 1], [3, 5, 7, 9], [2, 64, 16, 64], [1, 70, 37, 130], [5, 3, 200, 65], [1, 9, 3000, 20]]
    {
        let size = (3.0 / depth as f32).sqrt();
        let (a, b) =
            (random(&mut numbers, count * rows * depth, 1.0), random(&mut numbers, count * depth * columns, size));
        for turned in [[false, false], [false, true], [true, false], [true, true]] {
            let shape_a = if turned[0] { [count, depth, rows] } else { [count, rows, depth] };
            let shape_b = if turned[1] { [count, columns, depth] } else { [count, depth, columns] };
            let by_burn = |x: &[Tensor<3>]| {
                let turn = |i: usize| if turned[i] { x[i].clone().swap_dims(1, 2) } else { x[i].clone() };
                turn(0).matmul(turn(1))
            };
            let name = format!("{count} products of {rows} x {depth} and {depth} x {columns}, turned {turned:?}");
            check(&name, &[(&a, shape_a), (&b, shape_b)], by_burn, |x| products(x[0].clone(), x[1].clone(), turned));
        }
    }
}

#[test]
fn softmax_agrees_with_burn() {
    let mut numbers = Numbers::new(44);
    for (shape, size) in [([1, 1, 1], 1.0), ([2, 3, 5], 3.0), ([3, 70, 64], 10.0), ([1, 2, 1000], 200.0)] {
        let x = random(&mut numbers, shape.iter().product(), size);
        let name = format!("softmax of {shape:?} up to {size}");
        check(&name, &[(&x, shape)], |x| activation::softmax(x[0].clone(), 2), |x| softmax(x[0].clone()));
    }
}

#[test]
fn half_precision_and_empty_tensors_stay_with_burn() {
    for (id, device) in devices() {
        let x = Tensor::<3>::ones([2, 3, 4], &device);
        assert_eq!(takes(&x), id.starts_with("gpu"), "{id}");
        assert!(!takes(&Tensor::<3>::ones([2, 0, 4], &device)), "{id}");
        if device.supports_dtype(FloatDType::F16) {
            assert!(!takes(&x.cast(FloatDType::F16)), "{id}");
        }
    }
}
