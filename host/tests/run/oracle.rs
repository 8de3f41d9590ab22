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
    /// The second if the first is odd, else the third. What feeds the other does not run.
    If(usize, usize, usize),
    /// The sum of 3 x + i over the numbers x of a list, where i is their position.
    Each(Vec<usize>),
    /// Adds the second to the first, which goes from pass to pass, a number of times.
    Fold(usize, usize, usize),
}

fn registry() -> Registry {
    let int = json!([{ "name": "x", "type": "INT" }]);
    let spec = json!({ "name": "Picky", "inputs": int, "outputs": int });
    let branch = |name: &str, when: bool| json!({ "name": name, "type": "*", "chosen_by": "odd", "chosen_when": when });
    let inputs = json!([{ "name": "odd", "type": "BOOLEAN" }, branch("then", true), branch("otherwise", false)]);
    let one_of = json!({ "name": "If", "inputs": inputs, "outputs": [{ "name": "x", "type": "INT" }] });
    let odd = json!({ "name": "Odd", "inputs": int, "outputs": [{ "name": "odd", "type": "BOOLEAN" }] });
    arithmetic()
        .node(odd, |_, inputs| Ok(vec![Value::bool(inputs[0].as_int().is_some_and(|x| x % 2 != 0))]))
        .node(one_of, |_, inputs| {
            let (chosen, other) = if inputs[0].as_bool() == Some(true) { (1, 2) } else { (2, 1) };
            assert!(inputs[other].is_none(), "the other branch has no value");
            Ok(vec![inputs[chosen].clone()])
        })
        .node(spec, |_, inputs| match inputs[0].as_int() {
            Some(x) if x % 5 == 0 => Err(Error::input("x", "divisible by 5")),
            _ => Ok(inputs.to_vec()),
        })
        .registry()
}

fn random_nodes(random: &mut Random) -> Vec<Node> {
    // At most 12^16 * 100, which does not overflow.
    let count = 2 + random.next(15);
    let mut nodes = Vec::new();
    for n in 0..count {
        let some = |random: &mut Random| random.next(n);
        nodes.push(match random.next(if n == 0 { 1 } else { 9 }) {
            0 => Node::Number(i64::try_from(random.next(100)).unwrap()),
            1 | 2 => Node::Add(random.next(n), random.next(n)),
            3 => Node::Sum((0..random.next(4)).map(|_| random.next(n)).collect()),
            4 => Node::Picky(random.next(n)),
            5 | 6 => Node::If(some(random), some(random), some(random)),
            7 => Node::Each((0..random.next(4)).map(|_| random.next(n)).collect()),
            _ => Node::Fold(some(random), some(random), 1 + random.next(3)),
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
            Node::If(odd, then, otherwise) => {
                values[*odd].and_then(|x| values[if x % 2 != 0 { *then } else { *otherwise }])
            }
            Node::Each(from) => (0..).zip(from).map(|(i, &n)| values[n].map(|x| 3 * x + i)).sum(),
            Node::Fold(from, step, times) => {
                values[*from].zip(values[*step]).map(|(x, step)| x + step * i64::try_from(*times).unwrap())
            }
        };
        values.push(value);
    }
    values
}

/// For each node, the first one that has the same class and equal inputs.
fn first_equal(nodes: &[Node]) -> Vec<usize> {
    let mut first: Vec<usize> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (n, node) in nodes.iter().enumerate() {
        let of = |source: &usize| first[*source];
        let text = match node {
            Node::Number(number) => format!("number {number}"),
            Node::Add(a, b) => format!("add {} {}", of(a), of(b)),
            Node::Sum(from) => format!("sum {:?}", from.iter().map(of).collect::<Vec<_>>()),
            Node::Picky(from) => format!("picky {}", of(from)),
            Node::If(odd, a, b) => format!("if {} {} {}", of(odd), of(a), of(b)),
            // Nodes that repeat a graph run each for themselves.
            Node::Each(_) | Node::Fold(..) => format!("{n}"),
        };
        let equal = seen.iter().position(|other| *other == text).unwrap_or(n);
        seen.push(text);
        first.push(equal);
    }
    first
}

/// The nodes that have to run for the wanted ones.
fn needed(nodes: &[Node], values: &[Option<i64>], wanted: &[usize]) -> Vec<bool> {
    let mut needed = vec![false; nodes.len()];
    let mut open = wanted.to_vec();
    while let Some(n) = open.pop() {
        if std::mem::replace(&mut needed[n], true) {
            continue;
        }
        match &nodes[n] {
            Node::Number(_) => {}
            Node::Add(a, b) | Node::Fold(a, b, _) => open.extend([*a, *b]),
            Node::Sum(from) | Node::Each(from) => open.extend(from),
            Node::Picky(from) => open.push(*from),
            Node::If(odd, then, otherwise) => {
                open.push(*odd);
                open.extend(values[*odd].map(|x| if x % 2 != 0 { *then } else { *otherwise }));
            }
        }
    }
    needed
}

fn graph(nodes: &[Node], wanted: &[usize]) -> String {
    let link = |n: &usize| json!([format!("n{n}"), 0]);
    // 3 x + i
    let each = json!({
        "inputs": { "x": ["twice.a", "twice.b", "thrice.b"], "i": "sum.b" },
        "outputs": { "y": ["sum", "sum"] },
        "nodes": {
            "twice": { "class_type": "t.Add" },
            "thrice": { "class_type": "t.Add", "inputs": { "a": ["twice", "sum"] } },
            "sum": { "class_type": "t.Add", "inputs": { "a": ["thrice", "sum"] } },
        },
    });
    let fold = json!({
        "inputs": { "x": "add.a", "step": "add.b" },
        "outputs": { "y": ["add", "sum"] },
        "nodes": { "add": { "class_type": "t.Add" } },
    });
    let mut helpers = Map::new();
    let mut as_json = |(n, node): (usize, &Node)| -> Json {
        let (class, inputs) = match node {
            Node::If(odd, then, otherwise) => {
                let helper = json!({ "class_type": "t.Odd", "inputs": { "x": link(odd) } });
                helpers.insert(format!("n{n}odd"), helper);
                let odd = json!([format!("n{n}odd"), "odd"]);
                ("t.If", json!({ "odd": odd, "then": link(then), "otherwise": link(otherwise) }))
            }
            Node::Each(from) => {
                let links: Vec<Json> = from.iter().map(link).collect();
                let repeat = json!({ "each": { "over": "x", "index": "i" }, "graph": each, "inputs": { "x": links } });
                helpers.insert(format!("n{n}each"), repeat);
                ("t.Sum", json!({ "numbers": [format!("n{n}each"), "y"] }))
            }
            Node::Fold(from, step, times) => {
                let fold = json!({ "fold": { "carry": { "x": "y" }, "times": times }, "graph": fold });
                let mut node = fold;
                node["inputs"] = json!({ "x": link(from), "step": link(step) });
                return node;
            }
            Node::Number(number) => ("t.Number", json!({ "value": number })),
            Node::Add(a, b) => ("t.Add", json!({ "a": link(a), "b": link(b) })),
            Node::Sum(from) => ("t.Sum", json!({ "numbers": from.iter().map(link).collect::<Vec<_>>() })),
            Node::Picky(from) => ("t.Picky", json!({ "x": link(from) })),
        };
        json!({ "class_type": class, "inputs": inputs })
    };
    let mut nodes: Map<_, _> =
        nodes.iter().enumerate().map(|(n, node)| (format!("n{n}"), as_json((n, node)))).collect();
    nodes.append(&mut helpers);
    let outputs: Map<_, _> = wanted.iter().map(|n| (format!("n{n}"), link(n))).collect();
    json!({ "outputs": outputs, "nodes": nodes }).to_string()
}

#[test]
fn results_equal_a_plain_evaluation() {
    let registry = registry();
    let (mut failed, mut cached, mut ran, mut asleep) = (0, 0, 0, 0);
    for seed in 0..300 {
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
            let needed = needed(&nodes, &expected, &wanted);
            let first = first_equal(&nodes);
            for report in result.nodes.iter().filter(|report| matches!(report.status, Status::Done | Status::Failed)) {
                let number = report.node[1..].trim_end_matches(char::is_alphabetic).parse::<usize>().unwrap();
                // A node also runs for those that are equal to it.
                let is_for = |other: usize| match (&nodes[number], &nodes[other]) {
                    (Node::If(odd, ..), Node::If(other, ..)) if report.node.ends_with("odd") => {
                        first[*odd] == first[*other]
                    }
                    _ => first[other] == first[number],
                };
                let is_needed = (0..nodes.len()).any(|other| needed[other] && is_for(other));
                assert!(is_needed, "{} of graph {seed} is not needed, but ran: {nodes:?}", report.node);
                ran += 1;
            }
            asleep += result.nodes.iter().filter(|report| report.status == Status::NotNeeded).count();
            // A number changes before the next run.
            let change = random.next(nodes.len());
            if let Node::Number(number) = &mut nodes[change] {
                *number += 1;
            }
        }
    }
    assert!(failed > 50 && cached > 500 && ran > 1000 && asleep > 500, "{failed} {cached} {ran} {asleep}");
}
