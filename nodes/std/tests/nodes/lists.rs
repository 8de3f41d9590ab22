//! `std.List`, `std.Range`, `std.Item`, `std.Length`, `std.Slice`, `std.Sort` and `std.Reverse`.

use crate::{image, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::lists::{item, length, list, range, reverse, slice, sort};
use splatgraph_sdk::{
    Node,
    prelude::*,
    serde_json::Value as Literal,
    testing::{json, run},
};
use std::path::Path;

fn of<N: Node>(literals: Literal) -> Literal {
    run::<N>(literals, []).unwrap()[0].to_json().unwrap()
}

fn refused<N: Node>(literals: Literal) -> String {
    told(run::<N>(literals, []), Path::new("/none"))
}

#[test]
fn a_range_has_its_end() {
    for (literals, expected) in [
        (json!({"stop": 3}), json!([0, 1, 2, 3])),
        (json!({"start": 10, "stop": 0, "step": -4}), json!([10, 6, 2])),
        (json!({"start": 5, "stop": 5}), json!([5])),
        (json!({"start": 5, "stop": 5, "step": -1}), json!([5])),
        (json!({"stop": 1, "step": 0.25}), json!([0.0, 0.25, 0.5, 0.75, 1.0])),
        (json!({"stop": 1, "count": 3}), json!([0, 0.5, 1])),
        (json!({"start": 10, "stop": 0, "count": 3}), json!([10, 5, 0])),
        (json!({"start": 0.5, "stop": 1, "count": 1}), json!([0.5])),
        (json!({"stop": 9, "count": 0}), json!([])),
        (json!({"start": u64::MAX, "stop": u64::MAX - 2, "step": -1}), json!([u64::MAX, u64::MAX - 1, u64::MAX - 2])),
    ] {
        assert_eq!(of::<range>(literals.clone()), expected, "{literals}");
    }
    let tenths = of::<range>(json!({"stop": 1, "step": 0.1}));
    assert_eq!(tenths.as_array().unwrap().len(), 11);
    // The way is twice as long as the largest float.
    assert_eq!(of::<range>(json!({"start": -1.7e308, "stop": 1.7e308, "count": 3})), json!([-1.7e308, 0.0, 1.7e308]));
    assert_eq!(run::<range>(json!({"stop": 9_999_999}), []).unwrap()[0].start_of_list(1).unwrap().1, 10_000_000);
}

#[test]
fn a_range_that_does_not_end_is_refused() {
    let refusals = [
        json!({"stop": 3, "step": 0}),
        json!({"stop": 3, "step": -1}),
        json!({"stop": -3}),
        json!({"stop": 3, "step": 1, "count": 2}),
        json!({"stop": 10_000_000}),
        json!({"stop": 1, "step": 1e-300}),
        json!({"stop": u64::MAX}),
        json!({"stop": 1e300, "step": 1}),
        json!({"stop": 1, "count": 10_000_001}),
        json!({"stop": "3"}),
    ];
    assert_snapshot!(refusals.map(refused::<range>).join("\n"), @"
        step: expected a number other than 0, got 0
        step: expected a positive step from 0 to 3, got -1; give another step, or exchange start and stop
        step: expected a negative step from 0 to -3, got 1; give another step, or exchange start and stop
        step: expected a step or a count, got both; leave one out
        step: expected at most 10000000 numbers, got 10000001; use a larger step
        step: expected at most 10000000 numbers, got about 1e300; use a larger step
        step: expected at most 10000000 numbers, got 18446744073709551616; use a larger step
        step: expected at most 10000000 numbers, got about 1e300; use a larger step
        count: expected a number of at most 10000000, got 10000001
        stop: expected a number, got STRING
        ");
    let infinite = [("stop", Value::float(f64::INFINITY))];
    assert_snapshot!(told(run::<range>(json!({}), infinite), Path::new("/none")), @"stop: expected a finite number, got inf");
}

#[test]
fn lists_hold_any_values() {
    let picture = value(&image([1, 2, 2], |_| 0.5));
    let outputs = run::<list>(json!({}), [("values", Value::list([Value::int(1), Value::text("x"), picture.clone()]))]);
    let made = outputs.unwrap().remove(0);
    let third = run::<item>(json!({"index": -1}), [("list", made.clone())]).unwrap();
    assert_eq!(third[0].type_name(), "IMAGE");
    assert_eq!(run::<length>(json!({}), [("list", made)]).unwrap()[0].as_int(), Some(3));
    // One value stands for a list of one, as at every input that takes a list.
    assert_eq!(run::<length>(json!({}), [("list", picture)]).unwrap()[0].as_int(), Some(1));
    assert_eq!(of::<length>(json!({"list": []})), json!(0));
    assert_eq!(of::<list>(json!({"values": []})), json!([]));
}

#[test]
fn an_item_is_counted_from_either_end() {
    let at = |index: i64| of::<item>(json!({"list": ["a", "b", "c"], "index": index}));
    assert_eq!([at(0), at(2), at(-1), at(-3)], ["a", "c", "c", "a"].map(Literal::from));
    let refusals = [
        json!({"list": [1, 2, 3], "index": 3}),
        json!({"list": [1, 2, 3], "index": -4}),
        json!({"list": [1], "index": i64::MIN}),
        json!({"list": [1], "index": i64::MAX}),
        json!({"list": []}),
    ];
    assert_snapshot!(refusals.map(refused::<item>).join("\n"), @"
        index: expected an index from -3 to 2 for a list of 3 values, got 3
        index: expected an index from -3 to 2 for a list of 3 values, got -4
        index: expected an index from -1 to 0 for a list of 1 value, got -9223372036854775808
        index: expected an index from -1 to 0 for a list of 1 value, got 9223372036854775807
        list: expected a list with at least one value, got an empty list
        ");
}

#[test]
fn a_slice_ends_with_the_list() {
    for (literals, expected) in [
        (json!({}), json!([0, 1, 2, 3])),
        (json!({"start": 1, "stop": 3}), json!([1, 2])),
        (json!({"start": -2}), json!([2, 3])),
        (json!({"stop": -1}), json!([0, 1, 2])),
        (json!({"start": 3, "stop": 1}), json!([])),
        (json!({"start": -9, "stop": 99}), json!([0, 1, 2, 3])),
        (json!({"start": i64::MIN, "stop": i64::MAX}), json!([0, 1, 2, 3])),
        (json!({"start": 9}), json!([])),
    ] {
        let mut given = literals.clone();
        given["list"] = json!([0, 1, 2, 3]);
        assert_eq!(of::<slice>(given), expected, "{literals}");
    }
    assert_eq!(of::<slice>(json!({"list": [], "start": -1, "stop": 1})), json!([]));
}

#[test]
fn lists_are_sorted_and_turned_around() {
    assert_eq!(of::<sort>(json!({"list": [3, -0.5, 10, 2.5]})), json!([-0.5, 2.5, 3, 10]));
    assert_eq!(of::<sort>(json!({"list": ["b", "B", "ä", "a10", "a9"]})), json!(["B", "a10", "a9", "b", "ä"]));
    assert_eq!(of::<sort>(json!({"list": [1, 2.0, 1.0, 2], "descending": true})), json!([2.0, 2, 1, 1.0]));
    assert_eq!(of::<sort>(json!({"list": []})), json!([]));
    assert_eq!(of::<reverse>(json!({"list": [1, "x", null]})), json!([null, "x", 1]));
    let nan = Value::list([Value::int(1), Value::float(f64::NAN)]);
    let refusals = [
        refused::<sort>(json!({"list": [1, "x"]})),
        refused::<sort>(json!({"list": [1, null]})),
        told(run::<sort>(json!({}), [("list", nan)]), Path::new("/none")),
    ];
    assert_snapshot!(refusals.join("\n"), @"
        list: expected values of one kind, got a number at position 0 and a text at position 1
        list: at index 1: expected a number, true or false, or a text, got nothing
        list: at index 1: expected a number, got NaN (not a number)
        ");
}
