//! Large graphs. The limits are far above the times of `benches/scheduling.rs`, and catch times that grow too fast.

use super::{arithmetic, checked, run, runner, statuses};
use splatgraph::run::Status;
use std::time::{Duration, Instant};

fn chain(length: usize) -> String {
    let nodes: Vec<String> = (0..length)
        .map(|n| match n {
            0 => r#""n0": {"class_type": "t.Number", "inputs": {"value": 1}}"#.to_owned(),
            _ => format!(r#""n{n}": {{"class_type": "t.Number", "inputs": {{"value": ["n{}", 0]}}}}"#, n - 1),
        })
        .collect();
    format!(r#"{{"outputs": {{"last": ["n{}", 0]}}, "nodes": {{{}}}}}"#, length - 1, nodes.join(", "))
}

#[test]
fn a_long_chain_needs_no_deep_stack_and_little_time() {
    let checked = checked(&chain(50_000), &arithmetic().registry());
    let runner = runner(4, 1 << 30);
    let start = Instant::now();
    let result = run(&runner, &checked);
    assert_eq!(result.outputs[0].1.as_int(), Some(1));
    let again = run(&runner, &checked);
    assert!(statuses(&again).iter().all(|(_, status)| *status == Status::Cached));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn many_independent_nodes() {
    let count = 20_000;
    let nodes: Vec<String> =
        (0..count).map(|n| format!(r#""n{n}": {{"class_type": "t.Number", "inputs": {{"value": {n}}}}}"#)).collect();
    let links: Vec<String> = (0..count).map(|n| format!(r#"["n{n}", 0]"#)).collect();
    let text = format!(
        r#"{{"outputs": {{"sum": ["sum", 0]}}, "nodes": {{
            "sum": {{"class_type": "t.Sum", "inputs": {{"numbers": [{}]}}}}, {}}}}}"#,
        links.join(", "),
        nodes.join(", ")
    );
    let checked = checked(&text, &arithmetic().registry());
    let start = Instant::now();
    let result = run(&runner(4, 0), &checked);
    assert_eq!(result.outputs[0].1.as_int(), Some(count * (count - 1) / 2));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// Layers in which each node takes from both nodes of the layer before: about 2^60 paths, but only 240 links.
#[test]
fn paths_that_split_and_meet_are_not_counted() {
    let mut nodes = vec![
        r#""a0": {"class_type": "t.Number", "inputs": {"value": 0}}"#.to_owned(),
        r#""b0": {"class_type": "t.Number", "inputs": {"value": 0}}"#.to_owned(),
    ];
    for n in 1..60 {
        for id in ["a", "b"] {
            let m = n - 1;
            let inputs = format!(r#"{{"a": ["a{m}", 0], "b": ["b{m}", 0]}}"#);
            nodes.push(format!(r#""{id}{n}": {{"class_type": "t.Add", "inputs": {inputs}}}"#));
        }
    }
    let text = format!(r#"{{"outputs": {{"x": ["a59", 0]}}, "nodes": {{{}}}}}"#, nodes.join(", "));
    let checked = checked(&text, &arithmetic().registry());
    for cache in [0, 1 << 20] {
        assert_eq!(run(&runner(3, cache), &checked).outputs[0].1.as_int(), Some(0));
    }
}
