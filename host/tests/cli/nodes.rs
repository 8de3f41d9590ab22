//! `splatgraph nodes`.

use std::fs;

use crate::support::Place;

#[test]
fn nodes_are_listed_searched_and_shown() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["nodes"]).all(), @"
    exit code 0
    --- stdout
    stub 0.1.0  Nodes for the host's tests
      stub.Constant     A number.
      stub.Add          Adds two numbers.
      stub.EveryKind    Has an input of every kind, all with defaults.
      stub.Sleep        Waits, checking for a cancel every few milliseconds.
      stub.Endless      Runs until it is cancelled.
      stub.Stubborn     Runs for ever, even if it is cancelled.
      stub.Panics       Panics.
      stub.Fails        Returns an error.
      stub.Misses       Misses a model.
      stub.NanImage     A picture with a NaN in it.
      stub.PlainImage   A picture of one colour.
      stub.Mean         The mean of a picture.
      stub.MakeTensor   A tensor of 33,554,432 bytes.
      stub.Pass         Returns its input.
      stub.Address      The address of a tensor.
      stub.ReadText     Reads a text file.
      stub.WriteText    Writes a text file.
      stub.SavePicture  Writes a picture as PNG, with the texts of the setting `png_text`.
      stub.UseModel     Takes a model, but does not load it.
      stub.Settings     The settings of the run, and a line for the log.
      stub.Divide       Divides numbers by others, which makes NaN of two zeros.
      stub.Opaque       Values that only this pack can read.
      stub.Images       Several pictures.
      stub.Letters      Counts the letters of a text, and adds a line to a file each time.
      stub.Ratio        Divides two numbers.
      stub.MakeTokens   Tokens whose numbers are all equal.
      stub.Draw         Draws cards.
      stub.Die          Ends the process at the text `die`.
      stub.WriteSlowly  Writes a text file, with a pause in the middle.
      stub.Show         Shows pictures that get brighter, if previews are wanted.
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
        "text": ["NODE", "OUTPUT"],
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
    insta::assert_snapshot!(place.run(&["nodes", "--makes", "IMAGE"]).all(), @"
    exit code 0
    --- stdout
    stub 0.1.0  Nodes for the host's tests
      stub.NanImage    A picture with a NaN in it.
      stub.PlainImage  A picture of one colour.
      stub.MakeTensor  A tensor of 33,554,432 bytes.
      stub.Pass        Returns its input.
      stub.Divide      Divides numbers by others, which makes NaN of two zeros.
      stub.Images      Several pictures.
      stub.Show        Shows pictures that get brighter, if previews are wanted.
    --- stderr
    ");
    let takes = place.run(&["nodes", "--takes", "IMAGE", "--json"]);
    let takes: Vec<serde_json::Value> = serde_json::from_str(&takes.stdout).unwrap();
    let classes: Vec<&str> = takes.iter().map(|node| node["class"].as_str().unwrap()).collect();
    assert!(classes.contains(&"stub.Mean") && !classes.contains(&"stub.Add"), "{classes:?}");
    insta::assert_snapshot!(place.run(&["nodes", "--takes", "IMAGES"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: no socket has the type IMAGES; did you mean IMAGE? The types are: *, BOOLEAN, FLOAT, IMAGE, INT, JSON, MASK, MODEL, STRING, TOKENS, UNREACHABLE
    ");
}

#[test]
fn the_nodes_of_one_pack_are_listed() {
    let place = Place::with_stub();
    place.add_pack("second_pack", "packs");
    insta::assert_snapshot!(place.run(&["nodes", "second"]).all(), @"
    exit code 0
    --- stdout
    second 0.1.0  Another pack for the host's tests
      second.Address      The address of a tensor.
      second.Told         The device and precision in the settings.
      second.ReadDigits   Reads a selection from a file of one digit for each weight.
      second.WriteDigits  Writes a selection to a file of one digit for each weight.
      second.Knit         Knits a record.
    --- stderr
    ");
    // A name that two packs have is a word to search.
    insta::assert_snapshot!(place.run(&["nodes", "address"]).all(), @"
    exit code 0
    --- stdout
    second 0.1.0  Another pack for the host's tests
      second.Address  The address of a tensor.

    stub 0.1.0  Nodes for the host's tests
      stub.Address  The address of a tensor.
    --- stderr
    ");
    assert_eq!(place.run(&["nodes", "Address", "--snippet"]).code, 2);
    assert_eq!(place.run(&["nodes", "second", "--takes", "INT"]).code, 0);
}

#[test]
fn words_are_searched_in_names_and_help() {
    let place = Place::with_stub();
    let listed = |words: &[&str]| {
        let ran = place.run(&[&["nodes"], words, &["--json"]].concat());
        let nodes: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
        nodes.iter().map(|node| node["class"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // In the name, in the help of the node, and in the help of an input.
    assert_eq!(listed(&["readtex"]), ["stub.ReadText"]);
    assert_eq!(listed(&["33,554,432"]), ["stub.MakeTensor"]);
    assert_eq!(listed(&["a way to TURN"]), ["stub.EveryKind"]);
    assert_eq!(listed(&["picture", "--takes", "MASK"]), Vec::<String>::new());
    assert_eq!(place.run(&["nodes", "no such word"]).code, 2);
}

#[test]
fn an_unknown_node_is_answered_with_the_nearest() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["nodes", "stub.Ad"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the pack `stub` has no node `Ad`; did you mean `stub.Add`?
    ");
    insta::assert_snapshot!(place.run(&["nodes", "std.LoadImage"]).all(), @"
    exit code 3
    --- stdout
    --- stderr
    error: `std.LoadImage` needs the pack `std`, but the loaded packs are: stub; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    ");
}

#[test]
fn output_for_programs_goes_to_stdout_only() {
    let place = Place::with_stub();
    fs::write(place.path("packs/broken.so"), "nothing").unwrap();
    let ran = place.run(&["nodes", "--json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&ran.stdout).is_ok());
    assert!(ran.stderr.contains("broken.so"));
}
