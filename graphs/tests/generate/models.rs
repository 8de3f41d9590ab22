//! Small generators with random weights, with the keys of the authors' code.

use splatgraph_sdk::{DType, Record, Tensor};
use std::{fs, path::Path};

/// The sizes of a generator. It has one attention head for each 64 numbers of its width.
pub(crate) struct Shape {
    pub(crate) blocks: usize,
    pub(crate) width: usize,
    /// 5 for layouts, and more for textures and for tokens made in one stage.
    pub(crate) channels: usize,
    /// Whether it takes a layout.
    pub(crate) condition: bool,
    pub(crate) tokens: usize,
    pub(crate) classes: usize,
}

impl Shape {
    /// Writes the checkpoint `NAME.safetensors`, and `NAME.normalisation.json` beside it.
    pub(crate) fn write(&self, path: &Path) {
        let &Self { blocks, width, channels, condition, tokens, classes } = self;
        let mut state = channels as u64;
        let mut fields = Vec::new();
        let mut add = |key: &str, shape: &[usize]| {
            let size = shape.iter().product();
            let inputs = shape[1..].iter().product::<usize>().max(1);
            let scale = 1.0 / (inputs as f32).sqrt();
            let values: Vec<f32> = std::iter::repeat_with(|| random(&mut state) * scale).take(size).collect();
            fields.push((format!("ema_model.{key}"), Tensor::from_vec(shape, values).unwrap()));
        };
        add("pos_embed", &[1, tokens, width]);
        add("y_embedder.embedding_table.weight", &[classes + 1, width]);
        let mut layer = |key: &str, shape: &[usize]| {
            add(&format!("{key}.weight"), shape);
            add(&format!("{key}.bias"), &shape[..1]);
        };
        layer("x_embedder.proj", &[width, channels, 1, 1]);
        layer("t_embedder.mlp.0", &[width, 256]);
        layer("t_embedder.mlp.2", &[width, width]);
        if condition {
            layer("cond_embedder.0", &[width, 5]);
            layer("cond_embedder.2", &[width, width]);
        }
        for block in 0..blocks {
            let mut layer = |key: &str, outputs, inputs| layer(&format!("blocks.{block}.{key}"), &[outputs, inputs]);
            layer("attn.qkv", 3 * width, width);
            layer("attn.proj", width, width);
            layer("mlp.fc1", 4 * width, width);
            layer("mlp.fc2", width, 4 * width);
            layer("adaLN_modulation.1", 6 * width, width);
        }
        layer("final_layer.linear", &[2 * channels, width]);
        layer("final_layer.adaLN_modulation.1", &[2 * width, width]);
        Record { fields, ..Record::default() }.save(path, DType::F32).unwrap();

        // Layouts lie on the tile, and textures move and colour them a little.
        let (mean, std) = if condition { (0.0, 0.02) } else { (0.05, 0.4) };
        let means = vec![mean; channels];
        let stds: Vec<f32> = (0..channels).map(|channel| if channel < 5 { std } else { 1.0 }).collect();
        let normalisation = serde_json::json!({ "means": means, "stds": stds });
        fs::write(path.with_extension("normalisation.json"), normalisation.to_string()).unwrap();
    }
}

/// A number in -1..1.
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}
