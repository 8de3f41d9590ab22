//! Tests of LPIPS against recorded distances, and with small networks of random weights.

use super::{
    image_of,
    support::lpips::{Measured, measured, noise, picture, tiny_network},
    unit_picture,
};
use splatgraph_pack_gpstoken::{lpips::Backbone, nodes::look::lpips::Lpips};
use splatgraph_sdk::{
    DType, Error, Record, Tensor, Value,
    testing::{Recorder, json, run, run_node},
};
use std::{path::PathBuf, time::Instant};

#[test]
fn lpips_reproduces_the_recorded_distances() {
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
        // Enlarging keeps the mean, except at the border and for sizes that are not multiples.
        let values = map.image.as_slice::<f32>().unwrap();
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        assert!((mean - lpips).abs() <= 0.05 * lpips, "{mean} {lpips}");
        rows += 1;
    }
    assert_eq!(rows, 18);
}

/// The distortions of the reference, for pictures `[width, width, 3]`.
fn distort(pixels: &[f32], width: usize, how: &str) -> Vec<f32> {
    let at = |y: usize, x: usize, c: usize| pixels[(y * width + x) * 3 + c];
    let value = |y: usize, x: usize, c: usize| match how {
        "flip" => at(y, width - 1 - x, c),
        "quant8" => ((at(y, x, c) * 255.0).round() as usize / 32 * 32 + 16) as f32 / 255.0,
        "box4" => {
            let (top, left) = (y / 4 * 4, x / 4 * 4);
            // Rounds to whole levels, because the reference saved the picture.
            let mean = (0..16).map(|i| at(top + i / 4, left + i % 4, c)).sum::<f32>() / 16.0;
            (mean * 255.0).round() / 255.0
        }
        other => panic!("{other}"),
    };
    (0..width * width * 3).map(|i| value(i / 3 / width, i / 3 % width, i % 3)).collect()
}

#[test]
fn equal_pictures_have_distance_0_and_the_distance_is_symmetric() {
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
fn unusable_inputs_are_errors() {
    let told = |error: Error| match &error.input {
        Some(input) => format!("{input}: {error}"),
        None => error.to_string(),
    };
    let file = tiny_network(Backbone::Alex);
    let model = json!({"model": file.path()});
    let refused = |a: Value, b: Value| told(run::<Lpips>(model.clone(), [("a", a), ("b", b)]).unwrap_err());
    let grey = |batch, height, width| picture(batch, height, width, |_| 0.5);
    insta::assert_snapshot!(refused(grey(1, 64, 48), grey(1, 64, 64)), @r#"
    b: expected pictures of one size, got 48 x 64 pixels in a and 64 x 64 in b. Put a Resize in front:
    "resize": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 48, "height": 64 } }
    "#);
    insta::assert_snapshot!(refused(grey(3, 64, 64), grey(2, 64, 64)), @"b: expected 1 or 3 pictures, as in a, got 2");
    insta::assert_snapshot!(refused(grey(1, 64, 30), grey(1, 64, 30)), @"a: expected sides of at least 31 pixels, which the network `alex` needs, got 30 x 64 pixels. Use larger pictures");
    insta::assert_snapshot!(refused(grey(0, 64, 64), grey(1, 64, 64)), @"a: expected at least one picture in a and in b, got 0 and 1");
    for (backbone, side) in [(Backbone::Alex, 31), (Backbone::Vgg, 16)] {
        let file = tiny_network(backbone);
        let pictures = [("a", noise(1, side, side, 1)), ("b", noise(1, side, side, 2))];
        assert!(measured(&run::<Lpips>(json!({"model": file.path()}), pictures).unwrap()).lpips.is_finite());
    }

    let load = |model: &str| {
        let pictures = [("a", grey(1, 64, 64)), ("b", grey(1, 64, 64))];
        told(run::<Lpips>(json!({"model": model}), pictures).unwrap_err())
    };
    insta::assert_snapshot!(load("no/such.safetensors"), @"model: loading an LPIPS network: expected a checkpoint (.safetensors or .pth), got No such file or directory (os error 2): no/such.safetensors");
    let other = super::folder().join("weights_B.safetensors");
    let text = load(&other.to_string_lossy()).replace(&*other.to_string_lossy(), "<file>");
    insta::assert_snapshot!(text, @"model: loading an LPIPS network: expected an LPIPS network (AlexNet or VGG16), but the file has none of its parameters. It holds 139 tensors (attnblocks.0.attn1.in_proj_bias, attnblocks.0.attn1.in_proj_weight, attnblocks.0.attn1.out_proj.bias, ...): <file>");

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
    model: loading an LPIPS network: expected an LPIPS network (AlexNet or VGG16). The file has 14 of its parameters, but they do not make a whole model:
      1 missing:
        features.8.bias
      1 of the wrong shape:
        lin1.weight: expected [1, 10, 1, 1], got [1, 5, 1, 1]: <file>
    ");
}
