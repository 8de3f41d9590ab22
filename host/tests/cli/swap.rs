//! `splatgraph run --swap`, through the real binary.

use crate::node;
use crate::support::Place;
use serde_json::json;

/// `number` and `other` are added and saved.
fn place() -> Place {
    let place = Place::with_stub();
    place.add_pack("second_pack", "packs");
    let nodes = json!({
        "number": node("Constant", json!({"value": 3})),
        "other": node("Constant", json!({"value": 4})),
        "add": node("Add", json!({"a": ["number", "value"], "b": ["other", "value"]})),
        "notes": node("ReadText", json!({"path": "../notes.txt"})),
        "save": node("WriteText", json!({"text": ["add", "sum"], "path": "sum.txt"})),
    });
    let (inputs, outputs) = (json!({"b": "add.b", "output": "save.path"}), json!({"notes": ["notes", "text"]}));
    let graph = json!({"$schema": "../schema.json", "_by": "me", "version": 1, "title": "Sums", "inputs": inputs, "outputs": outputs, "nodes": nodes});
    place.write("graphs/graph.json", &graph.to_string());
    place.write("notes.txt", "hello");
    place
}

#[test]
fn a_node_gets_another_class_and_the_graph_runs() {
    let place = place();
    let swap = ["run", "graphs/graph.json", "--swap", "add=stub.Sleep", "--set", "add.ms=5"];
    let ran = place.run(&swap);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "notes  hello\nwrote  sum.txt\n"), "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr.lines().next().unwrap(), @"swap add: stub.Add > stub.Sleep: dropped the inputs a, b; the output `ms` takes the place of `sum`; removed the nodes number, other, which no other node needs; dropped the named input b, which would set nothing");
    assert_eq!(place.read("sum.txt"), "5");
    assert_eq!(place.run(&[&swap[..], &["--quiet"]].concat()).stderr, "");
    // Works for a bare prompt too, and saves it as a graph.
    let prompt = place.run(&["convert", "graphs/graph.json", "--api"]).stdout;
    place.write("prompt.json", &prompt);
    let swap = ["run", "prompt.json", "--swap", "add=Sleep", "--write", "own.json"];
    assert_eq!(place.run(&swap).code, 0);
    assert!(place.read("own.json").contains(r#"["add", "ms"]"#));
}

#[test]
fn the_swapped_graph_is_saved_and_leads_to_the_same_files() {
    let place = place();
    std::fs::create_dir(place.path("work/saved")).unwrap();
    let ran = place.run(&["run", "graphs/graph.json", "--swap", "add=stub.Sleep", "--write", "saved/swapped.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(place.read("saved/swapped.json"), @r#"
    {
      "$schema": "../schema.json",
      "_by": "me",
      "version": 2,
      "title": "Sums",
      "packs": {
        "stub": "0.1.0"
      },
      "inputs": {
        "output": "save.path"
      },
      "outputs": {
        "notes": ["notes", "text"]
      },
      "nodes": {
        "add": {"class_type": "stub.Sleep", "inputs": {}},
        "notes": {"class_type": "stub.ReadText", "inputs": {"path": "../notes.txt"}},
        "save": {"class_type": "stub.WriteText", "inputs": {"text": ["add", "ms"], "path": "sum.txt"}}
      }
    }
    "#);
    let again = place.run(&["run", "saved/swapped.json"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "notes  hello\nwrote  sum.txt\n"), "{}", again.stderr);
    assert!(place.read("graphs/graph.json").contains("stub.Add"), "the graph itself stays as it is");
    // Writes over no existing file, not even over the graph itself.
    for existing in ["saved/swapped.json", "graphs/graph.json"] {
        let ran = place.run(&["run", "graphs/graph.json", "--swap", "add=stub.Sleep", "--write", existing]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    }
    let ran = place.run(&["run", "graphs/graph.json", "--swap", "add=stub.Sleep", "--write", "saved/swapped.json"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new file, got one that exists; choose another name, or remove the file first
      saved/swapped.json
    ");
    let ran = place.run(&["run", "graphs/graph.json", "--swap", "add=stub.Sleep", "--write", "none/swapped.json"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 1
    --- stdout
    --- stderr
    swap add: stub.Add > stub.Sleep: dropped the inputs a, b; the output `ms` takes the place of `sum`; removed the nodes number, other, which no other node needs; dropped the named input b, which would set nothing
    error: the graph cannot be written: No such file or directory (os error 2)
      none/swapped.json
    ");
}

#[test]
fn a_graph_node_stays_in_the_saved_graph_unless_it_is_swapped_inside() {
    let place = place();
    let nodes =
        json!({"read": node("ReadText", json!({"path": "inner.txt"})), "add": node("Add", json!({"a": 1, "b": 2}))});
    let part = json!({"outputs": {"text": ["read", "text"], "sum": ["add", "sum"]}, "nodes": nodes});
    place.write("graphs/parts/part.json", &part.to_string());
    place.write("graphs/parts/inner.txt", "inner");
    let nodes = json!({"p": {"class_type": "./parts/part.json"}, "pass": node("Add", json!({"a": ["p", 1]}))});
    let graph = json!({"outputs": {"text": ["p", 0], "sum": ["pass", "sum"]}, "nodes": nodes});
    place.write("graphs/whole.json", &graph.to_string());
    let save = |swap: &str, file: &str| {
        let ran = place.run(&["run", "graphs/whole.json", "--swap", swap, "--write", file]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        place.read(file)
    };
    insta::assert_snapshot!(save("pass=stub.Constant", "outer.json").replace("\n\n", "\n"), @r#"
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "outputs": {
        "text": ["p", "text"],
        "sum": ["pass", "value"]
      },
      "nodes": {
        "p": {"class_type": "graphs/parts/part.json", "inputs": {}},
        "pass": {"class_type": "stub.Constant", "inputs": {}}
      }
    }
    "#);
    insta::assert_snapshot!(save("p:add=stub.Sleep", "inner.json"), @r#"
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "outputs": {
        "text": ["p:read", "text"],
        "sum": ["pass", "sum"]
      },
      "nodes": {
        "p:read": {"class_type": "stub.ReadText", "inputs": {"path": "graphs/parts/inner.txt"}},
        "p:add": {"class_type": "stub.Sleep", "inputs": {}},
        "pass": {"class_type": "stub.Add", "inputs": {"a": ["p:add", "ms"]}}
      }
    }
    "#);
    for file in ["outer.json", "inner.json"] {
        assert!(place.run(&["run", file]).stdout.starts_with("text  inner\n"));
    }
}

#[test]
fn the_saved_graph_has_the_given_values() {
    let place = place();
    std::fs::create_dir(place.path("work/saved")).unwrap();
    place.write("here.txt", "from here");
    let given = ["output=out.txt", "--set", "number.value=30", "--set", "notes.path=here.txt"];
    let ran = place.run(&[&["run", "graphs/graph.json", "b=7", "--write", "saved/given.json"], &given[..]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "notes  from here\nwrote  out.txt\n"), "{}", ran.stderr);
    insta::assert_snapshot!(place.read("saved/given.json"), @r#"
    {
      "$schema": "../schema.json",
      "_by": "me",
      "version": 2,
      "title": "Sums",
      "packs": {
        "stub": "0.1.0"
      },
      "inputs": {
        "b": "add.b",
        "output": "save.path"
      },
      "outputs": {
        "notes": ["notes", "text"]
      },
      "nodes": {
        "number": {"class_type": "stub.Constant", "inputs": {"value": 30}},
        "other": {"class_type": "stub.Constant", "inputs": {"value": 4}},
        "add": {"class_type": "stub.Add", "inputs": {"a": ["number", "value"], "b": 7}},
        "notes": {"class_type": "stub.ReadText", "inputs": {"path": "../here.txt"}},
        "save": {"class_type": "stub.WriteText", "inputs": {"text": ["add", "sum"], "path": "out.txt"}}
      }
    }
    "#);
    std::fs::remove_file(place.path("work/out.txt")).unwrap();
    let again = place.run(&["run", "saved/given.json"]);
    assert_eq!((again.stdout.as_str(), place.read("out.txt").as_str()), ("notes  from here\nwrote  out.txt\n", "37"));
    // With a swap, a value may be for an input that only the new class has.
    let swap = ["run", "graphs/graph.json", "--swap", "add=stub.Sleep", "--set", "add.ms=5", "--write", "swap.json"];
    assert_eq!(place.run(&swap).code, 0);
    assert!(place.read("swap.json").contains(r#""stub.Sleep", "inputs": {"ms": 5}"#), "{}", place.read("swap.json"));
}

#[test]
fn values_of_graph_nodes_are_saved_too() {
    let place = place();
    let nodes = json!({"read": node("ReadText", json!({"path": "inner.txt"})), "add": node("Add", json!({"a": 1}))});
    let outputs = json!({"text": ["read", "text"], "sum": ["add", "sum"]});
    let part = json!({"inputs": {"file": "read.path", "a": "add.a"}, "outputs": outputs, "nodes": nodes});
    place.write("graphs/parts/part.json", &part.to_string());
    place.write("graphs/parts/inner.txt", "inner");
    place.write("here.txt", "from here");
    let nodes = json!({"p": {"class_type": "./parts/part.json"}});
    let outputs = json!({"text": ["p", "text"], "sum": ["p", "sum"]});
    place.write("graphs/whole.json", &json!({"inputs": {"a": "p.a"}, "outputs": outputs, "nodes": nodes}).to_string());
    let save = |given: &[&str], file: &str| {
        let ran = place.run(&[&["run", "graphs/whole.json", "--write", file], given].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(place.run(&["run", file]).stdout, ran.stdout);
        place
            .read(file)
            .lines()
            .filter(|line| line.contains("class_type"))
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(save(&["a=5", "--set", "p.file=here.txt"], "outer.json"), @r#""p": {"class_type": "graphs/parts/part.json", "inputs": {"a": 5, "file": "here.txt"}}"#);
    insta::assert_snapshot!(save(&["a=5", "--set", "p:add.b=6", "--set", "p.file=here.txt"], "inner.json"), @r#"
    "p:read": {"class_type": "stub.ReadText", "inputs": {"path": "here.txt"}},
    "p:add": {"class_type": "stub.Add", "inputs": {"a": 5, "b": 6}}
    "#);
}

#[test]
fn nodes_that_cannot_be_swapped() {
    let place = place();
    let run = |swap: &[&str]| place.run(&[&["run", "graphs/graph.json"], swap].concat()).all();
    insta::assert_snapshot!(run(&["--swap", "ad=stub.Sleep", "--swap", "add=stub.Sleap", "--swap", "save=none.At"]), @"
    exit code 2
    --- stdout
    --- stderr
    error: swap `ad=stub.Sleep`: the graph has no node `ad`; did you mean `add`?
    error: swap `add=stub.Sleap`: the pack `stub` has no node `Sleap`; did you mean `stub.Sleep`?
    error: swap `save=none.At`: `none.At` needs the pack `none`, but the loaded packs are: second, stub; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    3 problems in graphs/graph.json
    ");
    insta::assert_snapshot!(run(&["--swap", "add"]), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected --swap NODE=CLASS, got `add`
    ");
    insta::assert_snapshot!(run(&["--swap", "add=stub.EveryKind"]), @"
    exit code 2
    --- stdout
    --- stderr
    swap add: stub.Add > stub.EveryKind: dropped the inputs a, b; removed the nodes number, other, which no other node needs; dropped the named input b, which would set nothing
    error: line 1, column 278, node `add` (stub.EveryKind), input `numbers`: expected a list in which each item is a whole number, got nothing
    error: line 1, column 493, node `save` (stub.WriteText), input `text`: node `add` (stub.EveryKind) has no output `sum`; its outputs are: text
    2 problems in graphs/graph.json
    ");
}
