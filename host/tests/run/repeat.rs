//! Nodes that repeat a graph: `each` and `fold`.

use super::{arithmetic, checked, closures::PackOf, lines, run, runner};
use serde_json::{Value as Json, json};
use splatgraph::{
    graph::{File, Given, Origin, check},
    run::{CancelToken, Event, NodeFailure, RunResult, Settings, Status},
};
use splatgraph_sdk::{Error, Value};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A pack with arithmetic, a node that counts its calls and fails for 13, and one that compares.
fn pack(calls: &Arc<AtomicUsize>) -> PackOf {
    let calls = calls.clone();
    let int = |name: &str| json!([{ "name": name, "type": "INT" }]);
    let is_large =
        json!({ "name": "IsLarge", "inputs": int("x"), "outputs": [{ "name": "large", "type": "BOOLEAN" }] });
    arithmetic()
        .node(json!({ "name": "Square", "inputs": int("x"), "outputs": int("y") }), move |_, inputs| {
            calls.fetch_add(1, Ordering::SeqCst);
            let x = i64::try_from(inputs[0].as_int().unwrap()).unwrap();
            if x == 13 { Err(Error::input("x", "expected luck, got 13")) } else { Ok(vec![Value::int(x * x)]) }
        })
        .node(is_large, |_, inputs| Ok(vec![Value::bool(inputs[0].as_int().unwrap() >= 1000)]))
}

/// The square of `x`, and the sum of `a` and `x`.
fn square() -> Json {
    json!({
        "inputs": { "x": ["square.x", "sum.b"], "a": "sum.a" },
        "outputs": { "square": ["square", "y"], "sum": ["sum", "sum"] },
        "nodes": {
            "square": { "class_type": "t.Square" },
            "sum": { "class_type": "t.Add", "inputs": { "a": 100 } },
        },
    })
}

fn graph(node: &Json) -> String {
    json!({ "outputs": { "square": ["many", "square"], "sum": ["many", "sum"] }, "nodes": { "many": node } })
        .to_string()
}

fn each(options: &Json, inputs: &Json) -> String {
    graph(&json!({ "each": options, "graph": square(), "inputs": inputs }))
}

fn values(numbers: impl IntoIterator<Item = i64>) -> Json {
    json!({ "__value__": numbers.into_iter().collect::<Vec<_>>() })
}

fn run_once(text: &str) -> RunResult {
    run(&runner(2, 0), &checked(text, &pack(&Arc::default()).registry()))
}

/// The named outputs, or the failures.
fn ended(text: &str) -> String {
    let result = run_once(text);
    // Without the pack and the place in the source.
    let failure = |failure: &NodeFailure| failure.to_string().rsplit_once(" [").unwrap().0.to_owned();
    let failures: Vec<String> = result.failures.iter().map(failure).collect();
    let outputs = result.outputs.iter().map(|(name, value)| format!("{name}: {}", value.to_json().unwrap()));
    outputs.chain(failures).collect::<Vec<_>>().join("\n")
}

fn problems(text: &str) -> String {
    let given = Given { cwd: std::env::temp_dir(), ..Given::default() };
    let file = match File::parse(text, Origin::File("graph.json".into())) {
        Ok(file) => file,
        Err(problems) => return problems.to_string(),
    };
    check(file, &pack(&Arc::default()).registry(), &given).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn each_runs_for_every_element_in_order() {
    insta::assert_snapshot!(ended(&each(&json!({ "over": "x" }), &json!({ "x": values(0..4) }))), @"
        square: [0,1,4,9]
        sum: [100,101,102,103]
        ");
    insta::assert_snapshot!(ended(&each(&json!({ "over": ["x", "a"] }), &json!({ "x": values([1, 2]), "a": values([10, 20]) }))), @"
        square: [1,4]
        sum: [11,22]
        ");
    insta::assert_snapshot!(ended(&each(&json!({ "over": ["a", "x"], "cross": true }), &json!({ "x": values([1, 2, 3]), "a": values([10, 20]) }))), @"
        square: [1,4,9,1,4,9]
        sum: [11,12,13,21,22,23]
        ");
    insta::assert_snapshot!(ended(&each(&json!({ "over": "x", "index": "a", "limit": 2 }), &json!({ "x": values(5..9) }))), @"
        square: [25,36]
        sum: [5,7]
        ");
    insta::assert_snapshot!(ended(&each(&json!({ "over": "x" }), &json!({ "x": values([]) }))), @"
        square: []
        sum: []
        ");
}

#[test]
fn each_takes_links_and_values_that_stay_the_same() {
    let graph = json!({
        "outputs": { "sum": ["all", "sum"] },
        "nodes": {
            "one": { "class_type": "t.Number", "inputs": { "value": 1 } },
            "two": { "class_type": "t.Number", "inputs": { "value": 2 } },
            "many": {
                "each": { "over": "x" }, "graph": square(),
                "inputs": { "x": [["one", 0], ["two", 0], ["two", 0]], "a": ["two", "number"] },
            },
            "again": { "each": { "over": "x" }, "graph": square(), "inputs": { "x": ["many", "square"] } },
            "all": { "class_type": "t.Sum", "inputs": { "numbers": [["many", "sum"], ["again", "square"]] } },
        },
    });
    // (1 + 2) + 2 (2 + 2) + 1 + 2 * 16
    assert_eq!(ended(&graph.to_string()), "sum: 44");
}

#[test]
fn a_graph_that_repeats_may_be_repeated() {
    let inner = json!({
        "inputs": { "from": "many.x", "a": "many.a" },
        "outputs": { "sum": ["sum", "sum"] },
        "nodes": {
            "many": { "each": { "over": "x" }, "graph": square() },
            "sum": { "class_type": "t.Sum", "inputs": { "numbers": ["many", "sum"] } },
        },
    });
    let outer = json!({
        "outputs": { "sums": ["outer", "sum"] },
        "nodes": { "outer": { "each": { "over": "a" }, "graph": inner, "inputs": { "a": values([0, 10]), "from": values([1, 2, 3]) } } },
    });
    assert_eq!(ended(&outer.to_string()), "sums: [6,36]");
}

#[test]
fn fold_carries_values_until_a_condition_is_true() {
    let twice = json!({
        "inputs": { "x": ["add.a", "add.b"], "number": "count.value" },
        "outputs": { "x": ["add", "sum"], "large": ["large", "large"], "number": ["count", "number"] },
        "nodes": {
            "add": { "class_type": "t.Add" },
            "count": { "class_type": "t.Number", "inputs": { "value": 0 } },
            "large": { "class_type": "t.IsLarge", "inputs": { "x": ["add", "sum"] } },
        },
    });
    let fold = |options: Json| {
        let node = json!({ "fold": options, "graph": twice, "inputs": { "x": 3 } });
        let outputs = json!({ "x": ["twice", "x"], "number": ["twice", "number"] });
        json!({ "outputs": outputs, "nodes": { "twice": node } }).to_string()
    };
    insta::assert_snapshot!(ended(&fold(json!({ "carry": { "x": "x" }, "times": 4 }))), @"
        x: 48
        number: 0
        ");
    let until = json!({ "carry": { "x": "x" }, "times": 100, "until": "large", "index": "number", "collect": ["x"] });
    insta::assert_snapshot!(ended(&fold(until)), @"
        x: [6,12,24,48,96,192,384,768,1536]
        number: 8
        ");
    let registry = pack(&Arc::default()).registry();
    let never = fold(json!({ "carry": { "x": "x" }, "times": 3, "until": "large" }));
    let lines = lines(&runner(2, 0), &checked(&never, &registry));
    // How often progress is told depends on the time.
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.contains("/3")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
        twice started
        twice pass 0: twice:add finished
        twice pass 0: twice:large finished
        twice pass 0: twice:count finished
        twice pass 1: twice:add finished
        twice pass 1: twice:large finished
        twice pass 1: twice:count finished
        twice pass 2: twice:add finished
        twice pass 2: twice:large finished
        twice pass 2: twice:count finished
        twice Warn `large` was not true after 3 passes; the outputs are those of the last one
        twice finished
        ");
}

#[test]
fn a_pass_that_fails_ends_the_node_or_is_left_out() {
    let inputs = json!({ "x": values([1, 13, 3]) });
    insta::assert_snapshot!(ended(&each(&json!({ "over": "x" }), &inputs)), @"node `many` (graph) failed: pass 1: node `many:square` (t.Square) failed: input `x`, which comes from `many:(pass).x`: expected luck, got 13");
    insta::assert_snapshot!(ended(&each(&json!({ "over": "x", "keep_going": true }), &inputs)), @"
        square: [1,9]
        sum: [101,103]
        ");
    let registry = pack(&Arc::default()).registry();
    let text = each(&json!({ "over": "x", "keep_going": true }), &inputs);
    let lines = lines(&runner(1, 0), &checked(&text, &registry));
    insta::assert_snapshot!(lines.iter().filter(|line| line.contains("Warn")).cloned().collect::<Vec<_>>().join("\n"), @"
        many Warn left out: pass 1: node `many:square` (t.Square) failed: input `x`, which comes from `many:(pass).x`: expected luck, got 13
        many Warn 1 of 3 passes failed and are left out of the lists
        ");
    let unequal = json!({ "x": values([1, 2, 3]), "a": values([1]) });
    insta::assert_snapshot!(ended(&each(&json!({ "over": ["x", "a"] }), &unequal)), @r#"node `many` (graph) failed: input `x`: expected lists of one length, got `x` with 3 and `a` with 1; `"cross": true` takes each element of one with each of the others"#);
}

#[test]
fn a_pass_runs_again_only_if_its_values_changed() {
    let calls: Arc<AtomicUsize> = Arc::default();
    let registry = pack(&calls).registry();
    let runner = runner(2, 1 << 20);
    let squares = |numbers: std::ops::Range<i64>, a: i64| {
        let text = each(&json!({ "over": "x" }), &json!({ "x": values(numbers), "a": a }));
        let before = calls.load(Ordering::SeqCst);
        let result = run(&runner, &checked(&text, &registry));
        let inside: Vec<String> =
            result.nodes[0].inside.iter().map(|(node, ran, cached)| format!("{node} {ran} {cached}")).collect();
        (result.nodes[0].status.clone(), calls.load(Ordering::SeqCst) - before, inside.join(", "))
    };
    assert_eq!(squares(0..10, 1).1, 10);
    assert_eq!(squares(0..10, 1), (Status::Cached, 0, String::new()), "the node has its results of before");
    assert_eq!(squares(3..12, 1).1, 2, "two elements are new");
    let (status, ran, inside) = squares(0..10, 2);
    assert_eq!((status, ran), (Status::Done, 0), "only the sum depends on the other number");
    assert_eq!(inside, "many:square 0 10, many:sum 10 0");
}

#[test]
fn many_passes_need_no_memory_of_their_own_and_can_be_cancelled() {
    let calls: Arc<AtomicUsize> = Arc::default();
    let registry = pack(&calls).registry();
    let text =
        each(&json!({ "over": "x" }), &json!({ "x": values((0..100_000).map(|x| if x == 13 { 0 } else { x })) }));
    let checked = checked(&text, &registry);
    let token = CancelToken::new();
    let (stop, seen) = (token.clone(), calls.clone());
    let events = move |event: Event| {
        if matches!(event, Event::Inside { .. }) && seen.load(Ordering::SeqCst) > 50 {
            stop.cancel();
        }
    };
    let result = runner(2, 0).run(&checked, &Settings::new(), events, &token);
    assert!(result.cancelled && calls.load(Ordering::SeqCst) < 1000, "{}", calls.load(Ordering::SeqCst));
    assert_eq!(result.nodes[0].status, Status::Cancelled);
    let result = run(&runner(2, 0), &checked);
    assert_eq!(result.outputs[0].1.start_of_list(1).unwrap().1, 100_000);
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let each = |options: Json, inputs: Json| problems(&each(&options, &inputs));
    insta::assert_snapshot!(each(json!({ "over": "y" }), json!({ "x": values([1]) })), @"
        line 1, column 79, node `many` (graph): `each`: the graph has no input `y`; did you mean `x`?
        line 1, column 320, node `many` (graph), input `x`: expected a whole number, got an array
        2 problems in graph.json
        ");
    insta::assert_snapshot!(each(json!({ "over": "x" }), json!({})), @"
        line 1, column 71, node `many` (graph), input `x`: expected a list in which each item is a whole number, got nothing
        1 problem in graph.json
        ");
    insta::assert_snapshot!(each(json!({ "over": "x" }), json!({ "x": values([1]), "a": "one" })), @r#"
        line 1, column 342, node `many` (graph), input `a`: expected a whole number, got the text "one"
        1 problem in graph.json
        "#);
    insta::assert_snapshot!(each(json!({ "over": ["x", "x"], "index": "x" }), json!({ "x": values([1]) })), @"
        line 1, column 79, node `many` (graph): `each` names the input `x` twice; name it once
        1 problem in graph.json
        ");
    insta::assert_snapshot!(each(json!({ "over": [], "limit": 0, "crossed": true }), json!({ "x": values([1]) })), @r#"
        line 1, column 94: node `many`, `each`, `over`: expected a name, or a list of names, got an array
        line 1, column 105: node `many`, `each`, `limit`: expected a whole number of at least 1, got the number 0
        line 1, column 107: node `many`, `each` has no key "crossed"; did you mean `cross`?
        line 1, column 344, node `many` (graph), input `x`: expected a whole number, got an array
        4 problems in graph.json
        "#);
    let fold = |options: Json| problems(&graph(&json!({ "fold": options, "graph": square(), "inputs": { "x": 1 } })));
    insta::assert_snapshot!(fold(json!({ "carry": { "x": "squares" }, "times": 2, "until": "sum", "collect": "none" })), @"
        line 1, column 79, node `many` (graph): `fold`: the graph has no output `squares`; did you mean `square`?
        line 1, column 79, node `many` (graph): `fold`: the graph has no output `none`; its outputs are: square, sum
        line 1, column 79, node `many` (graph): `fold`, `until`: expected an output that is true or false, got `sum` of type INT
        3 problems in graph.json
        ");
    insta::assert_snapshot!(fold(json!({ "carry": {}, "times": 2_000_000 })), @r#"
        line 1, column 95: node `many`, `fold`, `carry`: expected named inputs with named outputs, like {"image": "better"}, got an object
        line 1, column 106: node `many`, `fold`, `times`: expected a whole number from 1 to 1000000, got the number 2000000
        2 problems in graph.json
        "#);
    insta::assert_snapshot!(problems(&graph(&json!({ "each": { "over": "x" }, "fold": {}, "class_type": "t.Square" }))), @r#"
        line 1, column 13: the named output `square`: node `many` (t.Square) has no output `square`; its outputs are: y
        line 1, column 40: the named output `sum`: node `many` (t.Square) has no output `sum`; its outputs are: y
        line 1, column 71, node `many` (t.Square), input `x`: expected a whole number, got nothing
        line 1, column 79: node `many` has `each`, which repeats a graph: expected the path of a graph as `class_type`, got "t.Square"; put the node into a graph: a file, or the key `graph` of this node
        line 1, column 99: node `many` has `each` and `fold`: expected one of them, got both; put one of them into a graph of its own, and use that graph as a node
        5 problems in graph.json
        "#);
    insta::assert_snapshot!(problems(&graph(&json!({ "class_type": "t.Square", "graph": {} }))), @"
        line 1, column 13: the named output `square`: node `many` (t.Square) has no output `square`; its outputs are: y
        line 1, column 40: the named output `sum`: node `many` (t.Square) has no output `sum`; its outputs are: y
        line 1, column 71, node `many` (t.Square), input `x`: expected a whole number, got nothing
        line 1, column 103: node `many` has `graph`, but nothing that repeats it: expected `each` or `fold` beside it, got neither
        4 problems in graph.json
        ");
    let mut wrong = square();
    wrong["nodes"]["square"]["class_type"] = "t.Squares".into();
    insta::assert_snapshot!(problems(&graph(&json!({ "each": { "over": "x" }, "graph": wrong, "inputs": { "x": values([1]) } }))), @"
        line 1, column 221, node `many:square`: the pack `t` has no node `Squares`; did you mean `t.Square`?
        1 problem in graph.json
        ");
}
