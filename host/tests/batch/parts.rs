//! The option `--part`.

use std::collections::BTreeSet;

use crate::{copying, files, journal, texts};

#[test]
fn parts_at_the_same_time_give_the_union() {
    let place = copying();
    let names: Vec<String> = (0..60).map(|number| format!("t{number:02}")).collect();
    texts(&place, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let parts = ["1/3", "2/3", "3/3"];
    let start = |part: &&str| {
        let arguments = ["batch", "copy.json", "file=in/*.txt", "--out", "out", "--jobs", "1", "--part", part];
        place.command(&arguments).spawn().unwrap()
    };
    let running: Vec<_> = parts.iter().map(start).collect();
    for mut part in running {
        assert!(part.wait().unwrap().success());
    }
    let mut seen = BTreeSet::new();
    for part in 1..=3 {
        for line in journal(&place, &format!("out/batch-{part}-of-3.jsonl")) {
            assert!(seen.insert(line["item"].as_str().unwrap().to_owned()), "an item is in one journal");
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), names);
    assert_eq!(files(&place, "out").len(), 63);

    // With more files, items move to other parts. Items that another part has done do not run again.
    texts(&place, &["a"]);
    for part in parts {
        let ran = place.run(&["batch", "copy.json", "file=in/*.txt", "--out", "out", "--part", part, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let result: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(result["done"], i32::from(part == "1/3"), "{part}");
    }
}

#[test]
fn the_same_part_twice_at_a_time_is_refused() {
    let place = copying();
    texts(&place, &["a"]);
    std::fs::create_dir(place.path("work/out")).unwrap();
    let journal = std::fs::File::create(place.path("work/out/batch-1-of-2.jsonl")).unwrap();
    journal.lock().unwrap();
    let run = |part| place.run(&["batch", "copy.json", "file=in/*.txt", "--out", "out", "--part", part]);
    insta::assert_snapshot!(run("1/2").all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: another process runs this batch, or this part of it, in the same folder; wait for it, or use another folder
      [DIR]/work/out/batch-1-of-2.jsonl
      --out names another folder
    ");
    assert_eq!(run("2/2").code, 0);
}

#[test]
fn temporary_files_of_dead_processes_are_removed_and_those_of_living_ones_stay() {
    let place = copying();
    texts(&place, &["a"]);
    let run = || place.run(&["batch", "copy.json", "file=in/*.txt", "--out", "out"]).code;
    assert_eq!(run(), 0);
    let left = place.write("out/.splatgraph-x", "half");
    let living = splatgraph_sdk::TemporaryFile::new(&place.path("work/out")).unwrap();
    assert!(!left.exists(), "this process was the first to write there");
    place.write("out/.splatgraph-x", "half");
    assert_eq!(run(), 0);
    assert!(!left.exists() && living.path().exists());
}
