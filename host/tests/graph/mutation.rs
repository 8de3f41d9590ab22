//! Random changes of a graph file, which must not make the host panic.

use super::{check_with, closures::declared, given, parse, random::Random};
use splatgraph::graph::{File, draw, expand, schema, swap, to_bare_prompt, to_own_format};
use splatgraph::registry::Registry;
use std::path::Path;

/// A graph file with everything that the format allows.
const GRAPH: &str = r#"{"$schema": "s", "version": 1, "requires": {"std": {"version": ">=0.1, <2", "url": "https://x"}}, "title": "A \u00e9 \ud83d\ude00 ü", "inputs": {"image": "load.path",
    "tokens": ["init.tokens", "size.width"]}, "outputs": {"layout": ["init", "layout"], "n": ["load", 1]}, "nodes": {
    "load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}},
    "init": {"class_type": "tokenize.InitTokens", "inputs": {"image": ["load", 0], "tokens": 64, "exponent": 2.5e0}},
    "size": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 256, "fit": "fill"}},
    "grid": {"class_type": "std.Grid", "inputs": {"images": [["load", 0], ["size", 0]], "weights": {"__value__": [1, 2]}}},
    "note": {"class_type": "std.Note", "inputs": {"on": true, "extra": {"a": [null, -1]}, "seed": 18446744073709551615}},
    "model": {"class_type": "tokenize.LoadTokenizer", "inputs": {"model": "small"}},
    "save": {"class_type": "std.SaveImage", "_meta": {}, "inputs": {"image": ["grid", 0], "path": "{stem}-{b}.png"}}}}"#;

const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-",
    "1e400",
    "18446744073709551616",
    "//",
    "/*",
    "\u{0}",
    "ü",
    "[\"load\", 0]",
    "{\"__value__\": 3}",
    "../",
    "{index}",
    "\"nodes\": [],",
    "\\ud800",
    "0.5",
];

fn mutate(random: &mut Random) -> String {
    let mut text: Vec<char> = GRAPH.chars().collect();
    for _ in 0..=random.next(4) {
        let at = random.next(text.len());
        let end = (at + random.next(12)).min(text.len());
        match random.next(4) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, PIECES[random.next(PIECES.len())].chars())),
            2 => {
                let piece: Vec<char> = text[at..end].to_vec();
                let to = random.next(text.len());
                drop(text.splice(to..to, piece));
            }
            _ => text.truncate(at.max(1)),
        }
        if text.is_empty() {
            break;
        }
    }
    text.into_iter().collect()
}

/// Makes other graphs from a graph.
fn rewrite(file: &File, registry: &Registry) {
    let swaps = [("load", "std.Note"), ("init", "tokenize.DrawTokens"), ("size", "std.Grid")];
    let swaps = swaps.map(|(id, class)| (id.to_owned(), class.to_owned()));
    let swapped = swap(expand(file.clone()), &swaps, registry);
    let swapped = swapped.map_or_else(|_| file.clone(), |(file, _)| file);
    let folder = Path::new("elsewhere");
    for file in [file, &swapped] {
        for converted in [to_own_format(file, folder, registry), to_bare_prompt(file.clone(), folder, registry)] {
            let Ok(converted) = converted else { continue };
            let again = parse(&converted.json.to_string()).expect("what is written can be read");
            assert!(again.problems.is_empty(), "{:?}", again.problems);
        }
    }
}

#[test]
fn no_text_makes_the_host_panic() {
    assert!(check_with(GRAPH, &given()).is_ok());
    let registry = declared();
    let (mut unreadable, mut wrong, mut right) = (0, 0, 0);
    for seed in 0..20_000 {
        let text = mutate(&mut Random(seed));
        match parse(&text) {
            Err(problems) => {
                assert!(!problems.problems.is_empty(), "{text}");
                unreadable += 1;
            }
            Ok(file) => {
                if file.problems.is_empty() {
                    // A text that this reader accepts as JSON is JSON for serde_json too.
                    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
                }
                let _ = draw(&file, Some(&registry));
                let _ = file.to_prompt(&registry);
                if seed % 16 == 0 {
                    rewrite(&file, &registry);
                }
                let again = parse(&file.to_json().to_string()).expect("what is written can be read");
                assert_eq!(again.to_json(), file.to_json());
                match check_with(&text, &given()) {
                    Ok(_) => right += 1,
                    Err(problems) => {
                        assert!(!problems.problems.is_empty(), "{text}");
                        wrong += 1;
                    }
                }
            }
        }
    }
    assert!(unreadable > 1000 && wrong > 1000 && right > 100, "{unreadable} {wrong} {right}");
    assert!(schema(&registry).is_object());
}
