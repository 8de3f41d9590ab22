//! Tests of the dense form of the splat in tensor operations, the slow twin of the host's kernel.

use super::{
    Golden, assert_near, largest, processor,
    support::splat::{Case, channels_first, random_case, recorded_case, unit},
};
use burn::tensor::{Tensor, TensorData};
use splatgraph_pack_gpstoken::{on_device::splat_dense, splat::splat};

fn dense(case: &Case) -> Vec<f32> {
    let (count, device) = (case.gaussians.len() / 5, processor());
    let tensor =
        |values: &[f32], width| Tensor::<3>::from_data(TensorData::new(values.to_vec(), [1, count, width]), &device);
    let map = splat_dense(tensor(&case.gaussians, 5), tensor(&case.textures, case.channels), case.size, case.support);
    map.into_data().try_to_vec().unwrap()
}

#[test]
fn the_dense_form_agrees_with_the_recorded_cases() {
    let golden = Golden::open("splat_unit.safetensors");
    for name in ["c0", "c1", "c2", "c3", "c4"] {
        let case = unit(&golden, name);
        let single: Vec<f64> = golden.f32(&format!("{name}.out")).iter().map(|v| f64::from(*v)).collect();
        let single = channels_first(&single, case.channels);
        let tolerance = largest(&single) * 1e-5;
        assert_near(&format!("{name} dense, f32"), &dense(&case), &single, tolerance);
    }
}

#[test]
fn the_dense_form_reproduces_the_recorded_map() {
    for (file, size, support) in [("tokA_full", [64, 64], 3.0), ("tokB_full", [64, 48], 1.75)] {
        let golden = Golden::open(&format!("{file}.safetensors"));
        let case = recorded_case(&golden, size, support);
        assert_near(&format!("{file} dense"), &dense(&case), golden.f32("rendered"), 5e-4);
    }
}

#[test]
fn both_forms_agree_on_other_channels_and_sizes() {
    for (channels, size) in [(1, [40, 33]), (17, [33, 70]), (32, [64, 64]), (3, [1, 5]), (3, [5, 1]), (2, [1, 1])] {
        let case = random_case(50, channels, size);
        assert_near(&format!("{channels} channels, {size:?}"), &case.direct(), &dense(&case), 2e-5);
    }
}

#[test]
fn maps_written_past_the_cache_agree_with_the_dense_form_at_any_alignment() {
    let size = [368, 400];
    let case = random_case(12, 16, size);
    let dense = dense(&case);
    assert!(size_of_val(&dense[..]) > 8 << 20);
    // In each case, whole lines of the cache begin at another column of the map. In some cases no four numbers are aligned.
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
