//! Data sets as people have them: folders of classes, a flat folder with a list of labels, and .tar shards.

use serde_json::json;
use splatgraph_sdk::testing::{add_member, shard};
use std::fs;

use crate::support::Place;
use crate::{files, journal, node};

/// A folder with a graph that measures a file and takes a number and a word.
fn measuring() -> Place {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "file": "read.path", "number": "sum.b", "word": "kinds.words" },
        "outputs": { "letters": ["letters", "letters"], "sum": ["sum", "sum"], "words": ["kinds", "text"] },
        "nodes": {
            "read": node("ReadText", json!({"path": "none.txt"})),
            "letters": node("Letters", json!({"text": ["read", "text"]})),
            "sum": node("Add", json!({"a": ["letters", "letters"], "b": 0})),
            "kinds": node("EveryKind", json!({"numbers": [], "words": "none"})),
            "save": node("WriteText", json!({"text": ["read", "text"], "path": "{stem}.txt"})),
        },
    });
    place.write("measure.json", &graph.to_string());
    place
}

fn write_shard(place: &Place, name: &str, members: &[(&str, &str)]) {
    let bytes = shard(members.iter().map(|(name, text)| (*name, text.as_bytes())));
    let path = place.path("work").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Runs a batch that writes only a table, and returns the table.
fn table(place: &Place, out: &str, values: &[&str]) -> String {
    let options = ["--out", out, "--table", "all.csv", "--no-files"];
    let ran = place.run(&[&["batch", "measure.json"], values, &options].concat());
    let is_warning = |line: &str| line.starts_with("warning");
    assert!(ran.code == 0 && !ran.stderr.lines().any(is_warning), "{}", ran.stderr);
    place.read(&format!("{out}/all.csv"))
}

const PICTURES: [(&str, &str); 3] = [("cats/a.png", "one"), ("cats/b.png", "three"), ("dogs/c.png", "of a dog")];

#[test]
fn shards_give_the_table_of_the_folder() {
    let place = measuring();
    for (name, text) in PICTURES {
        place.write(&format!("in/{name}"), text);
    }
    write_shard(
        &place,
        "shards/0.tar",
        &[("cats/", ""), PICTURES[0], ("cats/a.cls", "0"), PICTURES[1], ("readme.txt", "x")],
    );
    write_shard(&place, "shards/1.tar", &[("./dogs/c.png", PICTURES[2].1), ("dogs/._c.png", "metadata")]);
    let labels = ["word=@file:folder", "number=@file:class"];
    let folder = table(&place, "one", &[&["file=in/*/*.png"], &labels[..]].concat());
    let shards = table(&place, "two", &[&["file=shards/*.tar"], &labels[..]].concat());
    insta::assert_snapshot!(folder, @"
    item,file,word,number,letters,sum,words
    a-cats-0,in/cats/a.png,cats,0,3,3,0.5 true cats left [] false
    b-cats-0,in/cats/b.png,cats,0,5,5,0.5 true cats left [] false
    c-dogs-1,in/dogs/c.png,dogs,1,8,9,0.5 true dogs left [] false
    mean,,cats,0,4,4,
    std,,cats,0,1.4142135623730951,1.4142135623730951,
    mean,,dogs,1,8,9,
    std,,dogs,1,,,
    mean,,,,5.333333333333333,5.666666666666667,
    std,,,,2.516611478423583,3.055050463303893,
    ");
    assert_eq!(folder, shards.replace("shards/0.tar", "in").replace("shards/1.tar", "in"));
    // A pattern may continue behind a shard, and one shard needs no pattern.
    let some = table(&place, "three", &["file=shards/*.tar/**/{a,c}.png"]);
    assert_eq!(some.lines().filter(|line| line.contains(".tar/")).count(), 2);
    let one = table(&place, "four", &["file=shards/0.tar"]);
    assert_eq!(one.lines().filter(|line| line.contains(".tar/")).count(), 2);
    let other = table(&place, "five", &["file=shards/0.tar/*.txt,shards/1.tar/dogs/c.png"]);
    assert_eq!(other.lines().filter(|line| line.contains(".tar/")).count(), 2);
}

#[test]
fn labels_come_from_files_beside_and_from_lists() {
    let place = measuring();
    write_shard(
        &place,
        "a.tar",
        &[
            ("1.png", "x"),
            ("1.cls", "7\n"),
            ("1.json", r#"{"name": "cat", "id": 3}"#),
            ("2.seg.png", "y"),
            ("2.cls", "8"),
            ("2.json", r#"{"name": "dog", "id": 4}"#),
        ],
    );
    let shard = table(&place, "one", &["file=a.tar", "number=@file:.cls", "word=@file:.json:name"]);
    insta::assert_snapshot!(shard, @"
    item,file,number,word,letters,sum,words
    1-7-cat,a.tar/1.png,7,cat,1,8,0.5 true cat left [] false
    2.seg-8-dog,a.tar/2.seg.png,8,dog,1,9,0.5 true dog left [] false
    mean,,,,1,8.5,
    std,,,,0,0.7071067811865476,
    ");
    place.write("val/x 1.png", "xx");
    place.write("val/y.png", "y");
    place.write("labels.txt", "y.png 2\n\nval/x 1.png 65\nanother.png 1\n");
    place.write("labels.csv", "file,label,more\nval/y.png, 2 ,x\nx 1,65,y\n");
    let text = table(&place, "two", &["file=val/*.png", "number=@file:labels.txt"]);
    insta::assert_snapshot!(text, @"
    item,file,number,letters,sum,words
    x 1-65,val/x 1.png,65,2,67,0.5 true none left [] false
    y-2,val/y.png,2,1,3,0.5 true none left [] false
    mean,,,1.5,35,
    std,,,0.7071067811865476,45.254833995939045,
    ");
    assert_eq!(table(&place, "three", &["number=@file:labels.csv", "file=val/*.png"]), text);
    // Without folders, the shard is the class.
    let class = table(&place, "four", &["file=a.tar", "word=@file:folder"]);
    assert!(class.contains("a.tar/1.png,1"), "{class}");
}

#[test]
fn files_without_labels_are_errors_before_anything_runs() {
    let place = measuring();
    write_shard(&place, "a.tar", &[("1.png", "x"), ("1.cls", "x"), ("1.json", "[]"), ("2.png", "y"), ("3.cls", "")]);
    place.write("list.txt", "1.png 1\n");
    place.write("bad.txt", "1.png 1\nno-label\n");
    place.write("twice.csv", "1.png,1\n1.png,2\n");
    let said = |values: &[&str]| {
        let ran = place.run(&[&["batch", "measure.json"], values].concat());
        assert!(!place.path("work/measure-batch/batch.jsonl").exists());
        format!("{}: {}", ran.code, ran.stderr)
    };
    insta::assert_snapshot!(said(&["file=a.tar", "number=@file:.cls"]), @"
    2: error: `number=@file:.cls`: expected a file that ends in .cls beside [DIR]/work/a.tar/2.png, got none
      [DIR]/work/a.tar/2.cls
    ");
    insta::assert_snapshot!(said(&["file=a.tar/1.png", "word=@file:.json:name"]), @"
    2: error: `word=@file:.json:name`: expected JSON with the field `name`, got none
      [DIR]/work/a.tar/1.json
    ");
    insta::assert_snapshot!(said(&["file=a.tar", "number=@file:list.txt"]), @"
    2: error: `number=@file:list.txt`: the list has no line for a file; add the line `NAME LABEL`
      [DIR]/work/list.txt
      [DIR]/work/a.tar/2.png
    ");
    insta::assert_snapshot!(said(&["file=a.tar/1.png", "number=@file:bad.txt"]), @"
    2: error: `number=@file:bad.txt`: expected `NAME LABEL` in line 2, got another line; write the name of a file and its label
      [DIR]/work/bad.txt
    ");
    insta::assert_snapshot!(said(&["file=a.tar/1.png", "number=@file:twice.csv"]), @"
    2: error: `number=@file:twice.csv`: line 2 gives `1.png` another label than an earlier line; remove one of them
      [DIR]/work/twice.csv
    ");
    insta::assert_snapshot!(said(&["file=a.tar/1.png", "number=@file:foldr"]), @"2: error: expected `folder`, `class`, an ending such as `.cls`, or a list of labels, got `number=@file:foldr`; did you mean `folder`?");
    insta::assert_snapshot!(said(&["number=@file:class"]), @"2: error: expected files for `file`, whose labels `number=@file:class` takes, got none; give them too, as in file='photos/*.jpg'");
    insta::assert_snapshot!(said(&["file=a.tar/1.png", "number=@file:folder"]), @r#"
    2: error: node `sum` (stub.Add), input `b`: `number=a`: expected a whole number, got "a"
    1 problem in measure.json; no item ran
    "#);
}

#[test]
fn stems_that_two_shards_share_clash_before_anything_runs() {
    let place = measuring();
    write_shard(&place, "0.tar", &[("x.png", "x")]);
    write_shard(&place, "1.tar", &[("x.png", "y")]);
    insta::assert_snapshot!(place.run(&["batch", "measure.json", "file=*.tar"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the items `0.tar/x.png` and `1.tar/x.png` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with save.path='{stem}-{index}.txt'
      [DIR]/work/measure-batch/x.txt
    ");
    assert!(!place.path("work/measure-batch/batch.jsonl").exists());
}

#[test]
fn damaged_shards_are_errors_in_words() {
    let place = measuring();
    let bytes = shard([("a.png", &b"text"[..]), ("b.png", &[b'x'; 900])]);
    fs::write(place.path("work/cut.tar"), &bytes[..2000]).unwrap();
    fs::write(place.path("work/packed.tar.gz"), b"\x1f\x8b\x08").unwrap();
    fs::write(place.path("work/renamed.tar"), b"\x1f\x8b\x08").unwrap();
    write_shard(&place, "text.tar", &[("a.txt", "x")]);
    fs::write(place.path("work/empty.tar"), "").unwrap();
    fs::create_dir_all(place.path("work/folder.tar")).unwrap();
    place.write("folder.tar/a.png", "of a folder");
    let said = |value: &str| {
        let ran = place.run(&["batch", "measure.json", value]);
        format!("{}: {}", ran.code, ran.stderr)
    };
    insta::assert_snapshot!(said("file=c*.tar"), @r#"
    1: error: `file=c*.tar`: a shard cannot be read: the member "b.png" declares 900 bytes at byte 1536, but the file ends at byte 2000; it is cut off or damaged, so copy it again
      [DIR]/work/cut.tar
    "#);
    insta::assert_snapshot!(said("file=cut.tar/*.png"), @r#"
    1: error: `file=cut.tar/*.png`: a shard cannot be read: the member "b.png" declares 900 bytes at byte 1536, but the file ends at byte 2000; it is cut off or damaged, so copy it again
      [DIR]/work/cut.tar
    "#);
    insta::assert_snapshot!(said("file=*.tar.gz"), @"2: error: `file=*.tar.gz`: members of a compressed shard are not read; take only the compression away with `gunzip packed.tar.gz`, and use the .tar file");
    insta::assert_snapshot!(said("file=packed.tar.gz"), @"2: error: `file=packed.tar.gz`: members of a compressed shard are not read; take only the compression away with `gunzip packed.tar.gz`, and use the .tar file");
    insta::assert_snapshot!(said("file=packed.tar.gz/*.png"), @"2: error: `file=packed.tar.gz/*.png`: members of a compressed shard are not read; take only the compression away with `gunzip packed.tar.gz`, and use the .tar file");
    insta::assert_snapshot!(said("file=renamed.tar"), @"
    1: error: `file=renamed.tar`: a shard cannot be read: expected a header of 512 bytes at byte 0, got 3 bytes; the file is cut off, or no .tar file
      [DIR]/work/renamed.tar
    ");
    insta::assert_snapshot!(said("file=text.tar"), @"2: error: `file=text.tar` matches no member of a shard that ends in png, jpg, jpeg, webp, gif, bmp, tif, tiff, pnm, pbm, pgm, ppm and 4 more; write SHARD.tar/PATTERN for others, and list them with `tar tf`");
    insta::assert_snapshot!(said("file=empty.tar"), @"2: error: `file=empty.tar` matches no member of a shard that ends in png, jpg, jpeg, webp, gif, bmp, tif, tiff, pnm, pbm, pgm, ppm and 4 more; write SHARD.tar/PATTERN for others, and list them with `tar tf`");
    insta::assert_snapshot!(said("file=folder.tar/*"), @"0: done: 1 item in [TIME]");
}

#[test]
fn members_that_lead_outside_are_passed_over_with_a_warning() {
    let place = measuring();
    let mut bytes = Vec::new();
    add_member(&mut bytes, b'0', "../../secret.png", b"x");
    add_member(&mut bytes, b'2', "link.png", b"");
    add_member(&mut bytes, b'0', "ok.png", b"inside");
    fs::write(place.path("work/a.tar"), bytes).unwrap();
    insta::assert_snapshot!(place.run(&["batch", "measure.json", "file=a.tar"]).all(), @"
    exit code 0
    --- stdout
    --- stderr
    warning: `file=a.tar`: 2 members of a shard cannot be used and are passed over; the first is `../../secret.png`: its name leads out of the shard: [DIR]/work/a.tar
    done: 1 item in [TIME]
    ");
    assert_eq!(files(&place, "measure-batch"), ["batch.jsonl", "ok.txt"]);
}

#[test]
fn a_shard_with_more_members_runs_only_these() {
    let place = measuring();
    write_shard(&place, "a.tar", &[("a.png", "x"), ("b.png", "y")]);
    assert_eq!(place.run(&["batch", "measure.json", "file=*.tar"]).code, 0);
    write_shard(&place, "a.tar", &[("c.png", "z"), ("a.png", "x"), ("b.png", "y")]);
    let ran = place.run(&["batch", "measure.json", "file=*.tar"]);
    assert_eq!(ran.stderr, "2 items done before, 1 to run\ndone: 1 item in [TIME], 2 done before\n");
    assert_eq!(journal(&place, "measure-batch/batch.jsonl").len(), 3);
    assert_eq!(place.read("measure-batch/c.txt"), "z");
}

#[test]
fn run_and_check_take_members() {
    let place = measuring();
    write_shard(&place, "a.tar", &[("deep/a.png", "inside")]);
    let ran = place.run(&["run", "measure.json", "file=a.tar/deep/a.png"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(place.read("a.txt"), "inside");
    insta::assert_snapshot!(place.run(&["check", "measure.json", "file=a.tar/deep/b.png"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: node `read` (stub.ReadText), input `path`: expected the file "a.tar/deep/b.png", got no member "deep/b.png"; `tar tf` lists the members of the shard: [DIR]/work/a.tar
    1 problem in measure.json
    "#);
    insta::assert_snapshot!(place.run(&["check", "measure.json", "file=b.tar/deep/b.png"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: node `read` (stub.ReadText), input `path`: expected the file "b.tar/deep/b.png", got no folder [DIR]/work/b.tar
    1 problem in measure.json
    "#);
}
