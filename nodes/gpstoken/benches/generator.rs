//! Measures a step of a SiT-XL texture generator with random weights on the host's kernels:
//! `cargo bench --workspace --bench generator`.
//!
//! `RAYON_NUM_THREADS` sets the number of threads, and `SPLATGRAPH_CPU=avx2|portable` limits the instructions. The arguments are
//! depth, pictures and tokens (28, 2, 128). `torch_layers.py sit --shape xl --batch 2 --tokens 128` measures this step in PyTorch.

use splatgraph_pack_gpstoken::{
    generator::{Network, Prepared, Row, Velocities, noise::normal},
    kernels::cpu::Level,
};
use splatgraph_sdk::Tensor;
use std::{collections::BTreeMap, time::Instant};

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [depth, pictures, tokens] = <[usize; 3]>::try_from(numbers).unwrap_or([28, 2, 128]);
    let network = network(depth, tokens);
    let condition = normal(1, 0, pictures * tokens * 5);
    let prepared = Prepared::new(&network, Level::best(), tokens, &condition);
    let points = normal(2, 0, pictures * 21 * tokens);
    // Half of the rows have a class and half have none, as in a step with guidance.
    let row = |i: usize| Row { point: i, picture: i, class: if 2 * i < pictures { 3 } else { 1000 } };
    let rows: Vec<Row> = (0..pictures).map(row).collect();
    let mut times = Vec::new();
    while times.len() < 7 {
        let start = Instant::now();
        prepared.velocities(&points, 0.5, &rows, &mut || Ok(())).expect("velocities");
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let operations = 2.0 * (pictures * tokens * depth) as f64 * (12.0 * 1152.0 * 1152.0 + 2.0 * (tokens * 1152) as f64);
    println!(
        "{:?}, {} threads: a step of {depth} blocks for {pictures} pictures of {tokens} tokens: median {:.1} ms, least {:.1} ms, {:.0} GFLOP/s",
        Level::best(),
        rayon::current_num_threads(),
        times[times.len() / 2],
        times[0],
        operations / times[0] / 1e6
    );
}

/// A network with the shapes of the official texture generator and `depth` blocks.
fn network(depth: usize, tokens: usize) -> Network {
    let width = 1152;
    let mut tensors = BTreeMap::new();
    let mut add = |key: String, shape: &[usize]| {
        let inputs: usize = shape[1..].iter().product();
        let spread = 0.5 / (inputs as f32).sqrt();
        let mut values = normal(tensors.len() as u64, 0, 4096);
        values.iter_mut().for_each(|value| *value *= spread);
        let values = values.iter().copied().cycle().take(shape.iter().product()).collect();
        tensors.insert(key, Tensor::from_vec(shape, values).expect("a tensor"));
    };
    let mut layer = |key: &str, input: usize, output: usize| {
        add(format!("{key}.weight"), &[output, input]);
        add(format!("{key}.bias"), &[output]);
    };
    layer("t_embedder.mlp.0", 256, width);
    layer("t_embedder.mlp.2", width, width);
    layer("cond_embedder.0", 5, width);
    layer("cond_embedder.2", width, width);
    for i in 0..depth {
        layer(&format!("blocks.{i}.adaLN_modulation.1"), width, 6 * width);
        layer(&format!("blocks.{i}.attn.qkv"), width, 3 * width);
        layer(&format!("blocks.{i}.attn.proj"), width, width);
        layer(&format!("blocks.{i}.mlp.fc1"), width, 4 * width);
        layer(&format!("blocks.{i}.mlp.fc2"), 4 * width, width);
    }
    layer("final_layer.adaLN_modulation.1", width, 2 * width);
    layer("final_layer.linear", width, 42);
    add("x_embedder.proj.weight".to_owned(), &[width, 21, 1, 1]);
    add("x_embedder.proj.bias".to_owned(), &[width]);
    add("y_embedder.embedding_table.weight".to_owned(), &[1001, width]);
    add("pos_embed".to_owned(), &[1, tokens, width]);
    Network::load(tensors, None).expect("a network")
}
