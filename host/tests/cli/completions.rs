//! `splatgraph completions`, and the words that its scripts ask for.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Place;
use crate::{GRAPH, node};

/// A folder with a graph, whose packs were looked over before.
fn place() -> Place {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    place.run(&["nodes"]);
    place
}

/// The words that the last word may become.
fn words(place: &Place, before: &[&str]) -> String {
    let ran = place.run(&[&["complete", "--"], before].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{before:?}");
    ran.stdout.trim_end().replace('\n', " ")
}

#[test]
fn every_shell_has_a_script() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = place.run(&["completions", shell]);
        let asks = ran.stdout.contains(" complete -- ");
        assert!(ran.code == 0 && asks != ran.stdout.contains("new-pack"), "{shell}");
    }
}

#[test]
fn commands_options_nodes_and_inputs_of_graphs_are_completed() {
    let place = place();
    let of = |line: &str| words(&place, &line.split(' ').collect::<Vec<_>>());
    assert!(of("").starts_with("run batch report watch") && !of("").contains("look-over"));
    assert_eq!(of("new"), "new-pack");
    assert_eq!((of("run "), of("run gra")), (String::new(), String::new()), "the shell completes files");
    assert_eq!(of("run graph.json "), "start= output=");
    assert_eq!(of("run --quiet --set add.b=3 graph.json st"), "start=");
    assert_eq!(of("batch graph.json start=1 o"), "output=");
    assert_eq!(of("run graph.json --sw"), "--swap");
    assert_eq!(of("run graph.json --swap "), "first= add= save=");
    assert_eq!(of("run graph.json --swap add=stub.Le"), "add=stub.Letters");
    assert_eq!(of("run graph.json --set a"), "add.");
    assert_eq!(of("run graph.json --set add."), "add.a= add.b=");
    assert_eq!(of("run graph.json --until s"), "save");
    assert_eq!(of("batch graph.json --collect "), "sum");
    assert_eq!(of("nodes stub.Write"), "stub.WriteText stub.WriteSlowly");
    assert_eq!(of("nodes st").split(' ').next(), Some("stub"));
    assert_eq!(of("completions z"), "zsh");
    assert_eq!(of("packs r"), "remove");
    assert_eq!(of("run graph.json --precision f"), "f32 f16");
    let kinds = json!({"nodes": {"x": node("EveryKind", json!({}))}, "inputs": {"mode": "x.mode", "on": "x.on"}});
    place.write("kinds.json", &kinds.to_string());
    assert_eq!(of("run kinds.json on="), "on=false on=true");
}

#[test]
fn nothing_is_said_about_what_is_wrong_and_no_pack_is_opened() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    place.write("broken.json", "{");
    assert_eq!(words(&place, &["nodes", "stub"]), "", "no command looked the pack over yet");
    assert_eq!(words(&place, &["run", "graph.json", "st"]), "start=", "names need no pack");
    assert!(!place.path("cache").exists());
    for line in [
        &["run", "broken.json", ""][..],
        &["run", "none.json", ""],
        &["run", ".", ""],
        &["run", "-", ""],
        &["run", "/dev/zero", ""],
        &["nodes", "--packs", "nowhere", ""],
        &["no-command", ""],
        &["run", "graph.json", "--until", "x", "--set"],
        &[],
    ] {
        let ran = place.run(&[&["complete", "--"], line].concat());
        assert!(ran.code == 0 && ran.stderr.is_empty() && !ran.stdout.contains("stub"), "{line:?}: {}", ran.all());
    }
}

#[test]
fn names_with_commands_for_the_shell_are_not_offered() {
    let place = place();
    let inputs = json!({"$(touch bad)": "a.value", "two words": "a.value", "a;b": "a.value", "größe": "a.value"});
    let graph =
        json!({"inputs": inputs, "nodes": {"a": node("Constant", json!({})), "`id`": node("Constant", json!({}))}});
    place.write("bad.json", &graph.to_string());
    assert_eq!(words(&place, &["run", "bad.json", ""]), "größe=");
    assert_eq!(words(&place, &["run", "bad.json", "--until", ""]), "a");
}

#[test]
fn a_word_is_completed_at_once() {
    let place = place();
    let fastest = |line: &[&str]| {
        let times = (0..5).map(|_| {
            let start = Instant::now();
            words(&place, line);
            start.elapsed()
        });
        times.min().unwrap()
    };
    for line in [&["run", "graph.json", "st"][..], &["nodes", "stub"]] {
        let time = fastest(line);
        assert!(time < Duration::from_millis(200), "expected about 10 ms, got {time:?}");
    }
}

/// The output of a shell that runs a script, with the program on its path; `None` without the shell.
fn shell(place: &Place, shell: &str, script: &str) -> Option<String> {
    let mut command = Command::new(shell);
    let variables = place.command(&[]);
    command.envs(variables.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path =
        std::env::join_paths([place.path("bin")].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH")?)));
    command.arg("-c").arg(script).env("PATH", path.unwrap()).current_dir(place.path("work"));
    let Ok(output) = command.output() else {
        println!("skipped: there is no {shell}");
        return None;
    };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn bash_completes_words_with_equals_signs() {
    let place = place();
    place.write(
        "kinds.json",
        &json!({"nodes": {"x": node("EveryKind", json!({}))}, "inputs": {"on": "x.on"}}).to_string(),
    );
    // bash splits words at =.
    let script = r#"
        eval "$(splatgraph completions bash)"
        complete -p splatgraph > /dev/null && echo registered
        try() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _splatgraph splatgraph
            echo "${COMPREPLY[@]}"
        }
        try splatgraph run graph.json st
        try splatgraph run graph.json start = 3 ou
        try splatgraph run graph.json start = ""
        try splatgraph run kinds.json on = t
        try splatgraph run graph.json --swap add = stub.Le
        try splatgraph nodes stub.Le
        try splatgraph run gra
    "#;
    let Some(said) = shell(&place, "bash", script) else { return };
    insta::assert_snapshot!(said, @"
    registered
    start=
    output=
    start= output=
    true
    stub.Letters
    stub.Letters
    ");
}

#[test]
fn fish_completes_words_and_files() {
    let place = place();
    let script = r#"
        splatgraph completions fish | source
        for line in "splatgraph run graph.json st" "splatgraph nodes stub.Le" "splatgraph run gra" "splatgraph run graph.json output=gra"
            complete -C $line
        end
    "#;
    let Some(said) = shell(&place, "fish", script) else { return };
    assert_eq!(said, "start=\nstub.Letters\ngraph.json\noutput=graph.json\n");
}

#[test]
fn the_script_for_zsh_is_valid() {
    let place = Place::new();
    let script = r#"eval "$(splatgraph completions zsh)"; which -w _splatgraph"#;
    let Some(said) = shell(&place, "zsh", script) else { return };
    assert_eq!(said, "_splatgraph: function\n");
}
