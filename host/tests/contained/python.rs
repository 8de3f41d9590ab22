//! Packs in Python.

use crate::support::{Place, Ran};
use crate::{node, run};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python with numpy: the one that SPLATGRAPH_PYTHON names, the one of `.ci/quick`, or `python3`.
pub(crate) fn python() -> Option<PathBuf> {
    let named = std::env::var_os("SPLATGRAPH_PYTHON").map(PathBuf::from);
    let of_ci = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv-ci/bin/python");
    let usable = |python: &PathBuf| {
        let tried = Command::new(python).args(["-c", "import numpy"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let found = named.into_iter().chain([of_ci, "python3".into()]).find(usable);
    if found.is_none() {
        println!("skipped: no Python with numpy; set SPLATGRAPH_PYTHON");
    }
    found
}

/// A place with a pack in Python, which was added, and with the pack `stub`.
pub(crate) fn with_pack(python: &Path, name: &str, text: &str) -> (Place, Ran) {
    let place = Place::with_stub();
    let file = place.write(&format!("{name}.py"), text);
    let ran = place.run(&["packs", "add", file.to_str().unwrap(), "--python", python.to_str().unwrap()]);
    (place, ran)
}

const PACK: &str = r#"
"""A pack for tests."""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

import numpy as np
from splatgraph import Choice, Ctx, FeatureMap, Image, Layout, Mask, Range, Read, Tokens, Write, node


class Model:
    def __init__(self, gain: float):
        self.gain, self.weights, self.names = gain, np.array([[0, 1, 2], [3, 4, 5]], np.float32), ["a"]


class Both(NamedTuple):
    image: Image
    mean: float


@node(category="Test", version=3)
def every_kind(share: Annotated[float, Range(0, 1), "A share."] = 0.5, on: bool = True, words: str = "hello",
               way: Literal["left", "right"] = "left", numbers: list[int] = [], anything: Any = None, json: dict = {}) -> str:
    """Has an input of every kind.

    The second paragraph of its help.
    """
    return f"{share!r} {on} {words} {way} {numbers} {anything is not None} {json}"


@node
def plain(size: int = 4) -> Image:
    "A picture of one colour."
    return np.full((1, size, size, 3), 0.5)


@node
def halve(image: Image) -> Both:
    "Half as bright."
    assert not image.flags["W"] and image.dtype == np.float32
    half = image / 2
    return Both(half, half.mean())


@node
def load(gain: float = 2.0) -> Model:
    "A value that stays in the pack."
    print("loading the model")
    return Model(gain)


@node
def use(model: Model, value: float, ctx: Ctx, mask: Optional[Mask] = None) -> float:
    "Uses a value that stays in the pack."
    for i in range(3):
        ctx.step(i, 3)
    ctx.warn("take care")
    return model.gain * value


@node
def tokens(count: int = 3) -> Tokens:
    "Tokens with a header."
    gaussians = np.tile(np.array([0.2, 0.2, 0, 0, 0], np.float32), (1, count, 1))
    return Tokens(gaussians, np.ones((1, count, 4), np.float32), np.array([count]), {"note": [1, 0.1]})


@node
def count(tokens: Tokens, layout: Optional[Layout] = None) -> tuple[int, dict]:
    "How many tokens there are, and their header."
    return int(tokens.counts.sum()), tokens.header


@node
def fails(ctx: Ctx, how: str = "raise") -> int:
    "Does what no node should."
    if how == "raise":
        raise ValueError("on purpose")
    if how == "exit":
        import os

        os._exit(3)
    if how == "sys.exit":
        raise SystemExit(3)
    if how == "type":
        return "three"
    if how == "segv":
        import ctypes

        ctypes.string_at(8)
    if how == "long":
        raise ValueError("e" * 100_000_000)
    if how == "surrogate":
        raise ValueError("a name \udcff")
    if how == "steps":
        ctx.step(-1, 1 << 70, "\udcff")
    return 1


@node
def says(how: str = "nan") -> dict:
    "Gives what JSON cannot say."
    return {"a": float("nan") if how == "nan" else "\udcff"}


@node
def text() -> str:
    "A text that is no Unicode."
    return "a name \udcff"


@node
def endless(ctx: Ctx) -> int:
    "Runs until it is cancelled."
    import time

    Path("started").touch()
    while True:
        ctx.step(0, 1)
        time.sleep(0.01)


@node
def named(class_: Annotated[Union[int, str], Range(0), "A number or a name."] = 0, classes: list[Union[int, str]] = []) -> str:
    "Has an input with a name that Python reserves."
    return f"{class_!r} {classes}"
"#;

fn result(ran: &Ran) -> Json {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()))
}

#[test]
fn functions_are_nodes() {
    let Some(python) = python() else { return };
    let (place, ran) = with_pack(&python, "snake", PACK);
    assert!(
        ran.code == 0 && ran.stdout.starts_with("Added snake 0.1.0, 12 nodes: EveryKind, Plain, Halve,"),
        "{}",
        ran.all()
    );
    let about = place.run(&["nodes", "snake.EveryKind"]);
    insta::assert_snapshot!(about.stdout, @r#"
    snake.EveryKind  pack snake 0.1.0, version 3, Test

    Has an input of every kind.

    The second paragraph of its help.

    Inputs
      share  FLOAT 0..1, default 0.5
          A share.
      on  BOOLEAN, default true
      words  STRING, default "hello"
      way  STRING, default "left"
          "left"
          "right"
      numbers  INT, a list, default []
      anything  *, optional
      json  JSON, default {}

    Outputs
      string  STRING
    "#);
    let nodes = json!({
        "kinds": node("snake.EveryKind", json!({"share": 1, "words": "\u{1f600}", "way": "right", "numbers": {"__value__": [1, -2]}, "anything": 3, "json": {"a": [1, 2.5]}})),
        "number": node("snake.Named", json!({"class": 3})),
        "name": node("snake.Named", json!({"class": "wood", "classes": {"__value__": [1, "oak"]}})),
        "plain": node("snake.Plain", json!({"size": 64})),
        "half": node("snake.Halve", json!({"image": ["plain", 0]})),
        "mean": node("stub.Mean", json!({"image": ["half", "image"]})),
        "model": node("snake.Load", json!({"gain": 3})),
        "use": node("snake.Use", json!({"model": ["model", 0], "value": ["half", "mean"]})),
        "tokens": node("snake.Tokens", json!({"count": 5})),
        "count": node("snake.Count", json!({"tokens": ["tokens", 0]})),
    });
    let outputs = json!({"kinds": ["kinds", 0], "mean": ["mean", 0], "use": ["use", 0], "count": ["count", 0], "header": ["count", 1], "number": ["number", 0], "name": ["name", 0]});
    let ran = run(&place, outputs, nodes, &["--json"]);
    let result = result(&ran);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let want = json!({
        "kinds": "1.0 True \u{1f600} right [1, -2] True {'a': [1, 2.5]}", "mean": 0.25, "use": 0.75, "count": 5, "header": {"note": [1, 0.1]},
        "number": "3 []", "name": "'wood' [1, 'oak']",
    });
    assert_eq!(result["outputs"], want, "{}", ran.all());
    assert!(ran.stderr.contains("pack `snake`: loading the model"), "{}", ran.all());
}

#[test]
fn the_arrays_of_an_object_are_fields() {
    let Some(python) = python() else { return };
    let (place, _) = with_pack(&python, "snake", PACK);
    let nodes = json!({
        "model": node("snake.Load", json!({"gain": 3})),
        "use": node("snake.Use", json!({"model": ["model", 0], "value": 2})),
    });
    let ran = run(&place, json!({"use": ["use", 0]}), nodes, &["--json", "--debug", "seen"]);
    // The object itself goes back to its pack, not what its fields say.
    assert_eq!((ran.code, &result(&ran)["outputs"]["use"]), (0, &json!(6.0)), "{}", ran.all());
    let inspected = place.run(&["inspect", "seen/model.model.safetensors"]);
    insta::assert_snapshot!(inspected.stdout, @r#"
    MODEL  record, 1 field, 160 bytes
      gain: 3.0

      field    dtype  shape   min  max  mean  NaN  infinite
      weights  f32    [2, 3]  0    5    2.5   0    0
    "#);
}

#[test]
fn errors_name_the_line_and_a_death_is_an_error_of_its_node() {
    let Some(python) = python() else { return };
    let (place, _) = with_pack(&python, "snake", PACK);
    let mut messages = Vec::new();
    for how in ["raise", "exit", "sys.exit", "type", "segv", "surrogate", "long", "Says", "Text"] {
        let bad = match how {
            "Says" | "Text" => node(&format!("snake.{how}"), json!({})),
            how => node("snake.Fails", json!({"how": how})),
        };
        let nodes = json!({"bad": bad, "sum": node("stub.Add", json!({"a": 1}))});
        let ran = run(&place, json!({"bad": ["bad", 0], "sum": ["sum", 0]}), nodes, &["--json", "--quiet"]);
        let result = result(&ran);
        assert_eq!((ran.code, &result["outputs"]["sum"]), (1, &json!(2)), "{}", ran.all());
        let failure = &result["failures"][0];
        messages.push(format!(
            "{how}: {:.200} ({})",
            failure["message"].as_str().unwrap(),
            failure["location"].as_str().unwrap_or_default()
        ));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    raise: ValueError: on purpose (snake.py:78)
    exit: the pack `snake` failed in the node Fails: its process ended with exit code 3 ()
    sys.exit: SystemExit: 3 (snake.py:84)
    type: TypeError: expected INT for the result `int`, got str ()
    segv: the pack `snake` failed in the node Fails: its process ended by signal 11 (SIGSEGV) ()
    surrogate: ValueError: a name ? (snake.py:94)
    long: ValueError: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee (snake.py:92)
    Says: ValueError: Out of range float values are not JSON compliant ()
    Text: UnicodeEncodeError: 'utf-8' codec can't encode character '\udcff' in position 7: surrogates not allowed ()
    "#);
}

#[test]
fn values_of_other_types_are_refused_by_name() {
    let Some(python) = python() else { return };
    let (place, _) = with_pack(&python, "snake", PACK);
    let nodes = json!({
        "nan": node("stub.NanImage", json!({})),
        "mean": node("stub.Mean", json!({"image": ["nan", 0]})),
        "half": node("snake.Halve", json!({"image": ["model", 0]})),
        "model": node("snake.Load", json!({})),
    });
    let ran = run(&place, json!({"half": ["half", 0]}), nodes, &["--quiet"]);
    assert!(ran.code == 2 && ran.stderr.contains("IMAGE") && ran.stderr.contains("MODEL"), "{}", ran.all());
    let nodes = json!({
        "other": node("stub.Opaque", json!({})),
        "use": node("snake.Use", json!({"model": ["other", 0], "value": 2})),
    });
    let ran = run(&place, json!({"use": ["use", 0]}), nodes, &["--json", "--quiet"]);
    let message = result(&ran)["failures"][0]["message"].clone();
    assert_eq!(
        message,
        json!("TypeError: expected a MODEL made by this pack, got one from elsewhere"),
        "{}",
        ran.all()
    );
}

#[test]
fn a_node_in_python_is_cancelled() {
    let Some(python) = python() else { return };
    let (place, _) = with_pack(&python, "snake", PACK);
    place.write(
        "graph.json",
        &json!({"outputs": {"x": ["a", 0]}, "nodes": {"a": node("snake.Endless", json!({}))}}).to_string(),
    );
    let mut child = place.command(&["run", "graph.json", "--quiet"]).spawn().unwrap();
    while !place.path("work/started").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let start = std::time::Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_file_that_is_no_pack_is_refused_in_words() {
    let Some(python) = python() else { return };
    let mut messages = Vec::new();
    for (name, text) in [
        ("empty", ""),
        ("syntax", "def f(:\n"),
        ("missing", "import numpy\nimport nowhere_at_all\n"),
        ("untyped", "from splatgraph import node\n@node\ndef f(image) -> int:\n    return 1\n"),
        ("no_result", "from splatgraph import node\n@node\ndef f(image: int):\n    return 1\n"),
        (
            "array",
            "import numpy as np\nfrom splatgraph import node\n@node\ndef f(image: np.ndarray) -> int:\n    return 1\n",
        ),
        (
            "union",
            "from typing import Union\nfrom splatgraph import Image, node\n@node\ndef f(image: Union[Image, int]) -> int:\n    return 1\n",
        ),
        (
            "either",
            "from typing import Union\nfrom splatgraph import node\n@node\ndef f() -> Union[int, str]:\n    return 1\n",
        ),
        (
            "twice",
            "from splatgraph import node\n@node\ndef f() -> int:\n    return 1\n@node(name='F')\ndef g() -> int:\n    return 1\n",
        ),
        ("ends", "import os\nos._exit(0)\n"),
        ("prints", "print('words before the end')\nraise SystemExit('no')\n"),
    ] {
        let (_, ran) = with_pack(&python, name, text);
        assert_eq!(ran.code, 1, "{name}: {}", ran.all());
        let first =
            ran.stderr.lines().filter(|line| !line.starts_with("pack `")).take(2).collect::<Vec<_>>().join("\n");
        messages.push(format!("{name}: {first}"));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    empty: error: the pack cannot be added: empty.py: TypeError: expected a function with @node, got none
      [DIR]/work/empty.py
    syntax: error: the pack cannot be added: syntax.py:1: SyntaxError: invalid syntax (syntax.py, line 1)
      [DIR]/work/syntax.py
    missing: error: the pack cannot be added: missing.py:2: ModuleNotFoundError: No module named 'nowhere_at_all'; pip install it into this Python
      [DIR]/work/missing.py
    untyped: error: the pack cannot be added: untyped.py:2: TypeError: f: expected a type for the parameter `image`, got none; write `image: Image`
      [DIR]/work/untyped.py
    no_result: error: the pack cannot be added: no_result.py:2: TypeError: f: expected the type of the result, got none; write `-> Image`, or `-> None`
      [DIR]/work/no_result.py
    array: error: the pack cannot be added: array.py:3: TypeError: f: the parameter `image`: expected a type of graphs, such as Image or Mask, got a plain array
      [DIR]/work/array.py
    union: error: the pack cannot be added: union.py:3: TypeError: f: the parameter `image`: expected one type, or a union of bool, int, float and str, got typing.Union[splatgraph._types.Image, int]
      [DIR]/work/union.py
    either: error: the pack cannot be added: either.py:3: TypeError: f: the result: expected one type, got typing.Union[int, str]
      [DIR]/work/either.py
    twice: error: the pack cannot be added: twice.py:5: TypeError: expected nodes with different names, got two of the name F
      [DIR]/work/twice.py
    ends: error: the pack cannot be added: its process ended with exit code 0
      [DIR]/work/ends.py
    prints: error: the pack cannot be added: prints.py:2: SystemExit: no
      [DIR]/work/prints.py
    "#);
}

#[test]
fn a_pack_is_replaced_and_removed_with_its_source() {
    let Some(python) = python() else { return };
    let (place, _) = with_pack(&python, "snake", PACK);
    let file = place.write(
        "snake.py",
        &PACK.replace("\"\"\"A pack for tests.\"\"\"", "PACK = {'id': 'snake', 'version': '2.0.0'}"),
    );
    let ran = place.run(&["packs", "add", file.to_str().unwrap(), "--python", python.to_str().unwrap()]);
    assert!(ran.stdout.starts_with("Added snake 2.0.0 instead of 0.1.0, 12 nodes"), "{}", ran.all());
    let packs = place.path("data/splatgraph/packs");
    let names = || {
        let mut names: Vec<String> =
            fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["snake.pack.json", "snake.py"]);
    let ran = place.run(&["packs", "remove", "snake"]);
    assert!(ran.code == 0 && names().is_empty(), "{} {:?}", ran.all(), names());
}

#[test]
fn a_new_pack_in_python_runs() {
    let Some(python) = python() else { return };
    let place = Place::with_stub();
    let ran = place.run(&["new-pack", "bright", "--python"]);
    insta::assert_snapshot!(ran.all(), @r#"
    exit code 0
    --- stdout
    Created the pack `bright` in bright. It needs numpy in python3. Next:
      cd bright
      python3 test_bright.py
      splatgraph watch graph.json --packs .
      splatgraph packs add bright.py
    --- stderr
    "#);
    let folder = place.path("work/bright");
    let tested = Command::new(&python).arg("test_bright.py").current_dir(&folder).output().unwrap();
    assert!(tested.status.success(), "{tested:?}");
    let described = fs::read_to_string(folder.join("bright.pack.json")).unwrap();
    let described = described.replace("\"python3\"", &json!(python.to_str().unwrap()).to_string());
    fs::write(folder.join("bright.pack.json"), described).unwrap();
    let graph = json!({"outputs": {"mean": ["mean", 0]}, "nodes": {
        "image": node("stub.PlainImage", json!({})),
        "bright": node("bright.Brighten", json!({"image": ["image", 0], "gain": 1.5})),
        "mean": node("stub.Mean", json!({"image": ["bright", 0]})),
    }});
    place.write("graph.json", &graph.to_string());
    let ran = place.run(&["run", "graph.json", "--packs", "bright", "--json"]);
    assert!(ran.code == 0 && ran.stdout.contains("0.75"), "{}", ran.all());
}

#[test]
fn a_python_without_the_modules_is_refused_in_words() {
    let Some(python) = python() else { return };
    let place = Place::with_stub();
    // No site packages: neither numpy nor the module `splatgraph`.
    let bare = place.path("bare");
    fs::write(&bare, format!("#!/bin/sh\nexec {} -S \"$@\"\n", python.to_str().unwrap())).unwrap();
    fs::set_permissions(&bare, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let file = place.write("snake.py", PACK);
    let ran = place.run(&["packs", "add", file.to_str().unwrap(), "--python", bare.to_str().unwrap()]);
    let words = "ImportError: splatgraph needs numpy in this Python: pip install numpy\n  [DIR]/work/snake.py\n";
    assert!(ran.code == 1 && ran.stderr.ends_with(words), "{}", ran.all());
    assert!(
        ran.stderr.contains("error: the pack cannot be added: its process ended with exit code 1;"),
        "{}",
        ran.all()
    );

    fs::write(place.path("packs/snake.py"), PACK).unwrap();
    let described = json!({"command": [bare, "-m", "splatgraph.worker", "snake.py"], "files": ["snake.py"]});
    fs::write(place.path("packs/snake.pack.json"), described.to_string()).unwrap();
    let ran = place.run(&["nodes"]);
    assert!(ran.stderr.contains("its process ended with exit code 1; it printed last:"), "{}", ran.all());
    assert!(
        ran.stderr.contains("No module named 'splatgraph'") || ran.stderr.contains("No module named splatgraph"),
        "{}",
        ran.all()
    );
}

#[test]
fn arrays_without_room_are_an_error_of_the_node() {
    let Some(python) = python() else { return };
    let (place, _) = with_pack(&python, "snake", PACK);
    let graph = json!({"outputs": {"x": ["a", 0]}, "nodes": {"a": node("snake.Plain", json!({"size": 512}))}});
    place.write("graph.json", &graph.to_string());
    // A limit on the size of files holds for files in memory too.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" run graph.json --quiet"])
        .arg(place.path("bin/splatgraph"))
        .current_dir(place.path("work"))
        .envs(place.command(&[]).get_envs().filter_map(|(key, value)| Some((key, value?))))
        .output()
        .unwrap();
    let ran = place.ran(&output);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        ran.stderr.contains("MemoryError: there is no memory to pass 3145728 bytes of arrays to the host"),
        "{}",
        ran.all()
    );
}

#[test]
fn members_of_shards_are_files() {
    let Some(python) = python() else { return };
    let pack = r#"
from typing import Annotated

from splatgraph import Read, node, open_file


@node
def look(path: Annotated[str, Read()]) -> str:
    "The ends of a file."
    with open_file(path) as file:
        first = file.read(2)
        length = file.seek(0, 2)
        file.seek(-2, 1)
        return f"{first!r} {length} {file.read()!r}"
"#;
    let (place, _) = with_pack(&python, "files", pack);
    let shard =
        splatgraph_sdk::testing::shard([("n01/a.bin", &b"abcdef"[..]), ("b.bin", b"xy"), ("n01/a.bin", b"newest")]);
    place.write("plain.bin", "12345");
    fs::write(place.path("work/s.tar"), &shard).unwrap();
    let look = |path: &str| {
        let ran = run(
            &place,
            json!({"x": ["a", 0]}),
            json!({"a": node("files.Look", json!({"path": place.path("work").join(path)}))}),
            &["--json", "--quiet"],
        );
        if ran.code == 0 { result(&ran)["outputs"]["x"].as_str().unwrap().to_owned() } else { ran.all() }
    };
    assert_eq!(look("plain.bin"), "b'12' 5 b'45'");
    assert_eq!(look("s.tar/n01/a.bin"), "b'ne' 6 b'st'");
    assert_eq!(look("s.tar/b.bin"), "b'xy' 2 b'xy'");
    // The host knows before the run that there is no such member.
    let missing = look("s.tar/c.bin");
    assert!(missing.contains("c.bin") && !missing.contains("Traceback"), "{missing}");
}

#[test]
fn a_pack_lists_its_changes_and_wrong_ones_are_refused() {
    let Some(python) = python() else { return };
    let with_changes = |changes: &str| {
        let about = format!("PACK = {{'id': 'snake', 'version': '0.2.0', 'changes': [{changes}]}}");
        with_pack(&python, "snake", &PACK.replace("\"\"\"A pack for tests.\"\"\"", &about))
    };
    let (place, added) = with_changes(
        "{'version': '0.2.0', 'class': 'Flat', 'renamed': 'Plain'}, \
         {'version': '0.2.0', 'class': 'Plain', 'input': 'width', 'renamed': 'size'}",
    );
    assert_eq!(added.code, 0, "{}", added.all());
    let graph = r#"{"packs": {"snake": "0.1.0"}, "outputs": {"mean": ["half", "mean"]}, "nodes": {
        "flat": {"class_type": "snake.Flat", "inputs": {"width": 8}},
        "half": {"class_type": "snake.Halve", "inputs": {"image": ["flat", 0]}}}}"#;
    place.write("graph.json", graph);
    let ran = place.run(&["run", "graph.json"]);
    assert_eq!((ran.code, ran.stdout.contains("0.25")), (0, true), "{}", ran.all());
    assert!(ran.stderr.contains("made with snake 0.1.0 and runs with snake 0.2.0, after 2 changes"), "{}", ran.stderr);
    let (_, added) = with_changes("{'version': '0.2.0', 'class': 'Flat', 'renamed': 'Plane'}");
    assert!(added.code != 0 && added.stderr.contains("the pack has no node `Plane`"), "{}", added.all());
}
