//! `std.Format`, `std.JoinText` and `std.Field`.

use crate::{image, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::{
    field::field,
    format::{format as format_node, join_text},
};
use splatgraph_sdk::{
    prelude::*,
    serde_json::Value as Literal,
    testing::{json, run},
};
use std::path::Path;

/// A template with a = 7, b = -1.25, c = "né" and d = {"x": [1, true]}.
fn filled(template: &str) -> Result<String> {
    let literals = json!({"template": template, "a": 7, "b": -1.25, "c": "né", "d": {"x": [1, true]}});
    Ok(run::<format_node>(literals, [])?[0].as_text().unwrap().to_owned())
}

#[test]
fn values_stand_in_the_places_of_their_names() {
    for (template, expected) in [
        ("", ""),
        ("{a} of {b}", "7 of -1.25"),
        ("{c}{c}: {d}", "néné: {\"x\":[1,true]}"),
        ("{{a}} {{{a}}}", "{a} {7}"),
        ("{b:.1} {b:.3} {a:.2} {a:.0}", "-1.2 -1.250 7.00 7"),
        ("{a:4}|{c:4}|{a:04}|{b:08.2}", "   7|né  |0007|-0001.25"),
        ("{a:0}{a:}", "77"),
        ("ü{a}ü", "ü7ü"),
    ] {
        assert_eq!(filled(template).unwrap(), expected, "{template}");
    }
    let outputs = run::<format_node>(
        json!({"template": "{a} {b} {c} {d}", "a": true, "d": 1e21}),
        [("b", Value::list([Value::int(1), Value::text("x")])), ("c", Value::float(f64::NAN))],
    );
    assert_eq!(outputs.unwrap()[0].as_text(), Some("true [1,\"x\"] NaN 1000000000000000000000"));
}

#[test]
fn a_template_that_can_not_be_filled_says_why() {
    let templates = [
        "{", "}", "é{a", "{}", "{x}", "{a:x}", "{a:+1}", "{a:2000}", "{a:.101}", "{c:.2}", "{c:05}", "{d:.1}", "a}b",
        "{a{b}",
    ];
    let of = |template: &str| format!("{template} -> {}", told(filled(template), Path::new("/none")));
    assert_snapshot!(templates.map(of).join("\n"), @"
        { -> template: expected a `}` for the `{` at character 1, got none; write {{ for a brace
        } -> template: expected a `{` for the `}` at character 1, got none; write }} for a brace
        é{a -> template: expected a `}` for the `{` at character 2, got none; write {{ for a brace
        {} -> template: expected the name of an input (a, b, c, d) in braces, got `{}` at character 1; write {{ for a brace
        {x} -> template: expected the name of an input (a, b, c, d) in braces, got `{x}` at character 1; write {{ for a brace
        {a:x} -> template: expected a width of at most 1000, and a point and at most 100 decimals, such as 04 or 6.2, got `x` at character 1
        {a:+1} -> template: expected a width of at most 1000, and a point and at most 100 decimals, such as 04 or 6.2, got `+1` at character 1
        {a:2000} -> template: expected a width of at most 1000, and a point and at most 100 decimals, such as 04 or 6.2, got `2000` at character 1
        {a:.101} -> template: expected a width of at most 1000, and a point and at most 100 decimals, such as 04 or 6.2, got `.101` at character 1
        {c:.2} -> c: expected a number for `{c:.2}`, got STRING
        {c:05} -> c: expected a number for `{c:05}`, got STRING
        {d:.1} -> d: expected a number for `{d:.1}`, got JSON
        a}b -> template: expected a `{` for the `}` at character 2, got none; write }} for a brace
        {a{b} -> template: expected the name of an input (a, b, c, d) in braces, got `{a{b}` at character 1; write {{ for a brace
        ");
    let picture = value(&image([1, 2, 2], |_| 0.0));
    let of = |value: Option<Value>| {
        told(run::<format_node>(json!({"template": "{a}"}), value.map(|value| ("a", value))), Path::new("/none"))
    };
    assert_snapshot!([None, Some(picture.clone()), Some(Value::list([picture]))].map(of).join("\n"), @"
        a: expected a value for `{a}` in the template, got nothing
        a: expected a number, a text, true or false, JSON or a list of them, got IMAGE
        a: expected a number, a text, true or false, JSON or a list of them, got a list of other values
        ");
}

#[test]
fn texts_are_joined() {
    let joined = |literals| run::<join_text>(literals, []).unwrap()[0].as_text().unwrap().to_owned();
    assert_eq!(joined(json!({"texts": ["a", "b", ""]})), "a, b, ");
    assert_eq!(joined(json!({"texts": ["a", "b"], "separator": "\n"})), "a\nb");
    assert_eq!(joined(json!({"texts": []})), "");
}

#[test]
fn a_field_is_found_by_its_name_or_path() {
    let each = json!({"each": [{"psnr": 20.5, "a/b~": "x"}], "n": null, "/": 1});
    let found = |path: &str| {
        let literals = json!({"value": each, "field": path});
        run::<field>(literals, []).map(|outputs| outputs[0].to_json().unwrap())
    };
    assert_eq!(found("/each/0/psnr").unwrap(), json!(20.5));
    assert_eq!(found("/each/0/a~1b~0").unwrap(), json!("x"));
    assert_eq!(found("each").unwrap(), json!([{"psnr": 20.5, "a/b~": "x"}]));
    let of = |path: &str| format!("{path} -> {}", told(found(path), Path::new("/none")));
    assert_snapshot!(["psnr", "/each/1", "/each/-1", "/each/0/psnr/x", "n", "", "/n/x"].map(of).join("\n"), @r#"
        psnr -> field: expected a field of an object with the fields each, n, /, got `psnr` in the path "psnr"
        /each/1 -> field: expected a position from 0 to 0 of an array, got `1` in the path "/each/1"
        /each/-1 -> field: expected a position from 0 to 0 of an array, got `-1` in the path "/each/-1"
        /each/0/psnr/x -> field: expected an object or an array with `x`, got 20.5 in the path "/each/0/psnr/x"
        n -> field: expected a value at "n", got null
         -> field: expected a field of an object with the fields each, n, /, got `` in the path ""
        /n/x -> field: expected an object or an array with `x`, got null in the path "/n/x"
        "#);
    // Compare gives its pictures as a JSON array, which a literal has as a list.
    let list = run::<field>(json!({"value": [{"psnr": 1.0}], "field": "/0/psnr"}), []).unwrap();
    assert_eq!(list[0].as_float(), Some(1.0));
    let refused = |value: Literal| told(run::<field>(json!({"value": value, "field": "a"}), []), Path::new("/none"));
    assert_snapshot!([refused(json!(1)), refused(json!("{}")), refused(json!({})), refused(json!([]))].join("\n"), @r#"
        value: expected a JSON object or a list of JSON values, got INT
        value: expected a JSON object or a list of JSON values, got STRING
        field: expected a field of an object with no fields, got `a` in the path "a"
        field: expected an array with items, got an empty one for `a` in the path "a"
        "#);
    let picture = [("value", value(&image([1, 2, 2], |_| 0.0)))];
    assert_snapshot!(told(run::<field>(json!({"field": "a"}), picture), Path::new("/none")), @"value: expected a JSON object or a list of JSON values, got IMAGE");
}
