//! Runs the nodes of generation as a graph does.

use super::{Golden, assert_near, folder, only};
use splatgraph_pack_gpstoken::{
    device::{Loaded, list},
    nodes::{
        generate::{
            box_layout::box_layout, calibrate_layout::calibrate_layout, layout_diffusion::layout_diffusion,
            load_generator::LoadGenerator, texture_diffusion::texture_diffusion,
        },
        tokenize::load_tokenizer::LoadTokenizer,
    },
    stages::{generator::Generator, tokenizer::Tokenizer},
    training::sizes::Sizes,
};
use splatgraph_sdk::{
    Canvas, Code, DType, Error, Input, Layout, Local, Output, Record, Tensor, Tokens, Value,
    checkpoint::Checkpoint,
    host::LogLevel,
    serde_json::{self, Value as Json},
    testing::{Event, Recorder, json, run, run_node, run_with},
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Whether two generators share a network in the host's memory.
fn same(a: &Generator, b: &Generator) -> bool {
    matches!((&a.network, &b.network), (Loaded::Host(a), Loaded::Host(b)) if Arc::ptr_eq(a, b))
}

fn post() -> Golden {
    Golden::open("sit_post.safetensors")
}

fn normalisation() -> Json {
    json!({"means": post().f32("means"), "stds": post().f32("stds")})
}

fn texture_generator() -> Value {
    let path = folder().join("weights_sit_cond.safetensors");
    only(run::<LoadGenerator>(json!({"model": path, "heads": 6, "normalisation": normalisation()}), []).unwrap())
}

fn layout_generator() -> Value {
    let path = folder().join("weights_sit_layout.safetensors");
    let normalisation = json!({"means": [0.1, 0.1, 0.0, 0.0, 0.0], "stds": [0.05, 0.05, 0.01, 0.6, 0.6]});
    only(run::<LoadGenerator>(json!({"model": path, "heads": 6, "normalisation": normalisation}), []).unwrap())
}

/// The recorded layouts of two pictures.
fn layouts() -> Layout {
    let gaussians = Tensor::from_vec([2, 64, 5], post().f32("g_init").to_vec()).unwrap();
    Layout::new(gaussians, None, Canvas::default()).unwrap()
}

fn layout_value() -> Value {
    layouts().into_value().unwrap()
}

/// The noise of the recorded run with 10 steps.
fn recorded_noise(kind: &str, draws: usize) -> Value {
    let golden = Golden::open("sit_sampling.safetensors");
    let channels = if kind.is_empty() { 21 } else { 5 };
    let field = |key: &str, shape: &[usize]| {
        let values = golden.f32(&format!("{kind}{key}"));
        Tensor::from_vec(shape, values[..shape.iter().product()].to_vec()).unwrap()
    };
    let start = field("z", &[2, channels, 64]);
    let steps = field("sde10.noise", &[draws, 2, channels, 64]);
    Record { fields: vec![("start".into(), start), ("steps".into(), steps)], ..Record::default() }.into_value()
}

fn sample(settings: Json, inputs: impl IntoIterator<Item = (&'static str, Value)>) -> Result<Tokens, Error> {
    let inputs = inputs.into_iter().chain([("generator", texture_generator())]);
    run::<texture_diffusion>(settings, inputs).and_then(|outputs| Tokens::from_value(&only(outputs)))
}

pub(super) fn rows(tokens: &Tokens) -> Vec<f32> {
    let channels = tokens.textures.shape()[2];
    let gaussians = tokens.gaussians.as_slice::<f32>().unwrap().chunks_exact(5);
    let textures = tokens.textures.as_slice::<f32>().unwrap().chunks_exact(channels);
    gaussians.zip(textures).flat_map(|(g, t)| [g, t].concat()).collect()
}

#[test]
fn recorded_noise_gives_the_recorded_tokens() {
    // The recorded classes; spare draws are ignored.
    let settings = json!({"classes": [3, 7], "steps": 10, "seed": 99});
    let tokens = sample(settings, [("layout", layout_value()), ("noise", recorded_noise("", 9))]).unwrap();
    let recorded = post();
    // Textures are up to 3.1 times the sample; the tolerance of the sample is the one in the tests of samplers.
    assert_near("tokens", &rows(&tokens), recorded.f32("tokens"), 5e-5);
    assert_eq!(tokens.header.model.as_deref(), Some("weights_sit_cond"));
}

#[test]
fn recorded_noise_gives_the_recorded_tokens_on_every_device() {
    for device in list() {
        let id = device.id;
        if let Some(why) = device.unavailable {
            println!("skipped: {id}: {why}");
            continue;
        }
        // Only a failure shows that the linked libtorch has no CUDA.
        if id.starts_with("libtorch-cuda") {
            continue;
        }
        let path = folder().join("weights_sit_cond.safetensors");
        let settings = json!({"model": path, "heads": 6, "normalisation": normalisation(), "device": id});
        let generator = only(run::<LoadGenerator>(settings, []).unwrap());
        assert_eq!(Local::<Generator>::from_value(&generator).unwrap().network.compute().id(), id);
        let inputs = [("generator", generator), ("layout", layout_value()), ("noise", recorded_noise("", 9))];
        let tokens = only(run::<texture_diffusion>(json!({"classes": [3, 7], "steps": 10}), inputs).unwrap());
        let tokens = rows(&Tokens::from_value(&tokens).unwrap());
        assert_near(&format!("tokens on {id}"), &tokens, post().f32("tokens"), 5e-5);
    }
}

#[test]
fn recorded_noise_gives_the_recorded_layout() {
    let golden = Golden::open("sit_sampling.safetensors");
    let run_layout = |calibrate: bool| {
        let settings = json!({"classes": [3, 7], "steps": 10, "count": 2, "sampler": "sde", "calibrate": calibrate});
        let inputs = [("generator", layout_generator()), ("noise", recorded_noise("layout.", 9))];
        Layout::from_value(&only(run::<layout_diffusion>(settings, inputs).unwrap())).unwrap()
    };
    let raw = run_layout(false);
    let generator = Local::<Generator>::from_value(&layout_generator()).unwrap();
    let recorded = golden.f32("layout.sde10.final").chunks_exact(5 * 64);
    let recorded: Vec<f32> = recorded.flat_map(|sample| generator.normalisation.tokens(sample, None)).collect();
    assert_near("gaussians", raw.gaussians.as_slice().unwrap(), &recorded, 2e-5);
    assert!(raw.regions.is_none());
    let legal = run_layout(true);
    let areas = legal.regions.as_ref().unwrap().as_slice::<f32>().unwrap().as_chunks::<4>().0.iter();
    let pixels = |from: f32, to: f32| ((to - from) / 2.0 * 255.0).round() + 1.0;
    let area: f32 = areas.map(|[x0, y0, x1, y1]| pixels(*x0, *x1) * pixels(*y0, *y1)).sum();
    assert_eq!(area, 2.0 * 256.0 * 256.0);
    assert_eq!(legal.gaussians.shape(), [2, 64, 5]);
}

#[test]
fn a_picture_has_the_same_bits_alone_in_a_batch_and_on_any_number_of_threads() {
    let gaussians = layouts().gaussians.as_slice::<f32>().unwrap().repeat(2);
    let layout = |pictures: std::ops::Range<usize>| {
        let own = gaussians[pictures.start * 320..pictures.end * 320].to_vec();
        let own = Tensor::from_vec([pictures.len(), 64, 5], own).unwrap();
        Layout::new(own, None, Canvas::default()).unwrap().into_value().unwrap()
    };
    let generator = texture_generator();
    let run_on = |threads: usize, pictures: std::ops::Range<usize>| {
        let host = Recorder::default();
        host.set(json!({"threads": threads}));
        let settings = json!({"class": 4, "seed": 10 + pictures.start, "steps": 6});
        let inputs = [("generator", generator.clone()), ("layout", layout(pictures))];
        rows(&Tokens::from_value(&only(run_with::<texture_diffusion>(&host, settings, inputs).unwrap())).unwrap())
    };
    let batch = run_on(2, 0..4);
    assert_eq!(batch, run_on(1, 0..4));
    for (i, expected) in batch.chunks_exact(64 * 21).enumerate() {
        assert_eq!(run_on(1 + i % 2, i..i + 1), expected);
    }
    // The first and the third picture have one layout and different seeds.
    assert_ne!(batch[..64 * 21], batch[2 * 64 * 21..][..64 * 21]);

    let layouts = |threads: usize, seed: u64, count: usize| {
        let host = Recorder::default();
        host.set(json!({"threads": threads}));
        let settings = json!({"class": 2, "seed": seed, "count": count});
        let value = run_with::<layout_diffusion>(&host, settings, [("generator", layout_generator())]).unwrap();
        Layout::from_value(&only(value)).unwrap().gaussians.to_f32()
    };
    let batch = layouts(2, 5, 4);
    for (i, expected) in batch.chunks_exact(320).enumerate() {
        assert_eq!(layouts(1 + i % 2, 5 + i as u64, 1), expected);
    }
}

#[test]
fn a_layout_that_is_no_partition_is_a_warning() {
    let warnings = |layout: Layout| {
        let host = Recorder::default();
        let inputs = [("generator", texture_generator()), ("layout", layout.into_value().unwrap())];
        run_with::<texture_diffusion>(&host, json!({"steps": 2}), inputs).unwrap();
        let warnings = host.events().into_iter().filter_map(|event| match event {
            Event::Log(LogLevel::Warn, line) => Some(line),
            _ => None,
        });
        warnings.collect::<Vec<_>>().join("\n")
    };
    let boxes = |boxes: Json| {
        let layout = only(run::<box_layout>(json!({"boxes": boxes, "tokens": 64}), []).unwrap());
        Layout::from_value(&layout).unwrap()
    };
    // A quarter is drawn twice, and the lower half is empty.
    let drawn = boxes(json!([[0, 0, 256, 128], [0, 0, 128, 128]]));
    insta::assert_snapshot!(warnings(drawn.clone()), @"expected a layout whose regions cover the picture once, as in the generator's training, got one with 50.0 % of the area in no region and 25.0 % in several (picture 0); put CalibrateLayout in front");
    assert_eq!(warnings(boxes(json!([[0, 0, 256, 128], [0, 128, 256, 256]]))), "");
    let calibrated = only(run::<calibrate_layout>(json!({}), [("layout", drawn.into_value().unwrap())]).unwrap());
    assert_eq!(warnings(Layout::from_value(&calibrated).unwrap()), "");
    // Without regions nobody knows.
    assert_eq!(warnings(layouts()), "");
}

#[test]
fn runs_report_steps_show_previews_and_stop_when_asked() {
    let inputs = || [("generator", texture_generator()), ("layout", layout_value())];
    let (host, settings) = (Recorder::default(), json!({"steps": 7}));
    run_with::<texture_diffusion>(&host, settings.clone(), inputs()).unwrap();
    let steps = host.events().into_iter().filter(|event| matches!(event, Event::Progress(_, 7))).count();
    assert_eq!(steps, 7);
    let logged = |text: &str| {
        host.events().iter().any(|event| matches!(event, Event::Log(LogLevel::Info, line) if line.contains(text)))
    };
    assert!(logged("2 pictures of 64 tokens: 24 evaluations"), "{:?}", host.events());

    // The recorded textures have 16 channels.
    let sizes = Sizes { width: 24, blocks: 1, textures: 16, levels: vec![8, 8, 8], residuals: 1, ..Sizes::default() };
    let (folder, tensors) = (tempfile::tempdir().unwrap(), sizes.weights(0).unwrap());
    let file = folder.path().join("tokenizer.safetensors");
    Checkpoint { metadata: BTreeMap::new(), tensors }.save(&file, DType::F32).unwrap();
    let tokenizer = only(run::<LoadTokenizer>(json!({"model": file}), []).unwrap());
    let previews = |settings: Json, wanted: bool| {
        let host = Recorder::default();
        host.set(json!({"previews": wanted}));
        let inputs = inputs().into_iter().chain([("tokenizer", tokenizer.clone())]);
        let tokens = only(run_with::<texture_diffusion>(&host, settings, inputs).unwrap());
        let count = host.events().into_iter().filter(|event| *event == Event::Preview("IMAGE".into())).count();
        (count, rows(&Tokens::from_value(&tokens).unwrap()))
    };
    let (count, without) = previews(json!({"steps": 7}), true);
    assert_eq!(count, 0);
    let (count, with) = previews(json!({"steps": 7, "preview_every": 3}), true);
    assert_eq!((count, with), (2, without));
    assert_eq!(previews(json!({"steps": 7, "preview_every": 3}), false).0, 0);
    assert!(previews(json!({"sampler": "dopri5", "preview_every": 1}), true).0 > 3);

    let host = Recorder::default();
    host.cancel();
    let error = run_with::<texture_diffusion>(&host, settings, inputs()).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    // Stopped within the first step.
    assert!(!host.events().iter().any(|event| matches!(event, Event::Progress(..))));
}

/// The weights under another name, changed, with this metadata.
pub(super) fn checkpoint(
    path: &Path,
    weights: &str,
    metadata: &[(&str, &str)],
    change: impl Fn(&str, Tensor) -> Option<(String, Tensor)>,
) {
    let tensors = Golden::open(weights).0;
    let fields: Vec<(String, Tensor)> = tensors.into_iter().filter_map(|(key, tensor)| change(&key, tensor)).collect();
    Record { fields, ..Record::default() }.save(path, DType::F32).unwrap();
    // The file of a record has metadata of its own; this adds more to its head.
    let bytes = std::fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut head: Json = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    head["__metadata__"] = Json::Object(metadata.iter().map(|(k, v)| ((*k).to_owned(), Json::from(*v))).collect());
    let head = head.to_string();
    let file = [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), &bytes[8 + length..]].concat();
    std::fs::write(path, file).unwrap();
}

pub(super) fn unchanged(key: &str, tensor: Tensor) -> Option<(String, Tensor)> {
    Some((key.to_owned(), tensor))
}

#[test]
fn a_checkpoint_gives_heads_normalisation_and_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.safetensors");
    let facts = r#"{"map": [32, 32], "support": 2.5, "model": "small"}"#;
    let means = normalisation().to_string();
    checkpoint(
        &path,
        "weights_sit_cond.safetensors",
        &[("heads", "6"), ("tokenizer", facts), ("normalisation", &means)],
        |key, tensor| Some((format!("ema_model.{key}"), tensor)),
    );
    let (node, host) = (LoadGenerator::default(), Recorder::default());
    let load = |settings: Json| {
        let value = only(run_node(&node, &host, settings, []).unwrap());
        Local::<Generator>::from_value(&value).unwrap()
    };
    let own = load(json!({"model": path}));
    assert_eq!((own.sizes.heads, own.sizes.classes, own.sizes.blocks), (6, 10, 3));
    assert!(same(&own, &load(json!({"model": path}))));
    assert!(!same(&own, &load(json!({"model": path, "heads": 3}))));
    let logged: Vec<Event> = host.events();
    assert_eq!(logged[0], Event::Log(LogLevel::Info, "mine: normalisation from the checkpoint's metadata".into()));

    let generator = only(run::<LoadGenerator>(json!({"model": path}), []).unwrap());
    let inputs = [("generator", generator), ("layout", layout_value()), ("noise", recorded_noise("", 9))];
    let tokens = run::<texture_diffusion>(json!({"classes": [3, 7], "steps": 10}), inputs).unwrap();
    let tokens = Tokens::from_value(&only(tokens)).unwrap();
    assert_near("tokens", &rows(&tokens), post().f32("tokens"), 5e-5);
    let Canvas { map, support, model, .. } = tokens.header;
    assert_eq!((map, support, model.as_deref()), (Some([32, 32]), Some(2.5), Some("small")));

    // A file beside the checkpoint gives the normalisation; the input takes precedence.
    let plain = folder.path().join("plain.safetensors");
    checkpoint(&plain, "weights_sit_layout.safetensors", &[("heads", "6")], unchanged);
    let beside = json!({"means": [0, 0, 0, 0, 0], "stds": [1, 1, 1, 1, 2]});
    std::fs::write(folder.path().join("plain.normalisation.json"), beside.to_string()).unwrap();
    assert_eq!(load(json!({"model": plain})).normalisation.stds, [1.0, 1.0, 1.0, 1.0, 2.0]);
    let given = json!({"means": [0, 0, 0, 0, 0], "stds": [3, 3, 3, 3, 3]});
    assert_eq!(load(json!({"model": plain, "normalisation": given})).normalisation.stds, [3.0; 5]);
    let lines: Vec<String> = host
        .events()
        .into_iter()
        .filter_map(|event| if let Event::Log(_, line) = event { Some(line) } else { None })
        .collect();
    assert_eq!(
        lines[lines.len() - 2..],
        ["plain: normalisation from plain.normalisation.json", "plain: normalisation from the input `normalisation`"]
    );

    // Half precision.
    for (name, dtype) in [("half", DType::F16), ("brain", DType::BF16)] {
        let path = folder.path().join(format!("{name}.safetensors"));
        checkpoint(&path, "weights_sit_layout.safetensors", &[("heads", "6")], |key, tensor| {
            let bytes: Vec<u8> = tensor.to_f32().iter().flat_map(|v| half_bits(*v, dtype).to_ne_bytes()).collect();
            Some((key.to_owned(), Tensor::from_bytes(tensor.shape(), dtype, &bytes).unwrap()))
        });
        assert_eq!(load(json!({"model": path, "normalisation": given})).sizes.blocks, 3);
    }
}

fn half_bits(value: f32, dtype: DType) -> u16 {
    if dtype == DType::BF16 {
        return (value.to_bits() >> 16) as u16;
    }
    // Without rounding and subnormals, which is good enough for weights.
    let bits = value.to_bits();
    let exponent = ((bits >> 23) & 255) as i32 - 112;
    if exponent <= 0 {
        0
    } else {
        ((bits >> 16) & 0x8000) as u16 | (exponent as u16) << 10 | ((bits >> 13) & 1023) as u16
    }
}

#[test]
fn unsuitable_checkpoints_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let load = |settings: Json| {
        let error = run::<LoadGenerator>(settings, []).unwrap_err();
        error.to_string().replace(&*folder.path().to_string_lossy(), "<folder>")
    };
    insta::assert_snapshot!(load(json!({"model": folder.path().join("none.safetensors")})), @"loading a generator: expected a checkpoint (.safetensors or .pth), got No such file or directory (os error 2): <folder>/none.safetensors");
    checkpoint(&path, "weights_sit_layout.safetensors", &[], unchanged);
    insta::assert_snapshot!(load(json!({"model": path})), @"
    loading a generator: expected a width with a usual number of attention heads, got 96. Give the number in the input `heads` of LoadGenerator, or in the checkpoint's metadata (key `heads`)
    file: <folder>/g.safetensors
    ");
    insta::assert_snapshot!(load(json!({"model": path, "heads": 5})), @"
    loading a generator: expected a number of attention heads that divides the width 96, got 5
    file: <folder>/g.safetensors
    ");
    insta::assert_snapshot!(load(json!({"model": path, "heads": 6})), @r#"
    loading a generator: expected means and stds of 5 channels (gaussians), as the generator works on normalised numbers, got none in the input `normalisation`, in the checkpoint's metadata (key `normalisation`) or in g.normalisation.json; only the official texture generator has known ones. Give the values of its training data: "normalisation": {"means": [...], "stds": [...]}
    file: <folder>/g.safetensors
    "#);
    insta::assert_snapshot!(load(json!({"model": path, "heads": 6, "normalisation": {"means": [0.0], "stds": [1.0]}})), @"reading the normalisation from the input `normalisation`: expected 5 means and stds, one for each channel of the generator, got 1 and 1");
    insta::assert_snapshot!(load(json!({"model": path, "heads": 6, "normalisation": {"mean": [0.0]}})), @r#"reading the normalisation from the input `normalisation`: expected a normalisation {"means": [...], "stds": [...]}: unknown field `mean`, expected `means` or `stds`"#);
    let negative = json!({"means": [0, 0, 0, 0, 0], "stds": [1, 1, 1, -1, 1]});
    insta::assert_snapshot!(load(json!({"model": path, "heads": 6, "normalisation": negative})), @"reading the normalisation from the input `normalisation`: expected finite means and stds above 0, got [0.0, 0.0, 0.0, 0.0, 0.0] and [1.0, 1.0, 1.0, -1.0, 1.0]");
    checkpoint(&path, "weights_sit_cond.safetensors", &[("heads", "six")], unchanged);
    insta::assert_snapshot!(load(json!({"model": path})), @"
    loading a generator: expected a number from 1 to 1024 in the checkpoint's metadata `heads`, got six
    file: <folder>/g.safetensors
    ");
    checkpoint(&path, "weights_sit_cond.safetensors", &[("tokenizer", r#"{"map": [0, 1]}"#)], unchanged);
    insta::assert_snapshot!(load(json!({"model": path})), @r#"
    loading a generator: expected {"map": [width, height], "support": 3.0, "model": "name"} in the checkpoint's metadata `tokenizer`, got {"map": [0, 1]}
    file: <folder>/g.safetensors
    "#);
    checkpoint(&path, "weights_sit_cond.safetensors", &[("heads", "6")], |key, tensor| {
        let mut values = tensor.to_f32();
        if key == "blocks.1.mlp.fc1.weight" {
            values[7] = f32::NAN;
        }
        let key = if key == "final_layer.linear.bias" { "final_layer.linear.bais" } else { key };
        Some((key.to_owned(), Tensor::from_vec(tensor.shape(), values).unwrap()))
    });
    insta::assert_snapshot!(load(json!({"model": path})), @"
    loading a generator: expected a generator (SiT). The file has 45 of its parameters, but they do not make a whole model:
      1 missing:
        final_layer.linear.bias
      1 not known:
        final_layer.linear.bais
      1 with numbers that are not finite:
        blocks.1.mlp.fc1.weight: NaN
    file: <folder>/g.safetensors
    ");
    checkpoint(&path, "weights_B.safetensors", &[], unchanged);
    insta::assert_snapshot!(load(json!({"model": path})), @"
    loading a generator: expected a generator (SiT), but the file has none of its parameters. It holds 139 tensors (attnblocks.0.attn1.in_proj_bias, attnblocks.0.attn1.in_proj_weight, attnblocks.0.attn1.out_proj.bias, ...)
    file: <folder>/g.safetensors
    ");
}

#[test]
fn wrong_inputs_are_errors_before_the_first_step() {
    let refused = |settings: Json| sample(settings, [("layout", layout_value())]).unwrap_err();
    insta::assert_snapshot!(refused(json!({"class": 10})), @"expected a class from 0 to 9, got 10");
    insta::assert_snapshot!(refused(json!({"classes": [1, 2, 3]})), @"expected as many classes as pictures, 2, got 3. Give one class for each picture");
    insta::assert_snapshot!(refused(json!({"steps": 0})), @"expected a number of at least 2, got 0");
    insta::assert_snapshot!(refused(json!({"steps": 1})), @"expected a number of at least 2, got 1");
    insta::assert_snapshot!(refused(json!({"guidance_low": 0.8, "guidance_high": 0.3})), @"expected guidance_low to be at most guidance_high, got 0.8 and 0.3. Exchange them, or set guidance_scale to 1 for no guidance");
    insta::assert_snapshot!(refused(json!({"guidance_scale": 1e39})), @"expected a number, got inf");
    insta::assert_snapshot!(refused(json!({"sampler": "sde_heun", "last_step": "None"})), @r#"expected a last step, as sde_heun without one needs the score at t = 1, where there is none, got "None". Set last_step to "Mean", or sampler to "sde""#);
    insta::assert_snapshot!(refused(json!({"sampler": "ddim"})), @"expected one of sde, sde_heun, euler, midpoint, heun2, heun3, rk4, dopri5, got `ddim`");
    insta::assert_snapshot!(refused(json!({"preview_every": 5})), @"expected a tokenizer, which decodes the previews, got none. Connect LoadTokenizer, or set preview_every to 0");

    let noise =
        |settings: Json, noise: Value| sample(settings, [("layout", layout_value()), ("noise", noise)]).unwrap_err();
    insta::assert_snapshot!(noise(json!({"steps": 10}), recorded_noise("", 8)), @"expected the shape [9, 2, 21, 64] or more draws in the field `steps`, got [8, 2, 21, 64]");
    insta::assert_snapshot!(noise(json!({}), recorded_noise("layout.", 9)), @"expected the shape [2, 21, 64] in the field `start`, or 4 rows for pictures with and without a class, got [2, 5, 64]");
    insta::assert_snapshot!(noise(json!({}), layout_value()), @r#"expected recorded noise with a field `start`, got a record with ["gaussians"]"#);

    let layout = |layout: Layout| sample(json!({}), [("layout", layout.into_value().unwrap())]).unwrap_err();
    insta::assert_snapshot!(layout(Layout { header: Canvas { canvas: [512, 512], grid: [2, 2], ..Canvas::default() }, ..layouts() }), @"expected a layout of one tile, as the generator makes pictures of 256 x 256 pixels, got 2 x 2 tiles");
    let endless = Tensor::from_vec([1, 1, 5], vec![0.1, 0.1, 0.0, f32::INFINITY, 0.0]).unwrap();
    insta::assert_snapshot!(layout(Layout::new(endless, None, Canvas::default()).unwrap()), @"expected finite gaussians, got inf in gaussian 0 of picture 0");

    let layouts = |settings: Json| run::<layout_diffusion>(settings, [("generator", layout_generator())]).unwrap_err();
    insta::assert_snapshot!(layouts(json!({"tokens": 128})), @"expected 64 gaussians, for which weights_sit_layout has places, got 128. Set tokens to 0");
    insta::assert_snapshot!(layouts(json!({"class": 10})), @"expected a class from 0 to 9, got 10");
    let wrong = run::<layout_diffusion>(json!({}), [("generator", texture_generator())]).unwrap_err();
    insta::assert_snapshot!(wrong, @"expected a generator of layouts, got weights_sit_cond, which makes textures. Connect it to TextureDiffusion");
    let inputs = [("generator", layout_generator()), ("layout", layout_value())];
    insta::assert_snapshot!(run::<texture_diffusion>(json!({}), inputs).unwrap_err(), @"expected a generator of textures, got weights_sit_layout, which makes layouts. Connect it to LayoutDiffusion");
}

#[test]
fn a_state_that_overflows_is_an_error_that_names_the_step() {
    // A start that overflows in the network.
    let start = Tensor::from_vec([2, 21, 64], vec![3e38f32; 2 * 21 * 64]).unwrap();
    let noise = Record { fields: vec![("start".into(), start)], ..Record::default() }.into_value();
    let inputs = [("layout", layout_value()), ("noise", noise)];
    insta::assert_snapshot!(sample(json!({"sampler": "euler", "steps": 5}), inputs).unwrap_err(), @"sampling: expected finite velocities from the model, got NaN in step 1 of 4, at t = 0, for a state up to 3.0e38. If the state is above 1000, use more steps or another sampler; else the model is damaged");
}

#[test]
fn a_part_that_changes_under_its_index_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let weights = |textures: usize| {
        let sizes = Sizes { width: 24, blocks: 1, textures, levels: vec![8, 8, 8], residuals: 1, ..Sizes::default() };
        sizes.weights(0).unwrap()
    };
    let index: BTreeMap<String, &str> = weights(16).into_keys().map(|name| (name, "part.safetensors")).collect();
    let path = folder.path().join("model.safetensors.index.json");
    std::fs::write(&path, json!({"weight_map": index}).to_string()).unwrap();
    let node = LoadTokenizer::default();
    for textures in [16, 12] {
        let part = Checkpoint { metadata: BTreeMap::new(), tensors: weights(textures) };
        part.save(&folder.path().join("part.safetensors"), DType::F32).unwrap();
        let loaded = only(run_node(&node, &Recorder::default(), json!({"model": path}), []).unwrap());
        assert_eq!(Local::<Tokenizer>::from_value(&loaded).unwrap().sizes.textures, textures);
    }
}
