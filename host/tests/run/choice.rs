//! Inputs that another input chooses: only the chosen branch runs.

use super::{arithmetic, checked, lines, run, runner, statuses};
use serde_json::{Value as Json, json};
use splatgraph::registry::Registry;
use splatgraph_sdk::{Error, Value};

/// A pack with `t.Switch(index, values)`, and `t.Fail`.
fn registry() -> Registry {
    let inputs = json!([
        { "name": "index", "type": "INT", "default": 0 },
        { "name": "values", "type": "*", "list": true, "chosen_by": "index" },
    ]);
    let int = json!([{ "name": "x", "type": "INT" }]);
    arithmetic()
        .node(
            json!({ "name": "Switch", "inputs": inputs, "outputs": [{ "name": "value", "type": "*" }] }),
            |_, inputs| {
                let values = inputs[1].as_list().unwrap();
                let index = usize::try_from(inputs[0].as_int().unwrap_or(0)).unwrap();
                let value = values.get(index).cloned().filter(|value| !value.is_none());
                Ok(vec![value.ok_or_else(|| Error::input("index", "no such value"))?])
            },
        )
        .node(json!({ "name": "Fail", "inputs": int, "outputs": int }), |_, _| {
            Err::<Vec<Value>, _>(Error::new("it fails"))
        })
        .registry()
}

fn graph(switch: &Json) -> String {
    json!({
        "outputs": { "value": ["switch", "value"] },
        "nodes": {
            "number": { "class_type": "t.Number", "inputs": { "value": 1 } },
            "ten": { "class_type": "t.Number", "inputs": { "value": 10 } },
            "add": { "class_type": "t.Add", "inputs": { "a": ["ten", 0], "b": ["number", 0] } },
            "fail": { "class_type": "t.Fail", "inputs": { "x": ["ten", 0] } },
            "after": { "class_type": "t.Add", "inputs": { "a": ["fail", 0], "b": 1 } },
            "switch": { "class_type": "t.Switch", "inputs": switch },
        },
    })
    .to_string()
}

fn ran(switch: &Json) -> String {
    lines(&runner(1, 0), &checked(&graph(switch), &registry())).join("\n")
}

#[test]
fn only_what_the_chosen_link_needs_runs() {
    let links = json!([["after", 0], ["add", 0]]);
    insta::assert_snapshot!(ran(&json!({ "index": ["number", 0], "values": links })), @"
        number started
        number finished
        ten started
        ten finished
        add started
        add finished
        switch started
        switch finished
        ");
    insta::assert_snapshot!(ran(&json!({ "index": 0, "values": links })), @"
        ten started
        ten finished
        fail started
        fail failed
        after skipped because of fail
        switch skipped because of fail
        ");
    insta::assert_snapshot!(ran(&json!({ "values": [["number", 0]] })), @"
        number started
        number finished
        switch started
        switch finished
        ");
    insta::assert_snapshot!(ran(&json!({ "index": 5, "values": links })), @"
        switch started
        switch failed
        ");
}

#[test]
fn what_is_not_chosen_is_not_needed() {
    let result =
        run(&runner(2, 0), &checked(&graph(&json!({ "index": 1, "values": [["after", 0], ["add", 0]] })), &registry()));
    insta::assert_debug_snapshot!(statuses(&result), @r#"
        [
            (
                "number",
                Done,
            ),
            (
                "ten",
                Done,
            ),
            (
                "add",
                Done,
            ),
            (
                "fail",
                NotNeeded,
            ),
            (
                "after",
                NotNeeded,
            ),
            (
                "switch",
                Done,
            ),
        ]
        "#);
    assert!(result.failures.is_empty());
}

#[test]
fn results_of_a_branch_are_kept_like_all_others() {
    let runner = runner(2, 1 << 20);
    let of = |index: u32| {
        let result = run(
            &runner,
            &checked(&graph(&json!({ "index": index, "values": [["number", 0], ["add", 0]] })), &registry()),
        );
        let whys = result.nodes.iter().map(|report| format!("{}: {}", report.node, report.why)).collect::<Vec<_>>();
        format!("{:?}\n{}", result.outputs[0].1, whys.join("\n"))
    };
    insta::assert_snapshot!(of(0), @"
        Value(1)
        number: ran: first time
        ten: not needed
        add: not needed
        fail: not needed
        after: not needed
        switch: ran: first time
        ");
    insta::assert_snapshot!(of(1), @"
        Value(11)
        number: cached
        ten: ran: first time
        add: ran: first time
        fail: not needed
        after: not needed
        switch: ran: input `index` changed
        ");
    insta::assert_snapshot!(of(1), @"
        Value(11)
        number: cached
        ten: cached
        add: cached
        fail: not needed
        after: not needed
        switch: cached
        ");
}
