//! The commands that do not run graphs, and the ways in which every command refuses.

mod support;

use std::fs;

use splatgraph_sdk::{DType, Record, Tensor};
use support::Place;

const GRAPH: &str = r#"{
  "version": 1,
  "title": "Add and save",
  "description": "A graph for tests.",
  "inputs": { "start": "first.value", "output": "save.path" },
  "outputs": { "sum": ["add", "sum"] },
  "nodes": {
    "first": { "class_type": "stub.Constant", "inputs": { "value": 3 } },
    "add": { "class_type": "stub.Add", "inputs": { "a": ["first", "value"], "b": 4 } },
    "save": { "class_type": "stub.WriteText", "inputs": { "text": ["add", "sum"], "path": "sum.txt" } }
  }
}
"#;

#[test]
fn help_lists_the_commands() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["--help"]).all(), @r"
    exit code 0
    --- stdout
    Runs pipelines written as JSON graphs. Every stage is a node of a pack, a shared library that anyone
    can write

    Usage: splatgraph <COMMAND>

    Commands:
      run          Run a graph
      check        Check a graph without running it, and print everything that is wrong
      nodes        List the nodes of all loaded packs or of one, or show a node with its inputs, outputs
                   and help
      draw         Print a drawing of a graph as a mermaid diagram, which Markdown pages show
      schema       Print the JSON schema of graph files for the packs that are loaded, so that an editor
                   completes and checks them
      packs        List the node packs that are loaded, and every file that was refused with the reason
      new-pack     Create a folder with a new node pack: one node, its test and a graph that runs it
      inspect      Show what is in a record, a checkpoint or a picture
      completions  Print a script that completes commands and options in a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version
    --- stderr
    ");
    let bare = place.run(&[]);
    assert_eq!((bare.code, bare.stderr.contains("Usage:")), (2, true));
    assert!(place.run(&["--version"]).stdout.starts_with("splatgraph "));
}

#[test]
fn help_of_run_names_options_and_exit_codes() {
    let place = Place::new();
    let help = place.run(&["run", "--help"]);
    insta::assert_snapshot!(help.all(), @r"
    exit code 0
    --- stdout
    Run a graph

    Named results and the files written are printed at the end. Ctrl-C stops within one step of each
    node and leaves no half-written file; a second one ends at once.

    Usage: splatgraph run [OPTIONS] <GRAPH> [NAME=VALUE]...

    Arguments:
      [GRAPH]
              A .json graph, a picture with a graph in it, or - for standard input

      [NAME=VALUE]...
              Values of the graph's named inputs; `splatgraph run GRAPH --help` lists them

    Options:
          --set <NODE.INPUT=VALUE>
              Set any input of a node; may be given several times

          --out <DIR>
              Write files into this folder instead of the current one

          --models <DIR>
              Look for models in this folder too; may be given several times

          --packs <DIR>
              A folder with node packs; may be given several times. Searched before all other places

          --threads <N>
              How many threads nodes may use [default: one per core]

      -q, --quiet
              Print nothing but errors

          --json
              Print the result as JSON, and no progress

          --explain
              Say of each node why it ran, or why not

          --no-metadata
              Write pictures without the graph in them

      -h, --help
              After a graph: print the graph's own inputs and outputs. Alone: print this

    Exit codes: 0 done; 1 a node failed, or a file that it names is missing or corrupt; 2 the command
    line or the graph is wrong; 3 a pack or a model is missing; 130 or 143 cancelled.
    --- stderr
    ");
    assert_eq!(help.stdout, place.run(&["help", "run"]).stdout);
}

#[test]
fn a_wrong_option_is_a_usage_error() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["nodes", "--pack", "x"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: unexpected argument '--pack' found

      tip: a similar argument exists: '--packs'

    Usage: splatgraph nodes --packs <DIR> [NODE]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.run(&["nodes", "--packs", "nowhere"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: --packs: there is no such folder
      nowhere
    ");
    insta::assert_snapshot!(place.run(&["run"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: the following required arguments were not provided:
      <GRAPH>

    Usage: splatgraph run [OPTIONS] <GRAPH> [NAME=VALUE]...
    ");
    insta::assert_snapshot!(place.run(&["check", "graph.json", "value"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: `value` is not of the form NAME=VALUE
    ");
}

#[test]
fn a_graph_describes_itself() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--help"]).all(), @r#"
    exit code 0
    --- stdout
    Add and save

    A graph for tests.

    Usage: splatgraph run graph.json [NAME=VALUE]... [OPTIONS]

    Inputs:
      start  INT -1000..1000, default 3
          Any whole number.
      output  STRING, a file to write, default "sum.txt"
          The file.

    Outputs:
      sum  INT  a + b

    Any other input of a node is set with `--set NODE.INPUT=VALUE`. `splatgraph help run` lists all options.
    --- stderr
    "#);
    fs::remove_dir_all(place.path("packs")).unwrap();
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--help"]).all(), @r"
    exit code 0
    --- stdout
    Add and save

    A graph for tests.

    Usage: splatgraph run graph.json [NAME=VALUE]... [OPTIONS]

    Inputs:
      start  sets first.value
      output  sets save.path

    Outputs:
      sum  from add.sum

    Any other input of a node is set with `--set NODE.INPUT=VALUE`. `splatgraph help run` lists all options.
    --- stderr
    ");
}

#[test]
fn check_prints_everything_that_is_wrong() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).all(), @r"
    exit code 0
    --- stdout
    graph.json: 3 nodes, nothing wrong
    --- stderr
    ");
    insta::assert_snapshot!(place.run(&["check", "graph.json", "start=many", "stat=3", "--set", "add.c=1"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: node `first` (stub.Constant), input `value`: `start=many`: expected a whole number from -1000 to 1000, got "many"
    error: `stat=3`: the graph has no input `stat`; did you mean `start`?
    error: `--set add.c`: node `add` (stub.Add) has no input `c`; did you mean `a`?
    3 problems in graph.json
    "#);
    let json = place.run(&["check", "graph.json", "start=2000", "--json"]);
    let problems: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, json.stderr.as_str()), (2, ""));
    assert_eq!(problems["problems"][0]["kind"], "too_large");
    let json = place.run(&["check", "graph.json", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap()["ok"], true);
}

#[test]
fn malformed_text_is_reported_with_line_and_column() {
    let place = Place::with_stub();
    place.write("graph.json", "{\n  \"nodes\": {,}\n}");
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: line 2, column 13: the JSON can't be read: expected a key in double quotes, got ','
    1 problem in graph.json
    ");
    fs::write(place.path("work/photo.json"), b"\xff\xd8\xff\xe0").unwrap();
    insta::assert_snapshot!(place.run(&["check", "photo.json"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: this is neither a graph, which is JSON text, nor a PNG picture, which may carry one
      photo.json
    ");
}

#[test]
fn a_graph_that_does_not_exist_is_answered_with_those_that_do() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["run", "graph.json"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: there is no such graph; give the path of a .json graph, or of a picture with a graph in it
      graph.json
    ");
    place.write("graphs/reconstruct.json", GRAPH);
    place.write("other.json", GRAPH);
    insta::assert_snapshot!(place.run(&["run", "reconstrct"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: there is no such graph; did you mean graphs/reconstruct.json?
      reconstrct
    ");
    insta::assert_snapshot!(place.run(&["run", "zzz.json"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: there is no such graph; graphs nearby: other.json, graphs/reconstruct.json
      zzz.json
    ");
    insta::assert_snapshot!(place.run(&["run", "graphs"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: the graph cannot be read: Is a directory (os error 21)
      graphs
    ");
}

#[test]
fn a_missing_pack_is_exit_code_3_unless_more_is_wrong() {
    let place = Place::new();
    place.write("graph.json", GRAPH);
    assert_eq!(place.run(&["run", "graph.json"]).code, 3);
    assert_eq!(place.run(&["run", "graph.json", "nonsense=1"]).code, 2);
    insta::assert_snapshot!(place.run(&["nodes"]).all(), @r"
    exit code 3
    --- stdout
    --- stderr
    error: no node packs are loaded; `splatgraph packs --all` shows what was found where
    ");
}

#[test]
fn nodes_are_listed_searched_and_shown() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["nodes"]).all(), @r"
    exit code 0
    --- stdout
    stub 0.1.0  Nodes for the host's tests
      stub.Constant     A number.
      stub.Add          Adds two numbers.
      stub.EveryKind    Has an input of every kind, all with defaults.
      stub.Sleep        Waits, checking for a cancel every few milliseconds.
      stub.Endless      Runs until it is cancelled.
      stub.Stubborn     Runs for ever, whatever it is told.
      stub.Panics       Panics.
      stub.Fails        Returns an error.
      stub.Misses       Misses a model.
      stub.NanImage     A picture with a NaN in it.
      stub.PlainImage   A picture of one colour.
      stub.Mean         The mean of a picture.
      stub.MakeTensor   A tensor of 33,554,432 bytes.
      stub.Pass         Gives what it gets.
      stub.Address      Where a tensor is.
      stub.ReadText     Reads a text file.
      stub.WriteText    Writes a text file.
      stub.SavePicture  Writes a picture as PNG, with the texts of the setting `png_text`.
      stub.UseModel     Loads nothing, but takes a model.
      stub.Settings     The settings of the run, and a line for the log.
    --- stderr
    ");
    insta::assert_snapshot!(place.run(&["nodes", "stub.EveryKind"]).all(), @r#"
    exit code 0
    --- stdout
    stub.EveryKind  pack stub 0.1.0, version 3, Test/Sockets

    Has an input of every kind, all with defaults.

    The second paragraph of its help.

    Inputs
      share  FLOAT 0.0..1.0, default 0.5
          A share.
      on  BOOLEAN, default true
          On or off.
      words  STRING, default "hello"
          Words.
      way  STRING, default "left"
          A way to turn.
          "left"  Against the clock.
          "right"  With the clock.
      numbers  INT, a list, required
          Numbers.
      anything  *, optional
          Anything, or nothing.

    Outputs
      text  STRING
          all of them
    --- stderr
    "#);
    insta::assert_snapshot!(place.run(&["nodes", "WriteText", "--snippet"]).all(), @r#"
    exit code 0
    --- stdout
    "write_text": {
      "class_type": "stub.WriteText",
      "inputs": {
        "text": ["NODE", "output"],
        "path": "FILE"
      }
    }
    --- stderr
    "#);
    insta::assert_snapshot!(place.run(&["nodes", "stub.EveryKind", "--snippet"]).all(), @r#"
    exit code 0
    --- stdout
    "every_kind": {
      "class_type": "stub.EveryKind",
      "inputs": {
        "share": 0.5,
        "on": true,
        "words": "hello",
        "way": "left",
        "numbers": {"__value__": [0]}
      }
    }
    --- stderr
    "#);
    insta::assert_snapshot!(place.run(&["nodes", "--makes", "IMAGE"]).all(), @r"
    exit code 0
    --- stdout
    stub 0.1.0  Nodes for the host's tests
      stub.NanImage    A picture with a NaN in it.
      stub.PlainImage  A picture of one colour.
      stub.MakeTensor  A tensor of 33,554,432 bytes.
      stub.Pass        Gives what it gets.
    --- stderr
    ");
    let takes = place.run(&["nodes", "--takes", "IMAGE", "--json"]);
    let takes: Vec<serde_json::Value> = serde_json::from_str(&takes.stdout).unwrap();
    let classes: Vec<&str> = takes.iter().map(|node| node["class"].as_str().unwrap()).collect();
    assert!(classes.contains(&"stub.Mean") && !classes.contains(&"stub.Add"), "{classes:?}");
    insta::assert_snapshot!(place.run(&["nodes", "--takes", "IMAGES"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: no socket has the type IMAGES; did you mean IMAGE?; the types are *, BOOLEAN, FLOAT, IMAGE, INT, JSON, STRING
    ");
}

#[test]
fn the_nodes_of_one_pack_are_listed() {
    let place = Place::with_stub();
    place.add_pack("second_pack", "packs");
    insta::assert_snapshot!(place.run(&["nodes", "second"]).all(), @r"
    exit code 0
    --- stdout
    second 0.1.0  Another pack for the host's tests
      second.Address  Where a tensor is.
    --- stderr
    ");
    assert_eq!(place.run(&["nodes", "Address"]).code, 2);
    assert_eq!(place.run(&["nodes", "second", "--takes", "INT"]).code, 0);
}

#[test]
fn an_unknown_node_is_answered_with_the_nearest() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["nodes", "stub.Ad"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: there is no node `stub.Ad`; did you mean `stub.Add` or `stub.Address` or `stub.ReadText`? `splatgraph nodes` lists all
    ");
    insta::assert_snapshot!(place.run(&["nodes", "std.LoadImage"]).all(), @r"
    exit code 3
    --- stdout
    --- stderr
    error: there is no node `std.LoadImage`: no pack `std` is loaded; `splatgraph packs` lists what is loaded
    ");
}

#[test]
fn packs_tells_what_was_loaded_and_what_was_not() {
    let place = Place::with_stub();
    let folder = place.path("packs");
    fs::write(folder.join("broken.so"), "nothing").unwrap();
    // An ELF library that is no pack: the test's own executable is one, position-independent as it is.
    fs::copy(std::env::current_exe().unwrap(), folder.join("other.so")).unwrap();
    let ran = place.run(&["packs"]);
    let built = ran.stdout.lines().find(|line| line.trim_start().starts_with("built")).unwrap();
    assert!(built.contains("SDK ") && built.contains("rustc "), "{built}");
    let rest: Vec<&str> = ran.stdout.lines().filter(|line| *line != built).collect();
    insta::assert_snapshot!(rest.join("\n"), @r"
    stub 0.1.0  Nodes for the host's tests
      nodes  20 nodes: Constant, Add, EveryKind, Sleep, Endless, Stubborn, Panics, Fails, Misses, NanImage, PlainImage, Mean, MakeTensor, Pass, Address, ReadText, WriteText, SavePicture, UseModel, Settings
      found  [DIR]/packs/libstub_pack.so (SPLATGRAPH_PACKS)

    Refused
      a pack was not loaded: it is not a shared library
        [DIR]/packs/broken.so
    ");

    let all: serde_json::Value = serde_json::from_str(&place.run(&["packs", "--all", "--json"]).stdout).unwrap();
    assert_eq!(all["loaded"][0]["id"], "stub");
    assert!(all["refused"][0]["path"].as_str().unwrap().ends_with("broken.so"));
    assert!(all["passed_over"][0].as_str().unwrap().ends_with("other.so"));
}

#[test]
fn packs_are_found_in_every_place() {
    let place = Place::new();
    let place_of = |folder: &str, arguments: &[&str]| {
        let library = place.add_pack("stub_pack", folder);
        let mut command = place.command(arguments);
        let ran = command.args(["packs", "--json"]).output().unwrap();
        fs::remove_file(library).unwrap();
        let packs: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        packs["loaded"][0]["place"].as_str().map(str::to_owned)
    };
    assert_eq!(place_of("packs", &[]).as_deref(), Some("SPLATGRAPH_PACKS"));
    assert_eq!(place_of("bin/packs", &[]).as_deref(), Some("packs beside the executable"));
    assert_eq!(place_of("bin", &[]).as_deref(), Some("beside the executable"));
    assert_eq!(place_of("data/splatgraph/packs", &[]).as_deref(), Some("data directory"));
    assert_eq!(place_of("more-data/splatgraph/packs", &[]).as_deref(), Some("data directory"));
    // Never in the current directory.
    assert_eq!(place_of("work", &[]), None);
    assert_eq!(place_of("work/packs", &[]), None);
}

#[test]
fn a_refused_pack_is_a_warning_for_other_commands() {
    let place = Place::with_stub();
    fs::write(place.path("packs/broken.so"), "nothing").unwrap();
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).all(), @r"
    exit code 0
    --- stdout
    graph.json: 3 nodes, nothing wrong
    --- stderr
    warning: a pack was not loaded: it is not a shared library
      [DIR]/packs/broken.so
    ");
}

#[test]
fn a_drawing_and_a_schema_come_out() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    assert!(place.run(&["draw", "graph.json"]).stdout.starts_with("flowchart"));
    let schema: serde_json::Value = serde_json::from_str(&place.run(&["schema"]).stdout).unwrap();
    assert!(schema.to_string().contains("stub.PlainImage"));
}

#[test]
fn completions_name_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let ran = place.run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("new-pack"), "{shell}");
    }
}

#[test]
fn records_and_checkpoints_are_inspected() {
    let place = Place::new();
    let gaussians = Tensor::from_vec([1, 2, 5], (0..10).map(|i| i as f32 / 4.0).collect::<Vec<_>>()).unwrap();
    let textures = Tensor::from_vec([1, 2, 1], vec![1.0f32, f32::NAN]).unwrap();
    let fields = vec![("gaussians".to_owned(), gaussians), ("textures".to_owned(), textures)];
    let header = serde_json::json!({"canvas": [256, 256]}).as_object().unwrap().clone();
    let record = Record { type_name: "TOKENS".into(), header, fields };
    record.save(&place.path("work/tokens.safetensors"), DType::F32).unwrap();
    insta::assert_snapshot!(place.run(&["inspect", "tokens.safetensors"]).all(), @r"
    exit code 0
    --- stdout
    TOKENS  record, 2 fields
      canvas: [256,256]

      field      dtype  shape      min  max   mean   NaN
      gaussians  f32    [1, 2, 5]  0    2.25  1.125  0
      textures   f32    [1, 2, 1]  1    1     1      1
    --- stderr
    ");

    let weight = Tensor::from_vec([2, 2], vec![0.0f32; 4]).unwrap();
    let weights = Record { fields: vec![("a.weight".into(), weight)], ..Record::default() };
    weights.save(&place.path("work/model.safetensors"), DType::F16).unwrap();
    insta::assert_snapshot!(place.run(&["inspect", "model.safetensors"]).all(), @r"
    exit code 0
    --- stdout
    checkpoint  1 tensor
      f16: 1 tensor, 4 numbers, 8 bytes
      header: {}
      type: 

      a.weight  f16  [2, 2]
    --- stderr
    ");
    let json: serde_json::Value =
        serde_json::from_str(&place.run(&["inspect", "model.safetensors", "--json"]).stdout).unwrap();
    assert_eq!((&json["kind"], &json["tensors"][0]["shape"]), (&"checkpoint".into(), &serde_json::json!([2, 2])));
}

#[test]
fn what_cannot_be_inspected_is_an_error() {
    let place = Place::new();
    place.write("notes.txt", "hello");
    insta::assert_snapshot!(place.run(&["inspect", "notes.txt"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the file is no record (.safetensors), no checkpoint (.safetensors, .pth) and no picture of a known kind
      notes.txt
    ");
    insta::assert_snapshot!(place.run(&["inspect", "missing.png"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the file cannot be read: No such file or directory (os error 2)
      missing.png
    ");
    fs::write(place.path("work/half.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    insta::assert_snapshot!(place.run(&["inspect", "half.png"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the picture is no sound PNG file: unexpected end of file
      half.png
    ");
    fs::write(place.path("work/half.safetensors"), b"\x40\0\0\0\0\0\0\0{\"a\":").unwrap();
    assert_eq!(place.run(&["inspect", "half.safetensors"]).code, 1);
}

#[test]
fn output_for_programs_goes_to_stdout_only() {
    let place = Place::with_stub();
    fs::write(place.path("packs/broken.so"), "nothing").unwrap();
    let ran = place.run(&["nodes", "--json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&ran.stdout).is_ok());
    assert!(ran.stderr.contains("broken.so"));
}

#[test]
fn colours_are_for_terminals_only_and_can_be_forced_or_forbidden() {
    let place = Place::new();
    let with = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["run", "missing.json"]);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
        place.ran(&command.output().unwrap()).stderr.contains('\x1b')
    };
    assert!(!with(&[]));
    assert!(with(&[("CLICOLOR_FORCE", "1")]));
    assert!(!with(&[("NO_COLOR", "1")]));
}
