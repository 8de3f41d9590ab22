//! Measures the tokenizer's stages and kernels on the host for the shapes of M128, with random weights:
//! `cargo bench --workspace --bench stages`.
//!
//! Prints medians. `RAYON_NUM_THREADS` sets the number of threads, `SPLATGRAPH_CPU=avx2|portable` limits the instructions, and an
//! argument selects lines by name. README.md in this folder describes the measurement of these stages in PyTorch.

use splatgraph_pack_gpstoken::{
    device::Loaded,
    kernels::{
        attention::attend,
        convolution::{Source, Weights, convolve, convolve_pixels, read_doubled, read_plain},
        cpu::Level,
        group_norm::{Moments, Normalisation, Statistics},
        tokens::{Then, attend as attend_tokens, linear, to_panels},
        workspace::Workspace,
    },
    nodes::tokenize::{
        decode::decode, encode::encode, init_tokens::init_tokens, refine_tokens::refine_tokens, splat::splat,
    },
    splat::splat as splat_picture,
    stages::tokenizer::Tokenizer,
    tokenizer::{
        Network,
        roi_align::{FeatureTile, roi_align},
    },
};
use splatgraph_sdk::{
    Image, Local, Output, Tensor, Value,
    testing::{json, run},
};
use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Instant};

fn main() {
    let pick = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let bench = Bench { pick };
    println!("{:?}, {} threads", Level::best(), rayon::current_num_threads());
    stages(&bench);
    splats(&bench);
    convolutions(&bench);
    norms(&bench);
    attention(&bench);
    products(&bench);
    regions(&bench);
}

struct Bench {
    pick: Option<String>,
}

impl Bench {
    /// Prints the median and the least time of several runs after a warm-up, and `note` of the least time in seconds.
    fn time(&self, name: &str, note: impl Fn(f64) -> String, mut work: impl FnMut()) {
        if self.pick.as_ref().is_some_and(|pick| !name.contains(pick.as_str())) {
            return;
        }
        work();
        let mut times: Vec<f64> = Vec::new();
        while times.len() < 5 || (times.iter().sum::<f64>() < 0.5 && times.len() < 200) {
            let start = Instant::now();
            work();
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let (median, least) = (times[times.len() / 2], times[0]);
        println!("{name:44} median {:9.3} ms, least {:9.3} ms {}", median * 1e3, least * 1e3, note(least));
    }
}

fn nothing(_: f64) -> String {
    String::new()
}

/// Numbers from -1 to 1.
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A network of M128's shapes: 128 channels in the stem, 30 blocks of width 512, a decoder of 512, 256 and 128 channels.
fn network() -> Network {
    let mut tensors = BTreeMap::new();
    let mut layer = |key: &str, shape: &[usize]| {
        let inputs: usize = shape[1..].iter().product();
        let norm = shape.len() == 1;
        let spread = if norm { 0.1 } else { (3.0 / inputs as f32).sqrt() };
        let mut weight = random(shape.iter().product(), tensors.len() as u64 + 1);
        weight.iter_mut().for_each(|v| *v = *v * spread + f32::from(u8::from(norm)));
        let bias = random(shape[0], tensors.len() as u64 + 2).iter().map(|v| v * 0.1).collect();
        let names = if key.ends_with("in_proj_") { ["weight", "bias"] } else { [".weight", ".bias"] };
        tensors.insert(format!("{key}{}", names[0]), Tensor::from_vec(shape, weight).expect("a tensor"));
        tensors.insert(format!("{key}{}", names[1]), Tensor::from_vec([shape[0]], bias).expect("a tensor"));
    };
    let (stem, width, textures) = (128, 512, 16);
    layer("preprocess_img.0", &[stem, 3, 3, 3]);
    for i in 1..=2 {
        residual(&mut layer, &format!("preprocess_img.{i}"), stem, stem);
    }
    layer("roialign_layer", &[width, stem, 1, 1]);
    layer("gps_embed_layer.0", &[width, 5]);
    layer("gps_embed_layer.2", &[width, width]);
    layer("to_gps.0", &[5, width]);
    layer("to_gps.1", &[textures, width]);
    for i in 0..30 {
        let key = format!("attnblocks.{i}");
        layer(&format!("{key}.roimlp"), &[1, 64]);
        layer(&format!("{key}.ln1"), &[width]);
        layer(&format!("{key}.attn1.in_proj_"), &[3 * width, width]);
        layer(&format!("{key}.attn1.out_proj"), &[width, width]);
        layer(&format!("{key}.ln2"), &[width]);
        layer(&format!("{key}.mlp.0"), &[4 * width, width]);
        layer(&format!("{key}.mlp.2"), &[width, 4 * width]);
    }
    layer("decoder.conv_in", &[512, textures, 3, 3]);
    for i in 1..=2 {
        residual(&mut layer, &format!("decoder.mid.block_{i}"), 512, 512);
    }
    layer("decoder.mid.attn_1.norm", &[512]);
    for name in ["q", "k", "v", "proj_out"] {
        layer(&format!("decoder.mid.attn_1.{name}"), &[512, 512, 1, 1]);
    }
    for (level, input, output) in [(2, 512, 512), (1, 512, 256), (0, 256, 128)] {
        for block in 0..3 {
            let input = if block == 0 { input } else { output };
            residual(&mut layer, &format!("decoder.up.{level}.block.{block}"), input, output);
        }
        if level > 0 {
            layer(&format!("decoder.up.{level}.upsample.conv"), &[output, output, 3, 3]);
        }
    }
    layer("decoder.norm_out", &[128]);
    layer("decoder.conv_out", &[3, 128, 3, 3]);
    let embedding = Tensor::from_vec([1, width], random(width, 3)).expect("a tensor");
    tensors.insert("gps_embed.weight".to_owned(), embedding);
    Network::load(tensors).expect("a network")
}

fn residual(layer: &mut impl FnMut(&str, &[usize]), key: &str, input: usize, output: usize) {
    layer(&format!("{key}.norm1"), &[input]);
    layer(&format!("{key}.conv1"), &[output, input, 3, 3]);
    layer(&format!("{key}.norm2"), &[output]);
    layer(&format!("{key}.conv2"), &[output, output, 3, 3]);
    if input != output {
        layer(&format!("{key}.nin_shortcut"), &[output, input, 1, 1]);
    }
}

fn stages(bench: &Bench) {
    let network = network();
    let tokenizer = Tokenizer {
        sizes: network.sizes,
        network: Loaded::Host(Arc::new(network)),
        workspace: Arc::default(),
        map: [64, 64],
        support: 3.0,
        name: "random".into(),
    };
    let tokenizer = Local::new(tokenizer).into_value().expect("a value");
    let picture: Vec<f32> = (0..256 * 256 * 3)
        .zip(random(256 * 256 * 3, 4))
        .map(|(i, noise)| 0.5 + 0.3 * ((i / 3 % 256) as f32 / 9.0).sin() + 0.1 * noise * (i / 98_304) as f32)
        .collect();
    let image = Tensor::from_vec([1, 256, 256, 3], picture).and_then(Image::new).and_then(Image::into_value);
    let image = image.expect("a picture");
    let one = |outputs: splatgraph_sdk::Result<Vec<Value>>| outputs.expect("outputs")[0].clone();

    let init = || one(run::<init_tokens>(json!({}), [("image", image.clone())]));
    let encode = || one(run::<encode>(json!({}), [("tokenizer", tokenizer.clone()), ("image", image.clone())]));
    let (layout, features) = (init(), encode());
    let refine = |features: &Value| {
        let inputs = [("tokenizer", tokenizer.clone()), ("features", features.clone()), ("layout", layout.clone())];
        one(run::<refine_tokens>(json!({}), inputs))
    };
    let tokens = refine(&features);
    let splat = |tokens: &Value| one(run::<splat>(json!({}), [("tokens", tokens.clone())]));
    let map = splat(&tokens);
    let decode = |map: &Value| one(run::<decode>(json!({}), [("tokenizer", tokenizer.clone()), ("map", map.clone())]));
    bench.time("stage InitTokens", nothing, || drop(init()));
    bench.time("stage Encode", nothing, || drop(encode()));
    bench.time("stage RefineTokens", nothing, || drop(refine(&features)));
    bench.time("stage Splat", nothing, || drop(splat(&tokens)));
    bench.time("stage Decode", nothing, || drop(decode(&map)));
    bench.time("stage whole", nothing, || drop(decode(&splat(&refine(&encode())))));
}

fn splats(bench: &Bench) {
    for (side, tokens) in [(64, 128), (256, 2048), (512, 8192), (1024, 32768)] {
        let per_row = (tokens as f32).sqrt();
        // The sizes match a partition's: the tokens cover the map, with some overlap.
        let sigma = 2.0 / per_row / 3.0;
        let gaussians: Vec<f32> = random(tokens * 5, 5)
            .chunks_exact(5)
            .flat_map(|r| [sigma * (1.2 + r[0] * 0.5), sigma * (1.2 + r[1] * 0.5), r[2] * 0.5, r[3], r[4]])
            .collect();
        let textures = random(tokens * 16, 6);
        let mut map = vec![1.0; 16 * side * side];
        let per_pixel = |seconds: f64| format!("{:6.1} ns/pixel", seconds * 1e9 / (side * side) as f64);
        bench.time(&format!("splat {tokens} tokens on {side}x{side}"), per_pixel, || {
            splat_picture(&gaussians, &textures, [side, side], 3.0, &mut map);
        });
    }
}

fn convolutions(bench: &Bench) {
    let level = Level::best();
    let workspace = Workspace::default();
    for (inputs, outputs, side) in [
        (16, 512, 64),
        (512, 512, 64),
        (512, 256, 128),
        (256, 256, 128),
        (256, 128, 256),
        (128, 128, 256),
        (128, 3, 256),
        // `small`
        (128, 128, 64),
        (64, 64, 128),
        (64, 64, 256),
        (64, 32, 256),
        (32, 32, 256),
    ] {
        let (map, weight) = (random(side * side * inputs, 1), random(outputs * inputs * 9, 2));
        let (bias, scale) = (random(outputs, 3), random(inputs, 4));
        let mut out = vec![0.0; side * side * outputs];
        let weights = Weights { weight: &weight, bias: &bias, inputs };
        let size = [side, side];
        let operations = 18 * inputs * outputs * side * side;
        let name = format!("convolution {inputs} to {outputs} at {side}x{side}");
        let plain = read_plain(&map, side, inputs);
        let source = Source { size, doubled: false, read: &plain };
        bench.time(&name, rate(operations), || convolve(level, weights, &source, &mut out, false, &workspace));
        bench.time(&format!("{name} of norm and SiLU"), rate(operations), || {
            let moments = Moments::of(level, &map, size, inputs, Statistics::Picture);
            let norm = Normalisation::new(level, &map, size, [&scale, &scale], &moments);
            let read = |y: usize, columns: Range<usize>, out: &mut [f32]| norm.read(y, columns, true, out);
            let source = Source { size, doubled: false, read: &read };
            convolve(level, weights, &source, &mut out, false, &workspace);
        });
        if inputs == outputs && side < 256 {
            let doubled = read_doubled(&map, side, inputs);
            let source = Source { size: [2 * side, 2 * side], doubled: true, read: &doubled };
            let mut out = vec![0.0; 4 * side * side * outputs];
            let name = format!("convolution {inputs} to {outputs} at {0}x{0}, doubled", 2 * side);
            bench.time(&name, rate(4 * operations), || convolve(level, weights, &source, &mut out, false, &workspace));
        }
    }
    let (channels, places) = (512, 4096);
    let (map, mut out) = (random(places * channels, 1), vec![0.0; places * channels]);
    let (weight, bias) = (random(channels * channels, 4), random(channels, 5));
    let weights = Weights { weight: &weight, bias: &bias, inputs: channels };
    bench.time("convolution 1x1 512 to 512 at 64x64", rate(2 * places * channels * channels), || {
        convolve_pixels(level, weights, &map, &mut out, false, &workspace);
    });
}

/// Formats a time as GFLOP/s for this number of operations.
fn rate(operations: usize) -> impl Fn(f64) -> String {
    move |seconds| format!("{:6.0} GFLOP/s", operations as f64 / seconds / 1e9)
}

/// The statistics of a group norm, and the norm with SiLU. Reads the norm row by row, as a convolution does.
fn norms(bench: &Bench) {
    let level = Level::best();
    for (channels, side) in [(512, 64), (256, 128), (128, 256)] {
        let (map, scale) = (random(side * side * channels, 1), random(channels, 2));
        let mut row = vec![0.0; side * channels];
        let bytes = size_of_val(&map[..]);
        let bandwidth = |seconds: f64| format!("{:6.1} GB/s", bytes as f64 / seconds / 1e9);
        bench.time(&format!("group norm {channels} at {side}x{side}, statistics"), bandwidth, || {
            std::hint::black_box(Moments::of(level, &map, [side, side], channels, Statistics::Picture));
        });
        let moments = Moments::of(level, &map, [side, side], channels, Statistics::Picture);
        let norm = Normalisation::new(level, &map, [side, side], [&scale, &scale], &moments);
        bench.time(&format!("group norm {channels} at {side}x{side}, norm and SiLU"), bandwidth, || {
            for y in 0..side {
                norm.read(y, 0..side, true, &mut row);
                std::hint::black_box(&mut row);
            }
        });
    }
}

fn attention(bench: &Bench) {
    let (places, workspace) = (4096, Workspace::default());
    for channels in [512, 128] {
        let maps = [1, 2, 3].map(|seed| random(places * channels, seed));
        let mut out = vec![0.0; places * channels];
        bench.time(&format!("attention {places} places of {channels}"), rate(4 * places * places * channels), || {
            attend(Level::best(), [&maps[0], &maps[1], &maps[2]], channels, &mut out, &workspace);
        });
    }
}

/// The linear layers and the attention of a transformer block of width 512 with 128 tokens.
fn products(bench: &Bench) {
    let (level, tokens) = (Level::best(), 128);
    for (inputs, outputs) in [(512, 1536), (512, 512), (512, 2048), (2048, 512)] {
        let x = to_panels(&random(tokens * inputs, 1), inputs);
        let mut out = to_panels(&vec![0.0; tokens * outputs], outputs);
        let (weight, bias) = (random(outputs * inputs, 2), random(outputs, 3));
        bench.time(
            &format!("product of 128 tokens, {inputs} to {outputs}"),
            rate(2 * tokens * inputs * outputs),
            || {
                linear(level, [&weight, &bias], &x, Then::Write, &mut out);
            },
        );
    }
    let width = 512;
    let x = to_panels(&random(tokens * 3 * width, 4), 3 * width);
    let mut out = to_panels(&vec![0.0; tokens * width], width);
    bench.time("attention of 128 tokens of 512", rate(4 * tokens * tokens * width), || {
        attend_tokens(level, 8, tokens, width, &x, &mut out);
    });
}

/// RoIAlign of 128 regions on a map of 256 x 256 pixels.
fn regions(bench: &Bench) {
    let (channels, side) = (128, 256);
    let map = random(channels * side * side, 1);
    let map = FeatureTile { values: &map, size: [side, side], start: [0, 0], tile: [side, side] };
    let boxes: Vec<[f32; 4]> =
        (0..128).map(|i| [(i % 8 * 32) as f32, (i / 8 * 16) as f32]).map(|[x, y]| [x, y, x + 31.0, y + 15.0]).collect();
    let per_pixel = |seconds: f64| format!("{:6.1} ns/pixel", seconds * 1e9 / (side * side) as f64);
    bench.time("RoIAlign of 128 regions of 128 channels", per_pixel, || {
        std::hint::black_box(roi_align(map, channels, &boxes, 8));
    });
}
