//! Graphs in graphs.

use super::closures::declared;
use splatgraph::graph::{Checked, Feed, File, Given, Origin, Problems, check, draw, expand};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A folder with graphs, in which `here` is the current directory.
struct Graphs(TempDir);

/// A graph that resizes a picture. It names its input, its size and its result.
const RESIZE: &str = r#"{
    "inputs": { "image": "size.image", "width": ["size.width", "note.seed"] },
    "outputs": { "image": ["size", "image"], "text": ["note", 0] },
    "nodes": {
        "size": { "class_type": "std.Resize", "inputs": { "width": 64 } },
        "note": { "class_type": "std.Note", "inputs": { "any": ["size", "image"] } }
    }
}"#;

impl Graphs {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn expanded(&self, name: &str) -> Result<File, Problems> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        File::parse(&text, Origin::File(self.path(name))).map(expand)
    }

    fn given(&self, inputs: &[(&str, &str)], sets: &[(&str, &str)]) -> Given {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        Given { inputs: owned(inputs), sets: owned(sets), cwd: self.path("here"), ..Given::default() }
    }

    fn check(&self, name: &str, given: &Given) -> Result<Checked, Problems> {
        check(self.expanded(name)?, &declared(), given)
    }

    #[track_caller]
    fn problems(&self, name: &str) -> String {
        self.problems_with(name, &self.given(&[], &[]))
    }

    #[track_caller]
    fn problems_with(&self, name: &str, given: &Given) -> String {
        let problems = self.check(name, given).expect_err("there are problems").to_string();
        crate::with_slashes(&problems)
            .replace(&format!("{}/", crate::with_slashes(self.0.path().to_str().unwrap())), "")
    }
}

fn node(checked: &Checked, id: &str) -> usize {
    checked.nodes.iter().position(|node| &*node.id == id).unwrap_or_else(|| panic!("no node {id}"))
}

fn value(checked: &Checked, id: &str, input: &str) -> Feed {
    let node = &checked.nodes[node(checked, id)];
    let position = node.class.spec.inputs.iter().position(|spec| spec.name == input).unwrap();
    node.feeds[position].clone()
}

/// `load > part > save`, where the part is `./parts/resize.json`.
fn outer(part_inputs: &str, rest: &str) -> String {
    format!(
        r#"{{"inputs": {{"wide": "part.width", "path": "load.path"}}, "outputs": {{"text": ["part", "text"]}}, "nodes": {{
    "load": {{"class_type": "std.LoadImage", "inputs": {{"path": "cat.png"}}}},
    "part": {{"class_type": "./parts/resize.json", "inputs": {{{part_inputs}}}}},
    "save": {{"class_type": "std.SaveImage", "inputs": {{"image": ["part", "image"], "path": "{{stem}}.png"}}}}{rest}}}}}"#
    )
}

#[test]
fn a_graph_takes_the_place_of_the_node_that_names_it() {
    let graphs =
        Graphs::new(&[("g.json", &outer(r#""image": ["load", 0], "width": 9"#, "")), ("parts/resize.json", RESIZE)]);
    let file = graphs.expanded("g.json").unwrap();
    assert_eq!(file.parts, [graphs.path("parts/resize.json")]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&file.to_json()).unwrap(), @r#"
    {
      "version": 1,
      "inputs": {
        "wide": [
          "part:size.width",
          "part:note.seed"
        ],
        "path": "load.path"
      },
      "outputs": {
        "text": [
          "part:note",
          0
        ]
      },
      "nodes": {
        "load": {
          "class_type": "std.LoadImage",
          "inputs": {
            "path": "cat.png"
          }
        },
        "part:size": {
          "class_type": "std.Resize",
          "inputs": {
            "width": 9,
            "image": [
              "load",
              0
            ]
          }
        },
        "part:note": {
          "class_type": "std.Note",
          "inputs": {
            "any": [
              "part:size",
              "image"
            ],
            "seed": 9
          }
        },
        "save": {
          "class_type": "std.SaveImage",
          "inputs": {
            "image": [
              "part:size",
              "image"
            ],
            "path": "{stem}.png"
          }
        }
      }
    }
    "#);
    let checked = graphs.check("g.json", &graphs.given(&[], &[])).unwrap();
    assert_eq!(value(&checked, "part:size", "width"), Feed::Value(9.into()));
    assert_eq!(value(&checked, "part:note", "seed"), Feed::Value(9.into()), "all targets of the inner name");

    // Values from the command line: by the outer name, by the input of the graph node, and by the inner node.
    for (inputs, sets) in [([("wide", "7")].as_slice(), [].as_slice()), (&[], &[("part.width", "7")])] {
        let checked = graphs.check("g.json", &graphs.given(inputs, sets)).unwrap();
        assert_eq!(value(&checked, "part:size", "width"), Feed::Value(7.into()));
        assert_eq!(value(&checked, "part:note", "seed"), Feed::Value(7.into()));
    }
    let checked = graphs.check("g.json", &graphs.given(&[], &[("part:size.width", "7")])).unwrap();
    assert_eq!(value(&checked, "part:size", "width"), Feed::Value(7.into()));
    assert_eq!(value(&checked, "part:note", "seed"), Feed::Value(9.into()));
}

#[test]
fn a_drawing_shows_the_graph_as_it_is_written() {
    let graphs = Graphs::new(&[("g.json", &outer(r#""image": ["load", 0]"#, ""))]);
    let text = fs::read_to_string(graphs.path("g.json")).unwrap();
    insta::assert_snapshot!(draw(&File::parse(&text, Origin::Text).unwrap(), Some(&declared())), @r#"
    flowchart LR
        n0["load<br/>std.LoadImage"]
        n1{{"part<br/>./parts/resize.json"}}
        n2[["save<br/>std.SaveImage"]]
        n0 -- "image" --> n1
        n1 -- "image" --> n2
        i0(["wide"])
        i0 -. "width" .-> n1
        i1(["path"])
        i1 -. "path" .-> n0
        o0(["text"])
        n1 -. "text" .-> o0
    "#);
}

#[test]
fn graphs_stand_in_graphs() {
    let middle = r#"{
        "inputs": {"picture": ["a.image", "b.image"], "size": "a.width"},
        "outputs": {"first": ["a", "image"], "second": ["b", 0]},
        "nodes": {
            "a": {"class_type": "./resize.json", "inputs": {}},
            "b": {"class_type": "resize.json", "inputs": {"width": 32}}
        }
    }"#;
    let top = r#"{"outputs": {"image": ["grid", "image"]}, "nodes": {
        "load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}},
        "m": {"class_type": "parts/middle.json", "inputs": {"picture": ["load", "image"], "size": 16}},
        "grid": {"class_type": "std.Grid", "inputs": {"images": [["m", "first"], ["m", 1]]}}
    }}"#;
    let graphs = Graphs::new(&[("g.json", top), ("parts/middle.json", middle), ("parts/resize.json", RESIZE)]);
    let checked = graphs.check("g.json", &graphs.given(&[], &[("m:b.width", "8")])).unwrap();
    let ids: Vec<&str> = checked.nodes.iter().map(|node| &*node.id).collect();
    assert_eq!(ids, ["load", "m:a:size", "m:a:note", "m:b:size", "m:b:note", "grid"]);
    assert_eq!(value(&checked, "m:a:size", "width"), Feed::Value(16.into()));
    assert_eq!(value(&checked, "m:b:size", "width"), Feed::Value(8.into()));
    let Feed::Links(links) = value(&checked, "grid", "images") else { panic!("links") };
    assert_eq!([links[0].node, links[1].node], [node(&checked, "m:a:size"), node(&checked, "m:b:size")]);
    assert_eq!(checked.file().parts.len(), 2, "each file once");
}

#[test]
fn a_list_of_links_goes_to_an_inner_list() {
    let inner = r#"{"inputs": {"images": "grid.images"}, "outputs": {"image": ["grid", 0]},
        "nodes": {"grid": {"class_type": "std.Grid"}}}"#;
    let top = r#"{"outputs": {"image": ["g", "image"]}, "nodes": {
        "load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}},
        "g": {"class_type": "./grid.json", "inputs": {"images": [["load", 0], ["load", "image"]]}}}}"#;
    let graphs = Graphs::new(&[("g.json", top), ("grid.json", inner)]);
    let checked = graphs.check("g.json", &graphs.given(&[], &[])).unwrap();
    assert!(matches!(value(&checked, "g:grid", "images"), Feed::Links(links) if links.len() == 2));
}

#[test]
fn a_path_is_relative_to_the_file_in_which_it_is_written() {
    let inner = r#"{"inputs": {"path": "load.path"}, "outputs": {"image": ["load", "image"]}, "nodes": {
        "load": {"class_type": "std.LoadImage", "inputs": {"path": "inner.png"}},
        "save": {"class_type": "std.SaveImage", "inputs": {"image": ["load", 0], "path": "{stem}-{index}.png"}}}}"#;
    let top = |given: &str| {
        format!(
            r#"{{"inputs": {{"named": "part.path"}}, "outputs": {{"a": ["part", "image"]}},
            "nodes": {{"part": {{"class_type": "./parts/load.json", "inputs": {{{given}}}}}}}}}"#
        )
    };
    let graphs = Graphs::new(&[
        ("graphs/inner.json", &top("")),
        ("graphs/outer.json", &top(r#""path": "outer.png""#)),
        ("graphs/parts/load.json", inner),
    ]);
    let paths = |name: &str, given: &Given| {
        let checked = graphs.check(name, given).unwrap();
        (checked.nodes[0].reads[0].clone(), checked.nodes[1].writes[0].path.clone())
    };
    let none = graphs.given(&[], &[]);
    let read = |name: &str| graphs.path(name);
    assert_eq!(paths("graphs/inner.json", &none), (read("graphs/parts/inner.png"), read("here/inner-000.png")));
    assert_eq!(paths("graphs/outer.json", &none), (read("graphs/outer.png"), read("here/outer-000.png")));
    for given in [graphs.given(&[("named", "c.png")], &[]), graphs.given(&[], &[("part.path", "c.png")])] {
        assert_eq!(paths("graphs/outer.json", &given), (read("here/c.png"), read("here/c-000.png")));
    }
}

#[test]
fn a_graph_that_cannot_be_used_is_named_with_its_place() {
    let node =
        |id: &str, class: &str| format!(r#""{id}": {{"class_type": "{class}", "inputs": {{"image": ["load", 0]}}}}"#);
    let nodes = [
        node("missing", "./parts/resise.json"),
        node("far", "./parts/nothing-like-it.json"),
        node("again", "./parts/broken.json"),
        node("nodes", "./parts/broken.json"),
        node("list", "./parts/list.json"),
        node("bytes", "./parts/bytes.json"),
        node("folder", "./parts/"),
        r#""use": {"class_type": "std.Grid", "inputs": {"images": [["missing", "image"], ["again", 0]]}}"#.to_owned(),
    ];
    let top = outer(r#""image": ["load", 0]"#, &format!(",\n{}", nodes.join(",\n")));
    let broken = r#"{"nodes": {"x": {"class_type": "std.Note", "imputs": {}},
        "y": {"class_type": "std.Note", "inputs": {"text": [1]}}}}"#;
    let graphs = Graphs::new(&[
        ("g.json", &top),
        ("parts/resize.json", RESIZE),
        ("parts/broken.json", broken),
        ("parts/list.json", "[1,\n 2,,]"),
    ]);
    fs::write(graphs.path("parts/bytes.json"), [0xff, 0xfe]).unwrap();
    insta::assert_snapshot!(graphs.problems("g.json"), @r#"
    line 5, column 1, node `missing`: expected the graph "./parts/resise.json", got no such file: parts/resise.json; did you mean "./parts/resize.json"?
    line 6, column 1, node `far`: expected the graph "./parts/nothing-like-it.json", got no such file: parts/nothing-like-it.json; the folder has broken.json, bytes.json, list.json, resize.json
    line 7, column 68, node `again` (./parts/broken.json): the graph has no input `image`; name inputs under `inputs` in that graph
    line 8, column 68, node `nodes` (./parts/broken.json): the graph has no input `image`; name inputs under `inputs` in that graph
    line 10, column 1, node `bytes`: expected a graph in JSON text in "./parts/bytes.json", got text in UTF-16; save the file as UTF-8: parts/bytes.json
    line 11, column 1, node `folder`: the graph "./parts/" cannot be read: Is a directory (os error 21): parts
    line 12, column 56, node `use` (std.Grid), input `images`: node `again` (./parts/broken.json) has no output number 0; its graph has no named outputs
    parts/broken.json, line 1, column 44: node `x` has no key "imputs"; did you mean `inputs`?
    parts/broken.json, line 2, column 60, node `y`, input `text`: expected a link ["node", "output"] or a list of links, got another array; write an array of values as {"__value__": [...]}
    parts/list.json, line 2, column 4: the JSON cannot be read: expected a value, got ','
    10 problems in g.json
    "#);
    assert!(!graphs.check("g.json", &graphs.given(&[], &[])).unwrap_err().only_missing());
}

#[test]
fn problems_inside_name_the_inner_place() {
    let inner = r#"{
        "inputs": { "image": "size.image", "gone": "sice.image" },
        "outputs": { "image": ["size", "image"], "lost": ["not", "text"] },
        "nodes": {
            "size": { "class_type": "std.Resize", "inputs": { "width": 0, "fit": "fil" } },
            "note": { "class_type": "std.Nota" }
        }
    }"#;
    let graphs = Graphs::new(&[("g.json", &outer("", "")), ("parts/resize.json", inner)]);
    insta::assert_snapshot!(graphs.problems("g.json"), @r#"
    line 1, column 13: the named input `wide` sets `part.width`, but node `part` (./parts/resize.json) has no input `width`; its inputs are: image, gone
    line 1, column 69: the named output `text`: node `part` (./parts/resize.json) has no output `text`; its outputs are: image, lost
    parts/resize.json, line 2, column 44: the named input `gone` sets `sice.image`, but the graph has no node `sice`; did you mean `size`?
    parts/resize.json, line 3, column 50: the named output `lost`: the graph has no node `not`; did you mean `note`?
    parts/resize.json, line 5, column 13, node `part:size` (std.Resize), input `image`: expected a link to IMAGE, got nothing; set the input `image` of the node `part` (./parts/resize.json)
    parts/resize.json, line 5, column 72, node `part:size` (std.Resize), input `width`: expected a whole number from 1 to 65536, got 0
    parts/resize.json, line 5, column 82, node `part:size` (std.Resize), input `fit`: expected one of "fill", "fit", "stretch", got "fil"; did you mean "fill"?
    parts/resize.json, line 6, column 13, node `part:note`: the pack `std` has no node `Nota`; did you mean `std.Note`?
    8 problems in g.json
    "#);
}

#[test]
fn names_that_the_inner_graph_does_not_have() {
    let top = outer(
        r#""image": ["load", 0], "widht": 3"#,
        r#",
    "other": {"class_type": "std.Grid", "inputs": {"images": [["part", "imaeg"], ["part", 2]]}},
    "bare": {"class_type": "./bare.json", "inputs": {"a": 1}},
    "use": {"class_type": "std.Note", "inputs": {"any": ["bare", "text"]}}"#,
    );
    let top = top.replace(r#""wide": "part.width""#, r#""wide": "part.with", "b": "bare.text""#);
    let bare = r#"{"1": {"class_type": "Note", "inputs": {"unheard": 1}}}"#;
    let graphs = Graphs::new(&[("g.json", &top), ("parts/resize.json", RESIZE), ("bare.json", bare)]);
    let given = graphs.given(&[("part.width", "3")], &[("part.heigth", "3"), ("prat.width", "3")]);
    insta::assert_snapshot!(graphs.problems_with("g.json", &given), @"
    line 1, column 13: the named input `wide` sets `part.with`, but node `part` (./parts/resize.json) has no input `with`; did you mean `width`?
    line 1, column 34: the named input `b` sets `bare.text`, but node `bare` (./bare.json) has no input `text`; its graph has no named inputs
    line 3, column 93, node `part` (./parts/resize.json): the graph has no input `widht`; did you mean `width`?
    line 5, column 62, node `other` (std.Grid), input `images`: node `part` (./parts/resize.json) has no output `imaeg`; did you mean `image`?
    line 6, column 59, node `bare` (./bare.json): the graph has no input `a`; name inputs under `inputs` in that graph
    line 7, column 57, node `use` (std.Note), input `any`: node `bare` (./bare.json) has no output `text`; its graph has no named outputs
    node `part`, input `width`: `part.width=3`: the graph has no input `part.width`
    `part.heigth=3`: node `part` (./parts/resize.json) has no input `heigth`; its inputs are: image, width
    `prat.width=3`: the graph has no node `prat`; did you mean `part`?
    9 problems in g.json
    ");
}

#[test]
fn a_bare_prompt_may_be_a_part() {
    let prompt = r#"{"1": {"class_type": "Note", "inputs": {"unheard": 1}},
        "2": {"class_type": "SaveImage", "inputs": {"image": ["3", 0], "path": "o.png"}},
        "3": {"class_type": "LoadImage", "inputs": {"path": "cat.png"}}}"#;
    let graphs =
        Graphs::new(&[("g.json", r#"{"nodes": {"p": {"class_type": "./prompt.json"}}}"#), ("prompt.json", prompt)]);
    let checked = graphs.check("g.json", &graphs.given(&[], &[])).unwrap();
    assert_eq!((checked.roots.len(), checked.warnings.len()), (1, 1));
    assert!(checked.warnings[0].to_string().contains("prompt.json, line 1"), "{}", checked.warnings[0]);
}

#[test]
fn requirements_of_parts_are_requirements() {
    let part =
        |requires: &str| format!(r#"{{"requires": {requires}, "nodes": {{"n": {{"class_type": "std.Note"}}}}}}"#);
    let top = r#"{"requires": {"std": {"version": "^0.1"}}, "nodes": {"a": {"class_type": "./a.json"}, "b": {"class_type": "./b.json"}}}"#;
    let graphs = Graphs::new(&[
        ("g.json", top),
        ("a.json", &part(r#"{"std": {"version": ">=0.1, <0.9", "url": "https://example.org"}, "acme": {}}"#)),
        ("b.json", &part(r#"{"std": {"version": "<0.1"}, "acme": {}}"#)),
    ]);
    insta::assert_snapshot!(graphs.problems("g.json"), @"
    a.json, line 1, column 80: the graph requires the pack `acme`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    b.json, line 1, column 15: the graph requires another version of the pack `std`: expected <0.1, got 0.1.0; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    3 problems in g.json
    ");
    insta::assert_snapshot!(graphs.expanded("g.json").unwrap().to_json()["requires"], @r#"{"std":{"version":"^0.1, >=0.1, <0.9, <0.1","url":"https://example.org"},"acme":{}}"#);
}

#[test]
fn an_inner_id_that_is_taken() {
    let top = outer(r#""image": ["load", 0]"#, r#", "part:note": {"class_type": "std.Note"}"#);
    let graphs = Graphs::new(&[("g.json", &top), ("parts/resize.json", RESIZE)]);
    insta::assert_snapshot!(graphs.problems("g.json"), @"
    line 3, column 5, node `part`: its graph has a node that becomes `part:note`, which is the id of another node; rename one of the nodes
    1 problem in g.json
    ");
}

#[test]
fn a_graph_that_contains_itself() {
    let uses = |path: &str| format!(r#"{{"nodes": {{"p": {{"class_type": "{path}"}}}}}}"#);
    let graphs = Graphs::new(&[
        ("a.json", &uses("./sub/b.json")),
        ("sub/b.json", &uses("../sub/../a.json")),
        ("self.json", &uses("./self.json")),
        ("into.json", &uses("self.json")),
    ]);
    insta::assert_snapshot!(graphs.problems("a.json"), @"
    sub/b.json, line 1, column 12, node `p`: expected a graph that does not contain itself, got a.json > sub/b.json > sub/../sub/../a.json; remove one of these graph nodes
    1 problem in a.json
    ");
    insta::assert_snapshot!(graphs.problems("self.json"), @"
    line 1, column 12, node `p`: expected a graph that does not contain itself, got self.json > self.json; remove one of these graph nodes
    1 problem in self.json
    ");
    insta::assert_snapshot!(graphs.problems("into.json"), @"
    self.json, line 1, column 12, node `p`: expected a graph that does not contain itself, got self.json > self.json; remove one of these graph nodes
    1 problem in into.json
    ");
}

#[test]
fn graphs_have_limits() {
    let mut files = Vec::new();
    for level in 0..40 {
        files.push((
            format!("deep{level}.json"),
            format!(r#"{{"nodes": {{"p": {{"class_type": "deep{}.json"}}}}}}"#, level + 1),
        ));
    }
    for level in 0..20 {
        let nodes: Vec<String> =
            (0..10).map(|n| format!(r#""n{n}": {{"class_type": "wide{}.json"}}"#, level + 1)).collect();
        files.push((format!("wide{level}.json"), format!(r#"{{"nodes": {{{}}}}}"#, nodes.join(", "))));
    }
    files.push(("wide20.json".into(), r#"{"nodes": {"n": {"class_type": "std.Note"}}}"#.into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let graphs = Graphs::new(&files);
    insta::assert_snapshot!(graphs.problems("deep0.json"), @"
    deep32.json, line 1, column 12, node `p`: expected at most 32 levels of graphs in graphs, got more; use fewer levels
    1 problem in deep0.json
    ");
    insta::assert_snapshot!(graphs.problems("wide0.json").lines().next().unwrap(), @"line 1, column 12, node `n0`: expected at most 100000 nodes from graph nodes, got more; use fewer graph nodes");
}

#[test]
fn a_graph_from_a_picture_uses_graphs_of_its_folder_only() {
    let inner = |path: &str| {
        format!(
            r#"{{"outputs": {{"image": ["load", 0]}}, "nodes": {{"load": {{"class_type": "std.LoadImage", "inputs": {{"path": "{path}"}}}}}}}}"#
        )
    };
    let graphs = Graphs::new(&[
        ("pictures/parts/near.json", &inner("../cat.png")),
        ("pictures/parts/far.json", &inner("../../cat.png")),
        ("outside.json", &inner("cat.png")),
    ]);
    let text = |graph: &str| {
        format!(r#"{{"outputs": {{"a": ["p", "image"]}}, "nodes": {{"p": {{"class_type": "{graph}"}}}}}}"#)
    };
    let picture = || Origin::Picture(graphs.path("pictures/out.png"));
    let check = |graph: &str| {
        check(expand(File::parse(&text(graph), picture()).unwrap()), &declared(), &graphs.given(&[], &[]))
    };
    assert_eq!(check("./parts/near.json").unwrap().nodes[0].reads, [graphs.path("pictures/parts/../cat.png")]);
    let problems =
        |graph: &str| check(graph).unwrap_err().to_string().replace(&format!("{}/", graphs.0.path().display()), "");
    insta::assert_snapshot!(problems("parts/far.json"), @r#"
    pictures/parts/far.json, line 1, column 106, node `p:load` (std.LoadImage), input `path`: a graph from a picture may use only files in its folder: got "../../cat.png"; give the path on the command line, or save the graph as a file of its own
    1 problem in the graph in pictures/out.png
    "#);
    insta::assert_snapshot!(problems("../outside.json"), @r#"
    line 1, column 46, node `p`: a graph from a picture may use only graphs in its folder: got "../outside.json"; save the graph as a file of its own
    1 problem in the graph in pictures/out.png
    "#);
    insta::assert_snapshot!(problems("parts/../../outside.json"), @r#"
    line 1, column 46, node `p`: a graph from a picture may use only graphs in its folder: got "parts/../../outside.json"; save the graph as a file of its own
    1 problem in the graph in pictures/out.png
    "#);
    insta::assert_snapshot!(problems("/outside.json"), @r#"
    line 1, column 46, node `p`: a graph from a picture may use only graphs in its folder: got "/outside.json"; save the graph as a file of its own
    1 problem in the graph in pictures/out.png
    "#);
}

#[test]
fn a_graph_that_was_not_expanded_is_not_run() {
    insta::assert_snapshot!(super::problems(
        r#"{"outputs": {"a": ["p", 0]}, "nodes": {"p": {"class_type": "./p.json"}}}"#
    ), @"
    line 1, column 40, node `p`: expected an expanded graph, got the graph node `./p.json`; call `graph::expand` first
    1 problem in the text
    ");
}
