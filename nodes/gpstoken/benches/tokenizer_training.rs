//! Measures the parts of a training step on the host: `cargo bench --workspace --bench tokenizer_training`.
//!
//! Prints medians for a picture of 256 x 256 pixels with the sizes of `small`, forward and back. `RAYON_NUM_THREADS` sets the number of
//! threads.

use splatgraph_pack_gpstoken::{
    gradients::{Gradients, Tape, Value},
    kernels::{cpu::Level, workspace::Workspace},
    layers::{Host, Map},
    tokenizer::Network,
    training::sizes::Sizes,
};
use std::time::Instant;

fn main() {
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    println!("{:?}, {} threads", Level::best(), rayon::current_num_threads());
    let network = Network::load(Sizes::default().weights(0).expect("sizes")).expect("a network");
    let picture = |tape: &mut Tape<'_>, size: [usize; 2], channels: usize| -> Map {
        let mut map = tape.host().map(size, channels);
        map.values_mut().iter_mut().enumerate().for_each(|(i, v)| *v = ((i * 7919 % 1000) as f32 / 500.0) - 1.0);
        map
    };
    time("stem", host, |tape| {
        let map = picture(tape, [256, 256], 3);
        let x = tape.constant(map);
        network.stem.learn(tape, &x)
    });
    time("decoder", host, |tape| {
        let map = picture(tape, [64, 64], 32);
        let x = tape.leaf(map);
        network.decoder.learn(tape, &x, [1, 1])
    });
}

fn time<'a>(name: &str, host: Host<'a>, forward: impl Fn(&mut Tape<'a>) -> Value<'a>) {
    let mut times = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        let mut tape = Tape::new(host);
        let out = forward(&mut tape);
        let ahead = start.elapsed().as_secs_f64();
        let mut direction = host.map(out.size(), out.channels());
        direction.values_mut().fill(1.0);
        let mut gradients = Gradients::new(host);
        tape.backward(vec![(out, direction)], &mut gradients);
        times.push([ahead, start.elapsed().as_secs_f64() - ahead]);
    }
    let median = |i: usize| {
        let mut times: Vec<f64> = times.iter().map(|time| time[i]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] * 1e3
    };
    println!("{name:20} {:8.1} ms forward {:8.1} ms back", median(0), median(1));
}
