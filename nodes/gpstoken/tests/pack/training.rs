//! Tests of the gradients of the whole tokenizer, and of the errors of a training.

use super::{Golden, assert_near, support::steps::tokenizer_step, unit_picture};
use splatgraph_pack_gpstoken::{
    canvas::picture::tile_input,
    device::Compute,
    nodes::train::train_tokenizer::train_tokenizer,
    training::{
        adversary::Geometry,
        batch::{Batch, layout},
        gradients::Trainer,
        losses::Losses,
        sizes::Sizes,
        state::State,
    },
};
use splatgraph_sdk::{
    DType, Tensor,
    checkpoint::{self, Checkpoint},
    testing::{json, run},
};
use std::{collections::BTreeMap, path::PathBuf};

#[test]
fn gradients_of_the_whole_tokenizer_agree() {
    let Some(folder) = std::env::var_os("SPLATGRAPH_GOLDENS").map(PathBuf::from) else {
        println!("skipped: configuration A is too large for the project; SPLATGRAPH_GOLDENS names no folder with it");
        return;
    };
    let golden = Golden::at(&folder.join("gradients_A.safetensors"));
    let weights = checkpoint::open(&folder.join("weights_A.safetensors")).unwrap().tensors;
    let (picture, side) = unit_picture("china_256.png");
    let tiles = tile_input(&picture, [side, side], [0, 0]);
    let (gaussians, boxes) = layout(&tiles, 64, 2.5).unwrap();
    let batch = Batch { step: 0, tokens: 64, tiles, gaussians, boxes: vec![boxes] };
    let losses = Losses { absolute: 0.0, squared: 1.0, gradient: 0.0, perceptual: 0.0 };
    let geometry = Geometry { map: [64, 64], support: 3.0 };
    let trainer = Trainer::new(&Compute::Host);
    let done = tokenizer_step(&trainer, &weights, &batch, geometry, &losses, None, None).0;
    assert_near("loss", &[done.loss], golden.f32("loss"), 1e-5);

    let (mut parameters, mut worst) = (0, (0.0, String::new()));
    for (key, gradient) in &done.gradients {
        let Some(recorded) = golden.0.get(&format!("norm.{key}")) else { continue };
        parameters += 1;
        let length = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let expected = recorded.as_slice::<f64>().unwrap()[0];
        // The gradient of a bias before the normalisation of single channels consists of rounding errors.
        if expected < 1e-5 {
            assert!(length(gradient) < 1e-5, "{key}");
            continue;
        }
        let mut error = (length(gradient) - expected).abs() / expected;
        // Small gradients are recorded in full.
        if let Some(recorded) = golden.0.get(&format!("grad.{key}")) {
            let recorded = recorded.as_slice::<f32>().unwrap();
            let difference: Vec<f32> = gradient.iter().zip(recorded).map(|(a, e)| a - e).collect();
            error = error.max(length(&difference) / expected);
        }
        if error > worst.0 {
            worst = (error, key.clone());
        }
    }
    println!("{parameters} parameters, the worst error is {:.1e} of the gradient, in {}", worst.0, worst.1);
    assert_eq!(parameters, 169);
    assert!(worst.0 < 1e-3);
}

#[test]
fn unusable_inputs_are_errors_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let error = |more: serde_json::Value| {
        let mut inputs = json!({"data": folder.path(), "output": folder.path().join("t.safetensors"), "steps": 1});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        run::<train_tokenizer>(inputs, []).unwrap_err().message.replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    insta::assert_snapshot!(error(json!({})), @"expected pictures to train on (png, jpg, jpeg, webp, bmp, tga, tif, tiff) in the folder or in folders inside it, got none. Give another folder: FOLDER");
    std::fs::write(folder.path().join("broken.png"), "no picture").unwrap();
    insta::assert_snapshot!(error(json!({})), @"expected pictures to train on with sides of at least 256 pixels, got none among 1 picture. Add larger or readable pictures; the first one is FOLDER/broken.png");
    insta::assert_snapshot!(error(json!({"token_counts": [0]})), @"expected at least one number of tokens from 1 to 1024, got [0]");
    insta::assert_snapshot!(error(json!({"absolute": 0, "squared": 0, "gradient": 0})), @"expected weights of at least 0, and not all 0, for the losses absolute, squared, gradient and perceptual, got [0.0, 0.0, 0.0, 0.0]. Set at least one above 0");
    let mut other = checkpoint::open(&super::folder().join("weights_B.safetensors")).unwrap();
    other.metadata.insert("map".to_owned(), "[64, 48]".to_owned());
    let start = folder.path().join("other.safetensors");
    other.save(&start, DType::F32).unwrap();
    insta::assert_snapshot!(error(json!({"start": start})), @"expected a tokenizer that decodes pictures of 256 x 256 pixels, the size for training, got one that decodes 128 x 96");
    insta::assert_snapshot!(error(json!({"perceptual": 1})), @"expected the weights of LPIPS, as `perceptual` is above 0, got none");
    insta::assert_snapshot!(error(json!({"start": "small", "sizes": {}})), @"expected `start` or `sizes`, got both; leave one of them out, as `start` has its own sizes");
    insta::assert_snapshot!(error(json!({"sizes": {"widht": 8}})), @"the JSON does not fit: unknown field `widht`, expected one of `stem`, `width`, `blocks`, `bins`, `textures`, `levels`, `residuals`");
    assert!(!folder.path().join("t.safetensors").exists());
}

#[test]
fn a_discriminator_loss_that_is_not_finite_stops_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let from = super::folder().join("images/chelsea_256.png");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::copy(from, folder.path().join("data/chelsea.png")).unwrap();
    let train = |steps: u64| {
        run::<train_tokenizer>(
            json!({
                "data": folder.path().join("data"), "output": folder.path().join("t.safetensors"), "steps": steps, "pictures": 1,
                "sizes": {"stem": 2, "width": 8, "blocks": 1, "bins": 2, "textures": 3, "levels": [2, 2, 2, 4, 4], "residuals": 1},
                "token_counts": [4], "adversarial": 0.1, "adversarial_from": 1, "adversarial_channels": 2,
            }),
            [],
        )
    };
    train(2).unwrap();
    let table = std::fs::read_to_string(folder.path().join("t.loss.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split(',').collect()).collect();
    assert_eq!((rows[0][3], rows[1][3]), ("discriminator", ""));
    assert!((0.5..1.5).contains(&rows[2][3].parse::<f32>().unwrap()), "{table}");

    let state = folder.path().join("t.training.safetensors");
    let mut broken = checkpoint::open(&state).unwrap();
    let bias = broken.tensors.get_mut("discriminator.weights.layers.4.bias").unwrap();
    *bias = Tensor::from_vec([1], vec![3e38f32]).unwrap();
    let weight = broken.tensors.get_mut("discriminator.weights.layers.4.weight").unwrap();
    *weight = Tensor::from_vec(weight.shape(), vec![3e38f32; weight.len()]).unwrap();
    broken.save(&state, DType::F32).unwrap();
    let kept = std::fs::read(folder.path().join("t.safetensors")).unwrap();
    let error = train(3).unwrap_err().message;
    assert!(
        error.starts_with("training: expected a finite discriminator's loss and gradient in step 3, got "),
        "{error}"
    );
    assert_eq!(std::fs::read(folder.path().join("t.safetensors")).unwrap(), kept);
    // A parameter of another shape, which would not fit into the network.
    let mut misshapen = checkpoint::open(&state).unwrap();
    for part in ["weights", "average", "first_moment", "second_moment"] {
        let zeros = Tensor::from_vec([7], vec![0.0f32; 7]).unwrap();
        misshapen.tensors.insert(format!("{part}.decoder.conv_in.bias"), zeros);
    }
    misshapen.save(&state, DType::F32).unwrap();
    insta::assert_snapshot!(train(3).unwrap_err().message, @"training: expected the parameter `decoder.conv_in.bias` in the shape [4] in the training's state, got [7]. Rename or remove the state to start again");
    broken.save(&state, DType::F32).unwrap();
    // Loading detects a missing part.
    let mut lost = checkpoint::open(&state).unwrap();
    lost.tensors.remove("discriminator.first_moment.layers.4.bias");
    lost.save(&state, DType::F32).unwrap();
    assert!(State::load(&state).unwrap_err().message.contains("expected a training's state in the file"));
}

#[test]
fn a_start_learns_whether_its_names_have_a_prefix_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::create_dir(file("data")).unwrap();
    std::fs::copy(super::folder().join("images/chelsea_256.png"), file("data/chelsea.png")).unwrap();
    let sizes =
        r#"{"stem": 2, "width": 8, "blocks": 1, "bins": 2, "textures": 3, "levels": [2, 2, 2, 4, 4], "residuals": 1}"#;
    let first = serde_json::from_str::<Sizes>(sizes).unwrap().weights(0).unwrap();
    // Files of the authors' training have the averages under a prefix, and tensors of layers that are never used.
    let mut prefixed: BTreeMap<_, _> =
        first.iter().map(|(key, tensor)| (format!("ema_model.{key}"), tensor.clone())).collect();
    prefixed.insert("ema_model.decoder.mid.block_1.temb_proj.weight".to_owned(), first["decoder.conv_in.bias"].clone());
    let trained = |name: &str, tensors: BTreeMap<String, Tensor>| {
        let start = file(&format!("{name}-start.safetensors"));
        Checkpoint { tensors, ..Checkpoint::default() }.save(&start, DType::F32).unwrap();
        let output = file(&format!("{name}.safetensors"));
        let inputs = json!({
            "data": file("data"), "output": output, "start": start, "steps": 3, "pictures": 1, "token_counts": [4], "warm_up": 0,
        });
        run::<train_tokenizer>(inputs, []).unwrap();
        let tensors = checkpoint::open(&output).unwrap().tensors;
        tensors.into_iter().map(|(key, tensor)| (key, tensor.to_f32())).collect::<BTreeMap<_, _>>()
    };
    let plain = trained("plain", first.clone());
    assert!(trained("prefixed", prefixed) == plain);
    assert!(plain.keys().eq(first.keys()));
    let changed = plain.iter().filter(|(key, values)| **values != first[*key].to_f32()).count();
    assert!(2 * changed > plain.len(), "{changed} of {} parameters learned", plain.len());
}
