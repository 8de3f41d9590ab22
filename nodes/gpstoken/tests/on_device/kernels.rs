//! Tests of the host's kernels and forward passes against burn's forms on the processor.

use super::{Golden, assert_near, largest, on, processor, support::random};
use burn::tensor::{Tensor, TensorData, activation::silu};
use splatgraph_pack_gpstoken::{
    checkpoint::Weights,
    kernels::{
        cpu::Level,
        group_norm::{Moments, Normalisation, Statistics as Kind},
        workspace::Workspace,
    },
    layers::{GroupNorm, Host, Map, Statistics},
    tokenizer::Network,
};
use std::collections::BTreeMap;

/// `[H, W, C]` to `[1, C, H, W]`.
fn to_burn(map: &[f32], [height, width]: [usize; 2], channels: usize) -> Tensor<4> {
    let tensor = Tensor::<4>::from_data(TensorData::new(map.to_vec(), [1, height, width, channels]), &processor());
    tensor.permute([0, 3, 1, 2])
}

fn from_burn(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().permute([0, 2, 3, 1]).into_data().try_to_vec().unwrap()
}

#[test]
fn normalisation_agrees_with_the_burn_form() {
    for (channels, size, grid) in
        [(1, [3, 5], [1, 1]), (40, [6, 8], [2, 3]), (32, [8, 8], [4, 2]), (96, [17, 2], [1, 1]), (128, [12, 9], [3, 1])]
    {
        let [height, width] = size;
        let map: Vec<f32> = random(height * width * channels, 5).iter().map(|v| v * 3.0 + 7.0).collect();
        let parameters = ["weight", "bias"].map(|key| {
            let values = random(channels, key.len() as u64);
            (format!("norm.{key}"), splatgraph_sdk::Tensor::from_vec([channels], values).unwrap())
        });
        let norm =
            GroupNorm::load(&mut Weights::new("a norm", BTreeMap::from(parameters.clone()), &[]), "norm", channels)
                .map(&mut on(&processor()));
        let [(_, scale), (_, shift)] = &parameters;
        let parameters = [scale.as_slice().unwrap(), shift.as_slice().unwrap()];
        let kinds = [(Kind::Picture, Statistics::Picture), (Kind::Tiles(grid), Statistics::Tiles(grid))];
        for (level, (kind, statistics)) in Level::all().into_iter().flat_map(|level| kinds.map(|kind| (level, kind))) {
            let expected = from_burn(&silu(norm.forward(to_burn(&map, size, channels), statistics)));
            let moments = Moments::of(level, &map, size, channels, kind);
            let normalisation = Normalisation::new(level, &map, size, parameters, &moments);
            let mut out = vec![f32::NAN; map.len()];
            for (y, row) in out.chunks_exact_mut(width * channels).enumerate() {
                normalisation.read(y, 0..width, true, row);
            }
            assert_near(&format!("{level:?} {channels} {kind:?}"), &out, &expected, largest(&expected) * 5e-6);
        }
    }
}

fn network_b() -> Network {
    Network::load(Golden::open("weights_B.safetensors").0).unwrap()
}

#[test]
fn the_token_transformer_agrees_with_the_burn_form() {
    let network = network_b();
    let burned = network.map(&mut on(&processor()));
    let samples = network.sizes.bins * network.sizes.bins;
    for count in [1, 31, 33, 70] {
        let gaussians: Vec<f32> = random(count * 5, 1)
            .iter()
            .enumerate()
            .map(|(i, v)| if i % 5 < 2 { 0.3 + 0.2 * v } else { 0.9 * v })
            .collect();
        let regions = random(count * network.sizes.stem_channels * samples, 2);
        let upload = TensorData::new(regions.clone(), [1, count, network.sizes.stem_channels, samples]);
        let expected = burned.transformer.forward(
            Tensor::from_data(TensorData::new(gaussians.clone(), [1, count, 5]), &processor()),
            Tensor::from_data(upload, &processor()),
            &mut |_, _| Ok(()),
        );
        let (placed, textures) = expected.unwrap();
        let [placed, textures] = [placed, textures].map(|t| t.into_data().try_into_vec::<f32>().unwrap());
        for level in Level::all() {
            let mut steps = 0;
            let step = &mut || {
                steps += 1;
                Ok(())
            };
            let (host_placed, host_textures) = network.transformer.forward(level, &gaussians, &regions, step).unwrap();
            assert_near(&format!("{level:?} gaussians of {count}"), &host_placed, &placed, 2e-6);
            assert_near(
                &format!("{level:?} textures of {count}"),
                &host_textures,
                &textures,
                largest(&textures) * 5e-6,
            );
            assert_eq!(steps, network.transformer.depth());
        }
    }
}

fn map_of(host: Host<'_>, values: &[f32], size: [usize; 2], channels: usize) -> Map {
    let mut map = host.map(size, channels);
    map.values_mut().copy_from_slice(values);
    map
}

#[test]
fn every_stage_agrees_with_the_burn_form() {
    let network = network_b();
    let burned = network.map(&mut on(&processor()));
    let workspace = Workspace::default();
    for (size, grid) in [([12, 20], [1, 1]), ([12, 20], [2, 3]), ([5, 7], [1, 1])] {
        let values = random(size[0] * size[1] * network.sizes.textures, 9);
        let mut stages = BTreeMap::new();
        let watch = &mut |name: &str, x: &Tensor<4>| {
            stages.insert(name.to_owned(), from_burn(x));
            Ok(())
        };
        let picture = burned.decoder.forward(to_burn(&values, size, network.sizes.textures), grid, watch).unwrap();
        stages.insert("picture".to_owned(), from_burn(&picture));
        for level in Level::all() {
            let host = Host { level, workspace: &workspace };
            let mut seen = 0;
            let watch = &mut |name: &str, x: &Map| {
                let expected = &stages[name];
                assert_near(&format!("{level:?} {name} {grid:?}"), x.values(), expected, largest(expected) * 4e-5);
                seen += 1;
                Ok(())
            };
            let map = map_of(host, &values, size, network.sizes.textures);
            network.decoder.forward(&map, grid, host, watch).unwrap();
            assert_eq!(seen, network.decoder.stages());
        }
    }
    let (size, values) = ([19, 13], random(19 * 13 * 3, 10));
    let expected = burned.stem.forward(to_burn(&values, size, 3), &mut |_, _| Ok(())).unwrap();
    let expected = from_burn(&expected);
    for level in Level::all() {
        let host = Host { level, workspace: &workspace };
        let features = network.stem.forward(&map_of(host, &values, size, 3), host, &mut |_, _| Ok(())).unwrap();
        assert_near(&format!("{level:?} stem"), features.values(), &expected, largest(&expected) * 4e-5);
    }
}
