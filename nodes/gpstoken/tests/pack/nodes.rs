//! Runs the nodes as a graph does.

use super::{Golden, assert_near, distance, image, image_of, model_b, only};
use crate::support::add_decoder;
use splatgraph_pack_gpstoken::{
    device::Loaded,
    nodes::{
        look::draw_tokens::draw_tokens,
        tokenize::{
            decode::decode, encode::encode, grid_tokens::grid_tokens, init_tokens::init_tokens,
            load_tokenizer::LoadTokenizer, refine_tokens::refine_tokens, splat::splat,
        },
    },
    splat::Tiles,
    stages::tokenizer::Tokenizer,
    tokenizer::Network,
};
use splatgraph_sdk::{
    Canvas, Code, FeatureMap, Image, Input, Layout, Local, Output, Tensor, Tokens, Value,
    serde_json::Value as Json,
    testing::{Recorder, json, run, run_node, run_with},
};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// A tokenizer with which pictures are encoded and decoded.
pub(super) struct Chain(pub(super) Value);

/// The results of the stages.
pub(super) struct Run {
    pub(super) tokens: Tokens,
    pub(super) map: FeatureMap,
    pub(super) image: Image,
}

impl Chain {
    pub(super) fn load(inputs: Json) -> Self {
        Self(only(run::<LoadTokenizer>(inputs, []).unwrap()))
    }

    fn tokens(&self, image: &Value, layout: Json) -> Tokens {
        let layout = run::<init_tokens>(layout, [("image", image.clone())]).unwrap().remove(0);
        let features =
            only(run::<encode>(json!({}), [("tokenizer", self.0.clone()), ("image", image.clone())]).unwrap());
        let inputs = [("tokenizer", self.0.clone()), ("features", features), ("layout", layout)];
        Tokens::from_value(&only(run::<refine_tokens>(json!({}), inputs).unwrap())).unwrap()
    }

    pub(super) fn finish(&self, tokens: Tokens, tiles: Tiles) -> Run {
        let tiles = json!({"tiles": if tiles == Tiles::Merged { "merged" } else { "separate" }});
        let map = only(run::<splat>(tiles.clone(), [("tokens", tokens.clone().into_value().unwrap())]).unwrap());
        let inputs = [("tokenizer", self.0.clone()), ("map", map.clone())];
        let image = only(run::<decode>(tiles, inputs).unwrap());
        let (map, image) = (FeatureMap::from_value(&map).unwrap(), Image::from_value(&image).unwrap());
        Run { tokens, map, image }
    }

    pub(super) fn run(&self, image: Value, layout: Json, tiles: Tiles) -> Run {
        self.finish(self.tokens(&image, layout), tiles)
    }

    pub(super) fn decode_tokens(&self, golden: &Golden, key: &str) -> Run {
        let &[batch, count, width] = golden.shape(key) else { panic!("three axes") };
        let rows = golden.f32(key).chunks_exact(width);
        let gaussians = rows.clone().flat_map(|row| row[..5].to_vec()).collect();
        let textures = rows.flat_map(|row| row[5..].to_vec()).collect();
        let tokens = Tokens::new(
            Tensor::from_vec([batch, count, 5], gaussians).unwrap(),
            Tensor::from_vec([batch, count, width - 5], textures).unwrap(),
            None,
            Canvas::default(),
        );
        self.finish(tokens.unwrap(), Tiles::Merged)
    }
}

impl Run {
    pub(super) fn map(&self) -> &[f32] {
        self.map.map.as_slice().unwrap()
    }

    #[track_caller]
    pub(super) fn assert_tokens(&self, recorded: &[f32]) {
        let textures = self.tokens.textures.as_slice::<f32>().unwrap();
        let textures = textures.chunks_exact(self.tokens.textures.shape()[2]);
        let gaussians = self.tokens.gaussians.as_slice::<f32>().unwrap().chunks_exact(5);
        let rows: Vec<f32> = gaussians.zip(textures).flat_map(|(g, t)| [g, t].concat()).collect();
        assert_near("tokens", &rows, recorded, 6e-5);
    }
}

fn grey_image(width: usize, height: usize) -> Value {
    image(&[1, height, width, 3], vec![0.5; width * height * 3])
}

#[test]
fn the_nodes_repeat_configuration_b() {
    let golden = Golden::open("tokB_full.safetensors");
    let layout = json!({"tokens": 32, "exponent": 1.0});
    let run = Chain::load(model_b()).run(image_of(&["astronaut_256.png"]), layout, Tiles::Merged);
    run.assert_tokens(golden.f32("gpstokens"));
    assert_eq!(run.tokens.header.support, Some(1.75));
    assert_eq!(run.tokens.header.model.as_deref(), Some("weights_B"));
    assert_near("map", run.map(), golden.f32("rendered"), 5e-4);
    let decoded = golden.f32("decoded");
    let [height, width] = [96, 128];
    assert_eq!(run.image.image.shape(), [1, height, width, 3]);
    let places = (0..height * width).flat_map(|at| (0..3).map(move |c| c * height * width + at));
    let recorded: Vec<f32> = places.map(|at| (decoded[at] + 1.0) / 2.0).collect();
    let actual = run.image.image.as_slice::<f32>().unwrap();
    assert_near("picture", actual, &recorded, 4.5e-5);
    let bytes = |values: &[f32]| -> Vec<u8> { values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0) as u8).collect() };
    let (actual, recorded) = (bytes(actual), bytes(&recorded));
    let equal = actual.iter().zip(&recorded).filter(|(a, b)| a == b).count();
    assert!(actual.iter().zip(&recorded).all(|(a, b)| a.abs_diff(*b) <= 1));
    assert!(equal as f64 >= 0.999 * actual.len() as f64, "{equal} of {}", actual.len());
}

#[test]
fn decode_shows_a_draft_of_half_the_size_if_somebody_looks() {
    let chain = Chain::load(model_b());
    let run = chain.run(image_of(&["astronaut_256.png"]), json!({"tokens": 32, "exponent": 1.0}), Tiles::Merged);
    let decoded = |map: FeatureMap, looks: bool| {
        let host = Recorder::default();
        host.set(json!({"drafts": looks}));
        let inputs = [("tokenizer", chain.0.clone()), ("map", map.into_value().unwrap())];
        let image = Image::from_value(&only(run_with::<decode>(&host, json!({}), inputs).unwrap())).unwrap();
        let drafts: Vec<Image> = host.previews().iter().map(|value| Image::from_value(value).unwrap()).collect();
        (drafts, image)
    };
    let (drafts, looked_at) = decoded(run.map.clone(), true);
    assert_eq!(looked_at.image.as_slice::<f32>().unwrap(), run.image.image.as_slice::<f32>().unwrap());
    assert!(decoded(run.map.clone(), false).0.is_empty());

    // The draft is what becomes of a map whose places are means of 2 x 2 places.
    let [_, channels, height, width] = run.map.map.dims().unwrap();
    let values = run.map.map.as_slice::<f32>().unwrap();
    let at = |c: usize, y: usize, x: usize| values[(c * height + y) * width + x];
    let mean = |c, y, x| (at(c, y, x) + at(c, y, x + 1) + at(c, y + 1, x) + at(c, y + 1, x + 1)) / 4.0;
    let columns = move |c, y| (0..width).step_by(2).map(move |x| (c, y, x));
    let places = (0..channels).flat_map(|c| (0..height).step_by(2).flat_map(move |y| columns(c, y)));
    let half: Vec<f32> = places.map(|(c, y, x)| mean(c, y, x)).collect();
    let map = Tensor::from_vec([1, channels, height / 2, width / 2], half).unwrap();
    let (_, expected) = decoded(FeatureMap { map, header: run.map.header.clone() }, false);
    let [draft] = drafts.as_slice() else { panic!("expected one draft, got {}", drafts.len()) };
    assert_eq!(draft.image.shape(), [1, 48, 64, 3]);
    assert_near("draft", draft.image.as_slice().unwrap(), expected.image.as_slice().unwrap(), 1e-6);

    // A map with an odd side has no draft.
    let odd = Tensor::from_vec([1, channels, 3, 4], vec![0.5f32; channels * 12]).unwrap();
    assert!(decoded(FeatureMap { map: odd, header: run.map.header }, true).0.is_empty());
}

/// Whether two tokenizers share a network in the host's memory.
fn same(a: &Tokenizer, b: &Tokenizer) -> bool {
    matches!((&a.network, &b.network), (Loaded::Host(a), Loaded::Host(b)) if Arc::ptr_eq(a, b))
}

/// Configuration A up to the map, with a decoder that is never used.
fn chain_a() -> Chain {
    let mut tensors = Golden::open("weights_A_encoder.safetensors").0;
    let mut add = |key: &str, shape: &[usize]| {
        let tensor = Tensor::from_vec(shape, vec![0.0f32; shape.iter().product()]).unwrap();
        tensors.insert(key.to_owned(), tensor);
    };
    add_decoder(&mut add, 16, 8);
    let network = Network::load(tensors).unwrap();
    let tokenizer = Tokenizer {
        sizes: network.sizes,
        network: Loaded::Host(Arc::new(network)),
        workspace: Arc::default(),
        map: [64, 64],
        support: 3.0,
        name: "A".into(),
    };
    Chain(Local::new(tokenizer).into_value().unwrap())
}

#[test]
fn a_picture_of_four_tiles_gives_the_recorded_tokens_and_map() {
    let golden = Golden::open("tokA_np2.safetensors");
    let settings = json!({"tokens": 64, "exponent": golden.f32("weight")[0]});
    let run = chain_a().run(image_of(&["china_512.png"]), settings, Tiles::Merged);
    run.assert_tokens(golden.f32("adjusted"));
    assert_eq!(run.map.map.shape(), [1, 16, 128, 128]);
    let rows = run.map().chunks_exact(128).step_by(2);
    let map: Vec<f32> = rows.flat_map(|row| row.iter().step_by(2).copied()).collect();
    assert_near("map", &map, golden.f32("rendered.sub2"), 5e-4);
}

#[test]
fn a_batch_and_a_weight_map_give_the_recorded_tokens() {
    let chain = chain_a();
    let golden = Golden::open("tokA_batch2.safetensors");
    let batch = image_of(&["china_256.png", "astronaut_256.png"]);
    chain.run(batch, json!({"tokens": 64}), Tiles::Merged).assert_tokens(golden.f32("gpstokens"));

    let golden = Golden::open("tokA_variable.safetensors");
    let (china, init) = (image_of(&["china_256.png"]), Golden::open("init.safetensors"));
    let added = init.f32("cdbias").iter().map(|v| v / 50.0).collect();
    let added =
        splatgraph_sdk::Mask::new(Tensor::from_vec([1, 256, 256], added).unwrap()).unwrap().into_value().unwrap();
    let layout = run::<init_tokens>(json!({"tokens": 64}), [("image", china.clone()), ("weight_map", added)]).unwrap();
    let layout = Layout::from_value(&layout[0]).unwrap();
    assert_near("layout", layout.gaussians.as_slice().unwrap(), golden.f32("n64.w2.5.bias.init_codes"), 0.0);
}

#[test]
fn the_merge_of_tiles_agrees() {
    let golden = Golden::open("adjust_unit.safetensors");
    // np3_b1: 9 tiles of 3 tokens, row by row.
    let grid = splatgraph_pack_gpstoken::canvas::grid::Grid { columns: 3, rows: 3 };
    let tokens = golden.rows::<7>("np3_b1.in");
    let recorded = golden.rows::<7>("np3_b1.out");
    for (index, (token, recorded)) in tokens.iter().zip(&recorded).enumerate() {
        let tile = [index / 3 % 3, index / 9];
        let own: [f32; 5] = token[..5].try_into().unwrap();
        let merged = grid.gaussian_to_canvas(tile, own);
        assert_near("merged", &merged, &recorded[..5], 2e-7);
        assert_near("undone", &grid.gaussian_to_tile(tile, merged), &own, 1e-6);
    }
}

#[test]
fn bytes_become_the_recorded_values_and_back() {
    let golden = Golden::open("u8_roundtrip.safetensors");
    for (byte, (value, back)) in
        golden.f32("normalised").iter().zip(golden.tensor("back").as_slice::<u8>().unwrap()).enumerate()
    {
        let unit = byte as f32 / 255.0;
        assert_eq!(splatgraph_pack_gpstoken::canvas::picture::model_value(unit), *value);
        assert_eq!((((value + 1.0) / 2.0).clamp(0.0, 1.0) * 255.0) as u8, *back);
    }
    assert_eq!(splatgraph_pack_gpstoken::canvas::picture::model_value(1.5), 2.0);
}

#[test]
fn the_model_inside_the_pack_reconstructs_photos() {
    let start = Instant::now();
    let chain = Chain::load(json!({}));
    println!("loading: {:?}", start.elapsed());
    let picture = image_of(&["chelsea_256.png"]);
    let original = Image::from_value(&picture).unwrap();
    let error = |image: &Image| -> f32 {
        let pairs = image.image.as_slice::<f32>().unwrap().iter().zip(original.image.as_slice::<f32>().unwrap());
        let sum: f32 = pairs.map(|(a, b)| (a.clamp(0.0, 1.0) - b).powi(2)).sum();
        -10.0 * (sum / original.image.len() as f32).log10()
    };
    for tokens in [1, 64, 128, 256] {
        let start = Instant::now();
        let run = chain.run(picture.clone(), json!({"tokens": tokens}), Tiles::Merged);
        println!("{tokens} tokens: {:.2} dB in {:?}", error(&run.image), start.elapsed());
        assert!(tokens == 1 || error(&run.image) > 18.0);
    }
}

#[test]
fn grid_counts_and_sizes_of_a_larger_canvas_agree() {
    let chain = Chain::load(json!({}));
    let picture = grey_image(512, 512);
    let layout = only(run::<grid_tokens>(json!({"tokens": 7}), [("image", picture.clone())]).unwrap());
    let features = only(run::<encode>(json!({}), [("tokenizer", chain.0.clone()), ("image", picture)]).unwrap());
    let inputs = [("tokenizer", chain.0.clone()), ("features", features), ("layout", layout.clone())];
    let tokens = Tokens::from_value(&only(run::<refine_tokens>(json!({}), inputs).unwrap())).unwrap();
    assert_eq!(tokens.gaussians.shape(), [1, 28, 5]);
    for tiles in [Tiles::Merged, Tiles::Separate] {
        assert_eq!(chain.finish(tokens.clone(), tiles).image.image.shape(), [1, 512, 512, 3]);
    }

    // Rows past the count are not splatted.
    let counted = Tokens { counts: Some(Tensor::from_vec([1], vec![20i64]).unwrap()), ..tokens.clone() };
    let cut = |tensor: &Tensor, width: usize| {
        Tensor::from_vec([1, 20, width], tensor.as_slice::<f32>().unwrap()[..20 * width].to_vec()).unwrap()
    };
    let first = Tokens::new(cut(&tokens.gaussians, 5), cut(&tokens.textures, 32), None, tokens.header.clone()).unwrap();
    let map = |tokens: Tokens| {
        let map = only(run::<splat>(json!({}), [("tokens", tokens.into_value().unwrap())]).unwrap());
        FeatureMap::from_value(&map).unwrap().map.to_f32()
    };
    assert_eq!(map(counted), map(first));
    for drawn in [tokens.into_value().unwrap(), layout] {
        let drawing =
            Image::from_value(&only(run::<draw_tokens>(json!({"scale": 2}), [("tokens", drawn)]).unwrap())).unwrap();
        assert_eq!(drawing.image.shape(), [1, 1024, 1024, 3]);
        assert!(drawing.image.as_slice::<f32>().unwrap().iter().any(|v| *v > 0.5));
    }
}

#[test]
fn geometry_as_given_keeps_the_layout_and_refines_textures_only() {
    let chain = Chain::load(json!({}));
    // Two pictures of four tiles each.
    let picture = image_of(&["china_512.png", "china_512.png"]);
    let layout = run::<init_tokens>(json!({"tokens": 12}), [("image", picture.clone())]).unwrap().remove(0);
    let features = only(run::<encode>(json!({}), [("tokenizer", chain.0.clone()), ("image", picture)]).unwrap());
    let refined = |settings: Json| {
        let inputs = [("tokenizer", chain.0.clone()), ("features", features.clone()), ("layout", layout.clone())];
        Tokens::from_value(&only(run::<refine_tokens>(settings, inputs).unwrap())).unwrap()
    };
    let (default, given) = (refined(json!({})), refined(json!({"geometry": "as given"})));
    let layout = Layout::from_value(&layout).unwrap();
    assert_eq!(given.gaussians.to_f32(), layout.gaussians.to_f32());
    assert_eq!(given.textures.to_f32(), default.textures.to_f32());
    assert_eq!(given.header, default.header);
    assert!(distance(&default.gaussians.to_f32(), &layout.gaussians.to_f32()) > 0.01);
    assert_eq!(refined(json!({"geometry": "refined"})).gaussians.to_f32(), default.gaussians.to_f32());
    let inputs =
        [("tokenizer", chain.0.clone()), ("features", features.clone()), ("layout", layout.into_value().unwrap())];
    let error = run::<refine_tokens>(json!({"geometry": "given"}), inputs).unwrap_err();
    insta::assert_snapshot!(error, @"expected one of refined, as given, got `given`");
}

#[test]
fn a_loaded_file_is_not_read_again() {
    let (node, host) = (LoadTokenizer::default(), Recorder::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.safetensors");
    std::fs::copy(super::folder().join("weights_B.safetensors"), &path).unwrap();
    let load = || {
        let value = only(run_node(&node, &host, json!({"model": path}), []).unwrap());
        Local::<Tokenizer>::from_value(&value).unwrap()
    };
    let first = load();
    assert!(same(&first, &load()));
    assert_eq!((first.map, first.support, first.name.as_str()), ([128, 128], 3.0, "mine"));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert!(!same(&first, &load()));
}

#[test]
fn prefixes_and_unused_keys_of_training_runs_are_accepted() {
    let plain = Golden::open("weights_B.safetensors").0;
    for prefix in ["ema_model.", "ema.", "model.", "module.ema."] {
        let mut tensors: BTreeMap<String, Tensor> =
            plain.iter().map(|(k, t)| (format!("{prefix}{k}"), t.clone())).collect();
        let unused = Tensor::from_vec([128, 512], vec![0.0f32; 128 * 512]).unwrap();
        tensors.insert(format!("{prefix}preprocess_img.1.temb_proj.weight"), unused.clone());
        tensors.insert("optimizer.state.0".into(), unused);
        Network::load(tensors).unwrap();
    }
    // Averaged weights take precedence over the others, which may be incomplete.
    let mut both: BTreeMap<String, Tensor> = plain.iter().map(|(k, t)| (format!("ema_model.{k}"), t.clone())).collect();
    both.insert("model.gps_embed.weight".into(), plain["gps_embed.weight"].clone());
    Network::load(both).unwrap();
}

#[test]
fn long_work_reports_steps_and_stops_when_asked() {
    let chain = Chain::load(json!({}));
    let picture = grey_image(256, 256);
    let host = Recorder::default();
    let inputs = [("tokenizer", chain.0.clone()), ("image", picture)];
    run_with::<encode>(&host, json!({}), inputs.clone()).unwrap();
    assert!(host.events().len() >= 3);
    host.cancel();
    assert_eq!(run_with::<encode>(&host, json!({}), inputs).unwrap_err().code, Code::Cancelled);
}
