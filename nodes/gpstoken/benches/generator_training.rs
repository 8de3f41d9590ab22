//! Measures a step of a generator's training on the host's kernels: `cargo bench --workspace --bench generator_training`.
//!
//! Prints the sizes of TrainLayout, of TrainTexture with the tokenizer `small`, and of a larger network, with 32 samples of 128 tokens a
//! step. An argument selects one of them: `TrainLayout`, `TrainTexture` or `large`.
//! `RAYON_NUM_THREADS` sets the number of threads, and `SPLATGRAPH_CPU=avx2|portable` limits the instructions.

use splatgraph_pack_gpstoken::{
    generator::{Network, noise::normal},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    training::{generator_sizes::GeneratorSizes, gradients::velocity, samples::Batch},
};
use std::time::Instant;

const SAMPLES: usize = 32;

fn main() {
    let layout =
        GeneratorSizes { depth: 3, width: 128, heads: 4, channels: 5, tokens: 128, classes: 10, condition: false };
    let texture = GeneratorSizes { depth: 4, width: 192, heads: 6, channels: 37, condition: true, ..layout };
    let large = GeneratorSizes { depth: 12, width: 384, ..texture };
    println!("{:?}, {} threads", Level::best(), rayon::current_num_threads());
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let cases = [("TrainLayout", layout, 9), ("TrainTexture", texture, 9), ("large", large, 1)];
    for (name, sizes, steps) in
        cases.into_iter().filter(|(name, ..)| name.contains(wanted.trim_start_matches("--bench")))
    {
        let workspace = Workspace::default();
        let host = Host { level: Level::best(), workspace: &workspace };
        let network = Network::load(sizes.weights(0).expect("sizes"), Some(sizes.heads)).expect("a network");
        let GeneratorSizes { depth, width, channels, tokens, classes, condition, .. } = sizes;
        let batch = Batch {
            shape: [channels, tokens],
            points: normal(1, 0, SAMPLES * channels * tokens),
            velocities: normal(2, 0, SAMPLES * channels * tokens),
            times: (0..SAMPLES).map(|i| i as f32 / SAMPLES as f32).collect(),
            classes: (0..SAMPLES).map(|i| i % classes).collect(),
            layouts: if condition { normal(3, 0, SAMPLES * tokens * 5) } else { Vec::new() },
        };
        let mut times = Vec::new();
        for _ in 0..steps {
            let start = Instant::now();
            velocity::step(host, &network, &batch);
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        // Multiplications and additions of the layers and the attention, forwards and twice as many on the way back.
        let of_token = (depth * width) as f64 * (12 * width + 2 * tokens) as f64;
        let operations = 6.0 * (SAMPLES * tokens) as f64 * of_token;
        println!(
            "{name:14} median {:8.1} ms, least {:8.1} ms, {:6.1} samples a second, {:.0} GFLOP/s",
            median * 1e3,
            times[0] * 1e3,
            SAMPLES as f64 / median,
            operations / median / 1e9
        );
    }
}
