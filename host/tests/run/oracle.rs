//! Random graphs. For any number of threads, and any results in the cache, a run has the results of a plain evaluation from
//! sources to consumers.

use super::{arithmetic, checked, random::Random, runner};
use serde_json::{Map, Value as Json, json};
use splatgraph::{
    registry::Registry,
    run::{CancelToken, Settings, Status},
};
use splatgraph_sdk::{Error, Value};

/// A node of a random graph; sources are earlier nodes.
#[derive(Clone, Debug)]
enum Node {
    Number(i64),
    Add(usize, usize),
    Sum(Vec<usize>),
    /// Fails if its input is divisible by 5.
    Picky(usize),
}

fn registry() -> Registry {
    let int = json!([{ "name": "x", "type": "INT" }]);
    let spec = json!({ "name": "Picky", "inputs": int, "outputs": int });
    arithmetic()
        .node(spec, |_, inputs| match inputs[0].as_int() {
            Some(x) if x % 5 == 0 => Err(Error::input("x", "divisible by 5")),
            _ => Ok(inputs.to_vec()),
        })
        .registry()
}

fn random_nodes(random: &mut Random) -> Vec<Node> {
    // At most 3^30 * 100, which does not overflow.
    let count = 2 + random.next(29);
    let mut nodes = Vec::new();
    for n in 0..count {
        nodes.push(match random.next(if n == 0 { 1 } else { 5 }) {
            0 => Node::Number(i64::try_from(random.next(100)).unwrap()),
            1 | 2 => Node::Add(random.next(n), random.next(n)),
            3 => Node::Sum((0..random.next(4)).map(|_| random.next(n)).collect()),
            _ => Node::Picky(random.next(n)),
        });
    }
    nodes
}

fn evaluate(nodes: &[Node]) -> Vec<Option<i64>> {
    let mut values: Vec<Option<i64>> = Vec::new();
    for node in nodes {
        let value = match node {
            Node::Number(number) => Some(*number),
            Node::Add(a, b) => values[*a].zip(values[*b]).map(|(a, b)| a + b),
            Node::Sum(from) => from.iter().map(|&n| values[n]).sum(),
            Node::Picky(from) => values[*from].filter(|value| value % 5 != 0),
        };
        values.push(value);
    }
    values
}

fn graph(nodes: &[Node], wanted: &[usize]) -> String {
    let link = |n: &usize| json!([format!("n{n}"), 0]);
    let as_json = |node: &Node| -> Json {
        let (class, inputs) = match node {
            Node::Number(number) => ("t.Number", json!({ "value": number })),
            Node::Add(a, b) => ("t.Add", json!({ "a": link(a), "b": link(b) })),
            Node::Sum(from) => ("t.Sum", json!({ "numbers": from.iter().map(link).collect::<Vec<_>>() })),
            Node::Picky(from) => ("t.Picky", json!({ "x": link(from) })),
        };
        json!({ "class_type": class, "inputs": inputs })
    };
    let nodes: Map<_, _> = nodes.iter().enumerate().map(|(n, node)| (format!("n{n}"), as_json(node))).collect();
    let outputs: Map<_, _> = wanted.iter().map(|n| (format!("n{n}"), link(n))).collect();
    json!({ "outputs": outputs, "nodes": nodes }).to_string()
}

#[test]
fn results_equal_a_plain_evaluation() {
    let registry = registry();
    let (mut failed, mut cached) = (0, 0);
    for seed in 0..150 {
        let random = &mut Random(seed);
        let mut nodes = random_nodes(random);
        // No cache, one that is too small for all results, and one that is large enough.
        let cache_bytes = [0, 2000, 1 << 20][random.next(3)];
        let runner = runner(1 + random.next(8), cache_bytes);
        for _ in 0..4 {
            let wanted: Vec<usize> = (0..=random.next(4)).map(|_| random.next(nodes.len())).collect();
            let checked = checked(&graph(&nodes, &wanted), &registry);
            let result = runner.run(&checked, &Settings::new(), |_| {}, &CancelToken::new());
            let expected = evaluate(&nodes);
            for &node in &wanted {
                let name = format!("n{node}");
                let got = result.outputs.iter().find(|(output, _)| *output == name).and_then(|(_, v)| Value::as_int(v));
                assert_eq!(got, expected[node].map(i128::from), "{name} of graph {seed}: {nodes:?}");
            }
            failed += result.failures.len();
            cached += result.nodes.iter().filter(|report| report.status == Status::Cached).count();
            assert!(!result.nodes.iter().any(|report| report.status == Status::Cancelled));
            // A number changes before the next run.
            let change = random.next(nodes.len());
            if let Node::Number(number) = &mut nodes[change] {
                *number += 1;
            }
        }
    }
    assert!(failed > 50 && cached > 500, "{failed} {cached}");
}
