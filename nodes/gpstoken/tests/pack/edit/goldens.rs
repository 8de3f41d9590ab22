//! Compares edits with goldens that were recorded with the authors' splat and decoder.

use super::{Golden, deleted, duplicated, gaussians, list_applied, recorded, select, textures, transformed, value};
use crate::{
    nodes::Chain,
    support::{assert_near, only},
    whole::{decoded, every, whole_set},
};
use splatgraph_pack_gpstoken::{nodes::edit::replace_textures::replace_textures, splat::Tiles};
use splatgraph_sdk::{
    Input, Output, Tokens,
    testing::{json, run},
};

/// The edited tokens: every third one.
fn third() -> Vec<usize> {
    (0..64).step_by(3).collect()
}

fn recorded_rows(golden: &Golden, edit: &str) -> Vec<[f32; 21]> {
    golden.rows(&format!("{edit}.tokens"))
}

/// The recorded edits, made with our nodes.
fn edits(golden: &Golden) -> Vec<(&'static str, Tokens)> {
    let tokens = recorded();
    let third_selected = select(&tokens, json!({"indices": third()}));
    let some = Some(&third_selected);

    // The move is 0.25 and -0.125 of half a canvas, with 255 pixels between the first and the last centre.
    let moved = transformed(&tokens, some, json!({"move_x": 31.875, "move_y": -15.9375}));
    let grown = transformed(&tokens, some, json!({"scale_x": 1.5, "scale_y": 1.5, "pivot": "each"}));
    let mirrored = transformed(&tokens, None, json!({"scale_x": -1, "pivot": "canvas"}));

    // The first token gets the texture of the last one, and so on; the source does not change.
    let mut swapped = tokens.clone();
    for (to, from) in third().into_iter().zip(third().into_iter().rev()) {
        let inputs = [
            ("tokens", value(&swapped)),
            ("selection", value(&select(&tokens, json!({"indices": [to]})))),
            ("source", value(&tokens)),
            ("source_selection", value(&select(&tokens, json!({"indices": [from]})))),
        ];
        swapped = Tokens::from_value(&only(run::<replace_textures>(json!({}), inputs).unwrap())).unwrap();
    }

    let dropped = deleted(&tokens, &third_selected, json!({"fill": false}));

    // Copies lie half as far from the middle and keep their size.
    let (appended, copies) = duplicated(&tokens, some, json!({}));
    let appended = transformed(&appended, Some(&copies), json!({"scale_x": 0.5, "scale_y": 0.5, "pivot": "canvas"}));
    let appended = transformed(&appended, Some(&copies), json!({"scale_x": 2, "scale_y": 2, "pivot": "each"}));

    // Copies of all tokens follow in the recorded order, then the first 64 tokens are deleted.
    let row = |i: usize| [&gaussians(&tokens)[i][..], &textures(&tokens)[i * 16..][..16]].concat();
    let order = recorded_rows(golden, "shuffle");
    let order = order.iter().map(|to| (0..64).find(|i| row(*i) == to).unwrap());
    let mut steps: Vec<_> = order.map(|i| json!({"edit": "duplicate", "select": {"indices": [i]}})).collect();
    steps.push(json!({"edit": "delete", "fill": false, "select": {"indices": (0..64).collect::<Vec<_>>()}}));
    let shuffled = list_applied(&tokens, json!(steps));

    vec![
        ("move", moved),
        ("grow", grown),
        ("mirror_x", mirrored),
        ("swap_features", swapped),
        ("drop", dropped),
        ("append", appended),
        ("shuffle", shuffled),
    ]
}

#[test]
fn our_edits_give_the_recorded_tokens_and_maps() {
    let golden = Golden::open("token_edits.safetensors");
    for (edit, tokens) in edits(&golden) {
        let rows = gaussians(&tokens).iter().zip(textures(&tokens).chunks_exact(16));
        let rows: Vec<f32> = rows.flat_map(|(gaussian, texture)| [gaussian, texture].concat()).collect();
        assert_near(edit, &rows, recorded_rows(&golden, edit).as_flattened(), 0.0);
        let inputs = [("tokens", tokens.into_value().unwrap())];
        let map = only(run::<splatgraph_pack_gpstoken::nodes::tokenize::splat::splat>(json!({}), inputs).unwrap());
        let map = splatgraph_sdk::FeatureMap::from_value(&map).unwrap();
        let map = every(map.map.as_slice().unwrap(), [64, 64], 2);
        assert_near(edit, &map, golden.f32(&format!("{edit}.rendered.sub2")), 5e-4);
    }
}

#[test]
fn our_edits_give_the_recorded_pictures() {
    let Some((_, chain)) = whole_set() else { return };
    let golden = Golden::open("token_edits.safetensors");
    for (edit, tokens) in edits(&golden) {
        let run = Chain::finish(&chain, tokens, Tiles::Merged);
        let picture = every(&decoded(&run.image), [256, 256], 4);
        assert_near(edit, &picture, golden.f32(&format!("{edit}.decoded.sub4")), 9e-5);
    }
}
