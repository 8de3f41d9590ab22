//! Measures a step of a tokenizer's training on the host's kernels, and its parts: `cargo bench --workspace --bench tokenizer_training`.
//!
//! Prints medians for pictures of 256 x 256 pixels with the sizes of `small` and 128 tokens. The whole step has 4 pictures and includes the
//! optimiser. `RAYON_NUM_THREADS` sets the number of threads, and `SPLATGRAPH_CPU=avx2|portable` limits the instructions.

use splatgraph_pack_gpstoken::{
    canvas::TILE,
    device::Compute,
    gradients::{Gradients, Tape, Value},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    tokenizer::Network,
    training::{
        adam::Adam,
        adversary::Geometry,
        batch::{Batch, layout},
        gradients::Trainer,
        losses::Losses,
        sizes::Sizes,
        state::{Learner, Update},
        step::InTraining,
    },
};
use std::time::Instant;

const PICTURES: usize = 4;
const TOKENS: usize = 128;

fn main() {
    println!("{:?}, {} threads", Level::best(), rayon::current_num_threads());
    whole();
    parts();
}

fn numbers(count: usize) -> impl Iterator<Item = f32> {
    (0..count).map(|i| (i * 7919 % 1000) as f32 / 500.0 - 1.0)
}

fn whole() {
    let tile: Vec<f32> = numbers(3 * TILE * TILE).collect();
    let (gaussians, boxes) = layout(&tile, TOKENS, 2.5).expect("a layout");
    let batch = Batch {
        step: 0,
        tokens: TOKENS,
        tiles: tile.repeat(PICTURES),
        gaussians: gaussians.repeat(PICTURES),
        boxes: vec![boxes; PICTURES],
    };
    let losses = Losses { absolute: 1.0, squared: 1.0, gradient: 0.5, perceptual: 0.0 };
    let geometry = Geometry { map: [64, 64], support: 3.0 };
    let trainer = Trainer::new(&Compute::Host);
    let weights = Sizes::default().weights(0).expect("sizes");
    let (network, mut learner) = (Network::load(weights.clone()).expect("a network"), Learner::new(&weights, true));
    let update = Update { adam: Adam::with_decay(0.0), rate: 1e-4, clip: 1.0, average: 0.999 };
    let mut times = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        let tokenizer = InTraining { network: &network, learner: &learner };
        let (step, _) = trainer.tokenizer_step(tokenizer, &batch, geometry, &losses, None, None).expect("a step");
        learner.update(&step.gradients, step.loss, step.gradients.norm(), update).expect("an update");
        times.push(start.elapsed().as_secs_f64());
    }
    let seconds = median(&mut times);
    println!("{:20} {:8.1} ms, {:.2} pictures a second", "whole step", seconds * 1e3, PICTURES as f64 / seconds);
}

fn parts() {
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    let network = Network::load(Sizes::default().weights(0).expect("sizes")).expect("a network");
    let leaf = |tape: &mut Tape<'_>, size: [usize; 2], channels: usize| {
        let mut map = tape.host().map(size, channels);
        map.values_mut().iter_mut().zip(numbers(size[0] * size[1] * channels)).for_each(|(to, v)| *to = v);
        map
    };
    time("stem", host, |tape| {
        let map = leaf(tape, [TILE, TILE], 3);
        let x = tape.constant(map);
        network.stem.learn(tape, &x)
    });
    time("transformer", host, |tape| {
        let (mut gaussians, regions) =
            (leaf(tape, [1, TOKENS], 5), leaf(tape, [TOKENS, network.sizes.stem_channels], network.sizes.bins.pow(2)));
        gaussians.values_mut().iter_mut().for_each(|v| *v = 0.3);
        let (gaussians, regions) = (tape.leaf(gaussians), tape.leaf(regions));
        let [_, textures] = network.transformer.learn(tape, &gaussians, &regions);
        textures
    });
    time("decoder", host, |tape| {
        let map = leaf(tape, [64, 64], network.sizes.textures);
        let x = tape.leaf(map);
        network.decoder.learn(tape, &x, [1, 1])
    });
}

fn time<'a>(name: &str, host: Host<'a>, forward: impl Fn(&mut Tape<'a>) -> Value<'a>) {
    let (mut forwards, mut backs) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let start = Instant::now();
        let mut tape = Tape::new(host);
        let out = forward(&mut tape);
        forwards.push(start.elapsed().as_secs_f64());
        let mut direction = host.map(out.size(), out.channels());
        direction.values_mut().fill(1.0);
        let mut gradients = Gradients::new(host);
        tape.backward(vec![(out, direction)], &mut gradients);
        backs.push(start.elapsed().as_secs_f64());
    }
    let forward = median(&mut forwards);
    println!("{name:20} {:8.1} ms forward {:8.1} ms back", forward * 1e3, (median(&mut backs) - forward) * 1e3);
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
