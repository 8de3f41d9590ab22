//! LPIPS against recorded distances, and with small networks of random weights.

use super::{assert_near, computes, largest, nodes::image_of, splat_devices::Numbers, unit_picture};
use crate::{
    kernels::{
        convolution::Weights,
        cpu::Level,
        patches::{Kernel, convolve_patches},
        workspace::Workspace,
    },
    lpips::{Backbone, Network, node::Lpips},
};
use burn::{
    prelude::Device,
    tensor::{TensorData, module::conv2d, ops::ConvOptions},
};
use splatgraph_sdk::{
    DType, Error, Image, Input, Output, Record, Tensor, Value,
    testing::{Recorder, json, run, run_node, run_with},
};
use std::{path::PathBuf, time::Instant};

/// A network of very few channels, as a file.
fn tiny_network(backbone: Backbone) -> tempfile::NamedTempFile {
    let mut numbers = Numbers::new(11);
    let layers: &[(usize, usize)] = match backbone {
        Backbone::Alex => &[(0, 11), (3, 5), (6, 3), (8, 3), (10, 3)],
        Backbone::Vgg => &[0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28].map(|layer| (layer, 3)),
    };
    let last_of_stage: &[usize] = match backbone {
        Backbone::Alex => &[0, 3, 6, 8, 10],
        Backbone::Vgg => &[2, 7, 14, 21, 28],
    };
    let mut fields = Vec::new();
    let mut input = 3;
    for (i, &(layer, side)) in layers.iter().enumerate() {
        let output = 9 + i; // more than eight outputs take Winograd's way
        let size = (6.0 / (input * side * side) as f32).sqrt();
        let weight = (0..output * input * side * side).map(|_| numbers.between(-size, size)).collect();
        let bias = (0..output).map(|_| numbers.between(-0.1, 0.1)).collect();
        fields
            .push((format!("features.{layer}.weight"), Tensor::from_vec([output, input, side, side], weight).unwrap()));
        fields.push((format!("features.{layer}.bias"), Tensor::from_vec([output], bias).unwrap()));
        if let Some(stage) = last_of_stage.iter().position(|last| *last == layer) {
            let head = (0..output).map(|_| numbers.between(0.0, 0.2)).collect();
            fields.push((format!("lin{stage}.weight"), Tensor::from_vec([1, output, 1, 1], head).unwrap()));
        }
        input = output;
    }
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
    Record { fields, ..Record::default() }.save(file.path(), DType::F32).unwrap();
    file
}

fn picture(batch: usize, height: usize, width: usize, value: impl Fn(usize) -> f32) -> Value {
    let values = (0..batch * height * width * 3).map(value).collect();
    Image::new(Tensor::from_vec([batch, height, width, 3], values).unwrap()).unwrap().into_value().unwrap()
}

/// A picture that looks random, another for each seed.
fn noise(batch: usize, height: usize, width: usize, seed: usize) -> Value {
    let mut numbers = Numbers::new(seed as u64);
    let values: Vec<f32> = (0..batch * height * width * 3).map(|_| numbers.between(0.0, 1.0)).collect();
    picture(batch, height, width, |i| values[i])
}

struct Measured {
    lpips: f64,
    each: Vec<f64>,
    map: Image,
}

fn measured(outputs: &[Value]) -> Measured {
    let each = outputs[1].to_json().unwrap();
    Measured {
        lpips: outputs[0].as_float().unwrap(),
        each: each.as_array().unwrap().iter().map(|row| row["lpips"].as_f64().unwrap()).collect(),
        map: Image::from_value(&outputs[2]).unwrap(),
    }
}

#[test]
fn the_recorded_distances_are_repeated() {
    let models = std::env::var_os("SPLATGRAPH_GOLDENS").map(|folder| PathBuf::from(folder).join("../models"));
    let Some(models) = models.filter(|folder| folder.join("LPIPS_REFERENCE.tsv").is_file()) else {
        println!(
            "skipped: the weights of LPIPS are too large for the project; SPLATGRAPH_GOLDENS names no folder beside `models`"
        );
        return;
    };
    let table = std::fs::read_to_string(models.join("LPIPS_REFERENCE.tsv")).unwrap();
    let node = Lpips::default();
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let [net, name, distortion, recorded] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let file = format!("{name}.png");
        let (pixels, width) = unit_picture(&file);
        let distorted = distort(&pixels, width, distortion);
        let inputs = [("a", image_of(&[&file])), ("b", picture(1, width, width, |i| distorted[i]))];
        let model = json!({"model": models.join(format!("lpips_{net}.safetensors"))});
        let start = Instant::now();
        let Measured { lpips, map, .. } = measured(&run_node(&node, &Recorder::default(), model, inputs).unwrap());
        let recorded: f64 = recorded.parse().unwrap();
        println!("{net} {name} {distortion}: {lpips:.5}, recorded {recorded:.5}, {:?}", start.elapsed());
        assert!((lpips - recorded).abs() <= 1e-3);
        // Enlarging keeps the mean, but for the border and where sizes are no multiples.
        let values = map.image.as_slice::<f32>().unwrap();
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        assert!((mean - lpips).abs() <= 0.05 * lpips, "{mean} {lpips}");
        rows += 1;
    }
    assert_eq!(rows, 18);
}

/// The reference's distortions, of `[width, width, 3]`.
fn distort(pixels: &[f32], width: usize, how: &str) -> Vec<f32> {
    let at = |y: usize, x: usize, c: usize| pixels[(y * width + x) * 3 + c];
    let value = |y: usize, x: usize, c: usize| match how {
        "flip" => at(y, width - 1 - x, c),
        "quant8" => ((at(y, x, c) * 255.0).round() as usize / 32 * 32 + 16) as f32 / 255.0,
        "box4" => {
            let (top, left) = (y / 4 * 4, x / 4 * 4);
            // To whole levels, as it was saved.
            let mean = (0..16).map(|i| at(top + i / 4, left + i % 4, c)).sum::<f32>() / 16.0;
            (mean * 255.0).round() / 255.0
        }
        other => panic!("{other}"),
    };
    (0..width * width * 3).map(|i| value(i / 3 / width, i / 3 % width, i % 3)).collect()
}

#[test]
fn equal_pictures_have_no_distance_and_order_does_not_matter() {
    for backbone in [Backbone::Alex, Backbone::Vgg] {
        let file = tiny_network(backbone);
        let model = json!({"model": file.path()});
        let (a, b) = (noise(2, 45, 38, 1), noise(1, 45, 38, 2));
        let of = |a: &Value, b: &Value| {
            measured(&run::<Lpips>(model.clone(), [("a", a.clone()), ("b", b.clone())]).unwrap())
        };
        let same = of(&a, &a);
        assert_eq!((same.lpips, same.each.as_slice()), (0.0, &[0.0, 0.0][..]));
        assert!(same.map.image.as_slice::<f32>().unwrap().iter().all(|v| *v == 0.0));

        let (there, back) = (of(&a, &b), of(&b, &a));
        assert_eq!((there.lpips, &there.each), (back.lpips, &back.each));
        assert!(there.each.iter().all(|d| *d > 0.0) && there.each[0] != there.each[1], "{:?}", there.each);
        assert!((there.lpips - there.each.iter().sum::<f64>() / 2.0).abs() < 1e-12);
        assert_eq!(there.map.image.shape(), [2, 45, 38, 3]);
    }
}

#[test]
fn every_device_measures_the_same() {
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
        // The burn form on the processor, which no device stands for.
        let record = splatgraph_sdk::checkpoint::open(file.path()).unwrap();
        let network = Network::load(record.tensors, &Device::flex()).unwrap();
        assert_eq!(network.backbone, backbone);
        let tensor = |value: &Value| {
            let image = Image::from_value(value).unwrap().image;
            let [_, height, width, _] = image.dims().unwrap();
            let first = image.to_f32()[..height * width * 3].to_vec();
            burn::tensor::Tensor::<4>::from_data(TensorData::new(first, [1, height, width, 3]), &Device::flex())
                .permute([0, 3, 1, 2])
        };
        let stages = network.compare(tensor(&a), tensor(&b), &mut || Ok(())).unwrap();
        let mean = |stage: &crate::lpips::Difference| stage.values.iter().sum::<f32>() / stage.values.len() as f32;
        let burned: f32 = stages.iter().map(mean).sum();
        assert_near("burn on the processor", &[burned], &[expected.each[0] as f32], 1e-5);
        for compute in computes().into_iter().filter(|compute| !compute.is_host()) {
            let found = of(&compute.id);
            let each = |m: &Measured| m.each.iter().map(|d| *d as f32).collect::<Vec<_>>();
            assert_near(&format!("{}: distances", compute.id), &each(&found), &each(&expected), 1e-5);
            assert_near(&compute.id, found.map.image.as_slice().unwrap(), map, largest(map) * 1e-4);
        }
    }
}

#[test]
fn any_kernel_agrees_with_burn() {
    let workspace = Workspace::default();
    let cases = [
        (3, 9, Kernel { side: 11, stride: 4, padding: 2 }, [31, 45]),
        (5, 4, Kernel { side: 5, stride: 1, padding: 2 }, [2, 9]),
        (2, 33, Kernel { side: 3, stride: 2, padding: 0 }, [3, 120]),
        (1, 1, Kernel { side: 1, stride: 1, padding: 0 }, [1, 1]),
        (4, 8, Kernel { side: 7, stride: 3, padding: 6 }, [5, 4]),
    ];
    for (inputs, outputs, kernel, [height, width]) in cases {
        let mut numbers = Numbers::new(inputs as u64);
        let mut random = |count: usize| -> Vec<f32> { (0..count).map(|_| numbers.between(-1.0, 1.0)).collect() };
        let (map, weight, bias) =
            (random(height * width * inputs), random(outputs * inputs * kernel.side * kernel.side), random(outputs));
        let tensor = |values: &[f32], shape: [usize; 4]| {
            burn::tensor::Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
        };
        let [stride, padding] = [kernel.stride, kernel.padding];
        let expected: Vec<f32> = conv2d(
            tensor(&map, [1, height, width, inputs]).permute([0, 3, 1, 2]),
            tensor(&weight, [outputs, inputs, kernel.side, kernel.side]),
            Some(tensor(&bias, [1, 1, 1, outputs]).reshape([outputs])),
            ConvOptions::new([stride, stride], [padding, padding], [1, 1], 1),
        )
        .permute([0, 2, 3, 1])
        .into_data()
        .try_into_vec()
        .unwrap();
        assert_eq!(expected.len(), kernel.outputs(height) * kernel.outputs(width) * outputs);
        for level in Level::all() {
            let mut out = vec![f32::NAN; expected.len()];
            let weights = Weights { weight: &weight, bias: &bias, inputs };
            convolve_patches(level, weights, kernel, &map, [height, width], &mut out, &workspace);
            assert_near(&format!("{level:?} {kernel:?}"), &out, &expected, largest(&expected) * 1e-5);
        }
    }
}

#[test]
fn what_can_not_be_measured() {
    let told = |error: Error| match &error.input {
        Some(input) => format!("{input}: {error}"),
        None => error.to_string(),
    };
    let file = tiny_network(Backbone::Alex);
    let model = json!({"model": file.path()});
    let refused = |a: Value, b: Value| told(run::<Lpips>(model.clone(), [("a", a), ("b", b)]).unwrap_err());
    let grey = |batch, height, width| picture(batch, height, width, |_| 0.5);
    insta::assert_snapshot!(refused(grey(1, 64, 48), grey(1, 64, 64)), @r#"
    b: pictures of one size were expected, a has 48 x 64 and b has 64 x 64 pixels. Put a Resize in front:
    "resize": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 48, "height": 64 } }
    "#);
    insta::assert_snapshot!(refused(grey(3, 64, 64), grey(2, 64, 64)), @"b: as many pictures as in a were expected, or one, a has 3 and b has 2");
    insta::assert_snapshot!(refused(grey(1, 64, 30), grey(1, 64, 30)), @"a: sides of at least 31 pixels were expected, which the network `alex` needs, 30 x 64 came");
    insta::assert_snapshot!(refused(grey(0, 64, 64), grey(1, 64, 64)), @"a: at least one picture was expected, 0 and 1 came");
    for (backbone, side) in [(Backbone::Alex, 31), (Backbone::Vgg, 16)] {
        let file = tiny_network(backbone);
        let pictures = [("a", noise(1, side, side, 1)), ("b", noise(1, side, side, 2))];
        assert!(measured(&run::<Lpips>(json!({"model": file.path()}), pictures).unwrap()).lpips.is_finite());
    }

    let load = |model: &str| {
        let pictures = [("a", grey(1, 64, 64)), ("b", grey(1, 64, 64))];
        told(run::<Lpips>(json!({"model": model}), pictures).unwrap_err())
    };
    insta::assert_snapshot!(load("no/such.safetensors"), @"model: loading an LPIPS network: a checkpoint (.safetensors or .pth) was expected, No such file or directory (os error 2): no/such.safetensors");
    let other = super::folder().join("weights_B.safetensors");
    let text = load(&other.to_string_lossy()).replace(&*other.to_string_lossy(), "<file>");
    insta::assert_snapshot!(text, @"model: loading an LPIPS network: an LPIPS network (AlexNet or VGG16) was expected, but none of its parameters is in the file, which holds 139 tensors (attnblocks.0.attn1.in_proj_bias, attnblocks.0.attn1.in_proj_weight, attnblocks.0.attn1.out_proj.bias, ...): <file>");

    let mut record = Record::load(file.path()).unwrap();
    record.fields.retain(|(name, _)| name != "features.8.bias");
    let wide = Tensor::from_vec([1, 5, 1, 1], vec![0.1f32; 5]).unwrap();
    for (name, tensor) in &mut record.fields {
        if name == "lin1.weight" {
            *tensor = wide.clone();
        }
    }
    record.save(file.path(), DType::F32).unwrap();
    let text = load(&file.path().to_string_lossy()).replace(&*file.path().to_string_lossy(), "<file>");
    insta::assert_snapshot!(text, @r"
    model: loading an LPIPS network: an LPIPS network (AlexNet or VGG16) was expected, and 14 of its parameters were found, but not all of them can be used:
      1 missing:
        features.8.bias
      1 of the wrong shape:
        lin1.weight: [1, 10, 1, 1] expected, [1, 5, 1, 1] found: <file>
    ");
}

#[test]
fn the_loss_is_the_distance_and_its_gradient_that_of_finite_differences() {
    use burn::tensor::Tensor as Burn;
    for backbone in [Backbone::Alex, Backbone::Vgg] {
        let tensors = splatgraph_sdk::checkpoint::open(tiny_network(backbone).path()).unwrap().tensors;
        let device = Device::flex().autodiff();
        let network = Network::load(tensors, &device).unwrap();
        let (height, width) = (40, 33);
        let mut numbers = Numbers::new(3);
        let mut random = || (0..2 * 3 * height * width).map(|_| numbers.between(0.0, 1.0)).collect::<Vec<f32>>();
        let (a, b) = (random(), random());
        let upload = |values: &[f32]| -> Burn<4> {
            Burn::from_data(TensorData::new(values.to_vec(), [2, 3, height, width]), &device)
        };
        let loss = |a: &[f32]| network.loss(upload(a), upload(&b)).unwrap().into_data().try_to_vec::<f32>().unwrap()[0];

        // The same as the distances of the two pairs.
        let pair = |i: usize| {
            let of = |values: &[f32]| upload(values).narrow(0, i, 1);
            let stages = network.compare(of(&a), of(&b), &mut || Ok(())).unwrap();
            stages.iter().map(|stage| stage.values.iter().sum::<f32>() / stage.values.len() as f32).sum::<f32>()
        };
        assert_near("loss", &[loss(&a)], &[(pair(0) + pair(1)) / 2.0], 1e-6);

        let input = upload(&a).require_grad();
        let gradients = network.loss(input.clone(), upload(&b)).unwrap().backward();
        let gradient: Vec<f32> = input.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
        // Along the gradient the loss rises by its square.
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
