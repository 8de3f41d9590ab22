//! Tests of the training of generators: gradients, checkpoints that the other nodes can use, and errors.

use super::{folder, only, support::steps::velocity_step};
use splatgraph_pack_gpstoken::{
    device::Compute,
    nodes::{
        generate::{
            layout_diffusion::layout_diffusion, load_generator::LoadGenerator, texture_diffusion::texture_diffusion,
            token_diffusion::token_diffusion,
        },
        tokenize::load_tokenizer::LoadTokenizer,
        train::{train_layout::train_layout, train_texture::train_texture},
    },
    training::{
        generator_sizes::GeneratorSizes,
        gradients::Trainer,
        random::{Purpose, Random},
        samples::Batch,
    },
};
use splatgraph_sdk::{
    Canvas, Code, DType, Input, Layout, Node, Output, Tensor, Tokens, Value, checkpoint,
    serde_json::Value as Json,
    spec::NodeSpec,
    testing::{Event, Recorder, json, run, run_with},
};
use std::{collections::BTreeMap, path::Path};

/// Weights without zeros, so that all of them have gradients.
fn weights(sizes: &GeneratorSizes) -> BTreeMap<String, Tensor> {
    let mut random = Random::new(1, Purpose::Weights, 1, 0);
    let mut moved = |tensor: Tensor| {
        let values = tensor.to_f32().iter().zip(random.normal(tensor.len())).map(|(v, n)| v + 0.2 * n).collect();
        Tensor::from_vec(tensor.shape(), values).unwrap()
    };
    sizes.weights(0).unwrap().into_iter().map(|(key, tensor)| (key, moved(tensor))).collect()
}

#[test]
fn gradients_of_the_velocity_loss_agree_with_finite_differences() {
    for condition in [false, true] {
        let sizes = GeneratorSizes { depth: 2, width: 8, heads: 2, channels: 6, tokens: 5, classes: 2, condition };
        let weights = weights(&sizes);
        let mut random = Random::new(2, Purpose::Sample, 0, 0);
        let batch = Batch {
            shape: [6, 5],
            points: random.normal(90),
            velocities: random.normal(90),
            times: vec![0.1, 0.5, 0.9],
            classes: vec![0, 1, 2],
            layouts: if condition { random.normal(75) } else { Vec::new() },
        };
        let trainer = Trainer::new(&Compute::Host);
        let loss = |weights: BTreeMap<String, Tensor>| velocity_step(&trainer, &weights, 2, &batch);
        let gradients = loss(weights.clone()).gradients;
        // A network with a condition does not use the position embedding.
        let expected = weights.keys().filter(|key| !condition || *key != "pos_embed");
        assert!(gradients.keys().eq(expected), "{:?}", gradients.keys());
        for (key, gradient) in &gradients {
            let length = gradient.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            assert!(length > 1e-4, "{key}: {length}");
            // Along the gradient, the loss rises by the gradient's length.
            let moved = |by: f64| {
                let mut weights = weights.clone();
                let values = weights[key].to_f32();
                let values =
                    values.iter().zip(gradient).map(|(v, g)| (f64::from(*v) + by * f64::from(*g) / length) as f32);
                let tensor = Tensor::from_vec(weights[key].shape(), values.collect()).unwrap();
                weights.insert(key.clone(), tensor);
                f64::from(loss(weights).loss)
            };
            let slope = (moved(0.01) - moved(-0.01)) / 0.02;
            assert!((slope - length).abs() < 2e-3 * length.max(0.02), "{key}: {slope} instead of {length}");
        }
    }
}

/// Two classes with one picture each.
fn data(at: &Path) {
    for (class, picture) in [("cats", "chelsea_256.png"), ("houses", "china_256.png")] {
        std::fs::create_dir_all(at.join(class)).unwrap();
        std::fs::copy(folder().join("images").join(picture), at.join(class).join(picture)).unwrap();
    }
}

fn tiny(at: &Path) -> Json {
    json!({
        "data": at.join("data"), "output": at.join("generator.safetensors"), "tokens": 12, "crops": 20, "depth": 1, "width": 16,
        "heads": 2, "steps": 40, "pictures": 16, "learning_rate": 0.02, "warm_up": 5, "average": 0.8, "kept": "f16",
    })
}

fn tokenizer() -> Value {
    only(run::<LoadTokenizer>(json!({"model": "small"}), []).unwrap())
}

fn load(at: &Path) -> Value {
    only(run::<LoadGenerator>(json!({"model": at.join("generator.safetensors")}), []).unwrap())
}

/// The average losses of the table's first and last ten steps.
fn first_and_last(at: &Path) -> [f32; 2] {
    let text = std::fs::read_to_string(at.join("generator.loss.csv")).unwrap();
    let losses: Vec<f32> = text.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(losses.len(), 40);
    [&losses[..10], &losses[30..]].map(|losses| losses.iter().sum::<f32>() / 10.0)
}

#[test]
fn a_generator_of_layouts_learns_and_runs() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    data(&at.join("data"));
    run::<train_layout>(tiny(at), []).unwrap();
    let [first, last] = first_and_last(at);
    println!("loss {first} to {last}");
    assert!(last < 0.8 * first, "{first} {last}");
    for file in ["loss.png", "examples.png", "training.safetensors", "samples.safetensors"] {
        assert!(at.join("generator").with_extension(file).exists(), "{file}");
    }
    let metadata = checkpoint::open(&at.join("generator.safetensors")).unwrap().metadata;
    assert_eq!(metadata["classes"], r#"["cats","houses"]"#);
    let settings = json!({"classes": [0, 1], "count": 2});
    let layout = only(run::<layout_diffusion>(settings, [("generator", load(at))]).unwrap());
    let layout = Layout::from_value(&layout).unwrap();
    assert_eq!(layout.gaussians.shape(), [2, 12, 5]);
    let means =
        layout.gaussians.as_slice::<f32>().unwrap().chunks_exact(5).flat_map(|gaussian| [gaussian[3], gaussian[4]]);
    assert!(means.into_iter().all(|v| (-1.0..=1.0).contains(&v)));

    // The training reuses its samples, and does not use samples of other settings.
    let samples = std::fs::metadata(at.join("generator.samples.safetensors")).unwrap().modified().unwrap();
    let again = |more: Json| {
        let mut inputs = tiny(at);
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let outcome = run::<train_layout>(inputs, []).map(|_| ()).map_err(|e| e.message);
        (outcome, std::fs::metadata(at.join("generator.samples.safetensors")).unwrap().modified().unwrap() == samples)
    };
    assert_eq!(again(json!({"steps": 41})), (Ok(()), true));
    let (outcome, same) = again(json!({"tokens": 13}));
    assert!(outcome.unwrap_err().contains("expected the settings of its start, got others") && same);
}

#[cfg(feature = "embed-models")]
#[test]
fn a_generator_of_textures_learns_and_runs() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    data(&at.join("data"));
    run::<train_texture>(tiny(at), [("tokenizer", tokenizer())]).unwrap();
    let [first, last] = first_and_last(at);
    println!("loss {first} to {last}");
    assert!(last < 0.95 * first, "{first} {last}");
    let layout = Layout::new(
        Tensor::from_vec(
            [1, 3, 5],
            [[0.3f32, 0.2, 0.0, -0.5, 0.1], [0.1, 0.1, 0.0, 0.2, 0.3], [0.5, 0.4, 0.0, 0.6, -0.4]].concat(),
        )
        .unwrap(),
        None,
        Canvas::default(),
    );
    let layout = layout.unwrap().into_value().unwrap();
    let inputs = [("generator", load(at)), ("layout", layout)];
    let tokens = only(run::<texture_diffusion>(json!({"class": 1, "steps": 5, "sampler": "euler"}), inputs).unwrap());
    let tokens = Tokens::from_value(&tokens).unwrap();
    assert_eq!((tokens.gaussians.shape(), tokens.textures.shape()), (&[1, 3, 5][..], &[1, 3, 32][..]));
    assert_eq!((tokens.header.map, tokens.header.model.as_deref()), (Some([64, 64]), Some("small")));
}

#[cfg(feature = "embed-models")]
#[test]
fn a_generator_of_one_stage_learns_and_runs() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    data(&at.join("data"));
    let mut settings = tiny(at);
    settings["stages"] = json!(1);
    run::<train_texture>(settings.clone(), [("tokenizer", tokenizer())]).unwrap();
    let [first, last] = first_and_last(at);
    println!("loss {first} to {last}");
    assert!(last < 0.95 * first, "{first} {last}");
    let trained = checkpoint::open(&at.join("generator.safetensors")).unwrap();
    assert_eq!(trained.tensors["pos_embed"].shape(), [1, 12, 16]);
    assert!(!trained.tensors.contains_key("cond_embedder.0.weight"));

    // The samples have the tokens in the order of their layouts' quadtree. The normalisation describes the tokens, not differences.
    let samples = checkpoint::open(&at.join("generator.samples.safetensors")).unwrap().tensors;
    let (layouts, tokens) = (samples["layouts"].to_f32(), samples["tokens"].to_f32());
    let quarter = |gaussian: &[f32]| 2 * usize::from(gaussian[4] > 0.0) + usize::from(gaussian[3] > 0.0);
    let small = |gaussian: &[f32]| gaussian[0] < 0.34 && gaussian[1] < 0.34; // lies in one quarter
    for (layout, tokens) in layouts.chunks_exact(12 * 5).zip(tokens.chunks_exact(12 * 37)) {
        let quarters: Vec<usize> = layout.chunks_exact(5).filter(|gaussian| small(gaussian)).map(quarter).collect();
        assert!(quarters.is_sorted(), "{quarters:?}");
        // Refinement moves a token a little, so a token in another place of the list would be far off.
        let moved = layout.chunks_exact(5).zip(tokens.chunks_exact(37));
        let moved: Vec<f32> = moved.map(|(a, b)| (a[3] - b[3]).abs().max((a[4] - b[4]).abs())).collect();
        assert!(moved.iter().all(|by| *by < 0.25), "{moved:?}");
    }
    let normalisation: Json = serde_json::from_str(&trained.metadata["normalisation"]).unwrap();
    let mean = tokens.chunks_exact(37).map(|token| f64::from(token[0])).sum::<f64>() / (tokens.len() / 37) as f64;
    assert!((normalisation["means"][0].as_f64().unwrap() - mean).abs() < 1e-5, "{normalisation} {mean}");

    let inputs = [("generator", load(at))];
    let sample = json!({"classes": [0, 1], "count": 2, "steps": 5, "sampler": "euler"});
    let tokens = Tokens::from_value(&only(run::<token_diffusion>(sample, inputs).unwrap())).unwrap();
    assert_eq!((tokens.gaussians.shape(), tokens.textures.shape()), (&[2, 12, 5][..], &[2, 12, 32][..]));
    assert_eq!((tokens.header.map, tokens.header.model.as_deref()), (Some([64, 64]), Some("small")));

    // The same files do not continue in two stages.
    settings["stages"] = json!(2);
    let error = run::<train_texture>(settings, [("tokenizer", tokenizer())]).unwrap_err().message;
    assert!(error.contains("expected the settings of its start, got others"), "{error}");
}

#[test]
fn both_default_generators_together_fit_into_8_mb() {
    let bytes = |spec: NodeSpec, channels: usize| -> usize {
        let default = |name: &str| {
            let input = spec.inputs.iter().find(|input| input.name == name).unwrap();
            input.default.as_ref().unwrap().as_u64().unwrap() as usize
        };
        let [depth, width, heads, tokens] = ["depth", "width", "heads", "tokens"].map(default);
        let condition = channels > 5;
        let sizes = GeneratorSizes { depth, width, heads, channels, tokens, classes: 16, condition };
        2 * sizes.shapes().values().map(|shape| shape.iter().product::<usize>()).sum::<usize>()
    };
    let [layouts, textures] = [bytes(train_layout::spec(), 5), bytes(train_texture::spec(), 21)];
    println!("layouts {layouts}, textures {textures} bytes");
    assert!(layouts + textures < 7_900_000, "{layouts} {textures}");
}

#[test]
fn unusable_inputs_are_errors_before_the_first_step() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let pictures = at.join("data");
    std::fs::create_dir(&pictures).unwrap();
    let error = |more: Json| {
        let mut inputs = tiny(at);
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        run::<train_layout>(inputs, []).unwrap_err().message.replace(at.to_str().unwrap(), "FOLDER")
    };
    insta::assert_snapshot!(error(json!({})), @"looking for classes to train on: expected a folder of pictures for each class, or .tar shards with labels, got neither. Put the pictures of each class into a folder of FOLDER/data");
    data(&pictures);
    std::fs::create_dir(pictures.join("birds")).unwrap();
    insta::assert_snapshot!(error(json!({})), @"looking for classes to train on: expected pictures in each folder, got a folder without any. Add pictures to it or remove it: FOLDER/data/birds");
    std::fs::write(pictures.join("birds/broken.png"), "no picture").unwrap();
    insta::assert_snapshot!(error(json!({})), @"expected pictures to train on with sides of at least 256 pixels, got none among 1 picture. Add larger or readable pictures; the first one is FOLDER/data/birds/broken.png");
    std::fs::remove_dir_all(pictures.join("birds")).unwrap();
    insta::assert_snapshot!(error(json!({"tokens": 1025})), @"expected a number of at most 1024, got 1025");
    insta::assert_snapshot!(error(json!({"heads": 3})), @"expected a width that is a multiple of twice the number of heads, 3, got 16. Change width or heads");
    assert!(!at.join("generator.safetensors").exists());
}

#[test]
fn a_cancelled_training_is_saved_and_can_continue() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    data(&at.join("data"));
    let inputs = |steps: u64| {
        let mut inputs = tiny(at);
        inputs["steps"] = json!(steps);
        inputs["save_minutes"] = json!(1000);
        inputs
    };
    let host = Recorder::default();
    let (watched, endless) = (host.clone(), inputs(100_000_000));
    let training = std::thread::spawn(move || run_with::<train_layout>(&watched, endless, []));
    let begun = |event: &Event| matches!(event, Event::Progress(3.., 100_000_000));
    while !host.events().iter().any(begun) && !training.is_finished() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    host.cancel();
    assert_eq!(training.join().unwrap().unwrap_err().code, Code::Cancelled);
    let rows = || std::fs::read_to_string(at.join("generator.loss.csv")).unwrap().lines().count() as u64 - 1;
    let done = rows();
    assert!(done >= 3 && at.join("generator.safetensors").exists(), "{done}");
    run::<train_layout>(inputs(done + 2), []).unwrap();
    assert_eq!(rows(), done + 2);
}

#[test]
fn a_loss_that_is_not_finite_names_the_last_good_state() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    data(&at.join("data"));
    let train = |steps: u64| {
        let mut inputs = tiny(at);
        inputs["steps"] = json!(steps);
        run::<train_layout>(inputs, [])
    };
    train(2).unwrap();
    let kept = std::fs::read(at.join("generator.safetensors")).unwrap();
    let state = at.join("generator.training.safetensors");
    let mut broken = checkpoint::open(&state).unwrap();
    let weights = broken.tensors.get_mut("weights.final_layer.linear.bias").unwrap();
    *weights = Tensor::from_vec([5], vec![1e30f32; 5]).unwrap();
    broken.save(&state, DType::F32).unwrap();
    let error = train(4).unwrap_err().message.replace(at.to_str().unwrap(), "FOLDER");
    let (start, end) = error.split_once("the gradient's norm").unwrap();
    insta::assert_snapshot!(start, @"training: expected a finite loss and gradient in step 3, got inf with");
    let (_, end) = end.split_once(". ").unwrap();
    insta::assert_snapshot!(end, @"Lower learning_rate or set clip. The last good state, after step 2, is in FOLDER/generator.training.safetensors");
    assert_eq!(std::fs::read(at.join("generator.safetensors")).unwrap(), kept);
}
