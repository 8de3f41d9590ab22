//! Tests of the places and the number of tokens: weight maps, thresholds, and the search for a PSNR.

use super::{image_of, nodes::Chain, only};
use splatgraph_pack_gpstoken::{
    canvas::picture::{grey, tile_input},
    canvas::plane::Plane,
    nodes::tokenize::find_token_count::find_token_count,
    nodes::tokenize::init_tokens::init_tokens,
    partition::{Region, Rules, WeightMode, Weights, complexity, partition},
    splat::Tiles,
};
use splatgraph_sdk::{
    Image, Input, Layout, Mask, Output, Tensor, Value,
    serde_json::Value as Json,
    testing::{Event, Recorder, json, run, run_with},
};

fn laid(image: &Value, settings: Json) -> (Layout, usize) {
    let [layout, count] = run::<init_tokens>(settings, [("image", image.clone())]).unwrap().try_into().unwrap();
    (Layout::from_value(&layout).unwrap(), count.as_int().unwrap() as usize)
}

fn refused(image: &Value, settings: Json) -> String {
    let error = run::<init_tokens>(settings, [("image", image.clone())]).unwrap_err();
    format!("{}: {error}", error.input.clone().unwrap_or_default())
}

#[test]
fn a_threshold_stops_when_nothing_more_complex_can_be_cut() {
    let chelsea = image_of(&["chelsea_256.png"]);
    let (pixels, width) = super::unit_picture("chelsea_256.png");
    let grey = grey(&tile_input(&pixels, [width, width], [0, 0]));
    let most = |tokens: usize| {
        let regions = partition(&grey, [256, 256], None, &Rules { tokens, exponent: 2.5, min_region: 8 }).unwrap();
        let cuttable = regions.iter().filter(|r| r.width() > 9 || r.height() > 9);
        cuttable.map(|r| complexity(&grey, [256, 256], None, *r, 2.5)).fold(0.0, f64::max)
    };
    let mut counts = Vec::new();
    for threshold in [1e9, 100_000.0, 10_000.0, 3_000.0, 1_000.0] {
        let (layout, count) = laid(&chelsea, json!({"tokens": 1024, "threshold": threshold}));
        assert_eq!(layout.gaussians.shape(), [1, count, 5]);
        assert!(most(count) <= threshold, "{count} tokens leave nothing above {threshold}");
        assert!(count == 1 || most(count - 1) > threshold, "{count} tokens are needed for {threshold}");
        // The layout equals the layout for this number of tokens.
        let (same, _) = laid(&chelsea, json!({"tokens": count}));
        assert_eq!(layout.gaussians.as_slice::<f32>().unwrap(), same.gaussians.as_slice::<f32>().unwrap());
        counts.push(count);
    }
    println!("{counts:?}");
    assert!(counts.is_sorted() && counts[0] == 1 && counts[4] > 200, "{counts:?}");

    // `tokens` is the upper limit, even if it is above the capacity of a tile.
    assert_eq!(laid(&chelsea, json!({"tokens": 50, "threshold": 1000})).1, 50);
    let all = laid(&chelsea, json!({"tokens": 5000, "threshold": 1e-9})).1;
    assert!((1000..=1024).contains(&all), "{all}: flat regions stay whole");
    assert_eq!(laid(&chelsea, json!({"tokens": 50})).1, 50);
}

#[test]
fn the_most_demanding_tile_and_picture_decide() {
    let threshold = json!({"tokens": 1024, "threshold": 10_000});
    let count = |names: &[&str]| laid(&image_of(names), threshold.clone()).1;
    let [page, synthetic] = [count(&["page_256.png"]), count(&["synthetic_256.png"])];
    println!("page {page}, synthetic {synthetic}");
    assert!(page != synthetic);
    let names = ["synthetic_256.png", "page_256.png"];
    assert_eq!(count(&names), page.max(synthetic));
    let (layout, most) = laid(&image_of(&names), threshold.clone());
    assert_eq!(layout.gaussians.shape(), [2, most, 5]);
    let (layout, most) = laid(&image_of(&["china_512.png"]), threshold);
    assert_eq!(layout.gaussians.shape(), [1, 4 * most, 5]);
}

#[test]
fn impossible_thresholds_and_weights_are_errors() {
    let chelsea = image_of(&["chelsea_256.png"]);
    insta::assert_snapshot!(refused(&chelsea, json!({"threshold": -1})), @"threshold: expected a number of at least 0, got -1");
    let nan = [("image", chelsea.clone()), ("threshold", Value::float(f64::NAN))];
    let error = run::<init_tokens>(json!({}), nan).unwrap_err();
    insta::assert_snapshot!(error, @"expected a number, got NaN");
    assert_eq!(error.input.as_deref(), Some("threshold"));
}

#[test]
fn a_weighted_region_gets_more_tokens() {
    let astronaut = image_of(&["astronaut_256.png"]);
    let inside = |x: usize, y: usize| (96..160).contains(&x) && (96..160).contains(&y);
    let mask = (0..256 * 256).map(|i| f32::from(u8::from(inside(i % 256, i / 256)))).collect();
    let mask = Mask::new(Tensor::from_vec([1, 256, 256], mask).unwrap()).unwrap().into_value().unwrap();
    let count = |weight: f32, mode: &str| {
        let inputs = [("image", astronaut.clone()), ("weight_map", mask.clone())];
        let layout = run::<init_tokens>(json!({"tokens": 128, "weight": weight, "weight_mode": mode}), inputs).unwrap();
        let layout = Layout::from_value(&layout[0]).unwrap();
        let rows = layout.gaussians.as_slice::<f32>().unwrap().as_chunks::<5>().0;
        rows.iter().filter(|g| g[3].abs() < 0.25 && g[4].abs() < 0.25).count()
    };
    for (mode, weights) in [("add", [0.0, 50.0, 100.0, 200.0]), ("multiply", [0.0, 2.0, 5.0, 10.0])] {
        let counts = weights.map(|weight| count(weight, mode));
        println!("{mode}: {counts:?}");
        assert!(counts.is_sorted() && counts[3] >= counts[0] + 20, "{mode}: {counts:?}");
    }
}

/// A picture that gets brighter from left to right at one rate. Every region that is at least 64 pixels wide has the same entropy: scaled
/// to 64 columns, it has one gradient in 62 of them and half of it in the 2 at the border. So its complexity is its area times
/// `E^2.5` = 0.018, where `E` is the entropy in bits of the shares 31/32 and 1/32.
fn ramp() -> Value {
    let values = (0..256 * 256).flat_map(|i| [(i % 256) as f32 / 255.0; 3]).collect();
    Image::new(Tensor::from_vec([1, 256, 256, 3], values).unwrap()).unwrap().into_value().unwrap()
}

#[test]
fn weights_are_added_or_multiplied() {
    // The upper left quarter has the weight 2. In quarters of the picture, the complexities and cuts are, by hand:
    //
    // | weights | cuts of the most complex region |
    // |---|---|
    // | none | whole 4: upper, lower half 2 each; upper: 2 quarters of 1; lower: 2 of 1; first quarter 1: 2 halves; next quarter 1: 2 halves |
    // | multiplied | whole 6: upper 4, lower 2; upper: left 3, right 1; left: 2 halves of 1.5; lower: 2 quarters of 1; upper half: 2 of 0.75 |
    // | added | the quarter is at least 55 times as complex as the others: it is cut in 2, then each half of it in 2 |
    //
    // A square is cut across y, as both cuts have the same least half. The two new regions stay at the end.
    let quarter = (0..256 * 256).map(|i| f32::from(u8::from(i % 256 < 128 && i / 256 < 128))).collect();
    let quarter = Mask::new(Tensor::from_vec([1, 256, 256], quarter).unwrap()).unwrap().into_value().unwrap();
    let (tl, tr, bl, br) = ([0, 0, 128, 128], [128, 0, 256, 128], [0, 128, 128, 256], [128, 128, 256, 256]);
    let cut = |settings: Json, map: Option<&Value>| {
        let inputs = [("image", ramp())].into_iter().chain(map.map(|map| ("weight_map", map.clone())));
        let layout = Layout::from_value(&run::<init_tokens>(settings, inputs).unwrap()[0]).unwrap();
        let corners = layout.regions.unwrap();
        let pixel = |corner: &f32| ((corner + 1.0) / 2.0 * 255.0).round() as i32;
        let boxes = corners.as_slice::<f32>().unwrap().chunks_exact(4);
        boxes.map(|c| [pixel(&c[0]), pixel(&c[1]), pixel(&c[2]) + 1, pixel(&c[3]) + 1]).collect::<Vec<[i32; 4]>>()
    };
    let halves = |[x0, y0, x1, y1]: [i32; 4]| [[x0, y0, x1, y0 + 64], [x0, y0 + 64, x1, y1]];
    let without = [[bl, br].as_slice(), &halves(tl), &halves(tr)].concat();
    assert_eq!(cut(json!({"tokens": 6}), None), without);
    let upper = [[0, 0, 64, 64], [64, 0, 128, 64]];
    let lower = [0, 64, 128, 128];
    let multiplied = [[lower, tr, bl, br].as_slice(), &upper].concat();
    let settings = json!({"tokens": 6, "weight": 2, "weight_mode": "multiply"});
    assert_eq!(cut(settings, Some(&quarter)), multiplied);
    let added = [upper[0], upper[1], [0, 128, 256, 256], tr, [0, 64, 64, 128], [64, 64, 128, 128]];
    assert_eq!(cut(json!({"tokens": 6, "weight": 2, "weight_mode": "add"}), Some(&quarter)), added);
    assert_eq!(cut(json!({"tokens": 6, "weight": 2}), Some(&quarter)), added);
    assert_eq!(cut(json!({"tokens": 6, "weight": 0, "weight_mode": "multiply"}), Some(&quarter)), without);

    // The complexity itself: E^2.5 times the area times (1 + 2 times the weighted part).
    let share: f64 = 1.0 / 32.0;
    let entropy = -(share * share.log2() + (1.0 - share) * (1.0 - share).log2());
    let pixels = Image::from_value(&ramp()).unwrap().image.to_f32();
    let grey = grey(&tile_input(&pixels, [256, 256], [0, 0]));
    let map = Plane { width: 256, height: 256, values: Mask::from_value(&quarter).unwrap().mask.to_f32() };
    let region = Region { x0: 0, y0: 0, x1: 255, y1: 127 };
    for (mode, expected) in [
        (WeightMode::Multiply, entropy.powf(2.5) * 32768.0 * 1.5),
        (WeightMode::Add, entropy.powf(2.5) * 32768.0 + 16384.0),
    ] {
        let value = complexity(&grey, [256, 256], Some(Weights { map: &map, mode }), region, 2.5);
        // The shares are of 4096 + 1e-5 pixels.
        assert!((value - expected).abs() < 1e-6 * expected, "{mode:?}: {value} instead of {expected}");
    }
}

#[test]
fn the_fewest_tokens_for_a_psnr_are_found() {
    let chain = Chain::load(json!({}));
    let chelsea = image_of(&["chelsea_256.png"]);
    let inputs = [("tokenizer", chain.0.clone()), ("image", chelsea.clone())];
    let original = Image::from_value(&chelsea).unwrap().image.to_f32();
    let psnr = |tokens: usize| {
        let level = |v: &f32| f64::from((v.clamp(0.0, 1.0) * 255.0).round());
        let decoded = chain.run(chelsea.clone(), json!({"tokens": tokens}), Tiles::Merged).image.image.to_f32();
        let sum: f64 = original.iter().zip(&decoded).map(|(a, b)| (level(a) - level(b)).powi(2)).sum();
        10.0 * (255.0 * 255.0 * original.len() as f64 / sum).log10()
    };
    let (few, many) = (psnr(16), psnr(256));
    let target = f64::midpoint(few, many);
    let host = Recorder::default();
    let outputs = run_with::<find_token_count>(&host, json!({"psnr": target}), inputs.clone()).unwrap();
    let (tokens, found) = (outputs[0].as_int().unwrap() as usize, outputs[1].as_float().unwrap());
    println!("{few:.2} dB for 16, {many:.2} for 256, {found:.2} for {tokens}");
    assert_eq!(outputs[2].as_bool(), Some(true));
    assert!(found >= target && (found - psnr(tokens)).abs() < 1e-3);
    assert!(psnr(tokens - 1) < target, "one less is too few");
    let tried = host.events().iter().filter(|e| matches!(e, Event::Log(..))).count();
    assert!((3..=10).contains(&tried), "{tried} reconstructions");

    // The result is at an end of the range.
    let ends = |psnr: f64| {
        let outputs = run::<find_token_count>(json!({"psnr": psnr, "low": 20, "high": 24}), inputs.clone()).unwrap();
        (outputs[0].as_int(), outputs[2].as_bool())
    };
    assert_eq!(ends(1.0), (Some(20), Some(true)));
    assert_eq!(ends(60.0), (Some(24), Some(false)));
    let host = Recorder::default();
    run_with::<find_token_count>(&host, json!({"psnr": 60, "low": 16, "high": 16}), inputs.clone()).unwrap();
    let Some(Event::Log(_, warning)) = host.events().into_iter().rfind(|e| matches!(e, Event::Log(..))) else {
        panic!("no warning")
    };
    let (start, rest) = warning.split_once(" dB with ").unwrap();
    assert!(start.starts_with("expected 60 dB, got "), "{start}");
    insta::assert_snapshot!(rest, @"16 tokens for each tile; raise `high`, or use another tokenizer");

    let refused = |settings: Json| {
        let error = run::<find_token_count>(settings, inputs.clone()).unwrap_err();
        format!("{}: {error}", error.input.clone().unwrap_or_default())
    };
    insta::assert_snapshot!(refused(json!({"psnr": 20, "low": 65, "high": 64})), @"low: expected at most `high`, which is 64, got 65");
    insta::assert_snapshot!(refused(json!({"psnr": 20, "high": 2000})), @"high: expected at most 1024 tokens, the number of regions of this size that fit into a tile of 256 x 256 pixels, got 2000. Ask for 1024 or fewer, or lower min_region");
    let small = only(
        run::<splatgraph_pack_gpstoken::nodes::tokenize::load_tokenizer::LoadTokenizer>(json!({"map_width": 32}), [])
            .unwrap(),
    );
    let other = [("tokenizer", small), ("image", chelsea.clone())];
    let error = run::<find_token_count>(json!({"psnr": 20}), other).unwrap_err();
    insta::assert_snapshot!(error, @"expected a tokenizer that decodes pictures of 256 x 256 pixels, got one that decodes 128 x 256. Leave its map_width and map_height at 0");
}
