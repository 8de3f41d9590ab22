//! `std.View`

use crate::{floats, image, output, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::view::view;
use splatgraph_sdk::{
    prelude::*,
    serde_json::{Map, Value as JsonValue},
    testing::{json, run},
};
use std::path::Path;

fn viewed(value: Value, literals: JsonValue) -> Image {
    output(&run::<view>(literals, [("value", value)]).unwrap(), 0)
}

fn features(shape: [usize; 4], data: Vec<f32>) -> Value {
    Features::new(Tensor::from_vec(shape, data).unwrap()).unwrap().into_value().unwrap()
}

#[test]
fn pictures_pass_as_they_are() {
    let picture = image([2, 3, 4], |[_, y, x, c]| (y + x + c) as f32);
    assert_eq!(floats(&viewed(value(&picture), json!({}))).as_ptr(), floats(&picture).as_ptr());
}

#[test]
fn one_channel_of_a_picture_is_its_last_axis() {
    let picture = image([1, 1, 3], |[_, _, x, c]| if c == 1 { x as f32 } else { 9.0 });
    let shown = viewed(value(&picture), json!({"channel": 1, "colours": "grey"}));
    assert_eq!(floats(&shown), [0., 0., 0., 0.5, 0.5, 0.5, 1., 1., 1.]);
}

#[test]
fn channels_of_features_stand_side_by_side() {
    // Three channels of 1 x 2: 2 columns, a gap of 1, white where there is none.
    let value = features([1, 3, 1, 2], vec![0.0, 2.0, 5.0, 3.0, 7.0, 7.0]);
    let shown = viewed(value.clone(), json!({"colours": "grey"}));
    assert_eq!(shown.image.shape(), [1, 3, 5, 3]);
    let greys: Vec<f32> = floats(&shown).iter().step_by(3).copied().collect();
    assert_eq!(greys, [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0]);
    let one = viewed(value, json!({"channel": 1, "colours": "grey"}));
    assert_eq!(floats(&one), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn viridis_runs_from_violet_to_yellow() {
    let shown = viewed(features([1, 1, 1, 3], vec![-1.0, 0.0, 1.0]), json!({}));
    let bytes: Vec<u8> = floats(&shown).iter().map(|v| (v * 255.0).round() as u8).collect();
    assert_eq!(bytes, [0x44, 0x01, 0x54, 0x21, 0x91, 0x8c, 0xfd, 0xe7, 0x25]);
}

#[test]
fn any_record_can_be_seen_even_with_infinities() {
    let tensor = Tensor::from_vec([2, 1, 3], vec![0.0, f32::INFINITY, f32::MAX, f32::NAN, f32::MIN, f32::MAX]).unwrap();
    let fields = vec![("flat".to_owned(), Tensor::from_vec([1], vec![1i64]).unwrap()), ("odd".to_owned(), tensor)];
    let record = Record { type_name: "ACME".to_owned(), header: Map::new(), fields }.into_value();
    let shown = viewed(record, json!({"colours": "grey"}));
    assert_eq!(shown.image.shape(), [2, 1, 3, 3]);
    assert_eq!(floats(&shown), [0., 0., 0., 1., 0., 1., 1., 1., 1., 1., 0., 1., 0., 0., 0., 1., 1., 1.]);
}

#[test]
fn what_can_not_be_seen() {
    let refused = |value: Value, literals| told(run::<view>(literals, [("value", value)]), Path::new("/none"));
    let value = || features([1, 2, 1, 1], vec![0.0, 1.0]);
    assert_snapshot!(refused(value(), json!({"channel": 2})), @"channel: expected a channel between 0 and 1, or -1 for all, got 2");
    assert_snapshot!(refused(value(), json!({"field": "map"})), @"field: expected a field of the FEATURES, got `map`; it has the fields features");
    assert_snapshot!(refused(Value::int(3), json!({})), @"value: expected a record with a field of 3 or 4 axes, got INT with no fields");
    let flat = Selection::new(Tensor::from_vec([1, 2], vec![0.0f32, 1.0]).unwrap()).unwrap().into_value().unwrap();
    assert_snapshot!(refused(flat.clone(), json!({})), @"value: expected a record with a field of 3 or 4 axes, got SELECTION with the fields selected");
    assert_snapshot!(refused(flat, json!({"field": "selected"})), @"field: expected a field with 3 or 4 axes, got the shape [1, 2]");
    assert_snapshot!(refused(features([1, 0, 1, 1], vec![]), json!({})), @"value: expected a field with elements, got the shape [1, 0, 1, 1]");
}
