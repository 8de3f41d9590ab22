//! Tests of the networks' shaders against burn's operations on the processor, in both precisions.

use super::{
    Numbers, assert_near, devices, on, processor,
    shaders::{assert_by_shader, upload, values},
};
use burn::{
    prelude::{Device, s},
    tensor::{
        FloatDType, Tensor,
        activation::{gelu, sigmoid, silu, softmax},
        module::{self, layer_norm},
    },
};
use splatgraph_pack_gpstoken::{
    checkpoint::Weights,
    layers::{GroupNorm, Statistics},
    on_device::{
        attention_shader::{attend_maps, attend_tokens},
        convolution_shader::convolve_adding,
        large_attention_shader::{attend, attend_in_bands},
        linear_shader::{Activation, Then, linear_then},
        normalise_shader::{self, group_norm, layer_norm_modulated},
        region_condition_shader::add_condition,
    },
};
use std::collections::BTreeMap;

/// Random numbers in `-size..size`.
pub(super) fn random(numbers: &mut Numbers, count: usize, size: f32) -> Vec<f32> {
    (0..count).map(|_| numbers.between(-size, size)).collect()
}

pub(super) fn single<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    values(&tensor.cast(FloatDType::F32))
}

#[test]
fn group_norm_shaders_agree_with_burn() {
    let mut numbers = Numbers::new(11);
    for (batch, channels, [height, width], grid) in [
        (1, 1, [1, 1], [1, 1]),
        (2, 40, [6, 8], [2, 3]),
        (1, 32, [40, 36], [1, 1]),
        (2, 96, [17, 2], [1, 1]),
        (1, 64, [12, 9], [3, 1]),
        // Several parts of a group, of which the last is smaller, for the whole map and for each tile.
        (1, 33, [150, 200], [1, 1]),
        (1, 6, [192, 400], [2, 1]),
        (1, 32, [16, 32], [8, 4]),
    ] {
        let map: Vec<f32> =
            random(&mut numbers, batch * channels * height * width, 2.0).iter().map(|v| v + 0.6).collect();
        let [scale, shift] = [0; 2].map(|_| random(&mut numbers, channels, 0.5));
        let tensors = |device: &Device| {
            let map: Tensor<4> = upload(&map, [batch, channels, height, width], device);
            (map, upload(&scale, [channels], device), upload(&shift, [channels], device))
        };
        let fields = [("weight", &scale), ("bias", &shift)].map(|(key, values)| {
            (format!("norm.{key}"), splatgraph_sdk::Tensor::from_vec([channels], values.clone()).unwrap())
        });
        let twin = GroupNorm::load(&mut Weights::new("a norm", BTreeMap::from(fields), &[]), "norm", channels)
            .map(&mut on(&processor()));
        for statistics in [Statistics::Picture, Statistics::Tiles(grid), Statistics::Tiles([1, 1])] {
            let (map, scale, shift) = tensors(&processor());
            assert!(group_norm(&map, &scale, &shift, statistics, false).is_none(), "the processor runs no shaders");
            let forms = [(false, twin.forward(map.clone(), statistics)), (true, twin.forward_silu(map, statistics))];
            for ((activated, expected), (id, device)) in
                forms.into_iter().flat_map(|form| devices().into_iter().map(move |device| (form.clone(), device)))
            {
                let (map, scale, shift) = tensors(&device);
                let name = format!("{channels} channels of {width} x {height}, {statistics:?}, {activated} on {id}");
                assert_by_shader(&name, &device, &values(&expected), |precision| {
                    let [scale, shift] = [&scale, &shift].map(|parameter| parameter.clone().cast(precision));
                    group_norm(&map.clone().cast(precision), &scale, &shift, statistics, activated).map(single)
                });
            }
        }
    }
}

#[test]
fn layer_norm_shaders_agree_with_burn() {
    let mut numbers = Numbers::new(12);
    for [batch, count, width] in [[1, 1, 1], [2, 5, 7], [1, 3, 64], [3, 4, 200], [2, 9, 130]] {
        let x: Vec<f32> = random(&mut numbers, batch * count * width, 1.5).iter().map(|v| v - 0.7).collect();
        let parameters = random(&mut numbers, batch * 3 * width, 0.5);
        let tensors = |device: &Device| -> (Tensor<2>, Tensor<2>) {
            (upload(&x, [batch * count, width], device), upload(&parameters, [batch, 3 * width], device))
        };
        let part = |parameters: &Tensor<2>, i: usize| parameters.clone().slice(s![.., i * width..(i + 1) * width]);
        let row =
            |parameters: &Tensor<2>, i: usize| -> Tensor<1> { part(parameters, i).slice(s![0..1]).reshape([width]) };

        let (tokens, conditions) = tensors(&processor());
        let (scale, bias) = (row(&conditions, 2), row(&conditions, 0));
        assert!(normalise_shader::layer_norm(&tokens, &scale, &bias, 1e-5).is_none(), "the processor runs no shaders");
        let own = layer_norm(tokens.clone(), scale, Some(bias), 1e-5);
        let normalised = layer_norm(tokens, Tensor::ones([width], &processor()), None, 1e-6);
        let of_picture = |i| -> Tensor<3> { part(&conditions, i).reshape([batch, 1, width]) };
        let modulated = normalised.reshape([batch, count, width]) * (of_picture(1) + 1.0) + of_picture(2);
        for (id, device) in devices() {
            let (tokens, conditions) = tensors(&device);
            let name = format!("{batch} x {count} tokens of {width} on {id}");
            assert_by_shader(&name, &device, &values(&own), |precision| {
                let (scale, bias) = (row(&conditions, 2).cast(precision), row(&conditions, 0).cast(precision));
                normalise_shader::layer_norm(&tokens.clone().cast(precision), &scale, &bias, 1e-5).map(single)
            });
            assert_by_shader(&format!("modulated {name}"), &device, &values(&modulated), |precision| {
                let (tokens, conditions) = (tokens.clone().cast(precision), conditions.clone().cast(precision));
                layer_norm_modulated(&tokens, &conditions, [2, 1], 1e-6).map(single)
            });
        }
    }
}

/// `softmax(q k^T / sqrt(D)) v` over `[B, heads, N, D]`.
fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let scale = (query.dims()[3] as f64).sqrt().recip();
    softmax((query * scale).matmul(key.transpose()), 3).matmul(value)
}

#[test]
fn attention_shaders_agree_with_burn_for_maps() {
    let mut numbers = Numbers::new(13);
    for [batch, channels, places] in [[1, 1, 1], [2, 5, 40], [1, 64, 300], [1, 130, 33], [1, 300, 64], [1, 512, 37]] {
        let maps = [0; 3].map(|_| random(&mut numbers, batch * channels * places, 1.5));
        let tensors = |device: &Device| {
            maps.each_ref().map(|map| -> Tensor<3> { upload(map, [batch, channels, places], device) })
        };
        let [query, key, value] = tensors(&processor());
        assert!(attend_maps(&query, &key, &value).is_none(), "the processor runs no shaders");
        let rows = |map: Tensor<3>| map.swap_dims(1, 2).unsqueeze_dim(1);
        let expected = attention(rows(query), rows(key), rows(value)).swap_dims(2, 3);
        for (id, device) in devices() {
            let maps = tensors(&device);
            let name = format!("{batch} x {channels} channels of {places} places on {id}");
            assert_by_shader(&name, &device, &values(&expected), |precision| {
                let [query, key, value] = maps.each_ref().map(|map| map.clone().cast(precision));
                attend_maps(&query, &key, &value).map(single)
            });
        }
    }
}

#[test]
fn attention_with_its_weights_in_memory_agrees_with_burn() {
    let mut numbers = Numbers::new(18);
    // Single numbers, parts of workgroups, and several workgroups of queries, keys and channels.
    for [batch, channels, places] in [[1, 4, 4], [2, 20, 132], [1, 128, 36], [1, 132, 600], [2, 8, 1028]] {
        let maps = [0; 3].map(|_| random(&mut numbers, batch * channels * places, 1.5));
        let tensors = |device: &Device| {
            maps.each_ref().map(|map| -> Tensor<3> { upload(map, [batch, channels, places], device) })
        };
        let [query, key, value] = tensors(&processor());
        assert!(attend_in_bands(&query, &key, &value, 1).is_none(), "the processor runs no shaders");
        let rows = |map: Tensor<3>| map.swap_dims(1, 2).unsqueeze_dim(1);
        let expected = values(&attention(rows(query), rows(key), rows(value)).swap_dims(2, 3));
        for (id, device) in devices() {
            let maps = tensors(&device);
            for band in [7, usize::MAX] {
                let name = format!("{batch} x {channels} channels of {places} places, {band} fours at a time, on {id}");
                assert_by_shader(&name, &device, &expected, |precision| {
                    let [query, key, value] = maps.each_ref().map(|map| map.clone().cast(precision));
                    attend_in_bands(&query, &key, &value, band).map(single)
                });
            }
            let [query, key, value] = &maps;
            let chosen = attend(query, key, value).is_some();
            assert_eq!(chosen, id.starts_with("gpu") && places >= 1024, "{places} places on {id}");
        }
    }
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        for shape in [[1, 6, 8], [1, 8, 6], [0, 8, 8], [1, 0, 8], [1, 8, 0]] {
            let map = Tensor::<3>::ones(shape, &device);
            assert!(attend_in_bands(&map, &map, &map, 1).is_none(), "{shape:?} on {id}");
        }
        let map = Tensor::<3>::ones([1, 8, 8], &device);
        assert!(attend_in_bands(&map, &map, &map, 0).is_none(), "no query at a time on {id}");
        // The scores are 0, 400, .., so each query takes the value of the last key.
        let key: Vec<f32> = (0..4 * 72).map(|i| if i < 72 { i as f32 * 400.0 } else { 0.0 }).collect();
        let query: Vec<f32> = (0..4 * 72).map(|i| if i < 72 { 2.0 } else { 0.0 }).collect();
        let [query, key]: [Tensor<3>; 2] = [query, key].map(|map| upload(&map, [1, 4, 72], &device));
        let attended = values(&attend_in_bands(&query, &key, &key, 18).unwrap());
        assert_eq!(attended[..72], [71.0 * 400.0; 72], "{id}");
    }
}

#[test]
fn attention_shaders_agree_with_burn_for_tokens() {
    let mut numbers = Numbers::new(14);
    for [batch, heads, count, width] in
        [[1, 1, 1, 1], [2, 8, 31, 40], [1, 6, 64, 144], [2, 3, 256, 72], [1, 8, 70, 1152]]
    {
        let joint = random(&mut numbers, batch * count * 3 * width, 1.5);
        let tensor = |device: &Device| -> Tensor<3> { upload(&joint, [batch, count, 3 * width], device) };
        assert!(attend_tokens(&tensor(&processor()), heads).is_none(), "the processor runs no shaders");
        let part = |i: usize| {
            let part = tensor(&processor()).slice(s![.., .., i * width..(i + 1) * width]);
            part.reshape([batch, count, heads, width / heads]).swap_dims(1, 2)
        };
        let expected = values(&attention(part(0), part(1), part(2)).swap_dims(1, 2));
        for (id, device) in devices() {
            let joint = tensor(&device);
            let name = format!("{batch} x {count} tokens of {width} in {heads} heads on {id}");
            assert_by_shader(&name, &device, &expected, |precision| {
                attend_tokens(&joint.clone().cast(precision), heads).map(single)
            });
        }
    }
}

#[test]
fn attention_shaders_take_scores_that_overflow_an_exponential() {
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        // The scores are 0, 400, .., so each query takes the value of the last key.
        let key: Vec<f32> = (0..70).map(|i| i as f32 * 400.0).collect();
        let (query, key): (Tensor<3>, Tensor<3>) =
            (Tensor::ones([1, 1, 70], &device), upload(&key, [1, 1, 70], &device));
        let attended = values(&attend_maps(&query, &key, &key).unwrap());
        assert!(attended.iter().all(|v| *v == 69.0 * 400.0), "{id}: {attended:?}");
    }
}

#[test]
fn what_follows_a_linear_layer_agrees_with_burn() {
    let mut numbers = Numbers::new(15);
    for ([batch, count, inputs, outputs], activation) in [
        ([1, 1, 1, 1], Activation::Gelu),
        ([2, 20, 30, 65], Activation::Gelu),
        ([3, 7, 20, 64], Activation::TanhGelu),
        ([2, 17, 33, 70], Activation::Silu),
        ([2, 32, 5, 3], Activation::None),
    ] {
        let x = random(&mut numbers, batch * count * inputs, 2.0);
        let (weight, bias) =
            (random(&mut numbers, outputs * inputs, (1.0 / inputs as f32).sqrt()), random(&mut numbers, outputs, 0.1));
        let (gates, residual) =
            (random(&mut numbers, batch * 3 * outputs, 0.2), random(&mut numbers, batch * count * outputs, 1.0));
        type Tensors = (Tensor<2>, Tensor<2>, Tensor<1>, Tensor<2>, Tensor<2>);
        let tensors = |device: &Device, precision: FloatDType| -> Tensors {
            let matrix = |values: &[f32], shape: [usize; 2]| upload::<2>(values, shape, device).cast(precision);
            (
                matrix(&x, [batch * count, inputs]),
                matrix(&weight, [outputs, inputs]),
                upload::<1>(&bias, [outputs], device).cast(precision),
                matrix(&gates, [batch, 3 * outputs]),
                matrix(&residual, [batch * count, outputs]),
            )
        };
        let (tokens, matrix, offset, factors, terms) = tensors(&processor(), FloatDType::F32);
        let sums = module::linear(tokens, matrix.transpose(), Some(offset));
        let activated = match activation {
            Activation::None => sums,
            Activation::Gelu => gelu(sums),
            Activation::Silu => silu(sums),
            Activation::TanhGelu => {
                let cube = sums.clone().powi_scalar(3) * 0.044715;
                sums.clone() * sigmoid((sums + cube) * (8.0 / std::f64::consts::PI).sqrt())
            }
        };
        let gate: Tensor<3> = factors.slice(s![.., outputs..2 * outputs]).reshape([batch, 1, outputs]);
        let gated = (activated.clone().reshape([batch, count, outputs]) * gate).reshape([batch * count, outputs]);
        let own = terms.clone() + gated;
        let of_each = terms.clone().slice(s![0..count]);
        let shared = activated.clone().reshape([batch, count, outputs]) + of_each.unsqueeze::<3>();
        for (id, device) in devices() {
            let name = format!("{batch} x {count} rows, {inputs} to {outputs}, {activation:?} on {id}");
            let run = |precision, form: &str| {
                let (x, weight, bias, gates, residual) = tensors(&device, precision);
                let first = residual.clone().slice(s![0..count]);
                let then = match form {
                    "alone" => Then { activation, ..Then::default() },
                    "shared" => Then { activation, residual: Some(&first), ..Then::default() },
                    _ => Then { activation, gate: Some((&gates, 1)), residual: Some(&residual) },
                };
                linear_then(&x, &weight, &bias, then).map(single)
            };
            for (form, expected) in
                [("alone", values(&activated)), ("shared", values(&shared)), ("gated", values(&own))]
            {
                assert_by_shader(&format!("{form}: {name}"), &device, &expected, |precision| run(precision, form));
            }
        }
    }
}

#[test]
fn activations_agree_with_their_formulas_from_end_to_end() {
    let x: Vec<f32> = (-300..=300).map(|i| i as f32 / 10.0).collect();
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        let (one, nothing): (Tensor<2>, Tensor<1>) = (Tensor::ones([1, 1], &device), Tensor::zeros([1], &device));
        let run = |activation| {
            let tokens: Tensor<2> = upload(&x, [x.len(), 1], &device);
            values(&linear_then(&tokens, &one, &nothing, Then { activation, ..Then::default() }).unwrap())
        };
        let of_each = |f: &dyn Fn(f64) -> f64| x.iter().map(|x| f(f64::from(*x)) as f32).collect::<Vec<f32>>();
        let tanh = of_each(&|x| x * sigmoid((8.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)));
        let by_burn = values(&gelu(upload::<2>(&x, [x.len(), 1], &processor())));
        for (activation, expected) in [
            (Activation::None, x.clone()),
            (Activation::Gelu, by_burn),
            (Activation::TanhGelu, tanh),
            (Activation::Silu, of_each(&|x| x * sigmoid(x))),
        ] {
            assert_near(&format!("{activation:?} on {id}"), &run(activation), &expected, 6e-6);
        }
    }
}

#[test]
fn convolution_shaders_add_a_residual() {
    let mut numbers = Numbers::new(16);
    for [batch, inputs, outputs, width, height, side] in
        [[1, 3, 5, 7, 3, 3], [2, 20, 70, 20, 9, 1], [1, 9, 30, 25, 21, 3]]
    {
        let map = random(&mut numbers, batch * inputs * width * height, 1.0);
        let weight = random(&mut numbers, outputs * inputs * side * side, (1.0 / (inputs * side * side) as f32).sqrt());
        let bias = random(&mut numbers, outputs, 0.1);
        let residual = random(&mut numbers, batch * outputs * width * height, 1.0);
        for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
            let run = |device: &Device, precision: FloatDType, adds: bool| {
                let [map, residual] = [(&map, inputs), (&residual, outputs)].map(|(values, channels)| -> Tensor<4> {
                    upload(values, [batch, channels, height, width], device).cast(precision)
                });
                let weight = upload::<4>(&weight, [outputs, inputs, side, side], device).cast(precision);
                let bias = upload::<1>(&bias, [outputs], device).cast(precision);
                convolve_adding(&map, &weight, &bias, 1, adds.then_some(&residual)).map(single)
            };
            // The convolution alone is compared with burn's elsewhere.
            let alone = run(&device, FloatDType::F32, false).unwrap();
            let expected: Vec<f32> = alone.iter().zip(&residual).map(|(a, b)| a + b).collect();
            let name = format!("{batch} x {inputs} to {outputs} channels of {width} x {height} on {id}");
            assert_by_shader(&name, &device, &expected, |precision| run(&device, precision, true));
        }
    }
}

#[test]
fn region_conditions_agree_with_burn() {
    let mut numbers = Numbers::new(17);
    for [count, width, stem, samples] in [[1, 1, 1, 1], [5, 40, 30, 16], [9, 300, 33, 64], [4, 16, 128, 4]] {
        let x = random(&mut numbers, count * width, 1.0);
        let regions = random(&mut numbers, count * stem * samples, 1.0);
        let reduction = random(&mut numbers, samples, 1.0 / samples as f32);
        let (projection, bias) =
            (random(&mut numbers, width * stem, 1.0 / stem as f32), random(&mut numbers, width, 0.3));
        let tensors = |device: &Device, precision: FloatDType| {
            let x = upload::<2>(&x, [count, width], device).cast(precision);
            let regions = upload::<3>(&regions, [count, stem, samples], device).cast(precision);
            let reduction = upload::<2>(&reduction, [1, samples], device).cast(precision);
            let reduction_bias = upload::<1>(&[0.3], [1], device).cast(precision);
            let projection = upload::<2>(&projection, [width, stem], device).cast(precision);
            let bias = upload::<1>(&bias, [width], device).cast(precision);
            (x, regions, (reduction, reduction_bias), (projection, bias))
        };
        let run = |device: &Device, precision: FloatDType| {
            let (x, regions, (w, b), (p, c)) = tensors(device, precision);
            add_condition(&x, &regions, (&w, &b), (&p, &c)).map(single)
        };
        assert!(run(&processor(), FloatDType::F32).is_none(), "the processor runs no shaders");
        // In the authors' order: every sample is projected, and then reduced.
        let (x, regions, (w, b), (p, c)) = tensors(&processor(), FloatDType::F32);
        let projected = p.unsqueeze::<3>().matmul(regions) + c.reshape([1, width, 1]); // [N, width, samples]
        let reduced: Tensor<2> = projected.matmul(w.transpose().unsqueeze::<3>()).reshape([count, width]);
        let expected = values(&(x + reduced + b.unsqueeze::<2>()));
        for (id, device) in devices() {
            let name = format!("{count} tokens of {width}, {stem} channels of {samples} samples on {id}");
            assert_by_shader(&name, &device, &expected, |precision| run(&device, precision));
        }
    }
}
