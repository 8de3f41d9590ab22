//! The generator's network, guidance and samplers against recorded runs.

use super::{Golden, assert_near, largest};
use crate::{
    generator::{
        Network, Prepared, Row,
        guidance::{Guidance, Guided},
        noise::{Noise, normal},
        normalisation::Normalisation,
        run::{Request, Sampled},
        sampler::{Diffusion, LastStep, Sampler, Settings, dopri5},
    },
    kernels::{cpu::Level, rows::linear_rows},
};
use burn::{
    prelude::Device,
    tensor::{Int, Tensor, TensorData},
};
use splatgraph_sdk::Record;
use std::collections::BTreeMap;

/// The difference between the recorded f32 run and the same network in f64, times five.
const FORWARD: f32 = 5e-6;

pub(super) fn network(kind: &str) -> Network {
    let tensors = Golden::open(&format!("weights_sit_{kind}.safetensors")).0;
    Network::load(tensors, Some(6), &Device::flex()).unwrap()
}

fn upload<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

fn integers(golden: &Golden, key: &str) -> Vec<usize> {
    golden.tensor(key).as_slice::<i64>().unwrap().iter().map(|v| *v as usize).collect()
}

#[test]
fn every_stage_of_the_network_agrees() {
    let golden = Golden::open("sit_forward.safetensors");
    for (kind, x, out) in [("cond", "x", "out"), ("layout", "layout.x", "layout.out")] {
        let network = network(kind);
        let classes: Vec<i32> = integers(&golden, "y").iter().map(|v| *v as i32).collect();
        let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [4]), &Device::flex());
        let condition = (kind == "cond").then(|| upload(golden.f32("cond"), [4, 64, 5]));
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
        let input = upload(golden.f32(x), [4, network.channels, 64]);
        let velocities = network.forward(input, golden.f32("t"), classes, start, watch).unwrap();
        assert_near(out, &velocities.to_data().try_to_vec::<f32>().unwrap(), golden.f32(out), FORWARD);
        assert_eq!(seen, if kind == "cond" { 7 } else { 0 });

        // The form on the CPU's kernels, one picture at a time, since each has its own time.
        let condition = if kind == "cond" { golden.f32("cond") } else { &[] };
        for level in Level::all() {
            let prepared = Prepared::direct(&network, level, 64, condition);
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
        for prepared in [
            Prepared::new(&cond, 64, &golden.f32("cfg.cond")[..2 * 64 * 5]),
            Prepared::tensors(&cond, 64, &golden.f32("cfg.cond")[..2 * 64 * 5]),
        ] {
            let mut guided = Guided::new(&cond, prepared, &classes[..2], guidance);
            let first = guided.velocities(0..2, &golden.f32("x")[..half], t, &mut || Ok(())).unwrap();
            assert_eq!(guided.evaluated, evaluated, "{name}");
            assert_near(&format!("{name}, first half"), &first, &recorded[..half], FORWARD);
            let both = guided.both_halves(golden.f32("x"), t, &mut || Ok(())).unwrap();
            assert_near(&format!("{name}, both halves"), &both, recorded, FORWARD);
        }
    }
    let guidance = Guidance { scale: 2.0, interval: [0.0, 1.0] };
    let mut guided = Guided::new(&layout, Prepared::new(&layout, 64, &[]), &classes[..2], guidance);
    let both = guided.both_halves(golden.f32("layout.x"), 0.5, &mut || Ok(())).unwrap();
    assert_near("layout", &both, golden.f32("layout.cfg_inside.out"), FORWARD);
}

/// A run of the recorded kind.
struct Replay {
    network: Network,
    golden: Golden,
    prefix: &'static str,
    low: f32,
}

impl Replay {
    fn open(kind: &'static str) -> Self {
        let golden = Golden::open("sit_sampling.safetensors");
        let (prefix, low) = if kind == "cond" { ("", 0.2) } else { ("layout.", 0.0) };
        Self { network: network(kind), golden, prefix, low }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The recorded noise; `halves` is 2 for the pictures without a class, too, which start where the others do.
    fn noise(&self, noise: Option<&str>, halves: usize, draws: usize) -> Noise {
        let (channels, z) = (self.network.channels, self.golden.f32(&self.key("z")));
        let start = splatgraph_sdk::Tensor::from_vec([2 * halves, channels, 64], z.repeat(halves)).unwrap();
        let mut fields = vec![("start".to_owned(), start)];
        if let Some(noise) = noise {
            let key = self.key(noise);
            let shape = [self.golden.shape(&key)[0], 2, channels, 64];
            let steps = splatgraph_sdk::Tensor::from_vec(shape, self.golden.f32(&key).to_vec()).unwrap();
            fields.push(("steps".to_owned(), steps));
        }
        let record = Record { fields, ..Record::default() };
        Noise::recorded(&record, [2, channels, 64], draws).unwrap()
    }

    /// What comes out, the number of evaluations of the batch, and the states.
    fn run(&self, settings: Settings, noise: &Noise) -> (Vec<f32>, usize, Vec<Vec<f32>>) {
        let condition = if self.prefix.is_empty() { self.golden.f32("cond") } else { &[] };
        let request = Request {
            network: &self.network,
            count: 64,
            condition,
            classes: &integers(&self.golden, "y")[..2],
            guidance: Guidance { scale: 1.5, interval: [self.low, 1.0] },
            settings,
            noise,
        };
        let mut states = Vec::new();
        let Sampled { values, evaluated } = request
            .sample(&mut || Ok(()), &mut |_, step| {
                states.push(step.state.to_vec());
                Ok(())
            })
            .unwrap();
        (values, evaluated, states)
    }
}

const SDE: Settings =
    Settings { sampler: Sampler::Sde, points: 10, diffusion: Diffusion::Sbdm, last_step: LastStep::Mean };

#[test]
fn stochastic_samplers_repeat_recorded_runs() {
    for kind in ["cond", "layout"] {
        let replay = Replay::open(kind);
        let mut cases = vec![("sde10", SDE), ("sde50", Settings { points: 50, ..SDE })];
        if kind == "cond" {
            cases.extend([
                ("sde10_heun", Settings { sampler: Sampler::SdeHeun, ..SDE }),
                ("sde10_last_none", Settings { last_step: LastStep::None, ..SDE }),
                ("sde10_last_tweedie", Settings { last_step: LastStep::Tweedie, ..SDE }),
                ("sde10_last_euler", Settings { last_step: LastStep::Euler, ..SDE }),
                ("sde10_sigma", Settings { diffusion: Diffusion::Sigma, ..SDE }),
                ("sde10_linear", Settings { diffusion: Diffusion::Linear, ..SDE }),
            ]);
        }
        for (name, settings) in cases {
            let noise = if name == "sde50" { "sde50.noise" } else { "sde10.noise" };
            let (values, _, states) = replay.run(settings, &replay.noise(Some(noise), 1, settings.draws()));
            let recorded = replay.golden.f32(&replay.key(&format!("{name}.final")));
            assert_near(name, &values, recorded, SAMPLING * largest(recorded));
            if name == "sde10" {
                let key = replay.key("sde10.states");
                let recorded = replay.golden.f32(&key).chunks_exact(values.len());
                assert_eq!(recorded.len(), states.len());
                for (i, (state, recorded)) in states.iter().zip(recorded).enumerate() {
                    assert_near(&format!("state {i}"), state, recorded, SAMPLING * largest(recorded));
                }
            }
        }
    }
}

/// Allowed in a sampled state, as a part of its largest number.
const SAMPLING: f32 = 5e-6;

#[test]
fn samplers_of_equal_steps_repeat_recorded_runs() {
    for kind in ["cond", "layout"] {
        let replay = Replay::open(kind);
        for (name, sampler, points, evaluations) in [
            ("ode_euler10", Sampler::Euler, 10, 9),
            ("ode_euler50", Sampler::Euler, 50, 49),
            ("ode_heun210", Sampler::Heun2, 10, 18),
            ("ode_heun310", Sampler::Heun3, 10, 27),
            ("ode_midpoint10", Sampler::Midpoint, 10, 18),
            ("ode_rk410", Sampler::Rk4, 10, 36),
        ] {
            let settings = Settings { sampler, points, ..SDE };
            let (values, evaluated, _) = replay.run(settings, &replay.noise(None, 1, 0));
            let recorded = replay.golden.f32(&replay.key(&format!("{name}.final")));
            assert_near(name, &values, recorded, SAMPLING * largest(recorded));
            // At most with and without a class for each of two pictures.
            assert!(evaluated <= 4 * evaluations && evaluated > 2 * evaluations, "{name}: {evaluated}");
        }
    }
}

/// dopri5 keeps an error of about 1e-3 relative to the state. Its first step's error is one of rounding, so that later steps
/// differ a little between implementations, and the results as far as this tolerance allows.
const ADAPTIVE: f32 = 1e-3;

#[test]
fn dopri5_repeats_recorded_runs() {
    for kind in ["cond", "layout"] {
        let replay = Replay::open(kind);
        let settings = Settings { sampler: Sampler::Dopri5, points: 5, ..SDE };
        let (values, evaluated, _) = replay.run(settings, &replay.noise(None, 2, 0));
        let recorded = replay.golden.f32(&replay.key("ode_dopri55.final"));
        assert_near(kind, &values, recorded, ADAPTIVE * largest(recorded));
        let evaluations = replay.golden.shape(&replay.key("ode_dopri5.t_evals"))[0];
        assert_eq!(evaluated, 4 * evaluations, "{kind}");
        // By themselves the pictures take steps of their own. Where guidance sets in, the velocity jumps, which costs accuracy: the
        // recorded run is 0.03 away from the solution, too.
        let fine = Settings { sampler: Sampler::Rk4, points: 401, ..SDE };
        let (fine, ..) = replay.run(fine, &replay.noise(None, 1, 0));
        assert_near("as recorded, to the solution", &values, &fine, 0.05);
        let (values, ..) = replay.run(settings, &replay.noise(None, 1, 0));
        assert_near("by themselves, to the solution", &values, &fine, 0.1);
    }
}

#[test]
fn dopri5_takes_the_recorded_steps_where_the_velocity_has_no_jumps() {
    let (replay, golden) = (Replay::open("cond"), Golden::open("sit_ode_smooth.safetensors"));
    let classes = &integers(&replay.golden, "y")[..2];
    let guidance = Guidance { scale: 1.5, interval: [-1e6, 1e6] };
    let prepared = Prepared::new(&replay.network, 64, replay.golden.f32("cond"));
    let mut guided = Guided::new(&replay.network, prepared, classes, guidance);
    let mut times = Vec::new();
    let mut velocity = |x: &[f32], t: f32| {
        times.push(t);
        guided.velocities(0..2, x, t, &mut || Ok(()))
    };
    let start = replay.golden.f32("z").to_vec();
    let states = dopri5(start, &[0.25, 0.5, 0.75, 1.0], &mut velocity, &mut |_| Ok(())).unwrap();
    let recorded: Vec<f32> =
        golden.tensor("dopri5_5.t_evals").as_slice::<f64>().unwrap().iter().map(|t| *t as f32).collect();
    // The error of the first step is one of rounding, and with it the length of the second.
    assert_eq!(times.len(), recorded.len());
    assert_near("times of the first step", &times[..8], &recorded[..8], 1e-7);
    let all = golden.f32("dopri5_5.states").chunks_exact(states[0].len()).skip(1);
    for (state, recorded) in states.iter().zip(all) {
        assert_near("state", state, recorded, ADAPTIVE * largest(recorded));
    }
    for points in ["dopri5_2", "dopri5_5", "dopri5_250"] {
        assert_near(points, &states[3], golden.f32(&format!("{points}.final")), ADAPTIVE * largest(&states[3]));
    }
    assert_near("exact", &states[3], golden.f32("exact.final"), ADAPTIVE * largest(&states[3]));
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
fn a_pictures_bits_do_not_depend_on_the_batch_the_threads_or_the_order_of_runs() {
    let network = network("cond");
    let layouts: Vec<f32> = normal(5, 0, 4 * 40 * 5);
    let classes = [3, 0, 9, 3];
    let settings = [
        Settings { points: 4, ..SDE },
        Settings { points: 3, sampler: Sampler::SdeHeun, ..SDE },
        Settings { points: 4, sampler: Sampler::Rk4, ..SDE },
        Settings { sampler: Sampler::Dopri5, ..SDE },
    ];
    for settings in settings {
        let run = |pictures: std::ops::Range<usize>, threads: usize| {
            let noise = Noise::seeds(100 + pictures.start as u64, pictures.len());
            let request = Request {
                network: &network,
                count: 40,
                condition: &layouts[pictures.start * 200..pictures.end * 200],
                classes: &classes[pictures],
                guidance: Guidance { scale: 1.5, interval: [0.2, 1.0] },
                settings,
                noise: &noise,
            };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| request.sample(&mut || Ok(()), &mut |_, _| Ok(())).unwrap().values)
        };
        let batch = run(0..4, 2);
        assert!(largest(&batch) > 0.1);
        assert_eq!(batch, run(0..4, 1), "{settings:?}");
        assert_eq!(batch, run(0..4, 2), "{settings:?}");
        for (i, expected) in batch.chunks_exact(21 * 40).enumerate() {
            assert_eq!(run(i..i + 1, 1 + i % 2), expected, "{settings:?}");
        }
    }
}

#[test]
fn the_default_run_needs_at_most_half_of_the_authors_evaluations() {
    let replay = Replay::open("cond");
    let settings = Settings { points: 250, ..SDE };
    let noise = Noise::seeds(1, 2);
    let (_, evaluated, states) = replay.run(settings, &noise);
    // The authors evaluate the model twice a step, with and without a class for each of two pictures.
    let authors = 2 * 250 * 4;
    println!("{evaluated} evaluations of pictures, the authors' script makes {authors}");
    assert_eq!(states.len(), 250);
    assert!(2 * evaluated <= authors, "{evaluated} of {authors}");
    // One evaluation a step; without a class from t = 0.2 on.
    assert_eq!(evaluated, 2 * 250 + 2 * 198);
}

#[test]
fn seeded_noise_is_normal_and_stays_as_it_is_documented() {
    let first = normal(7, 0, 6);
    assert_eq!(normal(7, 0, 5), first[..5]);
    assert_ne!(normal(8, 0, 6), first);
    assert_ne!(normal(7, 1, 6), first);
    insta::assert_snapshot!(format!("{first:?}"), @"[-0.71681, 0.15579793, -1.0202043, 3.0500367, -0.7146264, 1.1800392]");
    // A layout and its textures have noise of their own.
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
