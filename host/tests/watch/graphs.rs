//! Edits of a graph and of the files that it reads.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use splatgraph_sdk::testing::shard;

use crate::support::Place;
use crate::{Watching, node, ran, write_graph};

/// A slow node, a number that is added to its result, and a file with the sum.
fn chain(place: &Place, late: i64) {
    let nodes = json!({
        "slow": node("Sleep", json!({"ms": 60})),
        "other": node("Constant", json!({"value": 5})),
        "early": node("Add", json!({"a": ["slow", 0], "b": ["other", 0]})),
        "late": node("Add", json!({"a": ["early", 0], "b": late})),
        "save": node("WriteText", json!({"text": ["late", 0], "path": "sum.txt"})),
    });
    write_graph(place, nodes, json!(["late", 0]));
}

#[test]
fn a_late_parameter_runs_only_its_node_and_consumers_and_the_host_takes_little_time() {
    let place = Place::with_stub();
    chain(&place, 1);
    let watching = Watching::start(&place, &[]);
    let first = watching.done();
    assert_eq!(ran(&first), ["slow", "other", "early", "late", "save"]);
    assert_eq!((&first["changed"], &first["outputs"]["result"]), (&json!([]), &json!(66)));
    let mut host_ms = Vec::new();
    for late in 2..7 {
        chain(&place, late);
        let round = watching.done();
        assert_eq!(ran(&round), ["late", "save"]);
        assert_eq!(round["changed"], json!(["graph.json"]));
        assert_eq!(round["nodes"][3]["why"], "ran: input `b` changed");
        assert_eq!(round["outputs"]["result"], 65 + late);
        assert_eq!(place.read("sum.txt"), (65 + late).to_string());
        host_ms.push(round["host_ms"].as_f64().unwrap());
    }
    host_ms.sort_by(f64::total_cmp);
    // The fastest round, as other tests keep the machine busy.
    assert!(host_ms[0] < 50.0, "the host took {host_ms:?} ms");
    watching.stays_quiet();
}

#[test]
fn a_part_of_a_model_in_several_files_counts_as_read() {
    let place = Place::with_stub();
    place.write("m.index.json", r#"{"weight_map": {"a": "one.bin", "b": "below/two.bin"}}"#);
    place.write("one.bin", "1");
    place.write("below/two.bin", "2");
    let nodes = json!({
        "model": node("UseModel", json!({"model": "m.index.json"})),
        "other": node("Constant", json!({"value": 5})),
    });
    write_graph(&place, nodes, json!(["model", 0]));
    let watching = Watching::start(&place, &[]);
    assert_eq!(ran(&watching.done()), ["model"]);
    place.write("below/two.bin", "22");
    let round = watching.done();
    assert_eq!(round["changed"], json!(["below/two.bin"]));
    assert_eq!(ran(&round), ["model"]);
    assert_eq!(round["nodes"][0]["why"], "ran: the file of input `model` changed");
}

#[test]
fn a_broken_edit_is_reported_and_the_next_edit_runs() {
    let place = Place::with_stub();
    chain(&place, 1);
    let watching = Watching::start(&place, &[]);
    watching.done();
    place.write("graph.json", "{\"nodes\": {");
    let broken = watching.next();
    assert_eq!(broken["status"], "invalid");
    assert!(broken["problems"][0]["text"].as_str().unwrap().contains("line 1"), "{broken:#}");
    let nodes = json!({"late": node("Ad", json!({}))});
    write_graph(&place, nodes, json!(["late", 0]));
    let unknown = watching.next();
    assert!(unknown["problems"][0].to_string().contains("stub.Add"), "{unknown:#}");
    assert_eq!(place.read("sum.txt"), "66", "the last result stays");
    chain(&place, 2);
    assert_eq!(ran(&watching.done()), ["late", "save"], "nothing is forgotten");
}

#[test]
fn a_graph_that_is_away_or_empty_for_a_moment_is_waited_for() {
    let place = Place::with_stub();
    chain(&place, 1);
    let watching = Watching::start(&place, &[]);
    watching.done();
    let graph = place.path("work/graph.json");
    fs::remove_file(&graph).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    fs::write(&graph, "").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    // Editors replace the file in this way.
    chain(&place, 3);
    let text = place.read("graph.json");
    let new = place.write("graph.json~", &text.replace(r#""b":3"#, r#""b":4"#));
    fs::rename(new, &graph).unwrap();
    let mut round = watching.done();
    if round["outputs"]["result"] == 68 {
        // The write before was a round of its own.
        round = watching.done();
    }
    assert_eq!(round["outputs"]["result"], 69);
    // A graph that stays away is reported.
    fs::remove_file(&graph).unwrap();
    let gone = watching.next();
    assert_eq!(gone["status"], "invalid");
    assert!(gone["message"].as_str().unwrap().contains("the graph does not exist"), "{gone:#}");
    chain(&place, 5);
    assert_eq!(watching.done()["outputs"]["result"], 70);
}

#[test]
fn files_that_nodes_read_count_and_files_that_they_write_do_not() {
    let place = Place::with_stub();
    let nodes = json!({
        "read": node("ReadText", json!({"path": "notes/in.txt"})),
        "save": node("WriteText", json!({"text": ["read", 0], "path": "out.txt"})),
    });
    write_graph(&place, nodes, json!(["read", 0]));
    let watching = Watching::start(&place, &[]);
    let missing = watching.next();
    let problem = &missing["problems"][0];
    assert_eq!(
        (&missing["status"], &problem["node"], &problem["kind"]),
        (&json!("invalid"), &json!("read"), &json!("missing_file"))
    );
    // Its folder did not exist either.
    place.write("notes/in.txt", "one");
    let round = watching.done();
    assert_eq!((&round["outputs"]["result"], ran(&round)), (&json!("one"), vec!["read", "save"]));
    place.write("notes/in.txt", "two");
    let round = watching.done();
    assert_eq!((&round["changed"], &round["outputs"]["result"]), (&json!(["notes/in.txt"]), &json!("two")));
    assert_eq!(place.read("out.txt"), "two");
    place.write("notes/other.txt", "of no interest");
    place.write("out.txt", "changed");
    watching.stays_quiet();
    place.write("notes/in.txt", "three");
    assert_eq!(watching.done()["outputs"]["result"], "three");
}

#[test]
fn a_shard_that_changes_runs_the_nodes_whose_members_changed() {
    let place = Place::with_stub();
    let write = |one: &str, two: &str| {
        let bytes = shard([("one.txt", one.as_bytes()), ("two.txt", two.as_bytes())]);
        let path = place.path("work/in.tar");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("1", "2");
    let nodes = json!({
        "one": node("ReadText", json!({"path": "in.tar/one.txt"})),
        "two": node("ReadText", json!({"path": "in.tar/two.txt"})),
        "a": node("Letters", json!({"text": ["one", 0]})),
        "b": node("Letters", json!({"text": ["two", 0]})),
        "sum": node("Add", json!({"a": ["a", 0], "b": ["b", 0]})),
    });
    write_graph(&place, nodes, json!(["sum", 0]));
    let watching = Watching::start(&place, &[]);
    assert_eq!(watching.done()["outputs"]["result"], 2);
    write("1", "three");
    let round = watching.done();
    assert_eq!((&round["changed"], &round["outputs"]["result"]), (&json!(["in.tar"]), &json!(6)));
    assert_eq!(ran(&round), ["two", "b", "sum"]);
}

#[test]
fn graphs_in_the_graph_are_watched_too() {
    let place = Place::with_stub();
    write_graph(&place, json!({"part": {"class_type": "./parts/part.json", "inputs": {}}}), json!(["part", "sum"]));
    let part = |b: i64| {
        let nodes = json!({"add": node("Add", json!({"a": 1, "b": b}))});
        json!({"version": 1, "outputs": {"sum": ["add", 0]}, "nodes": nodes}).to_string()
    };
    let watching = Watching::start(&place, &[]);
    assert_eq!(watching.next()["status"], "invalid", "the part does not exist");
    place.write("parts/part.json", &part(1));
    assert_eq!(watching.done()["outputs"]["result"], 2);
    place.write("parts/part.json", &part(2));
    let round = watching.done();
    assert_eq!((&round["changed"], &round["outputs"]["result"]), (&json!(["parts/part.json"]), &json!(3)));
    place.write("parts/part.json", "{");
    assert_eq!(watching.next()["status"], "invalid");
    place.write("parts/part.json", &part(2));
    assert_eq!(watching.done()["outputs"]["result"], 3);
}

#[test]
fn a_change_during_a_run_starts_it_again() {
    let place = Place::with_stub();
    let graph = |ms: u64| {
        write_graph(&place, json!({"slow": node("Sleep", json!({"ms": ms}))}), json!(["slow", 0]));
    };
    graph(60_000);
    let watching = Watching::start(&place, &[]);
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    graph(20);
    assert_eq!(watching.next()["status"], "cancelled");
    let round = watching.done();
    assert_eq!(round["outputs"]["result"], 20);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn named_inputs_and_folders_work_as_in_run() {
    let place = Place::with_stub();
    let nodes = json!({
        "first": node("Constant", json!({"value": 3})),
        "add": node("Add", json!({"a": ["first", 0], "b": 4})),
        "save": node("WriteText", json!({"text": ["add", 0], "path": "sum.txt"})),
    });
    let graph = json!({"inputs": {"start": "first.value"}, "outputs": {"sum": ["add", 0]}, "nodes": nodes});
    place.write("graph.json", &graph.to_string());
    let watching = Watching::start(&place, &["start=10", "--set", "add.b=1", "--out", "results"]);
    let round = watching.done();
    assert_eq!(round["outputs"]["sum"], 11);
    assert_eq!(place.read("results/sum.txt"), "11");
}

#[test]
fn a_picture_that_its_own_graph_writes_runs_once() {
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 2})),
        "save": node("SavePicture", json!({"image": ["image", 0], "path": "picture.png"})),
    });
    let graph = json!({"inputs": {"size": "image.size"}, "nodes": nodes, "outputs": {"result": ["save", 0]}});
    place.write("graph.json", &graph.to_string());
    assert_eq!(place.run(&["run", "graph.json"]).code, 0);
    fs::rename(place.path("work/picture.png"), place.path("work/graph.json")).unwrap();
    // A different size makes a different state of the file.
    let watching = Watching::start(&place, &["size=3", "--set", "save.path=graph.json"]);
    watching.done();
    watching.stays_quiet();
}

#[test]
fn graphs_that_cannot_be_watched_are_errors_at_once() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["watch", "-"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected the path of a graph to watch, got standard input
    ");
    insta::assert_snapshot!(place.run(&["watch", "grap.json"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the graph does not exist; name a .json graph, or a picture with a graph in it
      grap.json
    ");
}

#[test]
fn a_round_prints_a_few_lines() {
    let place = Place::with_stub();
    chain(&place, 1);
    let log = fs::File::create(place.path("log")).unwrap();
    let mut command = place.command(&["watch", "graph.json"]);
    let mut child = command.stdout(Stdio::from(log.try_clone().unwrap())).stderr(log).spawn().unwrap();
    let wait_for = |text: &str, times: usize| {
        let start = Instant::now();
        while fs::read_to_string(place.path("log")).unwrap().matches(text).count() < times {
            assert!(start.elapsed() < Duration::from_secs(20), "{}", fs::read_to_string(place.path("log")).unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait_for("press Ctrl-C to end", 1);
    chain(&place, 2);
    wait_for("host ", 2);
    place.write("graph.json", "[]");
    wait_for("waiting for a change", 1);
    chain(&place, 2);
    wait_for("host ", 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let told = fs::read_to_string(place.path("log")).unwrap();
    // The width of the columns depends on the times.
    let told: Vec<String> = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let told = crate::support::without_times(&told.join("\n"));
    insta::assert_snapshot!(told, @"
    slow [TIME] first time
    other [TIME] first time
    early [TIME] first time
    late [TIME] first time
    save [TIME] first time
    result 66
    wrote sum.txt
    done: 5 nodes ran in [TIME]
    host [TIME]
    watching graph.json; press Ctrl-C to end
    graph.json changed
    late [TIME] input `b` changed
    save [TIME] input `text`, which comes from `late`, changed
    3 nodes unchanged
    result 67
    wrote sum.txt
    done: 2 nodes ran in [TIME]
    host [TIME]
    graph.json changed
    error: line 1, column 1: the text is not a graph: expected an object with the key `nodes`, got an array
    1 problem in graph.json
    the last result stays; waiting for a change
    graph.json changed
    5 nodes unchanged
    result 67
    done: 0 nodes ran in [TIME]
    host [TIME]
    ");
}

#[test]
fn the_json_of_a_round_is_one_line_with_everything() {
    let place = Place::with_stub();
    chain(&place, 1);
    let round = Watching::start(&place, &[]).done();
    let keys: Vec<&String> = round.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["changed", "status", "outputs", "written", "unchanged", "failures", "nodes", "ms", "host_ms"]);
    let node: &Json = &round["nodes"][0];
    assert_eq!(node["why"], "ran: first time");
    // The 60 ms of the slow node are not time of the host.
    assert!(round["ms"].as_f64().unwrap() >= 60.0 + round["host_ms"].as_f64().unwrap(), "{round:#}");
}

#[test]
fn previews_of_every_round_are_shown() {
    let place = Place::with_stub();
    write_graph(&place, json!({"show": node("Show", json!({}))}), json!(["show", "shown"]));
    let watching = Watching::start(&place, &["--previews", "seen"]);
    assert_eq!(watching.done()["outputs"]["result"], 4);
    assert!(place.path("work/seen/show.png").exists());
    fs::remove_file(place.path("work/seen/show.png")).unwrap();
    write_graph(&place, json!({"show": node("Show", json!({"count": 5}))}), json!(["show", "shown"]));
    assert_eq!(watching.done()["outputs"]["result"], 5);
    assert!(place.path("work/seen/show.png").exists());
}
