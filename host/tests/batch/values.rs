//! Values of inputs, and the items that they make.

use crate::{copying, files, journal, node, support, texts};

#[test]
fn the_product_of_all_values_is_run_in_order() {
    let place = copying();
    texts(&place, &["b", "a"]);
    let ran =
        place.run(&["batch", "copy.json", "file=in/*.txt", "extra=1..2,7", "output={stem}-{extra}.txt", "--jobs", "1"]);
    insta::assert_snapshot!(ran.all(), @r"
    exit code 0
    --- stdout
    --- stderr
    done: 6 items in [TIME]
    ");
    assert_eq!(
        files(&place, "copy-batch"),
        ["a-1.txt", "a-2.txt", "a-7.txt", "b-1.txt", "b-2.txt", "b-7.txt", "batch.jsonl"]
    );
    let names: Vec<String> = journal(&place, "copy-batch/batch.jsonl")
        .iter()
        .map(|line| line["item"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a-1", "a-2", "a-7", "b-1", "b-2", "b-7"]);
    let first = place.read("copy-batch/batch.jsonl").lines().find(|line| line.contains("status")).unwrap().to_owned();
    let (before, after) = first.split_once("\"ms\":").unwrap();
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    insta::assert_snapshot!(format!("{before}...{after}"), @r#"{"item":"a-1","values":{"file":"in/a.txt","extra":"1","output":"{stem}-{extra}.txt"},"status":"done","files":["a-1.txt"],"outputs":{"letters":1,"sum":2},...}"#);
}

#[test]
fn rows_of_a_csv_file_go_together() {
    let place = copying();
    texts(&place, &["a", "b"]);
    place.write("in/rows.csv", "extra,file,note\n5,a.txt,x\n,b.txt,y\n");
    place.write("in/all.csv", "file,extra\na.txt,1\nb.txt,2\n");
    let sums = |folder: &str| -> Vec<i64> {
        let lines = journal(&place, &format!("{folder}/batch.jsonl"));
        lines.iter().map(|line| line["outputs"]["sum"].as_i64().unwrap()).collect()
    };
    let one = ["batch", "copy.json", "file=@in/rows.csv", "extra=@in/rows.csv", "--out", "one", "--jobs", "1"];
    assert_eq!(place.run(&one).code, 0);
    // An empty cell keeps the value of the graph.
    assert_eq!(sums("one"), [6, 1]);
    assert_eq!(place.run(&["batch", "copy.json", "@in/all.csv", "--out", "all", "--jobs", "1"]).code, 0);
    assert_eq!(sums("all"), [2, 3]);
}

#[test]
fn a_batch_of_one_needs_no_values() {
    let place = copying();
    place.write("none.txt", "abc");
    let ran = place.run(&["batch", "copy.json", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let result: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&result["status"], &result["done"], &result["files"]), (&"done".into(), &1.into(), &1.into()));
    assert!(result["ms"].as_f64() > result["node_ms"].as_f64());
    assert_eq!(files(&place, "copy-batch"), ["batch.jsonl", "none.txt"]);
}

#[test]
fn help_says_how_values_are_written() {
    let place = copying();
    insta::assert_snapshot!(place.run(&["batch", "--help"]).stdout, @"
    Run a graph over many files and values

    Values of an input may be files that match a pattern (image='photos/**/*.jpg'), a list
    (tokens=64,128), a range of whole numbers (seed=0..9, or with a step seed=0..36:4) or a column of a
    CSV file (image=@rows.csv). With @rows.csv alone, every column is an input. All combinations run,
    and the last input varies fastest.

    A .tar shard stands for the pictures in it (image='shards/*.tar'). An input may take the label of
    each file: the name of its folder (class=@image:folder), the number of this folder (@image:class), a
    file beside it (@image:.cls) or its line in a list (@image:labels.txt).

    The folder for output has a journal. With it the same command continues where it stopped, for
    whatever reason, and does not run items again that are done. With --store, an item that is done runs
    again if a file that it reads has other content.

    Usage: splatgraph batch [OPTIONS] <GRAPH> [NAME=VALUES | @ROWS.CSV]...

    Arguments:
      <GRAPH>
              A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input

      [NAME=VALUES | @ROWS.CSV]...
              Values of the graph's named inputs; `splatgraph run GRAPH --help` lists them

    Options:
          --set <NODE.INPUT=VALUE>
              Set any input of a node, for all items; may be given several times

          --out <DIR>
              Write files, the journal and tables into this folder [default: the name of the graph with
              -batch]

          --jobs <N>
              How many items run at the same time [default: one per core]

          --part <I/N>
              Run part I of N, which is every Nth item; parts may run at the same time in one folder

          --collect <OUTPUT>
              Stack this output of many items into one file, and leave out the nodes that write files

          --shard <N>
              How many items each file of --collect has
              
              [default: 1000]

          --table <FILE>
              Write the outputs that are numbers or texts into this CSV file in the folder, with means
              and standard deviations

          --no-files
              Leave out the nodes that write files, and write only the table

          --overwrite
              Replace files that exist, although the graph comes from a picture, from standard input or
              from another program

          --durable
              Wait until files and the journal are on the disk before an item counts as done; without
              this option a power failure can take the last items

          --retry-failed
              Run again the items that failed before

          --locked[=<FILE>]
              Run nothing if the graph, its files, its models, the packs, the device or the processor
              are not those of the lock: the file beside the graph, what the picture or the bundle has,
              or FILE. `splatgraph lock` writes one. Files that NAME=VALUE names may be any

          --packs <DIR>
              Search for node packs in this folder, before all other places; may be given several times

          --contain <PACK>
              Run the nodes of this pack in a process of their own, so that a crash of the pack is only
              an error of its node; `all` stands for every pack. Packs that `packs add` added always do.
              May be given several times

          --in-process <PACK>
              Run the nodes of this pack in this process, although it was added with `packs add`. May be
              given several times

          --node-timeout <SECONDS>
              End the process of a contained pack if one of its nodes takes longer

          --pack-memory <MB>
              The most memory of a contained pack [default: three quarters of the machine's]

          --wait-for-debugger <PACK>
              Run the nodes of this pack in a process of its own, and stop the process before it loads
              the pack. It goes on with `kill -CONT`

          --models <DIR>
              Search for models in this folder too; may be given several times

          --threads <N>
              How many threads all nodes may use together [default: one per core]

          --device <DEVICE>
              The device that nodes compute on: auto, cpu, gpu, gpu:1, cuda, ...; `splatgraph devices`
              lists them
              
              [default: auto]

          --precision <PRECISION>
              The precision of numbers that nodes compute with, if they have a choice
              
              [default: f32]
              [possible values: f32, f16, bf16]

          --max-pixels <N>
              The most pixels of a picture that nodes read [default: as many as fit into 1 GB and twice
              the size of the file]

          --store <DIR>
              Keep the results of nodes in this folder, and take from it what an earlier run left there.
              Several processes may share it. The variable SPLATGRAPH_STORE names one too

          --store-size <MB>
              The size of the store in megabytes; results that were not used for the longest time are
              removed
              
              [default: 10240]

      -q, --quiet
              Print nothing but errors

          --json
              Print the result as JSON, and no progress

          --no-metadata
              Write pictures without the graph in them

      -h, --help
              Print help (see a summary with '-h')

    Exit codes: 0 done; 1 an item failed, or a folder or the result cannot be written; 2 the command
    line, the graph or the journal is wrong; 3 a pack or a model is missing; 129, 130 or 143 cancelled;
    141 the reader of the result went away.
    ");
}

/// A folder with a graph that draws cards, whose `count` is set beside the seed.
fn drawing() -> support::Place {
    let place = support::Place::with_stub();
    let graph = serde_json::json!({
        "inputs": { "seed": "draw.seed", "count": "draw.count", "extra": "sum.b" },
        "outputs": { "cards": ["draw", "cards"], "sum": ["sum", "sum"] },
        "nodes": {
            "draw": node("Draw", serde_json::json!({"seed": 0, "count": 1})),
            "sum": node("Add", serde_json::json!({"a": 1, "b": 0})),
        },
    });
    place.write("draw.json", &graph.to_string());
    place
}

#[test]
fn items_that_use_the_same_seeds_are_a_warning() {
    let place = drawing();
    let ran = place.run(&["batch", "draw.json", "seed=0..8", "count=4"]);
    insta::assert_snapshot!(ran.all(), @r"
    exit code 0
    --- stdout
    --- stderr
    warning: node `draw` (stub.Draw), input `seed`: items use the same numbers: item `0` uses 0 to 3, item `1` uses 1 to 4; give `seed` steps of at least 4, for example seed=0..32:4
    done: 9 items in [TIME]
    ");
    // Only items that are equal otherwise are compared, in any order.
    let two = ["batch", "draw.json", "seed=7,3,6", "count=2", "extra=1,2", "--out", "two"];
    insta::assert_snapshot!(place.run(&two).stderr, @r"
    warning: node `draw` (stub.Draw), input `seed`: items use the same numbers: item `6-1` uses 6 to 7, item `7-1` uses 7 to 8; give `seed` steps of at least 2, for example seed=3..7:2
    done: 6 items in [TIME]
    ");
}

#[test]
fn items_with_seeds_of_their_own_are_no_warning() {
    let place = drawing();
    place.write("rows.csv", "seed,count\n0,4\n4,2\n6,1\n7,3\n");
    let said = |arguments: &[&str]| {
        let ran = place.run(&[&["batch", "draw.json"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr.contains("same numbers")
    };
    assert!(!said(&["seed=0..8:4", "count=4", "--out", "steps"]));
    assert!(!said(&["seed=0..8", "--out", "single"]));
    assert!(!said(&["@rows.csv", "--out", "rows"]));
    // The items differ in another value.
    assert!(!said(&["seed=0", "count=4", "extra=1..3", "--out", "other"]));
}
