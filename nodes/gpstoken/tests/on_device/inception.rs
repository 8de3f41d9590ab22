//! Tests of InceptionV3 through burn, on every device.

use super::{Golden, assert_near, computes, image_of, largest, unit_picture};
use splatgraph_pack_gpstoken::{
    device::HOST,
    inception::{Kind, Network, PictureFeatures, SIDE},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    measures::{Convention, ImageFeatures as Features},
    nodes::measure::image_features::ImageFeatures,
    on_device::{Device, inception::upload},
};
use splatgraph_sdk::{
    DType, Record, Tensor,
    checkpoint::Checkpoint,
    testing::{Recorder, json, run_with},
};
use std::collections::BTreeMap;

const PICTURES: [&str; 2] = ["chelsea_256.png", "astronaut_256.png"];

/// The thin network of the recorded runs.
fn weights() -> BTreeMap<String, Tensor> {
    let golden = Golden::open("inception.safetensors");
    let named = golden.0.iter().filter_map(|(key, tensor)| Some((key.strip_prefix("weights.")?, tensor)));
    named.map(|(key, tensor)| (key.to_owned(), tensor.clone())).collect()
}

/// The network with another number of classes, as torchvision has it.
fn torchvision() -> BTreeMap<String, Tensor> {
    let mut tensors = weights();
    let width = tensors["fc.weight"].len() / 1008;
    let first = tensors["fc.weight"].to_f32()[..1000 * width].to_vec();
    tensors.insert("fc.weight".to_owned(), Tensor::from_vec([1000, width], first).unwrap());
    let first = tensors["fc.bias"].to_f32()[..1000].to_vec();
    tensors.insert("fc.bias".to_owned(), Tensor::from_vec([1000], first).unwrap());
    tensors
}

/// Compares within 1e-4 of the largest value.
fn compare(of: &str, found: &PictureFeatures, expected: &PictureFeatures) {
    let parts = |features: &PictureFeatures| [features.pool.clone(), features.spatial.clone(), features.logits.clone()];
    for ((name, found), expected) in ["pool", "spatial", "logits"].iter().zip(parts(found)).zip(parts(expected)) {
        assert_near(&format!("{of}: {name}"), &found, &expected, 1e-4 * largest(&expected));
    }
}

#[test]
fn burn_computes_the_features_of_the_hosts_kernels() {
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    // The list of devices does not contain burn on the processor.
    let processor = Device::processor();
    for (kind, tensors) in [(Kind::TensorFlow, weights()), (Kind::Torchvision, torchvision())] {
        let network = Network::load(tensors).unwrap();
        assert_eq!(network.kind, kind);
        let input = |name| {
            let (pixels, width) = unit_picture(name);
            Convention::PytorchFid.input(&pixels, [width; 2], SIDE)
        };
        let inputs = PICTURES.map(input);
        let found = network.map(&mut upload(&processor)).features(inputs.concat(), &processor).unwrap();
        assert_eq!(found.len(), 2);
        for (found, input) in found.iter().zip(&inputs) {
            compare(kind.name(), found, &network.prepare(host.level).features(input, host));
        }
    }
}

#[test]
fn every_device_computes_the_same_features() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("weights.safetensors");
    Checkpoint { tensors: weights(), ..Checkpoint::default() }.save(&model, DType::F32).unwrap();
    let of = |device: &str| {
        // One picture, as software adapters are slow.
        let inputs = [("image", image_of(&PICTURES[..1]))];
        let outputs =
            run_with::<ImageFeatures>(&Recorder::default(), json!({"model": model, "device": device}), inputs);
        let features = Features::from_record(Record::from_value(&outputs.unwrap()[0]).unwrap()).unwrap();
        PictureFeatures {
            pool: features.pool.to_f32(),
            spatial: features.spatial.to_f32(),
            logits: features.logits.to_f32(),
        }
    };
    let expected = of(HOST);
    for compute in computes().into_iter().filter(|compute| compute.id() != HOST) {
        compare(compute.id(), &of(compute.id()), &expected);
    }
}
