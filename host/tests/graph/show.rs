use super::{LOAD, SAVE, closures::declared, parse};
use splatgraph::graph::{draw, schema};

fn text() -> String {
    format!(
        r#"{{"title": "T", "inputs": {{"image": "load.path"}}, "outputs": {{"text": ["no <te> #1", 0]}}, "nodes": {{{LOAD},
        "no <te> #1": {{"class_type": "std.Note", "inputs": {{"any": ["load", 1]}}}},
        "grid": {{"class_type": "std.Grid", "inputs": {{"images": [["load", 0], ["gone", "\"x\""]]}}}},
        {SAVE}}}}}"#
    )
}

#[test]
fn a_drawing() {
    let file = parse(&text()).unwrap();
    insta::assert_snapshot!(draw(&file, Some(&declared())), @"");
    insta::assert_snapshot!(draw(&file, None).lines().nth(5).unwrap(), @"");
}

#[test]
fn a_prompt_has_full_names_and_positions() {
    let file = parse(&text().replace("std.LoadImage", "LoadImage")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&file.to_prompt(&declared())).unwrap(), @"");
}

#[test]
fn the_schema_of_a_class() {
    let schema = schema(&declared());
    insta::assert_snapshot!(schema["$defs"]["node"]["properties"], @"");
    let branches = schema["$defs"]["node"]["allOf"].as_array().unwrap();
    let of = |class: &str| {
        let branch = branches.iter().find(|branch| branch["if"]["properties"]["class_type"]["const"] == class).unwrap();
        serde_json::to_string_pretty(&branch["then"]).unwrap()
    };
    insta::assert_snapshot!(of("std.Resize"), @"");
    insta::assert_snapshot!(of("std.Grid"), @"");
    insta::assert_snapshot!(of("gpstoken.LoadTokenizer"), @"");
}
