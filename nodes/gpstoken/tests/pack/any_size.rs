//! Tests with pictures and outputs of any size.

use super::{assert_near, only, unit_picture};
use splatgraph_pack_gpstoken::{
    nodes::look::draw_tokens::draw_tokens, nodes::tokenize::decode::decode, nodes::tokenize::encode::encode,
    nodes::tokenize::init_tokens::init_tokens, nodes::tokenize::load_tokenizer::LoadTokenizer,
    nodes::tokenize::refine_tokens::refine_tokens, nodes::tokenize::splat::splat,
};
use splatgraph_sdk::{
    Canvas, FeatureMap, Features, Image, Input, Layout, Mask, Output, Tensor, Tokens, Value,
    serde_json::Value as Json,
    testing::{json, run},
};

fn small() -> Value {
    only(run::<LoadTokenizer>(json!({}), []).unwrap())
}

/// `width` x `height` pixels of a photo from its upper left corner, mirrored where it ends.
fn photo(name: &str, width: usize, height: usize) -> Value {
    let (values, side) = unit_picture(name);
    let pixel = |x: usize, y: usize| {
        // Mirrored, so that there is no edge.
        let [x, y] = [x, y].map(|at| if at / side % 2 == 0 { at % side } else { side - 1 - at % side });
        values[(y * side + x) * 3..][..3].to_vec()
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Image::new(Tensor::from_vec([1, height, width, 3], pixels).unwrap()).unwrap().into_value().unwrap()
}

fn layout_of(picture: &Value, settings: Json) -> Layout {
    Layout::from_value(&run::<init_tokens>(settings, [("image", picture.clone())]).unwrap()[0]).unwrap()
}

fn tokens_of(tokenizer: &Value, picture: &Value, tokens: u32) -> Value {
    let layout = layout_of(picture, json!({"tokens": tokens})).into_value().unwrap();
    let inputs = [("tokenizer", tokenizer.clone()), ("image", picture.clone())];
    let features = only(run::<encode>(json!({}), inputs).unwrap());
    let inputs = [("tokenizer", tokenizer.clone()), ("features", features), ("layout", layout)];
    only(run::<refine_tokens>(json!({}), inputs).unwrap())
}

fn map_of(tokens: &Value, settings: Json) -> Value {
    only(run::<splat>(settings, [("tokens", tokens.clone())]).unwrap())
}

fn decoded(tokenizer: &Value, map: &Value, tiles: &str) -> Image {
    let inputs = [("tokenizer", tokenizer.clone()), ("map", map.clone())];
    Image::from_value(&only(run::<decode>(json!({"tiles": tiles}), inputs).unwrap())).unwrap()
}

#[test]
fn a_picture_comes_back_in_its_own_size() {
    let tokenizer = small();
    for [width, height] in [[16, 16], [300, 500], [256, 700], [17, 260]] {
        let picture = photo("chelsea_256.png", width, height);
        let tokens = tokens_of(&tokenizer, &picture, 40);
        let header = Tokens::from_value(&tokens).unwrap().header;
        assert_eq!(header.canvas, [width as u32, height as u32]);
        assert_eq!(header.grid, [width.div_ceil(256) as u32, height.div_ceil(256) as u32]);
        for (splatted, tiles) in
            [("merged", "merged"), ("separate", "separate"), ("merged", "overlapping"), ("separate", "overlapping")]
        {
            let image = decoded(&tokenizer, &map_of(&tokens, json!({"tiles": splatted})), tiles);
            assert_eq!(image.image.shape(), [1, height, width, 3], "{tiles}");
        }
        let drawing = only(run::<draw_tokens>(json!({}), [("tokens", tokens)]).unwrap());
        assert_eq!(Image::from_value(&drawing).unwrap().image.shape(), [1, height, width, 3]);
    }
}

#[test]
fn tokens_go_where_the_picture_is() {
    // The second tile shows only 44 columns of the picture.
    let picture = photo("chelsea_256.png", 300, 256);
    let layout = layout_of(&picture, json!({"tokens": 64}));
    let gaussians = layout.gaussians.as_slice::<f32>().unwrap().as_chunks::<5>().0;
    let pixel = |x: f32| (x + 1.0) / 2.0 * 511.0;
    let beyond = gaussians[64..].iter().filter(|[_, _, _, x, _]| pixel(*x) > 300.0).count();
    assert_eq!(beyond, 1, "one token is all that the empty rest gets");

    // A full tile is cut as if it were alone.
    let alone = layout_of(&photo("chelsea_256.png", 256, 256), json!({"tokens": 64}));
    let regions = |layout: &Layout| layout.regions.as_ref().unwrap().to_f32();
    let full: Vec<f32> = regions(&layout)[..64 * 4]
        .iter()
        .enumerate()
        .map(|(i, v)| if i % 2 == 0 { *v * 2.0 + 1.0 } else { *v })
        .collect();
    assert_near("regions", &full, &regions(&alone), 1e-6);

    // A map has the size of the picture, and its weights end at the border of the tile.
    let map = Mask::new(Tensor::from_vec([1, 256, 300], vec![1.0f32; 256 * 300]).unwrap()).unwrap();
    let inputs = [("image", picture.clone()), ("weight_map", map.into_value().unwrap())];
    let steered = run::<init_tokens>(json!({"tokens": 64, "weight": 1e6}), inputs).unwrap();
    let steered = Layout::from_value(&steered[0]).unwrap();
    let gaussians = steered.gaussians.as_slice::<f32>().unwrap().as_chunks::<5>().0;
    assert_eq!(gaussians[64..].iter().filter(|[_, _, _, x, _]| pixel(*x) > 300.0).count(), 1);
}

#[test]
fn features_repeat_the_last_pixels() {
    let tokenizer = small();
    let picture = photo("chelsea_256.png", 200, 256);
    let features = |picture: &Value| {
        let inputs = [("tokenizer", tokenizer.clone()), ("image", picture.clone())];
        Features::from_value(&only(run::<encode>(json!({}), inputs).unwrap())).unwrap().features
    };
    let image = Image::from_value(&picture).unwrap().image;
    let values = image.as_slice::<f32>().unwrap();
    let padded: Vec<f32> =
        (0..256).flat_map(|y| (0..256).flat_map(move |x| values[(y * 200 + x.min(199)) * 3..][..3].to_vec())).collect();
    let padded = Image::new(Tensor::from_vec([1, 256, 256, 3], padded).unwrap()).unwrap().into_value().unwrap();
    assert_eq!(features(&picture).to_f32(), features(&padded).to_f32());
}

#[test]
fn one_tile_is_one_window() {
    let tokenizer = small();
    let tokens = tokens_of(&tokenizer, &photo("chelsea_256.png", 256, 256), 64);
    let map = map_of(&tokens, json!({}));
    let merged = decoded(&tokenizer, &map, "merged").image.to_f32();
    for tiles in ["separate", "overlapping"] {
        assert_eq!(decoded(&tokenizer, &map, tiles).image.to_f32(), merged, "{tiles}");
    }
}

/// The average step from the last column of a tile to the first column of the next, relative to the step between other columns.
fn step_at_the_border(image: &Image) -> f64 {
    let [_, height, width, _] = image.image.dims().unwrap();
    let values = image.image.as_slice::<f32>().unwrap();
    let step = |x: usize| -> f64 {
        let pixels = (0..height).flat_map(|y| (0..3).map(move |c| (y * width + x) * 3 + c));
        pixels.map(|at| f64::from((values[at] - values[at - 3]).abs())).sum()
    };
    let others: f64 = (200..240).chain(272..312).map(step).sum::<f64>() / 80.0;
    step(256) / others
}

#[test]
fn windows_leave_no_seam() {
    let tokenizer = small();
    let tokens = tokens_of(&tokenizer, &photo("astronaut_256.png", 512, 256), 128);
    let map = map_of(&tokens, json!({"tiles": "separate"}));
    let [separate, overlapping] =
        ["separate", "overlapping"].map(|tiles| step_at_the_border(&decoded(&tokenizer, &map, tiles)));
    println!("steps at the border, in those elsewhere: separate {separate:.2}, overlapping {overlapping:.2}");
    // The photo is mirrored there, so there is no step in it.
    assert!(overlapping < 0.5 && separate > 2.0 * overlapping);
}

#[test]
fn more_tiles_than_merged_can_take_are_decoded_in_windows() {
    let tokenizer = small();
    // The map of 5 x 4 tiles; only its size counts.
    let header = Canvas { canvas: [1280, 1024], grid: [5, 4], map: Some([64, 64]), ..Canvas::default() };
    let values = (0..32 * 320 * 256).map(|i| ((i * 37 % 101) as f32 / 50.0) - 1.0).collect();
    let map = FeatureMap::new(Tensor::from_vec([1, 32, 256, 320], values).unwrap(), header).unwrap();
    let map = map.into_value().unwrap();
    let [merged, overlapping] = ["merged", "overlapping"].map(|tiles| decoded(&tokenizer, &map, tiles).image);
    assert_eq!(merged.shape(), [1, 1024, 1280, 3]);
    assert_eq!(merged.to_f32(), overlapping.to_f32());
}

#[test]
fn the_output_may_be_larger_or_smaller() {
    let tokenizer = small();
    let tokens = tokens_of(&tokenizer, &photo("chelsea_256.png", 300, 256), 64);
    for (scale, size) in [(0.5, [150, 128]), (1.0, [300, 256]), (2.0, [600, 512]), (4.0, [1200, 1024])] {
        let map = map_of(&tokens, json!({"scale": scale}));
        for tiles in ["merged", "overlapping"] {
            let image = decoded(&tokenizer, &map, tiles);
            assert_eq!(image.image.shape(), [1, size[1], size[0], 3], "{scale} {tiles}");
        }
    }
    // A map of twice the size from the same tokens has values between those of the first map.
    let ordinary = Tokens::from_value(&tokens).unwrap();
    let values = |scale: f32| FeatureMap::from_value(&map_of(&tokens, json!({"scale": scale}))).unwrap().map.to_f32();
    let norm = |values: &[f32]| (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
    let (one, two) = (norm(&values(1.0)), norm(&values(2.0)));
    assert!((one / two - 1.0).abs() < 0.05, "{one} {two}");
    assert_eq!(ordinary.header.map, Some([64, 64]));
}

#[test]
fn sixteen_tiles_are_each_cut_as_if_alone() {
    let (values, side) = unit_picture("chelsea_256.png");
    let pixels: Vec<f32> = (0..1024)
        .flat_map(|y| (0..4).flat_map(move |_| (y % side * side * 3)..(y % side + 1) * side * 3))
        .map(|at| values[at])
        .collect();
    let picture = Image::new(Tensor::from_vec([1, 1024, 1024, 3], pixels).unwrap()).unwrap().into_value().unwrap();
    let layout = layout_of(&picture, json!({"tokens": 64}));
    let alone = layout_of(&photo("chelsea_256.png", 256, 256), json!({"tokens": 64}));
    let grid = splatgraph_pack_gpstoken::canvas::grid::Grid { columns: 4, rows: 4 };
    let own = alone.gaussians.as_slice::<f32>().unwrap().as_chunks::<5>().0;
    let all = layout.gaussians.as_slice::<f32>().unwrap().as_chunks::<5>().0;
    for (tile, gaussians) in grid.tiles().zip(all.chunks(64)) {
        for (gaussian, own) in gaussians.iter().zip(own) {
            assert_eq!(*gaussian, grid.gaussian_to_canvas(tile, *own));
        }
    }
}
