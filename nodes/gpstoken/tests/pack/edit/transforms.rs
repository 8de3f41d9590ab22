//! Tests of the affine map and of the bits that it must not change.

use super::{Random, bits, edited, gaussians, recorded, select, transformed};
use splatgraph_pack_gpstoken::nodes::edit::transform_tokens::transform_tokens;
use splatgraph_sdk::testing::json;

#[test]
fn the_identity_changes_no_bit() {
    let mut random = Random(1);
    for (grid, pivot) in [([1, 1], "selection"), ([2, 1], "canvas"), ([1, 3], "point"), ([2, 2], "each")] {
        let tokens = random.tokens([2, 40, 3], grid);
        let soft = random.selection([2, 40], true);
        for rotate in [0.0, 360.0, -720.0] {
            let inputs = json!({"rotate": rotate, "pivot": pivot, "pivot_x": 31, "pivot_y": 17});
            assert_eq!(bits(&transformed(&tokens, None, inputs.clone())), bits(&tokens));
            assert_eq!(bits(&transformed(&tokens, Some(&soft), inputs)), bits(&tokens));
        }
    }
}

#[test]
fn four_quarter_turns_and_two_mirrorings_change_no_bit() {
    let mut random = Random(2);
    let tokens = random.tokens([1, 200, 2], [2, 2]);
    let selection = random.selection([1, 200], false);
    for pivot in ["canvas", "each"] {
        for degrees in [90, -90, 180, 270, 450] {
            let turn = json!({"rotate": degrees, "pivot": pivot});
            let mut turned = tokens.clone();
            for _ in 0..4 {
                turned = transformed(&turned, Some(&selection), turn.clone());
            }
            assert_eq!(bits(&turned), bits(&tokens), "{degrees} about {pivot}");
        }
        for mirror in [json!({"scale_x": -1, "pivot": pivot}), json!({"scale_y": -1, "pivot": pivot})] {
            let once = transformed(&tokens, Some(&selection), mirror.clone());
            assert_ne!(bits(&once), bits(&tokens));
            assert_eq!(bits(&transformed(&once, Some(&selection), mirror)), bits(&tokens));
        }
    }
}

#[test]
fn a_quarter_turn_swaps_the_sigmas_and_turns_rho_around() {
    let tokens = recorded();
    let turned = transformed(&tokens, None, json!({"rotate": 90, "pivot": "canvas"}));
    for (before, after) in gaussians(&tokens).iter().zip(gaussians(&turned)) {
        let [sigma_x, sigma_y, rho, x, y] = *before;
        // Clockwise: the right goes down, and the bottom goes left.
        assert_eq!(*after, [sigma_y, sigma_x, -rho, -y, x]);
    }
}

/// A transform and its inverse return the tokens on a canvas that is not square.
#[test]
fn a_map_and_its_inverse_give_the_tokens_back() {
    let mut random = Random(3);
    for grid in [[1, 1], [3, 1], [1, 2]] {
        let tokens = random.tokens([1, 100, 1], grid);
        for pivot in ["canvas", "point", "each"] {
            for _ in 0..20 {
                let (angle, scale) = (random.within(-360.0, 360.0), random.within(0.4, 2.5));
                let (x, y) = (random.within(-50.0, 50.0), random.within(-50.0, 50.0));
                let of = |more: serde_json::Value| {
                    let mut all = json!({"pivot": pivot, "pivot_x": 100, "pivot_y": 30});
                    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                    all
                };
                let there = of(json!({"rotate": angle, "scale_x": scale, "scale_y": scale, "move_x": x, "move_y": y}));
                let back = of(json!({"rotate": -angle, "scale_x": 1.0 / scale, "scale_y": 1.0 / scale}));
                let moved = transformed(&tokens, None, there);
                let moved = transformed(&moved, None, of(json!({"move_x": -x, "move_y": -y})));
                let back = transformed(&moved, None, back);
                for (before, after) in gaussians(&tokens).iter().zip(gaussians(&back)) {
                    for (i, (before, after)) in before.iter().zip(after).enumerate() {
                        // A thin slanted gaussian loses digits in the covariance.
                        let near = [3e-4 * before, 3e-4 * before, 3e-4, 4e-5, 4e-5][i];
                        assert!((before - after).abs() <= near, "{before} became {after} ({i}, {grid:?}, {pivot})");
                    }
                }
            }
        }
    }
}

#[test]
fn rotations_are_computed_in_pixels() {
    // A circle of 10 pixels on a canvas of 512 x 256 stays a circle and moves on a circle.
    let mut tokens = Random(4).tokens([1, 1, 1], [2, 1]);
    let [unit_x, unit_y] = [511.0 / 2.0, 255.0 / 2.0];
    let gaussian = vec![10.0 / unit_x, 10.0 / unit_y, 0.0, 0.1, 0.0];
    tokens.gaussians = splatgraph_sdk::Tensor::from_vec([1, 1, 5], gaussian).unwrap();
    for degrees in [30, 45, 90, 200] {
        let turned = transformed(&tokens, None, json!({"rotate": degrees, "pivot": "canvas"}));
        let [sigma_x, sigma_y, rho, x, y] = gaussians(&turned)[0];
        let radius = (x * unit_x).hypot(y * unit_y);
        assert!((sigma_x * unit_x - 10.0).abs() < 1e-4 && (sigma_y * unit_y - 10.0).abs() < 1e-4 && rho.abs() < 1e-5);
        assert!((radius - 0.1 * unit_x).abs() < 1e-4, "{radius}");
        let angle = (y * unit_y).atan2(x * unit_x).to_degrees().rem_euclid(360.0);
        assert!((angle - degrees as f32).abs() < 1e-3, "{angle} for {degrees}");
    }
}

#[test]
fn a_partly_selected_token_moves_by_that_part() {
    let tokens = recorded();
    let half = vec![0.5f32; 64];
    let half = splatgraph_sdk::Selection::new(splatgraph_sdk::Tensor::from_vec([1, 64], half).unwrap()).unwrap();
    let moved = transformed(&tokens, Some(&half), json!({"move_x": 51, "rotate": 180}));
    let whole = transformed(&tokens, None, json!({"move_x": 51, "rotate": 180}));
    for ((before, after), whole) in gaussians(&tokens).iter().zip(gaussians(&moved)).zip(gaussians(&whole)) {
        // A half turn does not change the covariance.
        for i in 0..3 {
            assert!((before[i] - after[i]).abs() < 1e-6);
        }
        for i in 3..5 {
            assert!(((before[i] + whole[i]) / 2.0 - after[i]).abs() < 1e-6);
        }
    }
}

#[test]
fn unselected_tokens_and_tokens_that_cannot_be_splatted_do_not_change() {
    let mut tokens = recorded();
    let mut all = tokens.gaussians.clone().into_vec::<f32>().unwrap();
    all[0] = 0.0; // sigma_x of the first
    all[5 * 5 + 3] = f32::INFINITY;
    tokens.gaussians = splatgraph_sdk::Tensor::from_vec([1, 64, 5], all).unwrap();
    let selection = select(&tokens, json!({"indices": [0, 2, 5]}));
    let moved = transformed(&tokens, Some(&selection), json!({"rotate": 20, "scale_x": 1.2, "move_y": 3}));
    for (index, (before, after)) in gaussians(&tokens).iter().zip(gaussians(&moved)).enumerate() {
        assert_eq!(before == after, index != 2, "token {index}");
    }
}

#[test]
fn tokens_off_the_canvas_are_kept_with_a_warning() {
    use splatgraph_sdk::testing::{Event, Recorder, run_with};
    let tokens = recorded();
    let host = Recorder::default();
    let inputs = [("tokens", super::value(&tokens))];
    let outputs = run_with::<transform_tokens>(&host, json!({"move_x": 10000}), inputs).unwrap();
    let warned = host.events().into_iter().filter_map(|event| match event {
        Event::Log(_, text) => Some(text),
        _ => None,
    });
    insta::assert_snapshot!(warned.collect::<Vec<_>>().join("\n"), @"picture 0: 64 tokens off the canvas, the first is 0; moved back, they are visible again");
    let away = <splatgraph_sdk::Tokens as splatgraph_sdk::Input>::from_value(&outputs[0]).unwrap();
    assert_eq!(away.gaussians.shape(), tokens.gaussians.shape());
    let error = edited::<transform_tokens>(&tokens, None, json!({"scale_x": 1e-4})).unwrap_err();
    assert!(error.message.starts_with("expected sigmas of at least 0.01 pixels"), "{error}");
}
