//! The option `--collect`.

use serde_json::json;
use splatgraph_sdk::{Record, Tokens};

use crate::support::Place;
use crate::{files, journal, node};

fn making_tokens() -> Place {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "count": "make.count", "value": "make.value", "channels": "make.channels" },
        "outputs": { "tokens": ["make", "tokens"], "sum": ["sum", "sum"], "model": ["model", "letters"] },
        "nodes": {
            "make": node("MakeTokens", json!({})),
            "model": node("Letters", json!({"text": "model"})),
            "sum": node("Add", json!({"a": 1})),
            "save": node("WriteText", json!({"text": "never", "path": "never.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    place
}

#[test]
fn an_output_of_many_items_is_stacked_into_shards() {
    let place = making_tokens();
    let arguments = |last: &'static str| {
        [
            "batch",
            "graph.json",
            last,
            "count=2",
            "--collect",
            "tokens",
            "--shard",
            "4",
            "--out",
            "out",
            "--table",
            "t.csv",
        ]
    };
    insta::assert_snapshot!(place.run(&arguments("value=0..9")).all(), @"
    exit code 0
    --- stdout
          sum  model
    mean  2    5
    std   0    0
    --- stderr
    not run because of --collect: save (stub.WriteText)
    wrote [DIR]/work/out/t.csv
    done: 10 items in [TIME], 3 shards
    ");
    let shards = ["tokens-00000.safetensors", "tokens-00001.safetensors", "tokens-00002.safetensors"];
    assert_eq!(files(&place, "out"), [&["batch.jsonl", "t.csv"], &shards[..]].concat());
    let mut seen: Vec<(String, f32)> = Vec::new();
    for shard in shards {
        let record = Record::load(&place.path("work/out").join(shard)).unwrap();
        let names: Vec<String> =
            record.header["items"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        let tokens = Tokens::from_record(record).unwrap();
        let [rows, 2, 3] = tokens.textures.dims().unwrap() else { panic!("{:?}", tokens.textures) };
        assert_eq!(rows, names.len());
        seen.extend(names.into_iter().zip(tokens.textures.to_f32().chunks(6).map(|row| row[5])));
    }
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    let expected: Vec<(String, f32)> = (0..10u8).map(|number| (number.to_string(), f32::from(number))).collect();
    assert_eq!(seen, expected);
    assert_eq!(journal(&place, "out/batch.jsonl").len(), 3);

    // With more values, only the new items run, into new shards.
    let more = place.run(&arguments("value=0..12"));
    assert_eq!(more.code, 0, "{}", more.stderr);
    let record = Record::load(&place.path("work/out/tokens-00003.safetensors")).unwrap();
    assert_eq!(record.header["items"], json!(["10", "11", "12"]));
    assert_eq!(place.read("out/t.csv").lines().count(), 1 + 13 + 2);
}

#[test]
fn other_numbers_of_tokens_are_filled_up_and_other_shapes_fail() {
    let place = making_tokens();
    place.write("rows.csv", "count,value,channels\n1,1,3\n3,2,3\n2,3,4\n");
    let ran = place.run(&["batch", "graph.json", "@rows.csv", "--collect", "tokens", "--out", "out"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 1
    --- stdout
    --- stderr
    not run because of --collect: save (stub.WriteText)
    error: item `2-3-4`: the output cannot be stacked onto the output of `1-1-3`: expected the shape of `textures` of the first record, [1, 1, 3], got [1, 2, 4]
    done: 2 items in [TIME], 1 failed, 1 shard
    the same command with --retry-failed runs the failed items again
    ");
    let record = Record::load(&place.path("work/out/tokens-00000.safetensors")).unwrap();
    assert_eq!(record.header["items"], json!(["1-1-3", "3-2-3"]));
    let tokens = Tokens::from_record(record).unwrap();
    assert_eq!(tokens.counts.unwrap().as_slice::<i64>().unwrap(), [1, 3]);
    assert_eq!(tokens.textures.to_f32()[..6], [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    let statuses: Vec<bool> =
        journal(&place, "out/batch.jsonl").iter().map(|line| line.get("shard").is_some()).collect();
    assert_eq!(statuses, [false, true]);
}

#[test]
fn a_batch_is_collected_or_not() {
    let place = making_tokens();
    let run = |more: &[&str]| place.run(&[&["batch", "graph.json", "value=0,1", "--out", "out"], more].concat());
    assert_eq!(run(&["--collect", "tokens"]).code, 0);
    insta::assert_snapshot!(run(&["--set", "save.path={value}.txt"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the batch was started to collect `tokens`, and is now run to write files; use another folder, or remove the journal to start the batch again
      [DIR]/work/out/batch.jsonl
      --out names another folder
    ");
    std::fs::remove_file(place.path("work/out/batch.jsonl")).unwrap();
    insta::assert_snapshot!(run(&["--collect", "tokens"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    not run because of --collect: save (stub.WriteText)
    error: the folder has shards, but no journal that describes them; use another folder, or remove them
      [DIR]/work/out/tokens-00000.safetensors
      --out names another folder
    ");
    assert_eq!(files(&place, "out"), ["tokens-00000.safetensors"]);
}
