//! The option `--table`.

use serde_json::json;

use crate::support::Place;
use crate::{copying, node, texts};

#[test]
fn results_and_their_means_are_written() {
    let place = copying();
    texts(&place, &["a", "abc"]);
    let arguments =
        ["batch", "copy.json", "file=in/*.txt", "extra=1,10", "output={stem}-{extra}.txt", "--table", "all.csv"];
    let ran = place.run(&arguments);
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!(ran.stdout, @r"
          extra  letters  sum
    mean  1      2        3
    std   1      1.4142   1.4142
    mean  10     2        12
    std   10     1.4142   1.4142
    mean         2        7.5000
    std          1.1547   5.3229
    ");
    insta::assert_snapshot!(place.read("copy-batch/all.csv"), @r"
    item,file,extra,letters,sum
    a-1,in/a.txt,1,1,2
    a-10,in/a.txt,10,1,11
    abc-1,in/abc.txt,1,3,4
    abc-10,in/abc.txt,10,3,13
    mean,,1,2,3
    std,,1,1.4142135623730951,1.4142135623730951
    mean,,10,2,12
    std,,10,1.4142135623730951,1.4142135623730951
    mean,,,2,7.5
    std,,,1.1547005383792515,5.32290647422377
    ");
    // The values come from the journal, as all items were done before.
    std::fs::remove_file(place.path("work/copy-batch/all.csv")).unwrap();
    texts(&place, &["ab"]);
    assert_eq!(place.run(&arguments).code, 0);
    assert_eq!(place.read("copy-batch/all.csv").lines().filter(|line| line.contains(".txt")).count(), 6);
    let part =
        place.run(&["batch", "copy.json", "file=in/*.txt", "--out", "part", "--part", "1/2", "--table", "all.csv"]);
    assert_eq!(part.code, 0, "{}", part.stderr);
    insta::assert_snapshot!(place.read("part/all-1-of-2.csv"), @r"
    item,file,letters,sum
    a,in/a.txt,1,1
    abc,in/abc.txt,3,3
    mean,,2,2
    std,,1.4142135623730951,1.4142135623730951
    ");
}

#[test]
fn infinite_results_are_kept_and_failed_items_are_no_rows() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "a": "ratio.a", "b": "ratio.b", "file": "read.path" },
        "outputs": { "ratio": ["ratio", "ratio"], "text": ["read", "text"] },
        "nodes": {
            "ratio": node("Ratio", json!({"a": 1})),
            "read": node("ReadText", json!({"path": "none.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    place.write("rows.csv", "file,b\none.txt,0\ntwo.txt,4\nnone.txt,1\n");
    place.write("one.txt", "says \"one\", twice");
    place.write("two.txt", "2");
    assert_eq!(place.run(&["batch", "graph.json", "@rows.csv", "--table", "t/all.csv", "--quiet"]).code, 1);
    insta::assert_snapshot!(place.read("graph-batch/t/all.csv"), @r#"
    item,file,b,ratio,text
    one-0,one.txt,0,inf,"says ""one"", twice"
    two-4,two.txt,4,0.25,2
    mean,,,inf,
    std,,,NaN,
    "#);
}

#[test]
fn only_the_table_is_wanted() {
    let place = copying();
    texts(&place, &["a", "abc"]);
    // The items would write the same file.
    let arguments = ["batch", "copy.json", "file=in/*.txt", "extra=1,10", "output=one.txt", "--table", "all.csv"];
    assert_eq!(place.run(&arguments).code, 2);
    let ran = place.run(&[&arguments[..], &["--no-files"]].concat());
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
          extra  letters  sum
    mean  1      2        3
    std   1      1.4142   1.4142
    mean  10     2        12
    std   10     1.4142   1.4142
    mean         2        7.5000
    std          1.1547   5.3229
    --- stderr
    not run because of --no-files: save (stub.WriteText)
    wrote [DIR]/work/copy-batch/all.csv
    done: 4 items in [TIME]
    ");
    assert_eq!(place.read("copy-batch/all.csv").lines().filter(|line| line.contains(".txt")).count(), 4);
    insta::assert_snapshot!(place.run(&["batch", "copy.json", "file=in/*.txt", "--no-files"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: the following required arguments were not provided:
      --table <FILE>

    Usage: splatgraph batch [OPTIONS] <GRAPH> [NAME=VALUES | @ROWS.CSV]...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.run(&["batch", "copy.json", "file=in/*.txt"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the batch was started without files, and is now run to write files; use another folder, or remove the journal to start the batch again
      [DIR]/work/copy-batch/batch.jsonl
      --out names another folder
    ");
    place.write(
        "plain.json",
        &json!({"nodes": {"save": node("WriteText", json!({"text": "x", "path": "x"}))}}).to_string(),
    );
    insta::assert_snapshot!(place.run(&["batch", "plain.json", "--table", "t.csv", "--no-files"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a graph with a named output that is a number or a text: without files, a batch makes only these
    ");
}

#[test]
fn cells_compute_nothing_and_columns_have_names_of_their_own() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "item": "read.path", "sum": "sum.b" },
        "outputs": { "text": ["read", "text"], "sum": ["sum", "sum"] },
        "nodes": {
            "read": node("ReadText", json!({"path": "none.txt"})),
            "sum": node("Add", json!({"a": 1, "b": 0})),
        },
    });
    place.write("graph.json", &graph.to_string());
    let cells = [("=a", "=1+2"), ("+a", "+x"), ("-a", "-5"), ("@a", "@SUM(1)"), ("b", "-x")];
    for (name, text) in cells {
        place.write(&format!("{name}.txt"), text);
    }
    let ran = place.run(&["batch", "graph.json", "item=*a.txt,b.txt", "sum=-3", "--table", "t.csv", "--out", "out"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(place.read("out/t.csv"), @"
    item,item (input),text,sum
    '+a,'+a.txt,'+x,-2
    '-a,'-a.txt,-5,-2
    '=a,'=a.txt,'=1+2,-2
    '@a,'@a.txt,'@SUM(1),-2
    b,b.txt,'-x,-2
    mean,,,-2
    std,,,0
    ");
    let ran = place.run(&["batch", "graph.json", "item=b.txt", "sum=-3,4", "--table", "t.csv", "--out", "more"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(place.read("more/t.csv"), @"
    item,sum,text,sum (result)
    -3,-3,'-x,-2
    4,4,'-x,5
    mean,,,1.5
    std,,,4.949747468305833
    ");
}
