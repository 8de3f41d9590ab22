//! Tests of LPIPS through burn, on every device and as a loss.

use super::{
    Numbers, assert_near, computes, largest, on, processor,
    support::lpips::{Measured, measured, noise, tiny_network},
};
use burn::tensor::{TensorData, module::conv2d, ops::ConvOptions};
use splatgraph_pack_gpstoken::{
    device::HOST,
    kernels::{
        convolution::Weights,
        cpu::Level,
        patches::{Kernel, convolve_patches},
        workspace::Workspace,
    },
    lpips::{Backbone, Network},
    nodes::look::lpips::Lpips,
};
use splatgraph_sdk::{
    Image, Input, Value,
    testing::{Recorder, json, run_with},
};

#[test]
fn every_device_measures_the_same_distance() {
    let (a, b) = (noise(1, 40, 33, 3), noise(2, 40, 33, 4));
    for backbone in [Backbone::Alex, Backbone::Vgg] {
        let file = tiny_network(backbone);
        let of = |device: &str| {
            let host = Recorder::default();
            let inputs = [("a", a.clone()), ("b", b.clone())];
            measured(&run_with::<Lpips>(&host, json!({"model": file.path(), "device": device}), inputs).unwrap())
        };
        let expected = of("cpu");
        let map = expected.map.image.as_slice::<f32>().unwrap();
        // The list of devices does not contain burn on the processor.
        let record = splatgraph_sdk::checkpoint::open(file.path()).unwrap();
        let network = Network::load(record.tensors).unwrap().map(&mut on(&processor()));
        assert_eq!(network.backbone, backbone);
        let tensor = |value: &Value| {
            let image = Image::from_value(value).unwrap().image;
            let [_, height, width, _] = image.dims().unwrap();
            let first = image.to_f32()[..height * width * 3].to_vec();
            burn::tensor::Tensor::<4>::from_data(TensorData::new(first, [1, height, width, 3]), &processor())
                .permute([0, 3, 1, 2])
        };
        let stages = network.compare(tensor(&a), tensor(&b), &mut || Ok(())).unwrap();
        let mean = |stage: &splatgraph_pack_gpstoken::lpips::Difference| {
            stage.values.iter().sum::<f32>() / stage.values.len() as f32
        };
        let burned: f32 = stages.iter().map(mean).sum();
        assert_near("burn on the processor", &[burned], &[expected.each[0] as f32], 1e-5);
        for compute in computes().into_iter().filter(|compute| compute.id() != HOST) {
            let found = of(compute.id());
            let each = |m: &Measured| m.each.iter().map(|d| *d as f32).collect::<Vec<_>>();
            assert_near(&format!("{}: distances", compute.id()), &each(&found), &each(&expected), 1e-5);
            assert_near(compute.id(), found.map.image.as_slice().unwrap(), map, largest(map) * 1e-4);
        }
    }
}

#[test]
fn any_kernel_agrees_with_burn() {
    let workspace = Workspace::default();
    let cases = [
        (3, 9, Kernel::square(11, 4, 2), [31, 45]),
        (5, 4, Kernel::square(5, 1, 2), [2, 9]),
        (2, 33, Kernel::square(3, 2, 0), [3, 120]),
        (1, 1, Kernel::square(1, 1, 0), [1, 1]),
        (4, 8, Kernel::square(7, 3, 6), [5, 4]),
        (5, 40, Kernel { size: [1, 7], stride: 1, padding: [0, 3] }, [17, 6]),
        (6, 7, Kernel { size: [3, 1], stride: 2, padding: [1, 0] }, [9, 11]),
    ];
    for (inputs, outputs, kernel, [height, width]) in cases {
        let mut numbers = Numbers::new(inputs as u64);
        let mut random = |count: usize| -> Vec<f32> { (0..count).map(|_| numbers.between(-1.0, 1.0)).collect() };
        let (map, weight, bias) = (
            random(height * width * inputs),
            random(outputs * inputs * kernel.size[0] * kernel.size[1]),
            random(outputs),
        );
        let tensor = |values: &[f32], shape: [usize; 4]| {
            burn::tensor::Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &processor())
        };
        let expected: Vec<f32> = conv2d(
            tensor(&map, [1, height, width, inputs]).permute([0, 3, 1, 2]),
            tensor(&weight, [outputs, inputs, kernel.size[0], kernel.size[1]]),
            Some(tensor(&bias, [1, 1, 1, outputs]).reshape([outputs])),
            ConvOptions::new([kernel.stride; 2], kernel.padding, [1, 1], 1),
        )
        .permute([0, 2, 3, 1])
        .into_data()
        .try_into_vec()
        .unwrap();
        assert_eq!(expected.len(), kernel.outputs([height, width]).iter().product::<usize>() * outputs);
        for level in Level::all() {
            let mut out = vec![f32::NAN; expected.len()];
            let weights = Weights { weight: &weight, bias: &bias, inputs };
            convolve_patches(level, weights, kernel, &map, [height, width], &mut out, &workspace);
            assert_near(&format!("{level:?} {kernel:?}"), &out, &expected, largest(&expected) * 1e-5);
        }
    }
}

#[test]
fn the_loss_equals_the_distance_and_its_gradient_agrees_with_finite_differences() {
    use burn::tensor::Tensor as Burn;
    for backbone in [Backbone::Alex, Backbone::Vgg] {
        let tensors = splatgraph_sdk::checkpoint::open(tiny_network(backbone).path()).unwrap().tensors;
        let device = processor().autodiff();
        let network = Network::load(tensors).unwrap().map(&mut on(&device));
        let (height, width) = (40, 33);
        let mut numbers = Numbers::new(3);
        let mut random = || (0..2 * 3 * height * width).map(|_| numbers.between(0.0, 1.0)).collect::<Vec<f32>>();
        let (a, b) = (random(), random());
        let upload = |values: &[f32]| -> Burn<4> {
            Burn::from_data(TensorData::new(values.to_vec(), [2, 3, height, width]), &device)
        };
        let loss = |a: &[f32]| network.loss(upload(a), upload(&b)).unwrap().into_data().try_to_vec::<f32>().unwrap()[0];

        // The loss equals the distances of the two pairs.
        let pair = |i: usize| {
            let of = |values: &[f32]| upload(values).narrow(0, i, 1);
            let stages = network.compare(of(&a), of(&b), &mut || Ok(())).unwrap();
            stages.iter().map(|stage| stage.values.iter().sum::<f32>() / stage.values.len() as f32).sum::<f32>()
        };
        assert_near("loss", &[loss(&a)], &[(pair(0) + pair(1)) / 2.0], 1e-6);

        let input = upload(&a).require_grad();
        let gradients = network.loss(input.clone(), upload(&b)).unwrap().backward();
        let gradient: Vec<f32> = input.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
        // Along the gradient, the loss rises by the gradient's square.
        let norm = gradient.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!(norm > 1e-4 && gradient.iter().all(|v| v.is_finite()));
        let step = 1e-2;
        let moved =
            |sign: f32| -> Vec<f32> { a.iter().zip(&gradient).map(|(v, g)| v + sign * step * g / norm).collect() };
        let slope = (loss(&moved(1.0)) - loss(&moved(-1.0))) / (2.0 * step);
        println!("{backbone:?}: slope {slope:.5}, gradient {norm:.5}");
        assert!((slope / norm - 1.0).abs() < 0.02);
    }
}
