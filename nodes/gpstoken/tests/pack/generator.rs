//! Compares network and guidance of the generator on the host with recorded runs, and tests its noise.

use super::{Golden, assert_near, largest};
use splatgraph_pack_gpstoken::{
    generator::{
        Network, Prepared, Row, Velocities,
        guidance::{Guidance, Guided},
        noise::{Noise, normal},
        normalisation::Normalisation,
    },
    kernels::{cpu::Level, rows::linear_rows},
};

/// The difference between the recorded f32 run and the same network in f64, times five.
const FORWARD: f32 = 5e-6;

pub(super) fn network(kind: &str) -> Network {
    let tensors = Golden::open(&format!("weights_sit_{kind}.safetensors")).0;
    Network::load(tensors, Some(6)).unwrap()
}

pub(super) fn integers(golden: &Golden, key: &str) -> Vec<usize> {
    golden.tensor(key).as_slice::<i64>().unwrap().iter().map(|v| *v as usize).collect()
}

#[test]
fn the_network_agrees() {
    let golden = Golden::open("sit_forward.safetensors");
    for (kind, x, out) in [("cond", "x", "out"), ("layout", "layout.x", "layout.out")] {
        let network = network(kind);
        // One picture at a time, as each has its own time.
        let condition = if kind == "cond" { golden.f32("cond") } else { &[] };
        for level in Level::all() {
            let prepared = Prepared::new(&network, level, 64, condition);
            let rows = golden.f32("t").iter().zip(integers(&golden, "y")).enumerate();
            let velocities = rows.flat_map(|(i, (t, class))| {
                let row = Row { point: i, picture: i, class };
                prepared.velocities(golden.f32(x), *t, &[row], &mut || Ok(())).unwrap()
            });
            assert_near(&format!("{out} {level:?}"), &velocities.collect::<Vec<_>>(), golden.f32(out), FORWARD);
        }
    }
}

#[test]
fn guidance_agrees_inside_outside_and_at_the_ends_of_its_interval() {
    let golden = Golden::open("sit_forward.safetensors");
    let (cond, layout) = (network("cond"), network("layout"));
    let classes = integers(&golden, "cfg.y");
    assert_eq!(classes[2..], [10, 10]);
    let guidance = Guidance { scale: 1.5, interval: [0.2, 0.8] };
    for (name, evaluated) in [("inside", 4), ("at_low", 4), ("below", 2), ("above", 2), ("at_high", 4)] {
        let t = golden.f32(&format!("cfg.{name}.t"))[0];
        let recorded = golden.f32(&format!("cfg.{name}.out"));
        let half = golden.f32("x").len() / 2;
        let prepared = Prepared::new(&cond, Level::best(), 64, &golden.f32("cfg.cond")[..2 * 64 * 5]);
        let mut guided = Guided::new(&prepared, cond.sizes.classes, &classes[..2], guidance);
        let first = guided.velocities(0..2, &golden.f32("x")[..half], t, &mut || Ok(())).unwrap();
        assert_eq!(guided.evaluated, evaluated, "{name}");
        assert_near(&format!("{name}, first half"), &first, &recorded[..half], FORWARD);
        let both = guided.both_halves(golden.f32("x"), t, &mut || Ok(())).unwrap();
        assert_near(&format!("{name}, both halves"), &both, recorded, FORWARD);
    }
    let guidance = Guidance { scale: 2.0, interval: [0.0, 1.0] };
    let prepared = Prepared::new(&layout, Level::best(), 64, &[]);
    let mut guided = Guided::new(&prepared, layout.sizes.classes, &classes[..2], guidance);
    let both = guided.both_halves(golden.f32("layout.x"), 0.5, &mut || Ok(())).unwrap();
    assert_near("layout", &both, golden.f32("layout.cfg_inside.out"), FORWARD);
}

#[test]
fn samples_become_the_recorded_tokens() {
    let golden = Golden::open("sit_post.safetensors");
    let normalisation = Normalisation { means: golden.f32("means").to_vec(), stds: golden.f32("stds").to_vec() };
    assert_eq!(normalisation, Normalisation::official());
    for (samples, tokens) in [("samples", "tokens"), ("samples_x40", "tokens_x40")] {
        for (i, layout) in golden.f32("g_init").chunks_exact(64 * 5).enumerate() {
            let sample = &golden.f32(samples)[i * 64 * 21..][..64 * 21];
            let sample: Vec<f32> = (0..21).flat_map(|c| (0..64).map(move |n| sample[n * 21 + c])).collect();
            let recorded = &golden.f32(tokens)[i * 64 * 21..][..64 * 21];
            assert_eq!(normalisation.tokens(&sample, Some(layout)), recorded);
        }
    }
}

#[test]
fn seeded_noise_is_normal_and_as_documented() {
    let first = normal(7, 0, 6);
    assert_eq!(normal(7, 0, 5), first[..5]);
    assert_ne!(normal(8, 0, 6), first);
    assert_ne!(normal(7, 1, 6), first);
    insta::assert_snapshot!(format!("{first:?}"), @"[-0.71681, 0.15579793, -1.0202043, 3.0500367, -0.7146264, 1.1800392]");
    // A layout and its textures have different noise.
    assert_eq!(Noise::seeds(7, 1).start(6), first);
    assert_eq!(Noise::layout_seeds(7, 1).start(6), normal(7, 1 << 32, 6));
    assert_ne!(Noise::layout_seeds(7, 1).start(6), first);
    assert_eq!(Noise::layout_seeds(7, 2).draw(0, 2, 6)[6..], normal(8, (1 << 32) + 1, 6));
    let many: Vec<f64> = normal(1, 3, 100_000).into_iter().map(f64::from).collect();
    let moment = |power: i32| many.iter().map(|v| v.powi(power)).sum::<f64>() / many.len() as f64;
    assert!(moment(1).abs() < 0.015 && (moment(2) - 1.0).abs() < 0.02, "{} {}", moment(1), moment(2));
    assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1, "{} {}", moment(3), moment(4));
    let neighbours = many.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / many.len() as f64;
    assert!(neighbours.abs() < 0.015, "{neighbours}");
}

#[test]
fn products_of_rows_agree_with_f64_and_do_not_depend_on_the_number_of_rows() {
    for (rows, inputs, outputs) in [(1, 1, 1), (3, 63, 130), (2, 64, 64), (4, 200, 5), (7, 1152, 70)] {
        let (x, weight, bias) = (normal(1, 0, rows * inputs), normal(2, 0, outputs * inputs), normal(3, 0, outputs));
        let expected: Vec<f32> = (0..rows)
            .flat_map(|r| {
                let (x, weight, bias) = (&x, &weight, &bias);
                (0..outputs).map(move |o| {
                    let terms = (0..inputs).map(|i| f64::from(x[r * inputs + i]) * f64::from(weight[o * inputs + i]));
                    (terms.sum::<f64>() + f64::from(bias[o])) as f32
                })
            })
            .collect();
        for level in Level::all() {
            let all = linear_rows(level, [&weight, &bias], &x);
            assert_near(&format!("{level:?} {rows} x {inputs}"), &all, &expected, largest(&expected) * 2e-6);
            for (x, expected) in x.chunks_exact(inputs).zip(all.chunks_exact(outputs)) {
                assert_eq!(linear_rows(level, [&weight, &bias], x), expected);
            }
        }
    }
}
