//! Errors of edits that are impossible.

use super::{Random, edited, recorded, select, value};
use splatgraph_pack_gpstoken::nodes::edit::{
    combine_selections::combine_selections, delete_tokens::delete_tokens, duplicate_tokens::duplicate_tokens,
    edit_tokens::edit_tokens, interpolate_tokens::interpolate_tokens, mix_tokens::mix_tokens,
    replace_textures::replace_textures, select_tokens::select_tokens, transform_tokens::transform_tokens,
};
use splatgraph_sdk::{
    Error, Input, Mask, Selection, Tensor, Tokens,
    serde_json::Value as Json,
    testing::{json, run},
};

/// The blamed input and the message.
fn blamed(error: Error) -> String {
    format!("{}: {}", error.input.unwrap_or_default(), error.message)
}

fn selecting(criteria: Json) -> String {
    blamed(run::<select_tokens>(criteria, [("tokens", value(&recorded()))]).unwrap_err())
}

fn listed(edits: Json) -> String {
    blamed(run::<edit_tokens>(json!({ "edits": edits }), [("tokens", value(&recorded()))]).unwrap_err())
}

#[test]
fn criteria_that_cannot_be_met_are_errors() {
    insta::assert_snapshot!(selecting(json!({"region": [50, 0, 20, 40]})), @"region: expected a rectangle [x0, y0, x1, y1] in pixels with x0 below x1 and y0 below y1, got [50, 0, 20, 40]");
    insta::assert_snapshot!(selecting(json!({"region": [50, 0, 20]})), @"region: the JSON does not fit: invalid length 3, expected an array of length 4");
    insta::assert_snapshot!(selecting(json!({"indices": [3, 64]})), @"indices: expected an index from 0 to 63, got 64");
    insta::assert_snapshot!(selecting(json!({"similar": 70})), @"similar: expected an index from 0 to 63, got 70");
    insta::assert_snapshot!(selecting(json!({"similar": "sky"})), @"similar: the JSON does not fit: expected the index of a token or a place [x, y]");
    insta::assert_snapshot!(selecting(json!({"min_sigma": 5, "max_sigma": 2})), @"max_sigma: expected at least min_sigma, which is 5, or 0 for no limit, got 2");
    let mask = Mask::new(Tensor::from_vec([1, 4, 8], vec![1.0f32; 32]).unwrap()).unwrap();
    let error = run::<select_tokens>(json!({}), [("tokens", value(&recorded())), ("mask", value(&mask))]).unwrap_err();
    insta::assert_snapshot!(blamed(error), @"mask: expected a mask of 256 x 256 pixels, as the canvas of the tokens has, got 8 x 4. Resize the picture from which the mask is made");
}

#[test]
fn empty_selections_are_errors_unless_they_are_kept() {
    let tokens = recorded();
    let none = select(&tokens, json!({"region": [-20, -20, -10, -10]}));
    let error = edited::<transform_tokens>(&tokens, Some(&none), json!({"move_x": 3})).unwrap_err();
    insta::assert_snapshot!(blamed(error), @r#"selection: expected at least one selected token, got none of 64 tokens. Widen the selection, look at it with DrawTokens, or set if_empty to "keep" if this may happen"#);
    let outputs = edited::<delete_tokens>(&tokens, Some(&none), json!({"if_empty": "keep"})).unwrap();
    assert_eq!(super::bits(&Tokens::from_value(&outputs[0]).unwrap()), super::bits(&tokens));
    // A deletion has no half-way.
    let faint = Selection::new(Tensor::from_vec([1, 64], vec![0.4f32; 64]).unwrap()).unwrap();
    let error = edited::<delete_tokens>(&tokens, Some(&faint), json!({})).unwrap_err();
    assert!(error.message.starts_with("expected at least one selected token, got none of 64 tokens"), "{error}");
    // The error names the picture.
    let two = Random(30).tokens([2, 4, 1], [1, 1]);
    let half = Selection::new(Tensor::from_vec([2, 4], [vec![1.0f32; 4], vec![0.0; 4]].concat()).unwrap()).unwrap();
    let error = edited::<transform_tokens>(&two, Some(&half), json!({"move_x": 3})).unwrap_err();
    assert!(
        error.message.starts_with("picture 1: expected at least one selected token, got none of 4 tokens"),
        "{error}"
    );
    let everything = select(&tokens, json!({}));
    let error = edited::<delete_tokens>(&tokens, Some(&everything), json!({})).unwrap_err();
    insta::assert_snapshot!(blamed(error), @"selection: expected a selection that leaves at least one token, got all 64 tokens. Select fewer");
    let inputs = [("tokens", value(&tokens)), ("source_selection", value(&none))];
    let error = run::<replace_textures>(json!({}), inputs).unwrap_err();
    insta::assert_snapshot!(blamed(error), @"source_selection: expected at least one selected token in the source, got none of 64 tokens. Widen the selection of the source");
}

#[test]
fn selections_of_other_tokens_are_errors() {
    let tokens = recorded();
    let selection = |shape: [usize; 2], value: f32| {
        Selection::new(Tensor::from_vec(shape, vec![value; shape[0] * shape[1]]).unwrap()).unwrap()
    };
    let error =
        |selection: &Selection| blamed(edited::<transform_tokens>(&tokens, Some(selection), json!({})).unwrap_err());
    insta::assert_snapshot!(error(&selection([1, 42], 1.0)), @"selection: expected a selection of 64 tokens, got one of 42. Select from the tokens that this node edits, after any node that adds or removes tokens");
    insta::assert_snapshot!(error(&selection([1, 64], 1.5)), @"selection: expected numbers in 0..1, got 1.5 for token 0 of picture 0");
    let two = Random(31).tokens([2, 4, 1], [1, 1]);
    let error = edited::<transform_tokens>(&two, Some(&selection([3, 4], 1.0)), json!({})).unwrap_err();
    insta::assert_snapshot!(blamed(error), @"selection: expected 1 or 2 pictures, as the tokens have, got 3");
    let one = [("a", value(&selection([1, 4], 1.0)))];
    insta::assert_snapshot!(blamed(run::<combine_selections>(json!({}), one.clone()).unwrap_err()), @r#"b: expected a second selection, got none. Link b, or set operation to "not""#);
    let two = [one[0].clone(), ("b", value(&selection([1, 5], 1.0)))];
    insta::assert_snapshot!(blamed(run::<combine_selections>(json!({}), two.clone()).unwrap_err()), @"b: expected a selection of 4 tokens, got one of 5. Select from the tokens that this node edits, after any node that adds or removes tokens");
    insta::assert_snapshot!(blamed(run::<combine_selections>(json!({"operation": "not"}), two).unwrap_err()), @r#"b: expected one selection, which `not` inverts, got two. Unlink b, or set operation to "minus""#);
}

#[test]
fn impossible_transforms_are_errors() {
    let error = |inputs| blamed(edited::<transform_tokens>(&recorded(), None, inputs).unwrap_err());
    insta::assert_snapshot!(error(json!({"scale_x": 0})), @"scale_x: expected a number other than 0, got 0");
    insta::assert_snapshot!(error(json!({"move_y": 1e42, "pivot": "each"})), @"tokens: expected finite numbers, got the place 3.26e-1, inf and sigmas of 7.11e0 x 1.02e1 pixels for token 0. Move and scale less");
    insta::assert_snapshot!(error(json!({"scale_y": 0.0001})), @"tokens: expected sigmas of at least 0.01 pixels, as smaller ones fall between the pixels of the map, got 7.11e0 x 1.02e-3 for token 0. Scale less, or leave the token out with min_sigma");
}

#[test]
fn malformed_edits_are_errors() {
    insta::assert_snapshot!(listed(json!({"edit": "delete"})), @r#"edits: expected a list of edits, such as [{"edit": "transform", "select": {"region": [0, 0, 64, 64]}, "move_x": 20}], got {"edit":"delete"}"#);
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": {"indices": [0]}}, {"edit": "transform", "mov_x": 3}])), @"edits: edit 1: expected a known key in `transform`, got `mov_x`; did you mean `move_x`?");
    insta::assert_snapshot!(listed(json!([{"edit": "transform", "sellect": {}}])), @"edits: edit 0: expected a known key in `transform`, got `sellect`; did you mean `select`?");
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": {"regoin": [0, 0, 1, 1]}}])), @"edits: edit 0: expected a known key in `select`, got `regoin`; did you mean `region`?");
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "colour": "red"}])), @"edits: edit 0: expected a known key in `delete`, got `colour`; known: fill, edit, select, if_empty");
    insta::assert_snapshot!(listed(json!([{"edit": "rotate"}])), @"edits: edit 0: expected a known edit, got `rotate`; known: transform, delete, duplicate, replace_textures");
    insta::assert_snapshot!(listed(json!([{"edit": "delet"}])), @"edits: edit 0: expected a known edit, got `delet`; did you mean `delete`?");
    insta::assert_snapshot!(listed(json!([{}])), @"edits: edit 0: expected the key `edit` with one of transform, delete, duplicate, replace_textures, got none");
    insta::assert_snapshot!(listed(json!([3])), @"edits: edit 0: expected an object with the key `edit`, got 3");
    insta::assert_snapshot!(listed(json!([{"edit": 3}])), @"edits: edit 0: expected one of transform, delete, duplicate, replace_textures for `edit`, got 3");
    insta::assert_snapshot!(listed(json!([{"edit": "transform", "move_x": "far"}])), @r#"edits: edit 0: `move_x` of `transform`: invalid type: string "far", expected f64, got "far""#);
    insta::assert_snapshot!(listed(json!([{"edit": "transform", "pivot": "middle"}])), @r#"edits: edit 0: `pivot` of `transform`: unknown variant `middle`, expected one of `selection`, `canvas`, `point`, `each`, got "middle""#);
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "if_empty": "skip"}])), @r#"edits: edit 0: expected "error" or "keep" for `if_empty`, got "skip""#);
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": [1, 2]}])), @r#"edits: edit 0: expected an object with criteria for `select`, such as {"region": [0, 0, 64, 64]}, got [1,2]"#);
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": {"indices": [-1]}}])), @"edits: edit 0: `indices` of `select`: invalid value: integer `-1`, expected usize, got [-1]");
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": {"indices": [99]}}])), @"edits: edit 0: `indices` of `select`: expected an index from 0 to 63, got 99");
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": {"mask_threshold": 0.5}}])), @"edits: edit 0: `mask_threshold` of `select`: expected a mask for the threshold, got none. Connect one to the input `mask`");
    insta::assert_snapshot!(listed(json!([{"edit": "transform", "scale_x": 0}])), @"edits: edit 0: `scale_x` of `transform`: expected a number other than 0, got 0");
    insta::assert_snapshot!(listed(json!([{"edit": "delete", "select": {"region": [0, 0, 1, 1]}}])), @r#"edits: edit 0: expected at least one selected token, got none of 64 tokens. Widen the selection, look at it with DrawTokens, or set if_empty to "keep" if this may happen"#);
    insta::assert_snapshot!(listed(json!([{"edit": "replace_textures", "source": {"sorce": 1}}])), @"edits: edit 0: expected a known key in `source`, got `sorce`; known: region, mask_threshold, min_sigma, max_sigma, indices, nearest, nearest_count, similar, similar_count, similarity");
}

/// Runs every node with odd inputs: each gives an error or a result of the right size, never a panic.
#[test]
fn odd_sizes_and_broken_geometry_cause_no_panic() {
    let mut random = Random(32);
    let odd = [0.0, -1.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, 1e-38, 1e38, -0.0];
    for round in 0..400 {
        let [batch, count, channels] = [random.below(3), random.below(6), random.below(4)];
        let (columns, rows) = (1 + random.below(2) as u32, [1, batch][random.below(2)]);
        let mut given = random.tokens([batch, count, channels], [columns, 1]);
        let mut all = given.gaussians.clone().into_vec::<f32>().unwrap();
        for _ in 0..random.below(4).min(all.len()) {
            let at = random.below(all.len());
            all[at] = odd[random.below(odd.len())];
        }
        given.gaussians = Tensor::from_vec([batch, count, 5], all).unwrap();
        if random.below(2) == 0 {
            let counts = (0..batch).map(|_| random.below(count + 1) as i64).collect();
            given.counts = Some(Tensor::from_vec([batch], counts).unwrap());
        }
        let (pictures, others) = (random.below(3), random.below(6));
        let other = random.tokens([pictures, others, channels], given.header.grid);
        let selection = random.selection([rows, count], true);
        let place = json!([random.within(-300.0, 600.0), random.within(-300.0, 600.0)]);
        let criteria =
            json!({"nearest": place, "nearest_count": 2, "similar": place, "similarity": 0.0, "max_sigma": 90});
        let number = |random: &mut Random| [0.0, -1.0, 1.0, 90.0, 1e-3, 1e9, -1e30, 0.3][random.below(8)];
        let map = json!({"rotate": number(&mut random), "scale_x": number(&mut random), "move_y": number(&mut random)});
        let list = json!([
            {"edit": "transform", "rotate": number(&mut random), "if_empty": "keep"},
            {"edit": "duplicate", "select": criteria, "move_x": 3, "if_empty": "keep"},
            {"edit": "delete", "select": criteria, "if_empty": "keep"},
        ]);
        let chosen = run::<select_tokens>(criteria.clone(), [("tokens", value(&given))]);
        if count > 0 {
            assert_eq!(Selection::from_value(&chosen.unwrap()[0]).unwrap().selected.shape(), [batch, count]);
        }
        let source = [("tokens", value(&given)), ("selection", value(&selection)), ("source", value(&other))];
        let pair = [("geometry", value(&given)), ("textures", value(&other))];
        let ends = [("a", value(&given)), ("b", value(&other))];
        let results = [
            edited::<transform_tokens>(&given, Some(&selection), map),
            edited::<delete_tokens>(&given, Some(&selection), json!({"if_empty": "keep"})),
            edited::<duplicate_tokens>(&given, Some(&selection), json!({"move_x": number(&mut random)})),
            run::<replace_textures>(json!({"if_empty": "keep"}), source),
            run::<edit_tokens>(json!({ "edits": list }), [("tokens", value(&given))]),
            run::<mix_tokens>(json!({"texture_weight": 0.5}), pair),
            run::<interpolate_tokens>(json!({"frames": 3}), ends),
        ];
        for (node, result) in results.into_iter().enumerate() {
            match result {
                Ok(outputs) => drop(Tokens::from_value(&outputs[0]).unwrap()),
                Err(error) => {
                    assert_eq!(error.code, splatgraph_sdk::Code::BadInput, "round {round}, node {node}: {error:?}")
                }
            }
        }
    }
}
