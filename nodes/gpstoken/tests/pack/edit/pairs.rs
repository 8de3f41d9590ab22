//! Tests of edits with the tokens of two pictures: matching, mixing and morphing.

use super::{Random, bits, counts, gaussians, recorded, textures, tokens, value};
use crate::support::{Golden, only};
use splatgraph_pack_gpstoken::{
    edit::{
        matching::{assign, costs},
        morph::between,
        token_set::{TokenSet, take_apart},
    },
    nodes::edit::{interpolate_tokens::interpolate_tokens, mix_tokens::mix_tokens},
};
use splatgraph_sdk::{
    Canvas, Input, Tensor, Tokens,
    serde_json::Value as Json,
    testing::{json, run},
};
use std::time::Instant;

fn interpolated(a: &Tokens, b: &Tokens, inputs: Json) -> Tokens {
    let outputs = run::<interpolate_tokens>(inputs, [("a", value(a)), ("b", value(b))]);
    Tokens::from_value(&only(outputs.unwrap())).unwrap()
}

fn mixed(geometry: &Tokens, textures: &Tokens, inputs: Json) -> Tokens {
    let outputs = run::<mix_tokens>(inputs, [("geometry", value(geometry)), ("textures", value(textures))]);
    Tokens::from_value(&only(outputs.unwrap())).unwrap()
}

/// The tokens of a picture as a set: sorted rows of geometry and texture.
fn set(tokens: &TokenSet) -> Vec<Vec<u32>> {
    let row = |i: usize| tokens.gaussians[i].iter().chain(tokens.texture(i)).map(|v| v.to_bits()).collect();
    let mut rows: Vec<Vec<u32>> = (0..tokens.len()).map(row).collect();
    rows.sort_unstable();
    rows
}

fn sets(tokens: &Tokens) -> Vec<TokenSet> {
    take_apart(tokens, tokens.textures.shape()[0]).unwrap()
}

/// The least cost over all assignments of columns to rows, by trying each.
fn least(costs: &[f64], rows: usize, columns: usize, row: usize, taken: &mut Vec<usize>) -> f64 {
    if row == rows {
        return 0.0;
    }
    let mut best = f64::INFINITY;
    for column in 0..columns {
        if !taken.contains(&column) {
            taken.push(column);
            best = best.min(costs[row * columns + column] + least(costs, rows, columns, row + 1, taken));
            taken.pop();
        }
    }
    best
}

#[test]
fn the_assignment_is_the_cheapest() {
    let mut random = Random(7);
    for (rows, columns) in [(1, 1), (1, 4), (3, 3), (5, 5), (6, 6), (4, 6), (6, 4), (5, 1)] {
        for _ in 0..10 {
            let costs: Vec<f64> = (0..rows * columns).map(|_| f64::from(random.within(0.0, 9.0))).collect();
            let assigned = assign(&costs, [rows, columns]).unwrap();
            let total: f64 =
                assigned.iter().enumerate().filter_map(|(row, column)| Some(costs[row * columns + (*column)?])).sum();
            let mut used: Vec<usize> = assigned.iter().filter_map(|column| *column).collect();
            used.sort_unstable();
            used.dedup();
            assert_eq!(used.len(), rows.min(columns), "each column once");
            let cheapest = if rows <= columns {
                least(&costs, rows, columns, 0, &mut Vec::new())
            } else {
                let turned: Vec<f64> = (0..columns)
                    .flat_map(|c| (0..rows).map(move |r| (r, c)))
                    .map(|(r, c)| costs[r * columns + c])
                    .collect();
                least(&turned, columns, rows, 0, &mut Vec::new())
            };
            assert!((total - cheapest).abs() < 1e-6, "{total} instead of {cheapest} for {rows} x {columns}");
        }
    }
    assert_eq!(assign(&[], [2, 0]).unwrap(), [None, None]);
    assert_eq!(assign(&[f64::INFINITY, 1.0, f64::INFINITY, 2.0], [2, 2]).unwrap().len(), 2);
}

#[test]
fn two_thousand_tokens_are_matched_in_seconds() {
    let mut random = Random(8);
    let [a, b] = [(); 2].map(|()| sets(&random.tokens([1, 2048, 16], [4, 4])).remove(0));
    let start = Instant::now();
    let costs = costs(&a, &b, [127.5; 2], 0.1);
    println!("costs: {:?}", start.elapsed());
    let partners = assign(&costs, [2048, 2048]).unwrap();
    println!("2048 tokens: {:?}", start.elapsed());
    assert!(partners.iter().all(Option::is_some));
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn a_shuffled_picture_is_matched_with_itself() {
    let a = recorded();
    let golden = Golden::open("token_edits.safetensors");
    let b = super::of_rows(golden.f32("shuffle.tokens"), 21);
    // Every frame equals the picture bit for bit, as both tokens of each pair are equal.
    let morph = interpolated(&a, &b, json!({"frames": 5}));
    for frame in sets(&morph) {
        assert_eq!(set(&frame), set(&sets(&a)[0]));
    }
    assert_eq!(bits(&mixed(&a, &b, json!({}))), bits(&a));
}

#[test]
fn the_ends_of_a_morph_are_exact_and_rows_are_tokens() {
    let mut random = Random(9);
    for [left, right] in [[12, 12], [9, 14], [14, 9], [1, 5]] {
        let (a, b) = (random.tokens([1, left, 3], [1, 1]), random.tokens([1, right, 3], [1, 1]));
        let morph = interpolated(&a, &b, json!({"frames": 4}));
        let most = left.max(right);
        assert_eq!(morph.textures.shape(), [4, most, 3]);
        let frames = sets(&morph);
        assert_eq!(set(&frames[0]), set(&sets(&a)[0]));
        assert_eq!(set(&frames[3]), set(&sets(&b)[0]));
        let lengths = [left, most, most, right].map(|length| length as i64);
        assert_eq!(counts(&morph), (left != right).then(|| lengths.to_vec()));
        for row in 0..left.min(right) {
            for axis in 0..5 {
                let way: Vec<f32> = frames.iter().map(|frame| frame.gaussians[row][axis]).collect();
                assert!(way.is_sorted() || way.is_sorted_by(|a, b| a >= b), "row {row} goes {way:?}");
            }
        }
        let middle = interpolated(&a, &b, json!({"frames": 1, "t": 1.0 / 3.0}));
        assert_eq!(set(&sets(&middle)[0]), set(&frames[1]));
    }
}

#[test]
fn the_middle_of_a_morph_is_the_middle_between_logits() {
    let logit = |v: f64| (v / (1.0 - v)).ln();
    let (a, b) = ([0.1f32, 0.2, 0.9, -0.5, 0.3], [0.4f32, 0.05, -0.2, 0.8, 0.3]);
    let half = between(a, b, 0.5);
    for i in 0..5 {
        let unit = |v: f32| if i < 2 { f64::from(v) } else { f64::midpoint(1.0, f64::from(v)) };
        let expected = (logit(unit(a[i])) + logit(unit(b[i]))) / 2.0;
        assert!((logit(unit(half[i])) - expected).abs() < 1e-5);
    }
    // Off the canvas there is no logit, so the interpolation is linear.
    assert_eq!(between([0.1, 0.1, 0.0, -2.0, 0.0], [0.1, 0.1, 0.0, 3.0, 0.5], 0.5)[3], 0.5);
    assert_eq!(between([0.1, 1.5, 0.0, 0.0, 0.0], [0.1, 0.5, 0.0, 0.0, 0.5], 0.5)[1], 1.0);
}

#[test]
fn textures_of_fewer_or_more_tokens_are_mixed_in() {
    let mut random = Random(10);
    let a = random.tokens([1, 6, 2], [1, 1]);
    for right in [1, 4, 9] {
        let b = random.tokens([1, right, 2], [1, 1]);
        let mix = mixed(&a, &b, json!({}));
        assert_eq!(gaussians(&mix), gaussians(&a));
        let own: Vec<&[f32]> = textures(&b).chunks_exact(2).collect();
        let mut used: Vec<&[f32]> = textures(&mix).chunks_exact(2).collect();
        assert!(used.iter().all(|texture| own.contains(texture)));
        used.sort_by(|a, b| a.partial_cmp(b).unwrap());
        used.dedup();
        assert_eq!(used.len(), right.min(6), "each texture is used");
    }
}

#[test]
fn each_picture_of_a_batch_is_mixed_and_morphed_by_itself() {
    let mut random = Random(11);
    let (a, b) = (random.tokens([2, 8, 2], [1, 1]), random.tokens([1, 8, 2], [1, 1]));
    let both = sets(&interpolated(&a, &b, json!({"frames": 3})));
    for picture in 0..2 {
        let one = sets(&interpolated(&super::alone(&a, picture), &b, json!({"frames": 3})));
        assert_eq!(both[picture * 3..][..3], one);
    }
    let mut padded = a.clone();
    padded.counts = Some(Tensor::from_vec([2], vec![8i64, 5]).unwrap());
    assert_eq!(counts(&interpolated(&padded, &padded, json!({"frames": 2}))), Some(vec![8, 8, 5, 5]));
}

#[test]
fn tokens_of_two_models_or_canvases_are_an_error() {
    let with = |header: Canvas, channels: usize| {
        tokens([1, 1, channels], vec![0.1, 0.1, 0.0, 0.0, 0.0], vec![1.0; channels], None, header)
    };
    let ours = || Canvas { model: Some("small".into()), map: Some([64, 64]), support: Some(3.0), ..Canvas::default() };
    let a = with(ours(), 16);
    let error =
        |b: &Tokens| run::<mix_tokens>(json!({}), [("geometry", value(&a)), ("textures", value(b))]).unwrap_err();
    insta::assert_snapshot!(error(&with(Canvas { model: Some("gpstoken_m128".into()), ..ours() }, 16)), @r#"expected tokens of model "small", map 64 x 64, support 3, 16 channels, as the other input has, got tokens of model "gpstoken_m128", map 64 x 64, support 3, 16 channels. Refine both with the same tokenizer"#);
    insta::assert_snapshot!(error(&with(Canvas { map: Some([64, 48]), support: Some(1.75), model: None, ..ours() }, 8)), @r#"expected tokens of model "small", map 64 x 64, support 3, 16 channels, as the other input has, got tokens of an unnamed model, map 64 x 48, support 1.75, 8 channels. Refine both with the same tokenizer"#);
    insta::assert_snapshot!(error(&with(Canvas { canvas: [512, 512], grid: [2, 2], ..ours() }, 16)), @"expected tokens of 256 x 256 pixels in 1 x 1 tiles of 256, as the other input has, got tokens of 512 x 512 pixels in 2 x 2 tiles of 256. Resize the pictures to one size first");
    // Facts that a header does not have are not compared.
    assert_eq!(textures(&mixed(&a, &with(Canvas::default(), 16), json!({}))), [1.0; 16]);
    let three = Random(12).tokens([3, 1, 16], [1, 1]);
    let two = Random(13).tokens([2, 1, 16], [1, 1]);
    let error = run::<interpolate_tokens>(json!({}), [("a", value(&three)), ("b", value(&two))]).unwrap_err();
    insta::assert_snapshot!(error, @"expected 1 or 3 pictures, as the tokens have, got 2");
}
