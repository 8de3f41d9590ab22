//! InceptionV3 and the ways to prepare pictures, against recorded runs of pytorch-fid, torch-fidelity, clean-fid and torchvision.

use super::{Golden, assert_near, unit_picture};
use splatgraph_pack_gpstoken::{
    inception::{Kind, Network, PictureFeatures, SIDE},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    measures::{Convention, ImageFeatures as Features},
    nodes::measure::image_features::ImageFeatures,
};
use splatgraph_sdk::{
    DType, Image, Output, Record, Tensor,
    checkpoint::Checkpoint,
    testing::{Recorder, json, run_node},
};
use std::collections::BTreeMap;

/// Name, file, and the recorded part of it: left, top, right, bottom.
const PICTURES: [(&str, &str, [usize; 4]); 3] = [
    ("enlarged", "chelsea_256.png", [10, 20, 200, 150]),
    ("same", "astronaut_256.png", [0, 0, 256, 256]),
    ("reduced", "china_512.png", [0, 60, 500, 512]),
];

/// A recorded picture `[height, width, 3]`, 0..1.
fn part(file: &str, [left, top, right, bottom]: [usize; 4]) -> (Vec<f32>, [usize; 2]) {
    let (pixels, width) = unit_picture(file);
    let rows = pixels.chunks_exact(width * 3).take(bottom).skip(top);
    (rows.flat_map(|row| &row[left * 3..right * 3]).copied().collect(), [bottom - top, right - left])
}

fn weights(golden: &Golden) -> BTreeMap<String, Tensor> {
    let named = golden.0.iter().filter_map(|(key, tensor)| Some((key.strip_prefix("weights.")?, tensor)));
    named.map(|(key, tensor)| (key.to_owned(), tensor.clone())).collect()
}

fn features(network: &Network, input: &[f32], level: Level) -> PictureFeatures {
    let workspace = Workspace::default();
    network.prepare(level).features(input, Host { level, workspace: &workspace })
}

/// Compares within five times what f32 differs from f64 in the recorded run.
#[track_caller]
fn compare(golden: &Golden, of: &str, found: &PictureFeatures) {
    for (name, found) in [("pool", &found.pool), ("spatial", &found.spatial), ("logits", &found.logits)] {
        let key = format!("{name}.{of}");
        if golden.0.contains_key(&key) {
            assert_near(&key, found, golden.f32(&key), 5.0 * golden.f32(&format!("noise.{key}"))[0]);
        }
    }
}

#[test]
fn each_convention_gives_the_recorded_input_and_features() {
    let golden = Golden::open("inception.safetensors");
    let network = Network::load(weights(&golden)).unwrap();
    assert_eq!(network.kind, Kind::TensorFlow);
    for (name, file, place) in PICTURES {
        let (picture, size) = part(file, place);
        for (convention, package) in [
            (Convention::Adm, "torch-fidelity"),
            (Convention::TorchFidelity, "torch-fidelity"),
            (Convention::PytorchFid, "pytorch-fid"),
            (Convention::CleanFid, "clean-fid"),
        ] {
            let of = format!("{package}.{name}");
            let input = convention.input(&picture, size, SIDE);
            let rows = input.chunks_exact(SIDE * 3).step_by(13);
            let some: Vec<f32> = rows.flat_map(|row| row.chunks_exact(3).step_by(7).flatten()).copied().collect();
            let noise = golden.f32(&format!("noise.input.{of}"))[0];
            assert_near(&format!("input.{of}"), &some, golden.f32(&format!("input.{of}")), (5.0 * noise).max(1e-6));
            compare(&golden, &of, &features(&network, &input, Level::best()));
        }
    }
}

#[test]
fn the_network_of_torchvision_counts_the_border() {
    let golden = Golden::open("inception.safetensors");
    let mut tensors = weights(&golden);
    for key in ["fc.weight", "fc.bias"] {
        let tensor = &tensors[key];
        let width = tensor.len() / 1008;
        let shape = if key == "fc.bias" { vec![1000] } else { vec![1000, width] };
        let values = tensor.to_f32()[..1000 * width].to_vec();
        tensors.insert(key.to_owned(), Tensor::from_vec(shape, values).unwrap());
    }
    // A checkpoint of torchvision has these too.
    tensors.insert("AuxLogits.fc.bias".to_owned(), Tensor::from_vec([1], vec![1.0f32]).unwrap());
    tensors.insert("Conv2d_1a_3x3.bn.num_batches_tracked".to_owned(), Tensor::from_vec([1], vec![1i64]).unwrap());
    let network = Network::load(tensors).unwrap();
    assert_eq!(network.kind, Kind::Torchvision);
    let (picture, size) = part("astronaut_256.png", [0, 0, 256, 256]);
    let input = Convention::PytorchFid.input(&picture, size, SIDE);
    compare(&golden, "torchvision.same", &features(&network, &input, Level::best()));
}

#[test]
fn all_levels_of_instructions_agree() {
    let golden = Golden::open("inception.safetensors");
    let network = Network::load(weights(&golden)).unwrap();
    let (picture, size) = part("chelsea_256.png", [10, 20, 200, 150]);
    let input = Convention::TorchFidelity.input(&picture, size, SIDE);
    for level in Level::all() {
        compare(&golden, "torch-fidelity.enlarged", &features(&network, &input, level));
    }
}

#[test]
fn the_node_names_its_source_and_a_record_keeps_it() {
    let golden = Golden::open("inception.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("weights.safetensors");
    let tensors = weights(&golden);
    Checkpoint { tensors, ..Checkpoint::default() }.save(&model, DType::F32).unwrap();
    let (picture, [height, width]) = part("chelsea_256.png", [10, 20, 200, 150]);
    let twice = [picture.clone(), picture].concat();
    let image = Image::new(Tensor::from_vec([2, height, width, 3], twice).unwrap()).unwrap();
    let node = ImageFeatures::default();
    let run = |inputs| run_node(&node, &Recorder::default(), inputs, [("image", image.clone().into_value().unwrap())]);
    let outputs = run(json!({ "model": model, "convention": "pytorch-fid" })).unwrap();
    let file = folder.path().join("features.safetensors");
    Record::from_value(&outputs[0]).unwrap().save(&file, DType::F32).unwrap();
    let found = Features::from_record(Record::load(&file).unwrap()).unwrap();
    assert_eq!(found.count(), 2);
    let header = found.source.to_header();
    assert_eq!((&header["convention"], &header["network"]), (&json!("pytorch-fid"), &json!("tensorflow-2015")));
    assert_eq!(header["weights"].as_str().unwrap().len(), 64);
    let expected = golden.f32("pool.pytorch-fid.enlarged");
    let tolerance = 5.0 * golden.f32("noise.pool.pytorch-fid.enlarged")[0];
    assert_near("both", found.pool.as_slice().unwrap(), &[expected, expected].concat(), tolerance);
    let missing = folder.path().join("pt_inception.pth");
    let error = run(json!({ "model": missing })).unwrap_err();
    let text = error.to_string();
    let (start, end) = (text.find(", got ").unwrap(), text.find(". The authors").unwrap());
    let text = format!("{}, got ..{}", &text[..start], &text[end..]);
    insta::assert_snapshot!(text, @"loading InceptionV3: expected its weights, got ... The authors of pytorch-fid offer `pt_inception-2015-12-05-6726825d.pth` with the release `fid_weights` of github.com/mseitzer/pytorch-fid");
}
