//! Compares the samplers with recorded runs and with known distributions.

use super::{
    Golden, assert_near,
    generator::{integers, network},
    largest,
};
use splatgraph_pack_gpstoken::{
    generator::{
        Network, Prepared,
        guidance::{Guidance, Guided},
        noise::{Noise, normal},
        run::{Request, Sampled},
        sampler::{Diffusion, LastStep, Sampler, Settings, dopri5},
    },
    kernels::cpu::Level,
};
use splatgraph_sdk::{Record, Tensor};

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

    /// The recorded noise. With `halves` 2 it includes the pictures without a class, which start like the others.
    fn noise(&self, noise: Option<&str>, halves: usize, draws: usize) -> Noise {
        let (channels, z) = (self.network.sizes.channels, self.golden.f32(&self.key("z")));
        let start = Tensor::from_vec([2 * halves, channels, 64], z.repeat(halves)).unwrap();
        let mut fields = vec![("start".to_owned(), start)];
        if let Some(noise) = noise {
            let key = self.key(noise);
            let shape = [self.golden.shape(&key)[0], 2, channels, 64];
            let steps = Tensor::from_vec(shape, self.golden.f32(&key).to_vec()).unwrap();
            fields.push(("steps".to_owned(), steps));
        }
        let record = Record { fields, ..Record::default() };
        Noise::recorded(&record, [2, channels, 64], draws).unwrap()
    }

    /// The result, the number of evaluations of the batch, and the states.
    fn run(&self, settings: Settings, noise: &Noise) -> (Vec<f32>, usize, Vec<Vec<f32>>) {
        let condition = if self.prefix.is_empty() { self.golden.f32("cond") } else { &[] };
        let request = Request {
            network: &Prepared::new(&self.network, Level::best(), 64, condition),
            sizes: self.network.sizes,
            count: 64,
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

/// The tolerance of a sampled state, as a fraction of its largest number.
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
    let prepared = Prepared::new(&replay.network, Level::best(), 64, replay.golden.f32("cond"));
    let mut guided = Guided::new(&prepared, replay.network.sizes.classes, classes, guidance);
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
            let condition = &layouts[pictures.start * 200..pictures.end * 200];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let request = Request {
                    network: &Prepared::new(&network, Level::best(), 40, condition),
                    sizes: network.sizes,
                    count: 40,
                    classes: &classes[pictures],
                    guidance: Guidance { scale: 1.5, interval: [0.2, 1.0] },
                    settings,
                    noise: &noise,
                };
                request.sample(&mut || Ok(()), &mut |_, _| Ok(())).unwrap().values
            })
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
fn a_velocity_that_is_not_a_number_is_an_error_with_step_and_time() {
    let run = |settings: Settings| {
        let mut calls = 0;
        let mut velocity = |x: &[f32], _: f32| {
            calls += 1;
            Ok(if calls == 4 { vec![0.5, f32::NAN] } else { x.to_vec() })
        };
        let mut draw = |_: usize| Ok(vec![0.1, 0.2]);
        settings.sample(vec![1.0, -2.0], &mut velocity, &mut draw, &mut |_| Ok(())).unwrap_err()
    };
    insta::assert_snapshot!(run(SDE), @"sampling: expected finite velocities from the model, got NaN in step 4 of 10, at t = 0.32066664, for a state up to 3.4e1. If the state is above 1000, use more steps or another sampler; else the model is damaged");
    insta::assert_snapshot!(run(Settings { sampler: Sampler::Heun2, ..SDE }), @"sampling: expected finite velocities from the model, got NaN in step 2 of 9, at t = 0.22222222, for a state up to 2.5e0. If the state is above 1000, use more steps or another sampler; else the model is damaged");
    insta::assert_snapshot!(run(Settings { sampler: Sampler::Dopri5, ..SDE }), @"sampling: expected finite velocities from the model, got NaN in step 1, at t = 0.0300045, for a state up to 2.1e0. If the state is above 1000, use more steps or another sampler; else the model is damaged");
}

/// Normally distributed data has a velocity in closed form, and every sampler must reproduce the distribution.
#[test]
fn every_sampler_and_diffusion_gives_the_distribution_of_the_data() {
    const COUNT: usize = 20_000;
    const MEAN: f32 = 0.7;
    const SPREAD: f32 = 0.4;
    let mut velocity = |x: &[f32], t: f32| {
        let (variance, sigma) = (SPREAD * SPREAD, 1.0 - t);
        let factor = (t * variance - sigma) / (t * t * variance + sigma * sigma);
        Ok(x.iter().map(|x| MEAN + factor * (x - t * MEAN)).collect())
    };
    let diffusions = [
        Diffusion::Sbdm,
        Diffusion::Sigma,
        Diffusion::Linear,
        Diffusion::Constant,
        Diffusion::Decreasing,
        Diffusion::IncreasingDecreasing,
    ];
    let stochastic = diffusions.into_iter().flat_map(|diffusion| {
        let ends = [LastStep::Mean, LastStep::Tweedie, LastStep::Euler, LastStep::None];
        let of = move |sampler| ends.map(|last_step| Settings { sampler, points: 400, diffusion, last_step });
        [Sampler::Sde, Sampler::SdeHeun].into_iter().flat_map(of)
    });
    let others = [Sampler::Euler, Sampler::Midpoint, Sampler::Heun2, Sampler::Heun3, Sampler::Rk4, Sampler::Dopri5];
    let others = others.map(|sampler| Settings { sampler, points: 100, ..SDE });
    // A constant diffusion is still strong at the end: a step of 0.04 without noise would move everything to the mean.
    let usable = |settings: &Settings| {
        settings.check().is_ok() && (settings.diffusion, settings.last_step) != (Diffusion::Constant, LastStep::Mean)
    };
    for settings in stochastic.chain(others).filter(usable) {
        let mut draw = |index: usize| Ok(normal(3, index as u64 + 1, COUNT));
        let sampled = settings.sample(normal(3, 0, COUNT), &mut velocity, &mut draw, &mut |_| Ok(())).unwrap();
        let mean = sampled.iter().sum::<f32>() / COUNT as f32;
        let spread = (sampled.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / COUNT as f32).sqrt();
        println!("{settings:?}: mean {mean:.3}, spread {spread:.3}");
        assert!((mean - MEAN).abs() < 0.015 && (spread - SPREAD).abs() < 0.02, "{settings:?}: {mean} {spread}");
    }
}
