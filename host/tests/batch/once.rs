//! Nodes that run once for several items.

use serde_json::json;

use crate::support::Place;
use crate::{node, texts};

#[test]
fn nodes_that_do_not_vary_run_once_and_shared_results_are_used_again() {
    let place = Place::with_stub();
    texts(&place, &["a", "b", "c"]);
    let tally = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let graph = json!({
        "inputs": { "file": "read.path", "n": "more.b", "output": "save.path" },
        "outputs": { "sum": ["more", "sum"] },
        "nodes": {
            "fixed": node("Letters", json!({"text": "model", "tally": tally("fixed")})),
            "read": node("ReadText", json!({"path": "none.txt"})),
            "letters": node("Letters", json!({"text": ["read", "text"], "tally": tally("letters")})),
            "sum": node("Add", json!({"a": ["letters", "letters"], "b": ["fixed", "letters"]})),
            "more": node("Add", json!({"a": ["sum", "sum"]})),
            "save": node("WriteText", json!({"text": ["more", "sum"], "path": "{stem}-{n}.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    let ran = place.run(&["batch", "graph.json", "file=in/*.txt", "n=0..9", "--jobs", "2", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let runs = |name: &str| std::fs::read_to_string(place.path(name)).unwrap().lines().count();
    assert_eq!((runs("fixed"), runs("letters")), (1, 3));
    assert_eq!(place.read("graph-batch/b-7.txt"), "13");
}

#[test]
fn a_picture_of_a_batch_carries_its_own_values() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "size": "image.size" },
        "nodes": {
            "image": node("PlainImage", json!({})),
            "save": node("SavePicture", json!({"image": ["image", "image"], "path": "{size}.png"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    assert_eq!(place.run(&["batch", "graph.json", "size=3,5", "--out", "out"]).code, 0);
    for size in ["3", "5"] {
        let ran = place.run(&["run", &format!("out/{size}.png"), "--set", "save.path=again.png"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(place.run(&["inspect", "again.png"]).stdout.contains(&format!("{size}x{size}")));
    }
    assert_eq!(place.run(&["batch", "graph.json", "size=3", "--out", "bare", "--no-metadata"]).code, 0);
    assert!(!place.run(&["inspect", "bare/3.png"]).stdout.contains("prompt"));
}
