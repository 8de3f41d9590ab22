//! Problems before a batch starts, and while it runs.

use std::fs;

use serde_json::json;

use crate::support::{Place, Ran};
use crate::{copying, files, journal, node, texts};

/// Runs a batch of `copy.json` over three files, which must not start.
fn refused(arguments: &[&str]) -> String {
    let place = copying();
    texts(&place, &["a", "b", "c"]);
    place.write("in/rows.csv", "file,extra\na.txt,1\nb.txt,x\n");
    let ran = place.run(&[&["batch", "copy.json"], arguments].concat());
    assert!(!place.path("work/copy-batch").exists(), "nothing is made");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    ran.stderr
}

#[test]
fn values_that_name_nothing() {
    insta::assert_snapshot!(refused(&["file=in/*.jpg"]), @"
    error: `file=in/*.jpg` matches no file in the current directory
      [DIR]/work
    ");
    insta::assert_snapshot!(refused(&["files=in/*.txt"]), @"
    error: `files=in/*.txt`: the graph has no input `files`; did you mean `file`?
    1 problem in copy.json; no item ran
    ");
    insta::assert_snapshot!(refused(&["in/*.txt"]), @"error: expected NAME=VALUE or @rows.csv, got `in/*.txt`");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra="]), @"error: expected a value, or several with commas between them, got `extra=`; leave it out to keep the graph's value");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra=9..0"]), @"error: expected a range from small to large, got `extra=9..0`; write 0..9");
    insta::assert_snapshot!(refused(&["file=in/a.txt", "file=in/b.txt"]), @"error: `file` is given twice; give it once");
}

#[test]
fn csv_files() {
    let place = copying();
    place.write("odd.csv", "fil\nin/a.txt\n");
    insta::assert_snapshot!(place.run(&["batch", "copy.json", "@odd.csv"]).stderr, @"
    error: `@odd.csv` has a column `fil`, but the graph has no such input; did you mean `file`?
    to use only some columns, write NAME=@odd.csv for each
    ");
    insta::assert_snapshot!(refused(&["file=@in/rows.csv", "output=@in/rows.csv"]), @"error: `output=@in/rows.csv`: the file has no column `output`; its columns are: file, extra");
    insta::assert_snapshot!(refused(&["file=@in/none.csv"]), @r"
    error: `@in/none.csv`: the CSV file cannot be read: No such file or directory (os error 2)
      [DIR]/work/in/none.csv
    ");
    insta::assert_snapshot!(refused(&["@in/rows.csv", "extra=3"]), @"error: `extra` is given twice; give it once");
    insta::assert_snapshot!(refused(&["@in/rows.csv"]), @r#"
    error: item `b-x`: node `sum` (stub.Add), input `b`: `extra=x`: expected a whole number, got "x"
    1 problem in copy.json; no item ran
    "#);
}

#[test]
fn parts_that_are_none() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--part", "9/8"]), @"
    error: invalid value '9/8' for '--part <I/N>': expected a part from 1/8 to 8/8

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--part", "0/3"]), @"
    error: invalid value '0/3' for '--part <I/N>': expected a part from 1/3 to 3/3

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--part", "two"]), @"
    error: invalid value 'two' for '--part <I/N>': expected the number of a part and the number of parts, such as 2/8

    For more information, try '--help'.
    ");
}

#[test]
fn problems_of_items_are_reported_once_for_all() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra=1,two,3.5"]), @r#"
    error: item `a-two` and 2 more: node `sum` (stub.Add), input `b`: `extra=two`: expected a whole number, got "two"
    error: item `a-3.5` and 2 more: node `sum` (stub.Add), input `b`: `extra=3.5`: expected a whole number, got "3.5"
    2 problems in copy.json; no item ran
    "#);
    insta::assert_snapshot!(refused(&["file=in/*.txt", "output={none}.txt"]), @r#"
    error: node `save` (stub.WriteText), input `path`: the path "{none}.txt" has an unknown placeholder {none}: expected {stem}, {index}, {b}, {file}, {extra}, {output}
    1 problem in copy.json; no item ran
    "#);
}

#[test]
fn two_items_may_not_write_one_file() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra=1,2"]), @"
    error: the items `a-1` and `a-2` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with output='{stem}-{extra}.txt'
      [DIR]/work/copy-batch/a.txt
    ");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "output=same.png"]), @"
    error: the items `a` and `b` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with output='{stem}.png'
      [DIR]/work/copy-batch/same.png
    ");
    insta::assert_snapshot!(refused(&["file=in/a.txt,copy.json", "output=../in/a.txt"]), @"
    error: the items `a` and `copy` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with output='../in/{stem}.txt'
      [DIR]/work/copy-batch/../in/a.txt
    ");
    // An item would write over a file that another item reads.
    let over = ["file=in/a.txt,in/b.txt,in/001.txt", "--out", ".", "output=in/{index}.txt"];
    insta::assert_snapshot!(refused(&over), @"
    error: the item `b` would write over a file that the item `001` reads; give the written file another name
      [DIR]/work/in/001.txt
    ");
}

#[test]
fn the_files_of_the_batch_itself_are_safe() {
    insta::assert_snapshot!(refused(&["file=in/a.txt", "--table", "batch.jsonl"]), @"
    error: the table would write over the journal of the batch; give the table another name
      [DIR]/work/copy-batch/batch.jsonl
    ");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--table", "b.txt"]), @"
    error: the item `b` would write over the table of the batch; give its file another name
      [DIR]/work/copy-batch/b.txt
    ");
    insta::assert_snapshot!(refused(&["file=in/a.txt", "output=batch.jsonl"]), @"
    error: the item `a` would write over the journal of the batch; give its file another name
      [DIR]/work/copy-batch/batch.jsonl
    ");
}

#[test]
fn outputs_that_cannot_be_collected() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--collect", "letter"]), @"error: the graph has no output `letter` (did you mean `letters`?); these outputs can be collected: none; name one under `outputs` in the graph");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--collect", "letters"]), @"error: expected an output with tensors to collect, got `letters` of type INT, which goes into a table; these outputs can be collected: none; name one under `outputs` in the graph");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--shard", "3"]), @r"
    error: the following required arguments were not provided:
      --collect <OUTPUT>

    Usage: splatgraph batch [OPTIONS] <GRAPH> [NAME=VALUES | @ROWS.CSV]...

    For more information, try '--help'.
    ");
}

#[test]
fn a_folder_that_cannot_be_written() {
    let place = copying();
    texts(&place, &["a"]);
    place.write("taken", "a file");
    let run = |out: &str| place.run(&["batch", "copy.json", "file=in/*.txt", "--out", out]).all();
    insta::assert_snapshot!(run("taken"), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the folder for output cannot be created: File exists (os error 17)
      [DIR]/work/taken
    ");
    fs::create_dir_all(place.path("work/odd/batch.jsonl")).unwrap();
    insta::assert_snapshot!(run("odd"), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the journal of the batch cannot be written: Is a directory (os error 21)
      [DIR]/work/odd/batch.jsonl
    ");
}

#[test]
fn journals_of_other_batches() {
    let place = copying();
    texts(&place, &["a", "b"]);
    let run = |arguments: &[&str]| place.run(&[&["batch", "copy.json", "--out", "out"], arguments].concat()).all();
    assert!(run(&["file=in/a.txt"]).starts_with("exit code 0"));
    insta::assert_snapshot!(run(&["file=in/a.txt", "--part", "1/2"]), @"
    exit code 2
    --- stdout
    --- stderr
    error: the batch in this folder was started as a whole, and cannot continue in 2 parts: the parts would overlap; use the same number of parts, or another folder
      [DIR]/work/out/batch.jsonl
      --out names another folder
    ");
    insta::assert_snapshot!(run(&["file=in/a.txt", "extra=3"]), @"
    exit code 2
    --- stdout
    --- stderr
    error: the item `a` would write over a file of an earlier run, of the item `a` with other values; use another folder, or file names made of the values
      [DIR]/work/out/a.txt
      --out names another folder
    ");
    let graph = place.read("copy.json").replace("{stem}.txt", "{stem}.text");
    place.write("copy.json", &graph);
    insta::assert_snapshot!(run(&["file=in/a.txt"]), @"
    exit code 2
    --- stdout
    --- stderr
    error: copy.json changed after the batch was started; use another folder, or remove the journal to start the batch again
      [DIR]/work/out/batch.jsonl
      --out names another folder
    ");
    place.write("other.json", &graph);
    insta::assert_snapshot!(place.run(&["batch", "other.json", "--out", "out", "file=in/a.txt"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the journal belongs to another graph, copy.json; use another folder, or remove the journal to start the batch again
      [DIR]/work/out/batch.jsonl
      --out names another folder
    ");
    place.write("out/batch.jsonl", "a file of the user's");
    assert!(run(&["file=in/a.txt"]).starts_with("exit code 2"));
    assert_eq!(place.read("out/batch.jsonl"), "a file of the user's");
    place.write("out/batch.jsonl", "photos\nand");
    insta::assert_snapshot!(run(&["file=in/a.txt"]), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected the journal of a batch, got another file; use another folder, or move the file
      [DIR]/work/out/batch.jsonl
      --out names another folder
    ");
}

#[test]
fn a_damaged_line_of_the_journal_is_named() {
    let place = copying();
    texts(&place, &["a", "b"]);
    let arguments = ["batch", "copy.json", "--out", "out", "--jobs", "1", "file=in/*.txt"];
    assert_eq!(place.run(&arguments).code, 0);
    let damaged = place.read("out/batch.jsonl").replacen("\n{\"item\":", "\n{\"item\"", 1);
    place.write("out/batch.jsonl", &damaged);
    insta::assert_snapshot!(place.run(&arguments).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: line 3 of the journal is damaged: expected `:` at line 1 column 8; remove the line, and its item runs again
      [DIR]/work/out/batch.jsonl
    ");
}

/// The errors without the location in the pack.
fn without_places(ran: &Ran) -> String {
    let lines = ran.stderr.lines().map(|line| line.split(" [stub").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(unix)]
#[test]
fn a_failing_item_does_not_stop_the_rest() {
    let place = copying();
    texts(&place, &["a", "b", "c"]);
    // A file that matches the pattern, but is gone when its item runs.
    std::os::unix::fs::symlink("nowhere", place.path("work/in/gone.txt")).unwrap();
    fs::write(place.path("work/in/latin.txt"), b"\xff").unwrap();
    let run = |more: &[&str]| place.run(&[&["batch", "copy.json", "file=in/*.txt", "--jobs", "1"], more].concat());
    let ran = run(&[]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(without_places(&ran), @r#"
    warning: item `gone` will fail: node `read` (stub.ReadText), input `path`: expected the file "in/gone.txt", got a link that leads nowhere: [DIR]/work/in/gone.txt
    error: item `gone`: node `read` (stub.ReadText), input `path`: expected the file "in/gone.txt", got a link that leads nowhere: [DIR]/work/in/gone.txt
    error: item `latin`: node `read` (stub.ReadText) failed: input `path`: stream did not contain valid UTF-8: [DIR]/work/in/latin.txt
    done: 3 items in [TIME], 2 failed
    the same command with --retry-failed runs the failed items again
    "#);
    assert_eq!(files(&place, "copy-batch"), ["a.txt", "b.txt", "batch.jsonl", "c.txt"]);
    let again = run(&[]);
    assert_eq!(again.code, 1, "what failed is still reported");
    insta::assert_snapshot!(without_places(&again), @r#"
    3 items done before, 0 to run
    error: item `gone`: node `read` (stub.ReadText), input `path`: expected the file "in/gone.txt", got a link that leads nowhere: [DIR]/work/in/gone.txt
    error: item `latin`: node `read` (stub.ReadText) failed: input `path`: stream did not contain valid UTF-8: [DIR]/work/in/latin.txt
    done: 0 items in [TIME], 3 done before, 2 failed
    the same command with --retry-failed runs the failed items again
    "#);
    fs::remove_file(place.path("work/in/gone.txt")).unwrap();
    fs::write(place.path("work/in/gone.txt"), "back").unwrap();
    let retried = run(&["--retry-failed"]);
    assert_eq!(retried.code, 1);
    insta::assert_snapshot!(without_places(&retried), @"
    3 items done before, 2 to run
    error: item `latin`: node `read` (stub.ReadText) failed: input `path`: stream did not contain valid UTF-8: [DIR]/work/in/latin.txt
    done: 1 item in [TIME], 3 done before, 1 failed
    the same command with --retry-failed runs the failed items again
    ");
    assert_eq!(journal(&place, "copy-batch/batch.jsonl").len(), 7);
    assert_eq!(place.read("copy-batch/gone.txt"), "back");
}

#[test]
fn many_failures_are_counted() {
    let place = copying();
    let list: Vec<String> = (0..25).map(|number| format!("none{number}.txt")).collect();
    let ran = place.run(&["batch", "copy.json", &format!("file={}", list.join(",")), "--jobs", "1"]);
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("error: item")).count(), 20);
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| !line.starts_with("error: item")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    warning: 25 items will fail, first `none0`: node `read` (stub.ReadText), input `path`: expected the file "none0.txt", got no such file: [DIR]/work/none0.txt
    ... and 5 more; the journal lists them all
      [DIR]/work/copy-batch/batch.jsonl
    done: 0 items in [TIME], 25 failed
    the same command with --retry-failed runs the failed items again
    "#);
}

#[test]
fn an_item_whose_files_are_missing_fails_before_its_nodes_run() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "file": "read.path", "list": "more.path", "output": "save.path" },
        "nodes": {
            "slow": node("Sleep", json!({"ms": 600_000})),
            "wait": node("Pass", json!({"value": ["slow", 0]})),
            "read": node("ReadText", json!({"path": "none.txt"})),
            "more": node("ReadText", json!({"path": "list.txt"})),
            "save": node("WriteText", json!({"text": ["read", "text"], "path": "{stem}.txt"})),
            "other": node("WriteText", json!({"text": ["wait", 0], "path": "{stem}-waited.txt"})),
            "last": node("WriteText", json!({"text": ["more", "text"], "path": "{stem}-list.txt"})),
        },
    });
    place.write("slow.json", &graph.to_string());
    place.write("list.txt", "needed by all");
    texts(&place, &["a"]);
    let ran = place.run(&["batch", "slow.json", "file=in/b.txt,in/c.txt", "--jobs", "1"]);
    insta::assert_snapshot!(ran.all(), @r#"
    exit code 1
    --- stdout
    --- stderr
    warning: 2 items will fail, first `b`: node `read` (stub.ReadText), input `path`: expected the file "in/b.txt", got no such file: [DIR]/work/in/b.txt; did you mean "in/a.txt"?
    error: item `b`: node `read` (stub.ReadText), input `path`: expected the file "in/b.txt", got no such file: [DIR]/work/in/b.txt; did you mean "in/a.txt"?
    error: item `c`: node `read` (stub.ReadText), input `path`: expected the file "in/c.txt", got no such file: [DIR]/work/in/c.txt; did you mean "in/a.txt"?
    done: 0 items in [TIME], 2 failed
    the same command with --retry-failed runs the failed items again
    "#);
    // Nothing helps an item that needs a file which all items need.
    fs::remove_file(place.path("work/list.txt")).unwrap();
    let ran = place.run(&["batch", "slow.json", "file=in/a.txt,in/c.txt", "--out", "new"]);
    insta::assert_snapshot!(ran.all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: line 1, column 324, node `more` (stub.ReadText), input `path`: expected the file "list.txt", got no such file: [DIR]/work/list.txt; give one with `list=FILE`
    1 problem in slow.json; no item ran
    "#);
}

#[test]
fn a_name_that_can_not_be_written_is_wrong_unless_nothing_is_written() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "size": "image.size" },
        "outputs": { "mean": ["mean", "mean"] },
        "nodes": {
            "image": node("PlainImage", json!({})),
            "mean": node("Mean", json!({"image": ["image", "image"]})),
            "note": node("WriteSlowly", json!({"text": "x", "path": "{size}.heic"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    insta::assert_snapshot!(place.run(&["batch", "graph.json", "size=2,3"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: line 1, column 269, node `note` (stub.WriteSlowly), input `path`: expected a file name that ends in .txt, got "{size}.heic"
    1 problem in graph.json; no item ran
    "#);
    let without = ["batch", "graph.json", "size=2,3", "--table", "t.csv", "--no-files"];
    assert_eq!(place.run(&without).code, 0);
}

#[test]
fn items_that_are_done_need_no_files() {
    let place = copying();
    texts(&place, &["a", "b"]);
    let run = || place.run(&["batch", "copy.json", "file=in/a.txt,in/b.txt"]);
    assert_eq!(run().code, 0);
    fs::remove_dir_all(place.path("work/in")).unwrap();
    let again = run();
    assert_eq!((again.code, again.stderr.contains("will fail")), (0, false), "{}", again.stderr);
}

#[test]
fn a_failure_that_concerns_all_items_stops_the_batch() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "a": "sum.b", "output": "save.path" },
        "nodes": {
            "bad": node("Misses", json!({})),
            "sum": node("Add", json!({"a": ["bad", "never"]})),
            "save": node("WriteText", json!({"text": ["sum", "sum"], "path": "{a}.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    let ran = place.run(&["batch", "graph.json", "a=0..99"]);
    assert_eq!(ran.code, 3);
    insta::assert_snapshot!(without_places(&ran), @"
    error: node `bad` (stub.Misses) failed: the stub misses a model on purpose
    every item needs this node, so no item ran
    ");
}

#[test]
fn an_item_writes_no_file_twice() {
    let place = Place::with_stub();
    let save = |path: &str| node("WriteText", json!({"text": "x", "path": path}));
    let graph = json!({
        "inputs": { "other": "b.path", "number": "c.value" },
        "nodes": { "a": save("a-{number}.txt"), "b": save("b.txt"), "c": node("Constant", json!({})) },
        "outputs": { "number": ["c", "value"] },
    });
    place.write("graph.json", &graph.to_string());
    place.write("rows.csv", "number,other\n1,b.txt\n2,a-2.txt\n");
    insta::assert_snapshot!(place.run(&["batch", "graph.json", "@rows.csv"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the item `2-a-2` would write the same file twice, in node `b` (stub.WriteText); give each item its own file, for example with other='{number}.txt'
      [DIR]/work/graph-batch/a-2.txt
    ");
}
