//! Help, usage errors, colours.

use std::fs;

use crate::GRAPH;
use crate::support::Place;

#[test]
fn help_lists_the_commands() {
    let place = Place::new();
    // Only the full build has the server.
    let serve = "  serve        Run graphs for a browser and other clients, with the protocol of ComfyUI\n";
    let all = place.run(&["--help"]).all();
    assert_eq!(all.contains(serve), cfg!(feature = "serve"));
    insta::assert_snapshot!(all.replace(serve, ""), @"
    exit code 0
    --- stdout
    Runs pipelines written as JSON graphs. Every stage is a node of a pack, a shared library that anyone
    can write

    Usage: splatgraph <COMMAND>

    Commands:
      run          Run a graph
      batch        Run a graph over many files and values
      report       Write a report about what batches measured: tables, plots, and the worst and best
                   pictures
      watch        Run a graph, and run it again when it, a file that it reads or a pack changes
      bench        Measure how long a graph and each of its nodes take
      check        Check a graph without running it, and print all problems
      lock         Write down everything that the results of a graph depend on, so that `run --locked`
                   finds every difference
      bundle       Make one zip file of a graph with all that it reads, which `splatgraph run` runs on
                   another machine
      why          Tell why a node would run although a store has results of earlier runs
      graphs       List the graphs that came with the program
      nodes        List the nodes of all loaded packs or of one, or show a node with its inputs, outputs
                   and help
      devices      List the devices that nodes can compute on, and why others are unavailable
      draw         Print a drawing of a graph as a Mermaid diagram, which Markdown pages show
      schema       Print the JSON schema of graph files for the loaded packs, with which an editor
                   completes and checks them
      packs        List the loaded node packs, and the files that cannot be loaded with the reasons; or
                   add, remove, keep or check packs
      new-pack     Create a folder with a new node pack in Rust or Python: one node, its test and a
                   graph that runs it
      inspect      Show the contents of a record, a checkpoint or a picture, or compare two records or
                   checkpoints
      convert      Convert a graph to its other form, or a record to another kind of file
      completions  Print a script that completes commands, options, nodes and inputs of graphs in a
                   shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print the version; with --json also the commit, the platform and the packs
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
    insta::assert_snapshot!(help.all(), @"
    exit code 0
    --- stdout
    Run a graph

    At the end, prints the named results and the names of written files. Ctrl-C stops each node within
    one step and leaves no half-written file. A second Ctrl-C ends the program at once.

    Usage: splatgraph run [OPTIONS] <GRAPH> [NAME=VALUE]...

    Arguments:
      [GRAPH]
              A .json graph, a picture with a graph in it, a bundle (.zip), or - for standard input

      [NAME=VALUE]...
              Values of the graph's named inputs; `splatgraph run GRAPH --help` lists them

    Options:
          --set <NODE.INPUT=VALUE>
              Set any input of a node; may be given several times

          --out <DIR>
              Write files into this folder instead of the current directory

          --overwrite
              Replace files that exist, although the graph comes from a picture, from standard input or
              from another program. Without this option, such a graph's files get a number

          --models <DIR>
              Search for models in this folder too; may be given several times

          --locked[=<FILE>]
              Run nothing if the graph, its files, its models, the packs, the device or the processor
              are not those of the lock: the file beside the graph, what the picture or the bundle has,
              or FILE. `splatgraph lock` writes one. Files that NAME=VALUE names may be any

          --swap <NODE=CLASS>
              Give a node another class, and keep the inputs that both classes have; may be given
              several times

          --write <FILE>
              Save the graph with its swaps and the given values as a new file

          --packs <DIR>
              Search for node packs in this folder, before all other places; may be given several times

          --contain <PACK>
              Run the nodes of this pack in a process of their own, so that a crash of the pack is only
              an error of its node; `all` stands for every pack. Packs that `packs add` added always do.
              May be given several times

          --in-process <PACK>
              Run the nodes of this pack in this process, although it was added with `packs add`. May be
              given several times

          --node-timeout <SECONDS>
              End the process of a contained pack if one of its nodes takes longer

          --pack-memory <MB>
              The most memory of a contained pack [default: three quarters of the machine's]

          --wait-for-debugger <PACK>
              Run the nodes of this pack in a process of its own, and stop the process before it loads
              the pack. It goes on with `kill -CONT`

          --threads <N>
              How many threads nodes may use [default: one per core]

          --device <DEVICE>
              The device that nodes compute on: auto, cpu, gpu, gpu:1, cuda, ...; `splatgraph devices`
              lists them
              
              [default: auto]

          --precision <PRECISION>
              The precision of numbers that nodes compute with, if they have a choice
              
              [default: f32]
              [possible values: f32, f16, bf16]

          --max-pixels <N>
              The most pixels of a picture that nodes read [default: as many as fit into 1 GB and twice
              the size of the file]

      -q, --quiet
              Print nothing but errors

          --json
              Print the result as JSON, and no progress

          --until <NODE>
              Run only this node and the nodes that it needs, and print its outputs; may be given
              several times. The id of a graph in the graph stands for all of its nodes

          --store <DIR>
              Keep the results of nodes in this folder, and take from it what an earlier run left there.
              Several processes may share it. The variable SPLATGRAPH_STORE names one too

          --store-size <MB>
              The size of the store in megabytes; results that were not used for the longest time are
              removed
              
              [default: 10240]

          --debug <DIR>
              Write every output of every node into this folder as a record, and pictures also as PNG.
              The file run.json describes all outputs, and names the nodes that made NaN. Files of an
              earlier debug run are replaced. Every node runs, as without a store

          --previews <DIR>
              Write previews of running nodes into this folder: the newest picture of each as NODE.png.
              Without this option nodes make no previews

          --explain
              Print for each node why it ran or did not run

          --no-metadata
              Write pictures without the graph in them

          --durable
              Wait until written files are on the disk, so that a power failure can't take them

      -h, --help
              Print the inputs and outputs of the graph, or without a graph this help

    Exit codes: 0 done; 1 a node failed or the result cannot be written; 2 the command line or the graph
    is wrong, or a file that it names is missing; 3 a pack or a model is missing; 129, 130 or 143
    cancelled; 141 the reader of the result went away.
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
    insta::assert_snapshot!(place.run(&["nodes", "--packs", "nowhere"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: --packs: the folder does not exist
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
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["check", "graph.json", "value"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected NAME=VALUE, got `value`
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
      output  STRING, a file to write (.txt, .json), default "sum.txt"
          The file.

    Outputs:
      sum  INT  a + b

    `--set NODE.INPUT=VALUE` sets any other input of a node. `splatgraph help run` lists all options.
    --- stderr
    "#);
    fs::remove_dir_all(place.path("packs")).unwrap();
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--help"]).all(), @"
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

    `--set NODE.INPUT=VALUE` sets any other input of a node. `splatgraph help run` lists all options.
    --- stderr
    ");
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
