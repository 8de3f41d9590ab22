//! The same nodes in Rust, in process and contained, and in Python give the same results.

use crate::python::{python, with_pack};
use crate::support::Ran;
use crate::{example_pack, node};
use serde_json::{Value as Json, json};
use std::fs;

/// Nodes of the packs `stub` and `hostile_00` once more, in Python.
const TWIN: &str = r#"
from typing import Annotated, Any, Literal, Optional

import numpy as np
from splatgraph import Image, Range, node


@node
def every_kind(share: Annotated[float, Range(0, 1)] = 0.5, on: bool = True, words: str = "hello",
               way: Literal["left", "right"] = "left", numbers: list[int] = [], anything: Optional[Any] = None) -> str:
    return f"{share} {str(on).lower()} {words} {way} {numbers} {str(anything is not None).lower()}"


@node
def add(a: int, b: int = 1) -> int:
    return a + b


@node
def plain_image(size: int = 4) -> Image:
    return np.full((1, size, size, 3), 0.5)


@node
def halve(image: Image) -> Image:
    return image / 2


@node
def mean(image: Image) -> float:
    return image.mean(dtype=np.float64)
"#;

/// The graph with classes of these packs: one for pictures that are halved, one for all other nodes.
fn graph(halving: &str, others: &str) -> String {
    let class = |name: &str| format!("{others}.{name}");
    let halve = format!("{halving}.Halve");
    let nodes = json!({
        "all": node(&class("EveryKind"), json!({"share": 0.1, "on": false, "words": "\u{1f600} \"x\"", "way": "right", "numbers": {"__value__": [1, -2]}, "anything": {"a": [1, 2.5]}})),
        "defaults": node(&class("EveryKind"), json!({"numbers": {"__value__": []}})),
        "add": node(&class("Add"), json!({"a": -9007199254740993_i64, "b": 3})),
        "image": node(&class("PlainImage"), json!({"size": 64})),
        "half": node(&halve, json!({"image": ["image", 0]})),
        "quarter": node(&halve, json!({"image": ["half", 0]})),
        "mean": node(&class("Mean"), json!({"image": ["quarter", 0]})),
    });
    let outputs = json!({"all": ["all", 0], "defaults": ["defaults", 0], "sum": ["add", 0], "mean": ["mean", 0]});
    json!({"outputs": outputs, "nodes": nodes}).to_string()
}

fn outputs(ran: &Ran) -> Json {
    let result: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
    assert_eq!(ran.code, 0, "{}", ran.all());
    result["outputs"].clone()
}

#[test]
fn a_pack_in_rust_and_one_in_python_give_the_same() {
    let Some(python) = python() else { return };
    let (place, added) = with_pack(&python, "twin", TWIN);
    assert_eq!(added.code, 0, "{}", added.all());
    fs::copy(example_pack("hostile_pack"), place.path("packs").join("libhostile_00.so")).unwrap();
    place.write("rust.json", &graph("hostile_00", "stub"));
    place.write("python.json", &graph("twin", "twin"));
    // Tensors that pass between processes, in both directions.
    place.write("mixed.json", &graph("twin", "stub"));
    let want = outputs(&place.run(&["run", "rust.json", "--json", "--quiet"]));
    assert_eq!((&want["mean"], &want["sum"]), (&json!(0.125), &json!(-9_007_199_254_740_990_i64)));
    for arguments in [
        &["run", "rust.json", "--contain", "all"][..],
        &["run", "python.json"],
        &["run", "mixed.json"],
        &["run", "mixed.json", "--contain", "all"],
    ] {
        let ran = place.run(&[arguments, &["--json", "--quiet"]].concat());
        assert_eq!(outputs(&ran), want, "{arguments:?}");
    }
}
