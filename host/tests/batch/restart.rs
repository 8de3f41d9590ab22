//! Batches that continue after they were stopped.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use splatgraph_sdk::{Record, testing::shard};

use crate::support::Place;
use crate::{files, journal, node};

const ITEMS: usize = 240;

/// `ITEMS` links to text files, a file that can't be read, and graphs that take a while for each item.
fn many() -> Place {
    let place = Place::with_stub();
    fs::create_dir(place.path("work/in")).unwrap();
    for number in 0..ITEMS {
        if number % 20 == 0 {
            place.write(&format!("real/{number}.txt"), &format!("text {number}"));
        }
        let (link, target) = (format!("work/in/t{number:03}.txt"), format!("../real/{}.txt", number - number % 20));
        std::os::unix::fs::symlink(target, place.path(&link)).unwrap();
    }
    fs::write(place.path("work/in/corrupt.txt"), b"\xff\xfe").unwrap();
    let read = node("ReadText", json!({"path": "none.txt"}));
    let letters = node("Letters", json!({"text": ["read", "text"]}));
    let save = node("WriteSlowly", json!({"text": ["read", "text"], "path": "{stem}.txt"}));
    let graph = json!({
        "inputs": { "file": "read.path" },
        "outputs": { "letters": ["letters", "letters"] },
        "nodes": { "read": read, "letters": letters, "save": save },
    });
    place.write("copy.json", &graph.to_string());
    let graph = json!({
        "inputs": { "file": "read.path" },
        "outputs": { "tokens": ["make", "tokens"] },
        "nodes": {
            "read": read, "letters": letters,
            "wait": node("Sleep", json!({"ms": ["letters", "letters"]})),
            "make": node("MakeTokens", json!({"value": ["wait", "ms"]})),
        },
    });
    place.write("tokens.json", &graph.to_string());
    place
}

fn lines(place: &Place) -> usize {
    fs::read_to_string(place.path("work/out/batch.jsonl")).map_or(0, |text| text.lines().count())
}

/// Waits until the journal has this many lines, or the batch ends.
fn wait_for(place: &Place, enough: usize, batch: &mut Child) {
    let start = Instant::now();
    while lines(place) < enough && batch.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "the batch does not get on");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a batch a few times, each time after up to `most` further lines, and then lets it finish.
fn kill_and_finish(place: &Place, arguments: &[&str], most: usize) -> Json {
    let mut dice: u64 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut random = |below: usize| {
        dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (dice >> 33) as usize % below
    };
    for _ in 0..5 {
        let enough = lines(place).max(1) + 1 + random(most);
        let mut running = place.command(arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        wait_for(place, enough, &mut running);
        thread::sleep(Duration::from_millis(random(20) as u64));
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let ran = place.run(&[arguments, &["--json"]].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let result: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(result["failed"].as_array().unwrap().len(), 1);
    assert_eq!(result["failed"][0]["item"], "corrupt");
    assert_eq!(result["done"].as_u64().unwrap() + result["earlier"].as_u64().unwrap(), ITEMS as u64);
    result
}

#[test]
fn a_killed_batch_continues_and_has_each_item_once() {
    let place = many();
    let arguments = ["batch", "copy.json", "file=in/*.txt", "--out", "out", "--jobs", "2"];
    let result = kill_and_finish(&place, &arguments, ITEMS / 8);
    assert!(result["earlier"].as_u64() > Some(0), "something was done before a kill");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in journal(&place, "out/batch.jsonl") {
        *counts.entry(line["item"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!((counts.len(), counts.values().max()), (ITEMS + 1, Some(&1)));
    let mut expected: Vec<String> = (0..ITEMS).map(|number| format!("t{number:03}.txt")).collect();
    expected.insert(0, "batch.jsonl".to_owned());
    assert_eq!(files(&place, "out"), expected, "no temporary file is left");
    for number in 0..ITEMS {
        let text = place.read(&format!("out/t{number:03}.txt"));
        assert_eq!(text, format!("text {}", number - number % 20));
    }
}

#[test]
fn a_killed_collection_has_each_item_in_one_whole_shard() {
    let place = many();
    let collect = ["--collect", "tokens", "--shard", "16"];
    let arguments = [&["batch", "tokens.json", "file=in/*.txt", "--out", "out", "--jobs", "2"], &collect[..]].concat();
    kill_and_finish(&place, &arguments, 2);
    let mut seen: Vec<String> = Vec::new();
    for name in files(&place, "out").iter().filter(|name| *name != "batch.jsonl") {
        assert!(name.starts_with("tokens-") && name.ends_with(".safetensors"), "{name}");
        let record = Record::load(&place.path("work/out").join(name)).unwrap();
        let names = record.header["items"].as_array().unwrap();
        assert_eq!(record.fields[0].1.shape()[0], names.len());
        seen.extend(names.iter().map(|name| name.as_str().unwrap().to_owned()));
    }
    seen.sort();
    let expected: Vec<String> = (0..ITEMS).map(|number| format!("t{number:03}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_line_that_was_half_written_is_cut_off() {
    let place = crate::copying();
    crate::texts(&place, &["a", "b", "zü"]);
    let arguments = ["batch", "copy.json", "file=in/*.txt", "--out", "out", "--jobs", "1"];
    assert_eq!(place.run(&arguments).code, 0);
    let whole = fs::read(place.path("work/out/batch.jsonl")).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
    // Ends in half a letter.
    let letter = whole.iter().rposition(|byte| *byte > 127).unwrap();
    // Cut at any byte, also inside the first line.
    for keep in [0, 10, first, first + 1, letter, whole.len() - 1] {
        fs::write(place.path("work/out/batch.jsonl"), &whole[..keep]).unwrap();
        assert_eq!(place.run(&arguments).code, 0, "{keep}");
        assert_eq!(journal(&place, "out/batch.jsonl").len(), 3, "{keep}");
    }
}

#[test]
fn ctrl_c_leaves_a_journal_from_which_the_next_run_continues() {
    let place = many();
    let arguments = ["batch", "tokens.json", "file=in/*.txt", "--out", "out", "--jobs", "2"];
    let mut running = place.command(&arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&place, 10, &mut running);
    let kill = std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let ran = place.ran(&running.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(ran.stderr.ends_with("the same command continues from here\n"), "{}", ran.stderr);
    let done = journal(&place, "out/batch.jsonl").len();
    assert!(done > 0 && done < ITEMS, "{done}");
    let rest = place.run(&[&arguments[..], &["--json"]].concat());
    let result: Json = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!(result["earlier"].as_u64().unwrap() + result["done"].as_u64().unwrap(), ITEMS as u64);
}

#[test]
fn a_journal_that_cannot_grow_stops_the_batch() {
    let place = many();
    let arguments = ["batch", "copy.json", "file=in/t*.txt", "--out", "out", "--jobs", "2"];
    // A limit on the size of files has the effect of a full disk.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]).arg(place.path("bin/splatgraph"));
    limited.args(arguments).current_dir(place.path("work")).env("SPLATGRAPH_PACKS", place.path("packs"));
    let ran = place.ran(&limited.output().unwrap());
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stderr, @"
    error: the journal of the batch cannot be written: File too large (os error 27); items that are not in it run again next time
      [DIR]/work/out/batch.jsonl
    ");
    let rest = place.run(&[&arguments[..], &["--json"]].concat());
    let result: Json = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!(result["earlier"].as_u64().unwrap() + result["done"].as_u64().unwrap(), ITEMS as u64);
    assert_eq!(journal(&place, "out/batch.jsonl").len(), ITEMS);
}

#[test]
fn a_killed_batch_over_a_shard_continues() {
    let place = many();
    let text = |name: &str| fs::read(place.path("work/in").join(name)).unwrap();
    let mut members: Vec<(String, Vec<u8>)> =
        (0..ITEMS).map(|number| (format!("t{number:03}.png"), text(&format!("t{number:03}.txt")))).collect();
    members.push(("corrupt.png".to_owned(), text("corrupt.txt")));
    let bytes = shard(members.iter().map(|(name, text)| (name.as_str(), text.as_slice())));
    fs::write(place.path("work/all.tar"), bytes).unwrap();
    let arguments = ["batch", "copy.json", "file=*.tar", "--out", "out", "--jobs", "2"];
    let result = kill_and_finish(&place, &arguments, ITEMS / 8);
    assert!(result["earlier"].as_u64() > Some(0), "something was done before a kill");
    assert_eq!(journal(&place, "out/batch.jsonl").len(), ITEMS + 1);
    for number in 0..ITEMS {
        assert_eq!(place.read(&format!("out/t{number:03}.txt")), format!("text {}", number - number % 20));
    }
}
