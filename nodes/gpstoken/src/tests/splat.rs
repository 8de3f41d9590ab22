use super::{Golden, assert_near, distance, largest};
use crate::splat::{splat, splat_dense};
use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};

struct Case {
    gaussians: Vec<f32>,
    textures: Vec<f32>,
    channels: usize,
    size: [usize; 2],
    support: f32,
}

impl Case {
    fn direct(&self) -> Vec<f32> {
        splat_map(&self.gaussians, &self.textures, self.channels, self.size, self.support)
    }

    fn dense(&self) -> Vec<f32> {
        let (count, device) = (self.gaussians.len() / 5, Device::flex());
        let tensor = |values: &[f32], width| {
            Tensor::<3>::from_data(TensorData::new(values.to_vec(), [1, count, width]), &device)
        };
        let map =
            splat_dense(tensor(&self.gaussians, 5), tensor(&self.textures, self.channels), self.size, self.support);
        map.into_data().try_to_vec().unwrap()
    }
}

/// The map `[C, height, width]`, written over something else.
pub(super) fn splat_map(
    gaussians: &[f32],
    textures: &[f32],
    channels: usize,
    size: [usize; 2],
    support: f32,
) -> Vec<f32> {
    let mut map = vec![f32::NAN; channels * size[0] * size[1]];
    splat(gaussians, textures, size, support, &mut map);
    map
}

fn unit(golden: &Golden, name: &str) -> Case {
    let sigmas = golden.rows::<3>(&format!("{name}.sigmas"));
    let coords = golden.rows::<2>(&format!("{name}.coords"));
    let &[h, w, support] = golden.f32(&format!("{name}.hw_dmax")) else { panic!("three numbers") };
    Case {
        gaussians: sigmas.iter().zip(coords).flat_map(|(s, c)| [s[0], s[1], s[2], c[0], c[1]]).collect(),
        textures: golden.f32(&format!("{name}.colors")).to_vec(),
        channels: golden.shape(&format!("{name}.colors"))[1],
        size: [w as usize, h as usize],
        support,
    }
}

/// `[H, W, C]` to `[C, H, W]`
fn channels_first(values: &[f64], channels: usize) -> Vec<f32> {
    (0..channels).flat_map(|c| values.iter().skip(c).step_by(channels).map(|v| *v as f32)).collect()
}

#[test]
fn both_forms_agree_with_the_recorded_cases() {
    let golden = Golden::open("splat_unit.safetensors");
    for name in ["c0", "c1", "c2", "c3", "c4"] {
        let case = unit(&golden, name);
        let exact = channels_first(golden.tensor(&format!("{name}.out_f64")).as_slice().unwrap(), case.channels);
        let single: Vec<f64> = golden.f32(&format!("{name}.out")).iter().map(|v| f64::from(*v)).collect();
        let single = channels_first(&single, case.channels);
        // The authors' f32 form is this far from f64; ours works in f64 up to the sum.
        assert_near(&format!("{name} direct, f64"), &case.direct(), &exact, largest(&exact) * 1e-6);
        let tolerance = largest(&exact) * 1e-5;
        assert_near(&format!("{name} direct, f32"), &case.direct(), &single, tolerance);
        assert_near(&format!("{name} dense, f32"), &case.dense(), &single, tolerance);
    }
}

#[test]
fn recorded_tokens_give_the_recorded_map() {
    for (file, size, support) in [("tokA_full", [64, 64], 3.0), ("tokB_full", [64, 48], 1.75)] {
        let golden = Golden::open(&format!("{file}.safetensors"));
        let width = golden.shape("gpstokens")[2];
        let tokens: Vec<&[f32]> = golden.f32("gpstokens").chunks_exact(width).collect();
        let case = Case {
            gaussians: tokens.iter().flat_map(|t| t[..5].to_vec()).collect(),
            textures: tokens.iter().flat_map(|t| t[5..].to_vec()).collect(),
            channels: width - 5,
            size,
            support,
        };
        assert_near(&format!("{file} direct"), &case.direct(), golden.f32("rendered"), 5e-4);
        assert_near(&format!("{file} dense"), &case.dense(), golden.f32("rendered"), 5e-4);
    }
}

fn random_case(count: usize, channels: usize, size: [usize; 2]) -> Case {
    let mut state = 12_345u64;
    let mut random = move |low: f32, high: f32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((state >> 40) as f32 / (1 << 24) as f32)
    };
    let gaussians = (0..count)
        .flat_map(|_| [random(0.01, 0.3), random(0.01, 0.3), random(-0.9, 0.9), random(-1.2, 1.2), random(-1.2, 1.2)]);
    let gaussians = gaussians.collect();
    Case {
        gaussians,
        textures: (0..count * channels).map(|_| random(-1.0, 1.0)).collect(),
        channels,
        size,
        support: 3.0,
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let case = random_case(300, 16, [200, 130]);
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| case.direct());
    assert_eq!(with(1), with(3));
}

#[test]
fn both_forms_agree_on_other_channels_and_sizes() {
    for (channels, size) in [(1, [40, 33]), (17, [33, 70]), (32, [64, 64]), (3, [1, 5]), (3, [5, 1]), (2, [1, 1])] {
        let case = random_case(50, channels, size);
        assert_near(&format!("{channels} channels, {size:?}"), &case.direct(), &case.dense(), 2e-5);
    }
}

#[test]
fn maps_that_are_written_past_the_cache_agree_with_the_dense_form_wherever_they_lie() {
    let size = [368, 400];
    let case = random_case(12, 16, size);
    let dense = case.dense();
    assert!(size_of_val(&dense[..]) > 8 << 20);
    // Whole lines of the cache begin at another column of the map each time; at some, no four numbers are aligned to all four.
    let mut first: Option<Vec<f32>> = None;
    for before in [0, 1, 4, 15] {
        let mut memory = vec![f32::NAN; before + dense.len() + 1];
        let (map, after) = memory[before..].split_at_mut(dense.len());
        splat(&case.gaussians, &case.textures, size, case.support, map);
        assert_near(&format!("{before} numbers before the map"), map, &dense, 2e-5);
        assert!(after[0].is_nan());
        assert_eq!(map, first.get_or_insert_with(|| map.to_vec()), "other bits at another place");
    }
}

#[test]
fn degenerate_tokens_contribute_nothing() {
    let mut case = random_case(12, 4, [30, 20]);
    let clean = case.direct();
    let bad: [[f32; 5]; 8] = [
        [f32::NAN, 0.1, 0.0, 0.0, 0.0],
        [0.1, f32::INFINITY, 0.0, 0.0, 0.0],
        [0.1, 0.1, f32::NAN, 0.0, 0.0],
        [0.1, 0.1, 0.0, f32::NEG_INFINITY, 0.0],
        [0.0, 0.1, 0.0, 0.0, 0.0],
        [0.1, -0.1, 0.0, 0.0, 0.0],
        [0.1, 0.1, 1.0, 0.0, 0.0],
        [0.1, 0.1, -1.5, 0.0, 0.0],
    ];
    case.gaussians.extend(bad.concat());
    case.textures.extend([1.0; 8 * 4]);
    assert_eq!(case.direct(), clean);
    // Far narrower than a pixel, and nearly a line: finite numbers only.
    case.gaussians.extend([
        1e-30,
        1e-30,
        0.0,
        -1.0,
        -1.0,
        0.3,
        0.3,
        0.999_999_9,
        0.0,
        0.0,
        100.0,
        1e-3,
        0.9999,
        0.5,
        0.5,
    ]);
    case.textures.extend([1.0; 3 * 4]);
    let map = case.direct();
    assert!(map.iter().all(|v| v.is_finite()));
    assert!(distance(&map, &clean) > 0.5);
    assert!(splat_map(&[], &[], 4, [3, 2], 3.0).iter().all(|v| *v == 0.0));
}
