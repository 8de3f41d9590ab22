//! Tests of criteria and of joined selections.

use super::{Random, counts, gaussians, recorded, select, textures, tokens, value, values};
use splatgraph_pack_gpstoken::nodes::edit::{combine_selections::combine_selections, select_tokens::select_tokens};
use splatgraph_sdk::{
    Canvas, Input, Layout, Mask, Selection, Tensor, Tokens, Value,
    testing::{json, run},
};

/// The indices of the selected tokens of a single picture.
fn indices(selection: &Selection) -> Vec<usize> {
    let selected = values(selection).iter().enumerate().filter(|(_, value)| **value > 0.0);
    selected.map(|(index, _)| index).collect()
}

const NONE: [usize; 0] = [];

/// Tokens of `sigma` pixels at places in pixels, with textures of two channels.
fn at(places: &[[f32; 2]], sigma: f32, texture: impl Fn(usize) -> [f32; 2]) -> Tokens {
    let coordinate = |pixels: f32| (pixels - 0.5) / 127.5 - 1.0;
    let gaussian = |[x, y]: &[f32; 2]| [sigma / 127.5, sigma / 127.5, 0.0, coordinate(*x), coordinate(*y)];
    let textures = (0..places.len()).flat_map(texture).collect();
    tokens([1, places.len(), 2], places.iter().flat_map(gaussian).collect(), textures, None, Canvas::default())
}

const PLACES: [[f32; 2]; 5] = [[10.5, 10.5], [20.5, 10.5], [200.5, 30.5], [128.5, 128.5], [250.5, 250.5]];

fn five() -> Tokens {
    at(&PLACES, 4.0, |index| [[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [-1.0, 0.0], [0.7, 0.7]][index])
}

#[test]
fn each_criterion_selects_the_described_tokens() {
    let five = five();
    let chosen = |criteria| indices(&select(&five, criteria));
    assert_eq!(chosen(json!({})), [0, 1, 2, 3, 4]);
    assert_eq!(chosen(json!({"region": [0, 0, 50, 50]})), [0, 1]);
    assert_eq!(chosen(json!({"region": [15, 0, 300, 300]})), [1, 2, 3, 4]);
    assert_eq!(chosen(json!({"region": [50, 50, 60, 60]})), NONE);
    assert_eq!(chosen(json!({"indices": [4, 0]})), [0, 4]);
    assert_eq!(chosen(json!({"nearest": [120, 120]})), [3]);
    assert_eq!(chosen(json!({"nearest": [0, 0], "nearest_count": 2})), [0, 1]);
    assert_eq!(chosen(json!({"nearest": [0, 0], "nearest_count": 99})), [0, 1, 2, 3, 4]);
    assert_eq!(chosen(json!({"min_sigma": 3.9, "max_sigma": 4.1})), [0, 1, 2, 3, 4]);
    assert_eq!(chosen(json!({"min_sigma": 4.1})), NONE);
    assert_eq!(chosen(json!({"max_sigma": 3.9})), NONE);
    assert_eq!(chosen(json!({"similar": 0})), [0, 1]);
    assert_eq!(chosen(json!({"similar": 0, "similarity": 0.7})), [0, 1, 4]);
    assert_eq!(chosen(json!({"similar": [199, 30], "similarity": 0.7})), [2, 4]);
    // The reference is the mean of the two tokens in the corner.
    assert_eq!(chosen(json!({"similar": [0, 0], "similar_count": 2, "similarity": 0.999})), [0, 1]);
    assert_eq!(chosen(json!({"similar": 3, "similarity": 1})), [3]);
    // A token must meet all criteria.
    assert_eq!(chosen(json!({"similar": 0, "nearest": [30, 10], "region": [0, 0, 256, 256]})), [1]);
}

#[test]
fn regions_side_by_side_share_the_tokens() {
    let tokens = recorded();
    let mut times = vec![0; 64];
    for row in 0..4 {
        for column in 0..8 {
            let region = [column * 32, row * 64, column * 32 + 32, row * 64 + 64];
            indices(&select(&tokens, json!({"region": region}))).iter().for_each(|index| times[*index] += 1);
        }
    }
    assert_eq!(times, [1; 64]);
}

#[test]
fn a_mask_selects_by_its_value_at_the_mean() {
    let five = five();
    let mut mask = vec![0.0f32; 256 * 256];
    for (value, [x, y]) in [0.4, 0.6, 1.0, 0.5].into_iter().zip(PLACES) {
        mask[y as usize * 256 + x as usize] = value;
    }
    let with = |mask: &[f32], inputs| {
        let batch = mask.len() / 256 / 256;
        let mask = Mask::new(Tensor::from_vec([batch, 256, 256], mask.to_vec()).unwrap()).unwrap();
        let outputs = run::<select_tokens>(inputs, [("tokens", value(&five)), ("mask", value(&mask))]).unwrap();
        (Selection::from_value(&outputs[0]).unwrap(), outputs[1].as_int().unwrap())
    };
    let (hard, count) = with(&mask, json!({}));
    assert_eq!((values(&hard), count), (&[0.0, 1.0, 1.0, 1.0, 0.0][..], 3));
    let (soft, count) = with(&mask, json!({"mask_threshold": 0}));
    assert_eq!((values(&soft), count), (&[0.4, 0.6, 1.0, 0.5, 0.0][..], 3));
    // A mask for each picture, and one token list for all.
    let (both, _) = with(&[mask, vec![1.0; 256 * 256]].concat(), json!({"region": [0, 0, 50, 50]}));
    assert_eq!(both.selected.shape(), [2, 5]);
    assert_eq!(values(&both), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn padding_is_never_selected() {
    let mut random = Random(5);
    let mut padded = random.tokens([2, 10, 2], [1, 1]);
    padded.counts = Some(Tensor::from_vec([2], vec![10i64, 7]).unwrap());
    for criteria in [json!({}), json!({"indices": [8, 2]}), json!({"nearest": [0, 0], "nearest_count": 50})] {
        let selection = select(&padded, criteria);
        assert!(values(&selection)[17..].iter().all(|value| *value == 0.0));
        let inputs = [("a", value(&selection)), ("tokens", value(&padded))];
        let turned = run::<combine_selections>(json!({"operation": "not"}), inputs).unwrap();
        assert!(values(&Selection::from_value(&turned[0]).unwrap())[17..].iter().all(|value| *value == 0.0));
    }
    assert_eq!(counts(&padded), Some(vec![10, 7]));
}

#[test]
fn a_selection_can_be_made_from_a_layout() {
    let five = five();
    let layout = Layout::new(five.gaussians.clone(), None, five.header.clone()).unwrap();
    let outputs = run::<select_tokens>(json!({"region": [0, 0, 50, 50]}), [("tokens", value(&layout))]).unwrap();
    assert_eq!(indices(&Selection::from_value(&outputs[0]).unwrap()), [0, 1]);
    let error = run::<select_tokens>(json!({"similar": 0}), [("tokens", value(&layout))]).unwrap_err();
    insta::assert_snapshot!(error, @"expected tokens with textures, got a layout, which has none. Connect the tokens of RefineTokens");
    assert_eq!((gaussians(&five).len(), textures(&five).len()), (5, 10));
}

fn joined(operation: &str, a: &Selection, b: Option<&Selection>) -> Selection {
    let inputs = [("a", value(a))].into_iter().chain(b.map(|b| ("b", value(b))));
    let outputs: Vec<Value> = run::<combine_selections>(json!({"operation": operation}), inputs).unwrap();
    let selection = Selection::from_value(&outputs[0]).unwrap();
    let number = values(&selection).iter().filter(|value| **value >= 0.5).count();
    assert_eq!(outputs[1].as_int(), Some(number as i128));
    selection
}

#[test]
fn the_laws_of_sets_hold_for_soft_selections_too() {
    let mut random = Random(6);
    for _ in 0..50 {
        let [a, b, c] = [(); 3].map(|()| random.selection([1, 30], true));
        let and = |a: &Selection, b: &Selection| joined("and", a, Some(b));
        let or = |a: &Selection, b: &Selection| joined("or", a, Some(b));
        let not = |a: &Selection| joined("not", a, None);
        let same = |what: &str, left: &Selection, right: &Selection| assert_eq!(values(left), values(right), "{what}");
        same("de Morgan", &not(&and(&a, &b)), &or(&not(&a), &not(&b)));
        same("de Morgan", &not(&or(&a, &b)), &and(&not(&a), &not(&b)));
        same("order", &and(&a, &b), &and(&b, &a));
        same("order", &or(&a, &b), &or(&b, &a));
        same("groups", &and(&and(&a, &b), &c), &and(&a, &and(&b, &c)));
        same("groups", &or(&or(&a, &b), &c), &or(&a, &or(&b, &c)));
        same("itself", &and(&a, &a), &a);
        same("itself", &or(&a, &a), &a);
        same("absorption", &or(&a, &and(&a, &b)), &a);
        same("absorption", &and(&a, &or(&a, &b)), &a);
        same("distribution", &and(&a, &or(&b, &c)), &or(&and(&a, &b), &and(&a, &c)));
        same("distribution", &or(&a, &and(&b, &c)), &and(&or(&a, &b), &or(&a, &c)));
        same("minus", &joined("minus", &a, Some(&b)), &and(&a, &not(&b)));
        // A double negation returns numbers of 24 bits below 1 exactly.
        let twice = not(&not(&a));
        for (a, twice) in values(&a).iter().zip(values(&twice)) {
            assert!((a - twice).abs() <= f32::EPSILON / 2.0);
        }
        let nothing = joined("minus", &a, Some(&a));
        assert!(values(&nothing).iter().zip(values(&a)).all(|(left, a)| *left == a.min(1.0 - a)));
    }
}
