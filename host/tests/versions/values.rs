//! Values that users give to graphs of an earlier version.

use super::Versions;
use std::fs;

#[test]
fn named_inputs_take_values_as_the_graph_is_written() {
    let versions = Versions::new();
    for (graph, values) in [
        ("10-blur-named.json", &["radius=2", "method=dilate"][..]),
        ("10-blur-named.json", &["radius=3"]),
        ("20-lighten-named.json", &["amount=57"]),
        ("23-count-named.json", &["level=0.7"]),
        ("28-part-values.json", &["amount=80"]),
        ("09-blur-twice.json", &["--set", "a.radius=2", "--set", "b.method=box"]),
        ("16-lighten-by.json", &["--set", "l.amount=3"]),
        ("27-part.json", &["--set", "p.radius=2", "--set", "p:light.amount=90"]),
    ] {
        let (_, results, bytes) = versions.result("before", graph, values);
        let (_, results_now, bytes_now) = versions.result("after", graph, values);
        assert_eq!((results_now, bytes_now), (results.clone(), bytes.clone()), "{graph} {values:?}");
        let unchanged = versions.result("before", graph, &[]);
        assert_ne!(unchanged.2, bytes, "the values of {graph} change nothing");
        // Saved with the values, the graph has the new form.
        let saved = versions.run("after", &[&["run", graph, "--out", "out", "--write", "saved.json"], values].concat());
        assert_eq!(saved.code, 0, "{}", saved.stderr);
        assert_eq!(versions.result("after", "saved.json", &[]).2, bytes, "{graph} {values:?}");
        fs::remove_file(versions.place.path("work/saved.json")).unwrap();
    }
}

#[test]
fn a_new_name_and_a_new_word_are_known_too() {
    let versions = Versions::new();
    let expected =
        versions.result("before", "02-blur-radius.json", &["--set", "blur.radius=3", "--set", "blur.method=dilate"]);
    let new =
        versions.result("after", "02-blur-radius.json", &["--set", "blur.size=3", "--set", "blur.method=largest"]);
    assert_eq!(new.2, expected.2);
}

#[test]
fn wrong_values_are_told_with_both_names() {
    let versions = Versions::new();
    let error = |arguments: &[&str]| versions.run("after", &[&["check"], arguments].concat()).stderr;
    insta::assert_snapshot!(error(&["06-blur-edges.json", "--set", "blur.edges=wrap"]), @"
    error: `blur.edges=wrap`: the input is gone; the ends are always mirrored
    1 problem in 06-blur-edges.json
    ");
    insta::assert_snapshot!(error(&["12-filter-edges.json", "--set", "f.kind=invert"]), @"
    error: `f.kind=invert`: the input is gone; its value chose the class `FindEdges`; change the class of the node
    1 problem in 12-filter-edges.json
    ");
    insta::assert_snapshot!(error(&["10-blur-named.json", "edges=wrap"]), @"
    error: `edges=wrap`: the graph has no input `edges`; its inputs are: radius, method
    1 problem in 10-blur-named.json
    ");
    insta::assert_snapshot!(error(&["10-blur-named.json", "radius=-1"]), @"
    error: node `blur` (craft.Smooth), input `size`: `radius=-1`: expected a whole number of at least 0, got -1; in the graph, made with craft 0.1.0, this is the input `radius` of `craft.Blur`
    1 problem in 10-blur-named.json
    ");
    insta::assert_snapshot!(error(&["20-lighten-named.json", "amount=101"]), @"
    error: node `l` (craft.Brightness), input `amount`: `amount=101`: expected a number from 0 to 1, got 1.01; in the graph, made with craft 0.1.0, the class is `craft.Lighten`
    1 problem in 20-lighten-named.json
    ");
}

#[test]
fn a_batch_takes_values_as_the_graph_is_written() {
    let versions = Versions::new();
    let mut files = Vec::new();
    for version in ["before", "after"] {
        let more = ["amount=10,57", "--set", "save.path={amount}.txt", "--out", version];
        let ran = versions.run(version, &[&["batch", "20-lighten-named.json"][..], &more].concat());
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert_eq!(ran.stderr.contains("runs with craft 0.3.0"), version == "after", "{}", ran.stderr);
        let folder = versions.place.path("work").join(version);
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name.to_string_lossy().ends_with(".txt"));
        names.sort();
        files.push(names.into_iter().map(|name| fs::read(folder.join(name)).unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(files[0].len(), 2);
    assert_eq!(files[0], files[1]);
}
