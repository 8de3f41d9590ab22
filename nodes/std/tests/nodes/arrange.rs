//! `std.Crop`, `std.Batch`, `std.Grid` and the constants.

use crate::{floats, image, output, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::{batch::batch, constants, crop::crop, grid::grid};
use splatgraph_sdk::{
    prelude::*,
    testing::{json, run},
};
use std::path::Path;

fn list(images: &[&Image]) -> Value {
    Value::list(images.iter().map(|i| value(i)))
}

#[test]
fn crop_cuts_from_every_picture() {
    let pictures = image([2, 4, 5], |[b, y, x, c]| (b * 1000 + y * 100 + x * 10 + c) as f32);
    let outputs = run::<crop>(json!({"x": 1, "y": 2, "width": 3, "height": 2}), [("image", value(&pictures))]).unwrap();
    let expected = image([2, 2, 3], |[b, y, x, c]| (b * 1000 + (y + 2) * 100 + (x + 1) * 10 + c) as f32);
    assert_eq!(output(&outputs, 0).image.shape(), [2, 2, 3, 3]);
    assert_eq!(floats(&output(&outputs, 0)), floats(&expected));
    let whole = run::<crop>(json!({"width": 5, "height": 4}), [("image", value(&pictures))]).unwrap();
    assert_eq!(floats(&output(&whole, 0)).as_ptr(), floats(&pictures).as_ptr());
}

#[test]
fn a_crop_outside_is_refused() {
    let picture = image([1, 100, 200], |_| 0.0);
    let refused = |literals| told(run::<crop>(literals, [("image", value(&picture))]), Path::new("/none"));
    assert_snapshot!(refused(json!({"x": 150, "y": 0, "width": 51, "height": 10})), @"expected a rectangle inside the picture of 200 x 100, got one from (150, 0) to (201, 10); make width and height smaller, or move it");
    assert_snapshot!(refused(json!({"x": 4_294_967_295u32, "y": 0, "width": 1, "height": 1})), @"expected a rectangle inside the picture of 200 x 100, got one from (4294967295, 0) to (4294967296, 1); make width and height smaller, or move it");
}

#[test]
fn batch_stacks_in_order() {
    let (one, two) = (image([1, 2, 2], |_| 0.25), image([2, 2, 2], |[b, ..]| b as f32));
    let outputs = run::<batch>(json!({}), [("images", list(&[&one, &two]))]).unwrap();
    let stacked = output(&outputs, 0);
    assert_eq!(stacked.image.shape(), [3, 2, 2, 3]);
    assert_eq!([floats(&stacked)[0], floats(&stacked)[12], floats(&stacked)[24]], [0.25, 0.0, 1.0]);
}

#[test]
fn batch_needs_one_size() {
    let (square, wide) = (image([1, 4, 4], |_| 0.0), image([1, 4, 6], |_| 0.0));
    let refused = |images: Value| told(run::<batch>(json!({}), [("images", images)]), Path::new("/none"));
    assert_snapshot!(refused(list(&[&square, &square, &wide])), @r#"images: expected pictures of the size 4 x 4, which the first has, got 6 x 4 for number 3; put a Resize in front: "resize": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 4, "height": 4}}"#);
    assert_snapshot!(refused(list(&[])), @"images: expected at least one picture, got none");
}

#[test]
fn grid_is_nearly_square_and_centres_small_pictures() {
    let large = image([4, 4, 6], |_| 0.5);
    let small = image([1, 2, 2], |_| 0.0);
    let outputs = run::<grid>(json!({"gap": 1}), [("images", list(&[&large, &small]))]).unwrap();
    let canvas = output(&outputs, 0);
    // 5 pictures: 3 columns of 6, 2 rows of 4, gaps of 1.
    assert_eq!(canvas.image.shape(), [1, 9, 20, 3]);
    let at = |y: usize, x: usize| floats(&canvas)[(y * 20 + x) * 3];
    assert_eq!([at(0, 0), at(0, 6), at(4, 0), at(8, 19)], [0.5, 1.0, 1.0, 1.0]);
    // The small one, in the cell of row 1, column 1, stands 1 down and 2 in.
    assert_eq!([at(6, 9), at(7, 10), at(5, 9), at(6, 8), at(6, 11)], [0.0, 0.0, 1.0, 1.0, 1.0]);
    let outputs = run::<grid>(json!({"gap": 0, "columns": 9}), [("images", list(&[&large]))]).unwrap();
    assert_eq!(output(&outputs, 0).image.shape(), [1, 4, 24, 3]);
}

#[test]
fn a_canvas_that_is_too_large_is_refused() {
    let (tall, wide) = (image([1, 20_000, 1], |_| 0.0), image([1, 1, 20_000], |_| 0.0));
    let result = run::<grid>(json!({}), [("images", list(&[&tall, &wide]))]);
    assert_snapshot!(told(result, Path::new("/none")), @"images: expected a canvas of at most 256 megapixels, got 40008 x 20000 for 2 x 1 tiles of 20000 x 20000; use fewer or smaller ones");
}

#[test]
fn constants_give_what_they_are_given() {
    let same = |outputs: Result<Vec<Value>>| outputs.unwrap()[0].to_json().unwrap();
    assert_eq!(same(run::<constants::int>(json!({"value": -3}), [])), json!(-3));
    assert_eq!(same(run::<constants::float>(json!({"value": 2}), [])), json!(2.0));
    assert_eq!(same(run::<constants::text>(json!({"value": "x"}), [])), json!("x"));
    assert_eq!(same(run::<constants::boolean>(json!({"value": true}), [])), json!(true));
    assert_eq!(same(run::<constants::json>(json!({"value": {"a": [1, null]}}), [])), json!({"a": [1, null]}));
}
