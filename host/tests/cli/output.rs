//! Output that cannot be written, and names that a terminal would act on.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs::File;
use std::process::Stdio;

use serde_json::json;

use crate::support::Place;
use crate::{GRAPH, graph, node};

/// A folder with a graph, two records, and a pack to add.
fn place() -> Place {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    let nodes = json!({"make": node("MakeTensor", json!({}))});
    place.write("record.json", &json!({"outputs": {"value": ["make", "value"]}, "nodes": nodes}).to_string());
    assert_eq!(place.run(&["run", "record.json", "--debug", "seen"]).code, 0);
    std::fs::copy(place.path("work/seen/make.value.safetensors"), place.path("work/a.safetensors")).unwrap();
    place.add_pack("second_pack", "work");
    place
}

/// Every command, with and without `--json`.
fn commands() -> Vec<Vec<String>> {
    let add = format!("packs add {DLL_PREFIX}second_pack{DLL_SUFFIX}");
    [
        "run graph.json",
        "run graph.json --json",
        "run graph.json --help",
        "run --help",
        "batch graph.json start=1,2 output={start}.txt --table t.csv --out batch",
        "batch graph.json start=1,2 output={start}.txt --out batch-json --json",
        "report batch --out report",
        "report batch --out report --json",
        "watch graph.json",
        "watch graph.json --json",
        "bench graph.json --repeat 1",
        "bench graph.json --repeat 1 --json",
        "check graph.json",
        "check graph.json --json",
        "why graph.json add --store store",
        "why graph.json add --store store --json",
        "graphs",
        "graphs --json",
        "nodes",
        "nodes stub.Add",
        "nodes stub.Add --snippet",
        "nodes --json",
        "devices",
        "devices --json",
        "lock graph.json",
        "bundle graph.json",
        "draw graph.json",
        "schema",
        "packs",
        "packs --json",
        "new-pack fresh",
        "inspect a.safetensors",
        "inspect a.safetensors --json",
        "inspect a.safetensors a.safetensors",
        "convert graph.json",
        "convert graph.json --api",
        "completions bash",
        "completions zsh",
        "help",
        "help run",
        "--help",
        "--version",
        "--version --json",
        "inspect --help",
    ]
    .into_iter()
    .chain([add.as_str(), "packs remove second"])
    .map(|line| line.split(' ').map(str::to_owned).collect())
    .collect()
}

#[test]
fn every_command_is_tried() {
    let place = Place::new();
    let help = place.run(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let tried = commands();
    // The server prints nothing there. Further lines of a help text are indented more.
    let listed = listed.filter(|line| !line.starts_with("  serve "));
    for name in listed.filter(|line| !line.starts_with("   ")).map(|line| line.split_whitespace().next().unwrap()) {
        assert!(tried.iter().any(|command| command[0] == name), "the command {name} is not tried");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let place = place();
    for arguments in commands() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = place.command(&[]).args(&arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let ran = place.ran(&output);
        assert_eq!(ran.code, 1, "{arguments:?}: {}", ran.stderr);
        let error = ran.stderr.lines().last().unwrap_or_default();
        let expected = "error: the result cannot be written to standard output: No space left on device (os error 28)";
        assert_eq!(error, expected, "{arguments:?}: {}", ran.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let place = place();
    for arguments in commands() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(&[]).args(&arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let ran = place.ran(&output);
        assert_eq!(ran.code, 141, "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("error"), "{arguments:?}: {}", ran.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_failure_keeps_its_exit_code_on_a_full_disk() {
    let place = Place::with_stub();
    let nodes = json!({"model": node("UseModel", json!({"model": "none"}))});
    graph(&place, &nodes, &json!({"model": ["model", "model"]}));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["check", "graph.json", "--json"]).stdout(full).output().unwrap();
    let ran = place.ran(&output);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot be written to standard output"), "{}", ran.stderr);
}

/// A name that forges a line, clears a terminal, and turns the direction of writing.
pub(crate) const NAME: &str = "a\nerror: b\u{1b}[2J\u{9b}31m\u{202e}c\r";
/// The name as it is shown.
pub(crate) const SHOWN: &str = r"a\nerror: b\u{1b}[2J\u{9b}31m\u{202e}c\r";

/// Whether a terminal only shows a text, and each of its lines.
pub(crate) fn is_inert(text: &str) -> bool {
    let acts = |c: char| c != '\n' && c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
    !text.contains(acts) && !text.lines().any(|line| line.starts_with("error: b"))
}

#[test]
fn foreign_names_are_shown_escaped() {
    let place = Place::with_stub();
    let nodes = json!({
        NAME: node("Constant", json!({"value": 1})),
        "text": node("ReadText", json!({"path": "text.txt"})),
        "fails": node("Fails", json!({"message": NAME})),
    });
    let outputs = json!({NAME: [NAME, "value"], "text": ["text", "text"], "failed": ["fails", "never"]});
    let whole = json!({"title": NAME, "inputs": {NAME: format!("{NAME}.value")}, "outputs": outputs, "nodes": nodes});
    place.write("graph.json", &whole.to_string());
    place.write("text.txt", NAME);
    let given = format!("{NAME}=x");
    let wrong = format!("{NAME}.json");
    let option = format!("--{NAME}");
    for (arguments, shown_on_stdout) in [
        (vec!["run", "graph.json"], true),
        (vec!["run", "graph.json", "--help"], true),
        (vec!["run", "graph.json", "--explain", "-q"], false),
        (vec!["check", "graph.json", &given], false),
        (vec!["check", &wrong], false),
        (vec!["batch", "graph.json", "--no-files", "--table", "t.csv"], false),
        (vec!["bench", "graph.json", &option], false),
    ] {
        let output = place.command(&arguments).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(is_inert(&stdout) && is_inert(&stderr), "{arguments:?}: {stdout:?} {stderr:?}");
        let seen = if shown_on_stdout { &stdout } else { &stderr };
        assert!(seen.contains(SHOWN), "{arguments:?}: {seen}");
    }
    // JSON has escapes of its own, and the same values.
    for arguments in
        [vec!["convert", "graph.json"], vec!["convert", "graph.json", "--api"], vec!["run", "graph.json", "--json"]]
    {
        let output = place.command(&arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(is_inert(&text), "{arguments:?}: {text:?}");
        assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string().contains('\u{9b}'), "{text}");
    }
    // The drawing is text for another program.
    let drawing = place.run(&["draw", "graph.json"]);
    assert!(is_inert(&drawing.stdout), "{:?}", drawing.stdout);
}
