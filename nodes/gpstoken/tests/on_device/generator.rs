//! Tests of the generator's network and guidance in tensor operations against recorded runs.

use super::{Golden, assert_near, devices, on};
use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use splatgraph_pack_gpstoken::{
    generator::{
        Network,
        guidance::{Guidance, Guided},
    },
    on_device::{Parameter, Prepared},
};
use std::collections::BTreeMap;

/// Five times the difference between the recorded f32 run and the network in f64.
const FORWARD: f32 = 5e-6;

fn network(kind: &str, device: &Device) -> Network<Parameter> {
    let tensors = Golden::open(&format!("weights_sit_{kind}.safetensors")).0;
    Network::load(tensors, Some(6)).unwrap().map(&mut on(device))
}

fn integers(golden: &Golden, key: &str) -> Vec<usize> {
    golden.tensor(key).as_slice::<i64>().unwrap().iter().map(|v| *v as usize).collect()
}

fn upload<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

#[test]
fn every_stage_of_the_network_agrees() {
    for (id, device) in devices() {
        println!("on {id}:");
        check_every_stage(&device);
    }
}

fn check_every_stage(device: &Device) {
    let golden = Golden::open("sit_forward.safetensors");
    for (kind, x, out) in [("cond", "x", "out"), ("layout", "layout.x", "layout.out")] {
        let network = network(kind, device);
        let classes = integers(&golden, "y");
        let condition = (kind == "cond").then(|| upload(golden.f32("cond"), [4, 64, 5], device));
        let start = network.start(condition);
        let keys =
            BTreeMap::from([("tokens", "x_embed"), ("time", "t_embed"), ("class", "y_embed"), ("final", "final")]);
        let mut seen = 0;
        if kind == "cond" {
            let embedded: Vec<f32> = start.to_data().try_to_vec().unwrap();
            assert_near("cond_embed", &embedded, golden.f32("cond_embed"), FORWARD);
        }
        let watch = &mut |name: &str, stage: &Tensor<3>| {
            let key = keys.get(name).copied().unwrap_or(name);
            if kind == "cond" {
                assert_near(key, &stage.to_data().try_to_vec::<f32>().unwrap(), golden.f32(key), FORWARD);
                seen += 1;
            }
            Ok(())
        };
        let input = upload(golden.f32(x), [4, network.sizes.channels, 64], device);
        let velocities = network.forward(input, golden.f32("t"), &classes, start, watch).unwrap();
        assert_near(out, &velocities.to_data().try_to_vec::<f32>().unwrap(), golden.f32(out), FORWARD);
        assert_eq!(seen, if kind == "cond" { 7 } else { 0 });
    }
}

#[test]
fn guidance_agrees_inside_outside_and_at_the_ends_of_its_interval() {
    for (id, device) in devices() {
        println!("on {id}:");
        check_guidance(&device);
    }
}

fn check_guidance(device: &Device) {
    let golden = Golden::open("sit_forward.safetensors");
    let (cond, layout) = (network("cond", device), network("layout", device));
    let classes = integers(&golden, "cfg.y");
    assert_eq!(classes[2..], [10, 10]);
    let guidance = Guidance { scale: 1.5, interval: [0.2, 0.8] };
    for (name, evaluated) in [("inside", 4), ("at_low", 4), ("below", 2), ("above", 2), ("at_high", 4)] {
        let t = golden.f32(&format!("cfg.{name}.t"))[0];
        let recorded = golden.f32(&format!("cfg.{name}.out"));
        let half = golden.f32("x").len() / 2;
        let prepared = Prepared::new(&cond, 64, &golden.f32("cfg.cond")[..2 * 64 * 5]);
        let mut guided = Guided::new(&prepared, cond.sizes.classes, &classes[..2], guidance);
        let first = guided.velocities(0..2, &golden.f32("x")[..half], t, &mut || Ok(())).unwrap();
        assert_eq!(guided.evaluated, evaluated, "{name}");
        assert_near(&format!("{name}, first half"), &first, &recorded[..half], FORWARD);
        let both = guided.both_halves(golden.f32("x"), t, &mut || Ok(())).unwrap();
        assert_near(&format!("{name}, both halves"), &both, recorded, FORWARD);
    }
    let guidance = Guidance { scale: 2.0, interval: [0.0, 1.0] };
    let prepared = Prepared::new(&layout, 64, &[]);
    let mut guided = Guided::new(&prepared, layout.sizes.classes, &classes[..2], guidance);
    let both = guided.both_halves(golden.f32("layout.x"), 0.5, &mut || Ok(())).unwrap();
    assert_near("layout", &both, golden.f32("layout.cfg_inside.out"), FORWARD);
}
