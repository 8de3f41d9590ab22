//! Properties of every edit: a batch equals its pictures alone, padding stays, and the order of tokens does not affect a splat.

use super::{
    Random, alone, bits, counts, deleted, duplicated, gaussians, list_applied, select, textures, tokens, transformed,
    value,
};
use crate::support::{assert_near, largest, only, splat::splat_map};
use splatgraph_pack_gpstoken::{
    edit::token_set::{TokenSet, take_apart},
    nodes::edit::replace_textures::replace_textures,
};
use splatgraph_sdk::{
    Canvas, Input, Selection, Tensor, Tokens,
    testing::{json, run},
};

fn map(tokens: &Tokens) -> Vec<f32> {
    let set = take_apart(tokens, 1).unwrap().remove(0);
    splat_map(set.gaussians.as_flattened(), &set.textures, set.channels, [64, 64], 3.0)
}

#[test]
fn the_order_of_tokens_affects_neither_a_splat_nor_edits() {
    let mut random = Random(20);
    for _ in 0..10 {
        let tokens = random.tokens([1, 50, 4], [1, 1]);
        let order = random.order(50);
        let shuffled = take_apart(&tokens, 1).unwrap().remove(0).pick(order.iter().copied());
        let shuffled =
            super::tokens([1, 50, 4], shuffled.gaussians.concat(), shuffled.textures, None, Canvas::default());
        let near = |what: &str, a: &Tokens, b: &Tokens| {
            let recorded = map(a);
            assert_near(what, &map(b), &recorded, largest(&recorded) * 1e-5);
        };
        near("as they are", &tokens, &shuffled);
        for (a, b) in [(&tokens, &shuffled), (&shuffled, &tokens)] {
            let edit = json!([
                {"edit": "transform", "select": {"region": [0, 0, 128, 256]}, "rotate": 33, "move_x": 12},
                {"edit": "delete", "select": {"nearest": [100, 100], "nearest_count": 5}},
                {"edit": "duplicate", "select": {"min_sigma": 20}, "move_y": -9},
            ]);
            near("edited", &list_applied(a, edit.clone()), &list_applied(b, edit));
        }
    }
}

/// Tokens of three pictures, the second with padding.
fn three() -> Tokens {
    let mut three = Random(21).tokens([3, 20, 3], [2, 1]);
    three.counts = Some(Tensor::from_vec([3], vec![20i64, 13, 20]).unwrap());
    three
}

/// The pictures of a batch without padding.
fn sets(tokens: &Tokens) -> Vec<TokenSet> {
    take_apart(tokens, tokens.textures.shape()[0]).unwrap()
}

fn selection_of(selection: &Selection, b: usize) -> Selection {
    let count = selection.selected.shape()[1];
    let row = selection.selected.as_slice::<f32>().unwrap()[b * count..][..count].to_vec();
    Selection::new(Tensor::from_vec([1, count], row).unwrap()).unwrap()
}

#[test]
fn a_batch_equals_its_pictures_alone() {
    let three = three();
    let selection = select(&three, json!({"region": [0, 0, 300, 256]}));
    let turn = json!({"rotate": 20, "scale_x": 1.3, "move_y": 11});
    let list = json!([
        {"edit": "duplicate", "select": {"nearest": [10, 10], "nearest_count": 3}, "move_x": 40},
        {"edit": "replace_textures", "select": {"indices": [1, 2]}, "source": {"indices": [0]}},
        {"edit": "delete", "select": {"region": [0, 0, 200, 256]}},
    ]);
    let whole = [
        sets(&transformed(&three, Some(&selection), turn.clone())),
        sets(&deleted(&three, &selection, json!({}))),
        sets(&duplicated(&three, Some(&selection), json!({"move_x": 7})).0),
        sets(&list_applied(&three, list.clone())),
    ];
    for b in 0..3 {
        let (one, chosen) = (alone(&three, b), selection_of(&selection, b));
        let each = [
            sets(&transformed(&one, Some(&chosen), turn.clone())),
            sets(&deleted(&one, &chosen, json!({}))),
            sets(&duplicated(&one, Some(&chosen), json!({"move_x": 7})).0),
            sets(&list_applied(&one, list.clone())),
        ];
        for (whole, each) in whole.iter().zip(&each) {
            assert_eq!(whole[b], each[0], "picture {b}");
        }
    }
}

#[test]
fn padding_stays_padding() {
    let three = three();
    let everything = select(&three, json!({}));
    let moved = transformed(&three, Some(&everything), json!({"move_x": 9}));
    assert_eq!(counts(&moved), Some(vec![20, 13, 20]));
    assert_eq!(gaussians(&moved)[33..40], gaussians(&three)[33..40]);
    assert_eq!(bits(&list_applied(&three, json!([]))), bits(&three));
    assert_eq!(bits(&list_applied(&three, json!([{"edit": "transform"}]))), bits(&three));
    let (more, copies) = duplicated(&three, Some(&select(&three, json!({"indices": [3, 15]}))), json!({}));
    assert_eq!((more.textures.shape(), counts(&more)), (&[3, 22, 3][..], Some(vec![22, 14, 22])));
    let copied: Vec<usize> = copies
        .selected
        .as_slice::<f32>()
        .unwrap()
        .chunks(22)
        .map(|row| row.iter().filter(|v| **v > 0.0).count())
        .collect();
    assert_eq!(copied, [2, 1, 2]);
    let fewer = deleted(&three, &select(&three, json!({"indices": [0, 1, 13, 14, 15, 16]})), json!({}));
    assert_eq!((fewer.textures.shape(), counts(&fewer)), (&[3, 14, 3][..], Some(vec![14, 11, 14])));
}

#[test]
fn one_picture_is_repeated_for_several_selections() {
    let one = Random(22).tokens([1, 10, 2], [1, 1]);
    let two = Selection::new(Tensor::from_vec([2, 10], [vec![1.0f32; 10], vec![0.25; 10]].concat()).unwrap()).unwrap();
    let moved = transformed(&one, Some(&two), json!({"move_x": 51}));
    for (b, distance) in [0.4, 0.1].into_iter().enumerate() {
        for (from, to) in gaussians(&one).iter().zip(&gaussians(&moved)[b * 10..]) {
            assert!((to[3] - from[3] - distance).abs() < 1e-6);
        }
    }
}

#[test]
fn a_list_of_edits_equals_a_chain_of_nodes() {
    let tokens = Random(23).tokens([1, 40, 3], [1, 1]);
    let region = json!({"region": [30, 0, 200, 256]});
    let listed = list_applied(
        &tokens,
        json!([
            {"edit": "transform", "select": region, "rotate": 40, "scale_y": -1.5, "pivot": "canvas"},
            {"edit": "replace_textures", "select": region, "source": {"nearest": [3, 3]}},
            {"edit": "duplicate", "select": {"max_sigma": 30}, "move_x": -20},
            {"edit": "delete", "select": region, "fill": true},
        ]),
    );
    let chosen = select(&tokens, region.clone());
    let chain = transformed(&tokens, Some(&chosen), json!({"rotate": 40, "scale_y": -1.5, "pivot": "canvas"}));
    let inputs = [
        ("tokens", value(&chain)),
        ("selection", value(&select(&chain, region.clone()))),
        ("source_selection", value(&select(&chain, json!({"nearest": [3, 3]})))),
    ];
    let chain = Tokens::from_value(&only(run::<replace_textures>(json!({}), inputs).unwrap())).unwrap();
    let chain = duplicated(&chain, Some(&select(&chain, json!({"max_sigma": 30}))), json!({"move_x": -20})).0;
    let chain = deleted(&chain, &select(&chain, region), json!({"fill": true}));
    assert_eq!(bits(&listed), bits(&chain));
}

/// The sums of weights of a picture: the map of textures of 1.
fn weights(tokens: &Tokens) -> Vec<f32> {
    let set = take_apart(tokens, 1).unwrap().remove(0);
    splat_map(set.gaussians.as_flattened(), &vec![1.0; set.len()], 1, [64, 64], 6.0)
}

#[test]
fn neighbours_grow_into_the_hole() {
    let tokens = super::recorded();
    let before = weights(&tokens);
    let total = |weights: &[f32]| weights.iter().map(|w| f64::from(*w)).sum::<f64>();
    for place in [[128, 128], [60, 100], [180, 60]] {
        for count in [1, 3, 6] {
            let selection = select(&tokens, json!({"nearest": place, "nearest_count": count}));
            let (filled, bare) =
                (deleted(&tokens, &selection, json!({})), deleted(&tokens, &selection, json!({"fill": false})));
            assert_eq!(filled.textures.shape(), [1, 64 - count, 16]);
            assert_eq!(textures(&filled), textures(&bare));
            // The place where the deleted tokens had most of their weight.
            let chosen = selection.selected.as_slice::<f32>().unwrap();
            let gone: Vec<f32> =
                gaussians(&tokens).iter().zip(chosen).filter(|(_, s)| **s > 0.0).flat_map(|(g, _)| *g).collect();
            let hole = splat_map(&gone, &vec![1.0; count], 1, [64, 64], 6.0);
            let off = |after: &[f32]| -> f64 {
                let places = hole.iter().zip(&before).zip(after);
                places
                    .map(|((hole, before), after)| f64::from(*hole) * f64::from((after - before).powi(2)))
                    .sum::<f64>()
                    .sqrt()
            };
            let (with, without) = (weights(&filled), weights(&bare));
            println!("{count} at {place:?}: {:.3} of the weight's error in the hole stays", off(&with) / off(&without));
            assert!(off(&with) < 0.6 * off(&without));
            // The border of the canvas cuts off some weight.
            assert!((total(&with) - total(&before)).abs() < 0.25 * (total(&without) - total(&before)).abs());
            // Tokens far away do not change by a bit.
            let same = gaussians(&filled).iter().filter(|g| gaussians(&tokens).contains(g)).count();
            assert!(same >= 64 - count - 12 - 4 * count, "{same} are as they were");
        }
    }
}

#[test]
fn a_token_takes_the_whole_weight_of_its_only_neighbour() {
    let two = vec![0.05, 0.08, 0.3, -0.1, 0.0, 0.06, 0.04, -0.2, 0.05, 0.02];
    let two = tokens([1, 2, 1], two, vec![1.0, 2.0], None, Canvas::default());
    let one = deleted(&two, &select(&two, json!({"indices": [1]})), json!({}));
    let weight = |[sigma_x, sigma_y, rho, ..]: &[f32; 5]| sigma_x * sigma_y * (1.0 - rho * rho).sqrt();
    let sum: f32 = gaussians(&two).iter().map(weight).sum();
    assert!((weight(&gaussians(&one)[0]) / sum - 1.0).abs() < 1e-5);
    let mean = |axis: usize| {
        let weighted: f32 = gaussians(&two).iter().map(|g| weight(g) * g[axis]).sum();
        weighted / sum
    };
    assert!((gaussians(&one)[0][3] - mean(3)).abs() < 1e-6 && (gaussians(&one)[0][4] - mean(4)).abs() < 1e-6);
}

#[test]
fn textures_come_from_equal_relative_places() {
    let row = |xs: [f32; 3], y: f32| xs.into_iter().flat_map(|x| [0.1, 0.1, 0.0, x, y]).collect::<Vec<f32>>();
    let to = tokens([1, 3, 1], row([-0.9, -0.8, -0.7], 0.5), vec![1.0, 2.0, 3.0], None, Canvas::default());
    let from = tokens([1, 3, 1], row([0.8, 0.0, -0.8], -0.5), vec![10.0, 20.0, 30.0], None, Canvas::default());
    let replaced = |inputs: Vec<(&'static str, splatgraph_sdk::Value)>| {
        let inputs = [("tokens", value(&to)), ("source", value(&from))].into_iter().chain(inputs);
        let outputs = run::<replace_textures>(json!({}), inputs).unwrap();
        textures(&Tokens::from_value(&only(outputs)).unwrap()).to_vec()
    };
    assert_eq!(replaced(Vec::new()), [30.0, 20.0, 10.0]);
    assert_eq!(replaced(vec![("source_selection", value(&select(&from, json!({"indices": [1]}))))]), [20.0; 3]);
    let half = Selection::new(Tensor::from_vec([1, 3], vec![0.0f32, 0.5, 1.0]).unwrap()).unwrap();
    assert_eq!(replaced(vec![("selection", value(&half))]), [1.0, 16.0, 10.0]);
}
