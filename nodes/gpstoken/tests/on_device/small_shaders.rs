//! Tests of the small shaders against burn's operations on the processor, in both precisions.

use super::{
    Numbers, devices,
    network_shaders::{random, single},
    processor,
    shaders::{assert_by_shader, upload, values},
};
use burn::{
    prelude::{Device, s},
    tensor::{DType, FloatDType, Tensor, activation::silu},
};
use splatgraph_pack_gpstoken::on_device::{
    arrange_shader::{Arrangement, Place, add_window, arrange, write},
    elementwise_shader::{add, place, select, shift},
};

#[test]
fn small_shaders_agree_with_burn() {
    let mut numbers = Numbers::new(18);
    let (a, b) = (random(&mut numbers, 2 * 30 * 20, 3.0), random(&mut numbers, 30 * 20, 3.0));
    let gaussians: Vec<f32> = random(&mut numbers, 600 * 5, 0.95)
        .iter()
        .enumerate()
        .map(|(i, v)| if i % 5 < 2 { 0.001 + 0.4 * v.abs() } else { *v })
        .collect();
    let delta = random(&mut numbers, 600 * 5, 2.0);
    let rows = [3, 29, 0, 3];
    let tensors = |device: &Device, precision: FloatDType| -> (Tensor<3>, Tensor<3>) {
        let a: Tensor<3> = upload(&a, [2, 30, 20], device);
        let b: Tensor<3> = upload(&b, [1, 30, 20], device);
        (a.cast(precision), b.cast(precision))
    };
    let (first, second) = tensors(&processor(), FloatDType::F32);
    assert!(add(&first, &second, false).is_none(), "the processor runs no shaders");
    let sum = first + second.clone();
    let selected: Vec<f32> = rows.iter().flat_map(|row| &b[row * 20..(row + 1) * 20]).copied().collect();
    let placed: Vec<f32> = gaussians.iter().enumerate().map(|(i, v)| v * b[i % 500] + a[i % 500]).collect();
    // As the tokenizer's network on the processor: in logits.
    let shifted: Vec<f32> = gaussians
        .iter()
        .zip(&delta)
        .enumerate()
        .map(|(i, (v, d))| {
            let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
            let (v, d) = (f64::from(*v), f64::from(*d));
            let shifted = if i % 5 < 2 {
                sigmoid(-(1.0 / v - 1.0).ln() + d)
            } else {
                sigmoid(-(2.0 / (v + 1.0) - 1.0).ln() + d) * 2.0 - 1.0
            };
            shifted as f32
        })
        .collect();
    for (id, device) in devices() {
        assert_by_shader(&format!("add on {id}"), &device, &values(&sum), |precision| {
            let (a, b) = tensors(&device, precision);
            add(&a, &b, false).map(single)
        });
        assert_by_shader(&format!("add and activate on {id}"), &device, &values(&silu(sum.clone())), |precision| {
            let (a, b) = tensors(&device, precision);
            add(&a, &b, true).map(single)
        });
        assert_by_shader(&format!("select on {id}"), &device, &selected, |precision| {
            let table: Tensor<2> = tensors(&device, precision).1.reshape([30, 20]);
            assert!(select(&table, &[30]).is_none(), "there are 30 rows");
            select(&table, &rows).map(single)
        });
        let on_device = |values: &[f32]| -> Tensor<3> { upload(values, [2, 300, 5], &device) };
        assert_by_shader(&format!("shift on {id}"), &device, &shifted, |precision| {
            shift(&on_device(&gaussians), &on_device(&delta).cast(precision)).map(single)
        });
        assert_by_shader(&format!("place on {id}"), &device, &placed, |_| {
            place(&on_device(&gaussians), &b[..500], &a[..500]).map(single)
        });
    }
}

#[test]
fn gaussians_outside_their_ranges_become_nan_as_on_the_processor() {
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        let gaussians: Tensor<3> = upload(&[-0.1, 1.5, -1.5, 1.25, 3.0], [1, 1, 5], &device);
        let shifted = values(&shift(&gaussians, &Tensor::zeros([1, 1, 5], &device)).unwrap());
        assert!(shifted.iter().all(|v| v.is_nan()), "{id}: {shifted:?}");
    }
}

#[test]
fn shifts_at_the_ends_of_their_ranges_stay_inside() {
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        let gaussians: Tensor<3> = upload(&[0.0, 1.0, -1.0, 1.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0], [1, 2, 5], &device);
        let delta: Tensor<3> =
            upload(&[3.0, -3.0, 90.0, -90.0, 0.0, 1e30, -1e30, 1e30, -1e30, 0.0], [1, 2, 5], &device);
        let shifted = values(&shift(&gaussians, &delta).unwrap());
        assert_eq!(shifted[..8], [0.0, 1.0, -1.0, 1.0, 0.0, 1.0, shifted[6], 1.0], "{id}");
        assert!((0.0..1e-30).contains(&shifted[6]) && shifted[8] == -1.0 && shifted[9] == 0.0, "{id}: {shifted:?}");
    }
}

#[test]
fn arrangements_agree_with_slices_permutations_and_casts() {
    let numbers: Vec<f32> = (0..2 * 3 * 4 * 5).map(|i| i as f32 * 0.5 - 20.0).collect();
    // Rows 1..3 of each of 2 x 3 planes of 4 rows of 5, with rows and columns swapped.
    let arrangement = Arrangement {
        lengths: [1, 1, 2, 3, 5, 2],
        strides: [[0, 0, 60, 20, 1, 5], [0, 0, 30, 10, 2, 1]],
        first: [5, 0],
    };
    let expected = upload::<4>(&numbers, [2, 3, 4, 5], &processor()).slice(s![.., .., 1..3, ..]).swap_dims(2, 3);
    for (id, device) in devices() {
        for from in [FloatDType::F32, FloatDType::F16] {
            if !device.supports_dtype(from) {
                continue;
            }
            let source: Tensor<4> = upload(&numbers, [2, 3, 4, 5], &device).cast(from);
            assert_by_shader(&format!("from {from:?} on {id}"), &device, &values(&expected), |to| {
                let arranged = arrange(&source, [2, 3, 5, 2], to, &arrangement)?;
                assert_eq!(FloatDType::from(arranged.dtype()), to);
                Some(single(arranged))
            });
            // Writes into the rows and columns of another tensor, and leaves its other numbers.
            let target = Tensor::<2>::full([6, 11], 9.0, (&device, DType::from(from)));
            let into = Arrangement {
                lengths: [1, 1, 1, 1, 4, 5],
                strides: [[0, 0, 0, 0, 5, 1], [0, 0, 0, 0, 11, 1]],
                first: [20, 13],
            };
            let Ok(written) = write(target.clone(), &source, &into) else {
                assert!(!id.starts_with("gpu"));
                continue;
            };
            let expected = Tensor::<2>::full([6, 11], 9.0, &processor())
                .slice_assign(s![1..5, 2..7], upload(&numbers[20..40], [4, 5], &processor()));
            assert_eq!(single(written), values(&expected), "{id}");
            assert_eq!(single(target), vec![9.0; 66], "{id}: a tensor that is still used keeps its numbers");
        }
    }
}

#[test]
fn windows_are_added_with_their_weights_and_cut_at_the_border() {
    let numbers: Vec<f32> = (0..3 * 4 * 3).map(|i| i as f32 / 10.0 - 1.0).collect();
    let (across, down) = ([1.0, 0.5, 0.25], [1.0, 0.75, 0.5, 0.25]);
    for (id, device) in devices().into_iter().filter(|(id, _)| id.starts_with("gpu")) {
        for replaces in [true, false] {
            let pictures = Tensor::<4>::full([2, 6, 5, 3], 0.5, &device);
            let window: Tensor<4> = upload(&numbers, [1, 3, 4, 3], &device);
            let place = Place { picture: 1, corner: [3, 4], weights: [&across, &down], replaces };
            let added = values(&add_window(pictures, &window, &place).unwrap());
            for (i, actual) in added.iter().enumerate() {
                let (picture, y, x, channel) = (i / 90, i / 15 % 6, i / 3 % 5, i % 3);
                let mut expected = 0.5;
                if picture == 1 && y >= 4 && x >= 3 {
                    let value = (numbers[(channel * 4 + y - 4) * 3 + x - 3] + 1.0) / 2.0;
                    expected = if replaces { 0.0 } else { 0.5 } + value * across[x - 3] * down[y - 4];
                }
                assert!((actual - expected).abs() < 1e-6, "{id}: {actual} at {i}, expected {expected}");
            }
        }
    }
}
