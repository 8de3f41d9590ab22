//! Paths in graphs.

use super::closures::{PackOf, declared};
use serde_json::json;
use splatgraph::graph::{Checked, File, Given, Origin, Problems, check, check_with_files};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder with the graph folder `graphs`, the current directory `here` and the model folder `models`.
struct Folders(TempDir);

impl Folders {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["graphs", "here", "models"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn given(&self, inputs: &[(&str, &str)]) -> Given {
        Given {
            inputs: inputs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            cwd: self.path("here"),
            model_dirs: vec![self.path("models")],
            ..Given::default()
        }
    }

    fn check(&self, read: &str, write: &str, model: &str, given: &Given) -> Result<Checked, Problems> {
        self.check_origin(Origin::File(self.path("graphs/graph.json")), read, write, model, given)
    }

    fn check_origin(
        &self,
        origin: Origin,
        read: &str,
        write: &str,
        model: &str,
        given: &Given,
    ) -> Result<Checked, Problems> {
        let text = format!(
            r#"{{"inputs": {{"image": "load.path", "output": "save.path", "model": "model.model", "text": "note.text"}},
            "nodes": {{
                "load": {{"class_type": "std.LoadImage", "inputs": {{"path": "{read}"}}}},
                "model": {{"class_type": "tokenize.LoadTokenizer", "inputs": {{"model": "{model}"}}}},
                "note": {{"class_type": "std.Note", "inputs": {{"text": "a/b"}}}},
                "save": {{"class_type": "std.SaveImage", "inputs": {{"image": ["load", 0], "path": "{write}"}}}}}}}}"#
        );
        check(File::parse(&text, origin)?, &declared(), given)
    }

    /// Problems without the name of the temporary folder.
    #[track_caller]
    fn problems(&self, result: Result<Checked, Problems>) -> String {
        let text = result.expect_err("there are problems").to_string();
        crate::with_slashes(&text.replace(&self.0.path().display().to_string(), "[folder]"))
    }

    #[track_caller]
    fn assert_paths(&self, checked: &Checked, read: &str, write: &str) {
        assert_eq!(checked.nodes[0].reads, [self.path(read)]);
        assert_eq!(checked.nodes[3].writes[0].path, self.path(write));
    }
}

#[test]
fn each_kind_of_path_has_its_folder() {
    let folders = Folders::new();
    let checked = folders.check("cat.png", "out.png", "small", &folders.given(&[])).unwrap();
    folders.assert_paths(&checked, "graphs/cat.png", "here/out.png");
    assert!(checked.nodes[1].reads.is_empty(), "a built-in model is no file");

    let given = folders.given(&[("image", "dog.png"), ("output", "sub/o.png")]);
    let checked = folders.check("cat.png", "out.png", "small", &given).unwrap();
    folders.assert_paths(&checked, "here/dog.png", "here/sub/o.png");
    assert_eq!(checked.file().to_prompt(&declared())["load"]["inputs"]["path"], "dog.png", "as it was given");

    let out = Given { out_dir: Some("results".into()), ..folders.given(&[]) };
    let checked = folders.check("../cat.png", "out.png", "small", &out).unwrap();
    folders.assert_paths(&checked, "graphs/../cat.png", "here/results/out.png");

    let checked = folders.check_origin(Origin::Text, "cat.png", "out.png", "small", &folders.given(&[])).unwrap();
    folders.assert_paths(&checked, "here/cat.png", "here/out.png");
}

#[test]
fn placeholders_are_filled_in() {
    let folders = Folders::new();
    let given = Given { index: 7, ..folders.given(&[]) };
    let write = "{stem}-{image}-{text}-{index}-{b}.png";
    let checked = folders.check("photos/cat.jpg", write, "small", &given).unwrap();
    folders.assert_paths(&checked, "graphs/photos/cat.jpg", "here/cat-cat-a-b-007-{b}.png");
    let checked = folders.check("cat.jpg", "a}{b.png", "small", &given).unwrap();
    folders.assert_paths(&checked, "graphs/cat.jpg", "here/a}{b.png");
    let result = folders.check("cat.jpg", "{colour}.png", "small", &given);
    insta::assert_snapshot!(folders.problems(result), @r#"
    line 6, column 98, node `save` (std.SaveImage), input `path`: the path "{colour}.png" has an unknown placeholder {colour}: expected {stem}, {index}, {b}, {image}, {output}, {model}, {text}
    1 problem in [folder]/graphs/graph.json
    "#);
}

#[test]
fn stem_needs_a_file_that_is_read() {
    let text = r#"{"nodes": {"load": {"class_type": "std.LoadImage", "inputs": {"path": ["note", 0]}},
        "note": {"class_type": "std.Note"},
        "save": {"class_type": "std.SaveImage", "inputs": {"image": ["load", 0], "path": "{stem}.png"}}}}"#;
    insta::assert_snapshot!(super::problems(text), @r#"
    line 3, column 90, node `save` (std.SaveImage), input `path`: the path "{stem}.png" has {stem}, the stem of the first file that the graph reads: expected a graph that reads a file, got one that reads none
    1 problem in the text
    "#);
}

#[test]
fn models_are_looked_for_in_their_folders() {
    let folders = Folders::new();
    fs::write(folders.path("models/large.safetensors"), "").unwrap();
    let given = folders.given(&[]);
    let found = |model: &str| folders.check("cat.png", "o.png", model, &given).unwrap().nodes[1].reads.clone();
    assert_eq!(found("large.safetensors"), [folders.path("models/large.safetensors")]);
    fs::write(folders.path("graphs/large.safetensors"), "").unwrap();
    assert_eq!(
        found("large.safetensors"),
        [folders.path("graphs/large.safetensors")],
        "the graph's folder comes first"
    );

    let result = folders.check("cat.png", "o.png", "smal", &given);
    assert!(result.as_ref().unwrap_err().only_missing());
    insta::assert_snapshot!(folders.problems(result), @r#"
    line 4, column 87, node `model` (tokenize.LoadTokenizer), input `model`: the model "smal" does not exist: expected a file, or a built-in model: small; give one with `model=FILE`; did you mean "small"? Searched [folder]/graphs/smal, [folder]/models/smal
    1 problem in [folder]/graphs/graph.json
    "#);
    let on_command_line = folders.given(&[("model", "other.pth")]);
    insta::assert_snapshot!(folders.problems(folders.check("cat.png", "o.png", "small", &on_command_line)), @r#"
    node `model` (tokenize.LoadTokenizer), input `model`: the model "other.pth" does not exist: expected a file, or a built-in model: small; searched [folder]/here/other.pth, [folder]/models/other.pth
    1 problem in [folder]/graphs/graph.json
    "#);
}

#[test]
fn files_that_a_run_reads_are_not_written_over() {
    let folders = Folders::new();
    fs::write(folders.path("here/cat.png"), "").unwrap();
    let given = folders.given(&[]);
    let clash = |read: &str, write: &str| folders.check(read, write, "small", &given);
    insta::assert_snapshot!(folders.problems(clash("../here/cat.png", "cat.png")), @"
    line 6, column 98, node `save` (std.SaveImage), input `path`: it would write over the file that `load.path` reads; choose another path than [folder]/here/cat.png
    1 problem in [folder]/graphs/graph.json
    ");
    // The file does not exist yet, and has a number in its name.
    assert!(clash("../here/new.png", "../graphs/../here/new.png").is_err());
    assert!(clash("../here/new-003.png", "new-{b}.png").is_err());
    assert!(clash("../here/new-x.png", "new-{b}.png").is_ok());
    assert!(clash("cat.png", "cat.png").is_ok());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folders.path("here/cat.png"), folders.path("here/link.png")).unwrap();
        assert!(clash("../here/cat.png", "link.png").is_err());
    }
}

#[test]
fn one_file_is_written_once() {
    let text = super::graph(&format!(
        r#"{}, {}, "again": {{"class_type": "std.SaveImage", "inputs": {{"image": ["load", 0], "path": "./out.png"}}}}"#,
        super::LOAD,
        super::SAVE
    ));
    let problems = super::problems(&text);
    let here = std::env::current_dir().unwrap().display().to_string();
    insta::assert_snapshot!(problems.replace(&here, "[here]"), @"
    line 1, column 280, node `again` (std.SaveImage), input `path`: it would write over the file that `save.path` also writes; choose another path than [here]/folder/out.png
    1 problem in the text
    ");
}

#[test]
fn a_path_to_write_names_a_file() {
    let folders = Folders::new();
    insta::assert_snapshot!(folders.problems(folders.check("a.png", "sub/", "small", &folders.given(&[]))), @r#"
    line 6, column 98, node `save` (std.SaveImage), input `path`: expected the path of a file to write, got "sub/"
    1 problem in [folder]/graphs/graph.json
    "#);
    insta::assert_snapshot!(folders.problems(folders.check("a.png", "..", "small", &folders.given(&[]))), @r#"
    line 6, column 98, node `save` (std.SaveImage), input `path`: expected the path of a file to write, got ".."
    1 problem in [folder]/graphs/graph.json
    "#);
}

#[test]
fn a_graph_from_a_picture_stays_in_its_folder() {
    let folders = Folders::new();
    let picture = || Origin::Picture(folders.path("graphs/picture.png"));
    let check = |read: &str, write: &str, model: &str, given: &Given| {
        folders.check_origin(picture(), read, write, model, given)
    };
    let given = folders.given(&[]);
    let checked = check("sub/../cat.png", "out.png", "small", &given).unwrap();
    folders.assert_paths(&checked, "graphs/sub/../cat.png", "here/out.png");
    insta::assert_snapshot!(folders.problems(check("/etc/passwd", "../out.png", "../../model.pth", &given)), @r#"
    line 3, column 76, node `load` (std.LoadImage), input `path`: a graph from a picture may use only files in its folder: got "/etc/passwd"; give the path on the command line, or save the graph as a file of its own
    line 4, column 87, node `model` (tokenize.LoadTokenizer), input `model`: a graph from a picture may use only files in its folder: got "../../model.pth"; give the path on the command line, or save the graph as a file of its own
    line 6, column 98, node `save` (std.SaveImage), input `path`: a graph from elsewhere may write only below the folder for output: got "../out.png"; give the path on the command line, or save the graph as a file of its own
    3 problems in the graph in [folder]/graphs/picture.png
    "#);
    assert!(check("sub/../../cat.png", "out.png", "small", &given).is_err());
    // Paths on the command line are not confined.
    let given = folders.given(&[("image", "/photos/cat.png"), ("output", "../out.png")]);
    let checked = check("/etc/passwd", "../out.png", "small", &given).unwrap();
    assert_eq!(checked.nodes[0].reads, [Path::new("/photos/cat.png")]);
}

#[test]
fn values_are_never_filled_in() {
    let folders = Folders::new();
    let of = |read: &str, text: &str, write: &str| {
        let given = folders.given(&[("image", read), ("text", text)]);
        let checked = folders.check("cat.png", write, "small", &given).unwrap();
        let path = checked.nodes[3].writes[0].path.strip_prefix(folders.path("here")).unwrap().to_owned();
        let node = checked.nodes[3].feeds[1].clone();
        (path.display().to_string(), format!("{node:?}").replace(&folders.path("here").display().to_string(), ""))
    };
    assert_eq!(of("p{b}.png", "x", "{stem}-{b}.png").0, "p{b}-{b}.png");
    assert_eq!(of("{index}.png", "{stem}", "{stem}-{text}.png").0, "{index}-{stem}.png");
    // A node that replaces `{b}` gets all other braces in a form that it leaves alone.
    assert_eq!(of("p{b}.png", "x", "{stem}-{b}.png").1, r#"Value(String("/p{{}b}-{b}.png"))"#);
    assert_eq!(of("a.png", "x", "{{}b}.png"), ("{b}.png".to_owned(), r#"Value(String("/{{}b}.png"))"#.to_owned()));
}

#[test]
fn values_stay_in_one_file_name() {
    let folders = Folders::new();
    let of = |text: &str, write: &str| {
        let given = folders.given(&[("text", text)]);
        let checked = folders.check("cat.png", write, "small", &given).unwrap();
        checked.nodes[3].writes[0].path.strip_prefix(folders.path("here")).unwrap().display().to_string()
    };
    assert_eq!(of("../../etc/x", "{text}.png"), "..-..-etc-x.png");
    assert_eq!(of("..", "{text}/x.png"), "--/x.png");
    assert_eq!(of(".", "{text}{text}/x.png"), "--/x.png");
    assert_eq!(of("", "{text}/x.png"), "-/x.png");
    assert_eq!(of("..", "../here/{text}.png"), "../here/...png");
    assert_eq!(of("a\\b:c\nd", "{text}.png"), "a-b-c-d.png");
}

/// Who wrote the graph: the user, somebody who sent a picture, or another program.
#[test]
fn a_graph_from_elsewhere_replaces_no_file() {
    let folders = Folders::new();
    let picture = || Origin::Picture(folders.path("graphs/picture.png"));
    let written = |origin: Origin, write: &str, given: &Given| {
        let checked = folders.check_origin(origin, "cat.png", write, "small", given);
        let Ok(checked) = checked else { return folders.problems(checked) };
        checked.nodes[3].writes[0].path.strip_prefix(folders.path("here")).unwrap().display().to_string()
    };
    let given = folders.given(&[]);
    assert_eq!(written(picture(), "out.png", &given), "out.png");
    fs::write(folders.path("here/out.png"), "mine").unwrap();
    fs::write(folders.path("here/out-1.png"), "mine").unwrap();
    assert_eq!(written(picture(), "out.png", &given), "out-2.png");
    assert_eq!(written(Origin::Text, "out.png", &given), "out-2.png");
    assert_eq!(written(Origin::File(folders.path("graphs/g.json")), "out.png", &given), "out.png");
    // The user allows it, or names the file.
    assert_eq!(written(picture(), "out.png", &Given { overwrite: true, ..folders.given(&[]) }), "out.png");
    assert_eq!(written(picture(), "x.png", &folders.given(&[("output", "out.png")])), "out.png");
    let own = Given { replaces: vec![folders.path("here/out-1.png")], ..folders.given(&[]) };
    assert_eq!(written(picture(), "out.png", &own), "out-1.png");
    // A batch of pictures gets numbers.
    fs::write(folders.path("here/b-004.png"), "mine").unwrap();
    fs::write(folders.path("here/c7.png"), "mine").unwrap();
    assert_eq!(written(picture(), "b.png", &given), "b-1.png");
    assert_eq!(written(picture(), "c{b}.png", &given), "c{b}-1.png");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", folders.path("here/link.png")).unwrap();
        assert_eq!(written(picture(), "link.png", &given), "link-1.png");
    }
}

#[test]
fn a_graph_from_elsewhere_writes_only_plain_files_below_the_folder() {
    let folders = Folders::new();
    fs::create_dir_all(folders.path("here/sub")).unwrap();
    let problems = |write: &str| {
        let picture = Origin::Picture(folders.path("graphs/picture.png"));
        folders.problems(folders.check_origin(picture, "cat.png", write, "small", &folders.given(&[])))
    };
    let first = |write: &str| problems(write).lines().next().unwrap().split_once("`path`: ").unwrap().1.to_owned();
    insta::assert_snapshot!(first(".bashrc"), @r#"a graph from elsewhere may not write hidden files: got ".bashrc"; give the path on the command line, or save the graph as a file of its own"#);
    insta::assert_snapshot!(first("sub/.git/x.png"), @r#"a graph from elsewhere may not write hidden files: got "sub/.git/x.png"; give the path on the command line, or save the graph as a file of its own"#);
    insta::assert_snapshot!(first("Makefile"), @r#"a graph from elsewhere may write only files with an extension that the node declares: expected .png, got "Makefile"; give the path on the command line, or save the graph as a file of its own"#);
    insta::assert_snapshot!(first("x.sh"), @r#"a graph from elsewhere may write only files with an extension that the node declares: expected .png, got "x.sh"; give the path on the command line, or save the graph as a file of its own"#);
    for outside in ["../x.png", "/x.png", "sub/../../x.png"] {
        assert!(first(outside).starts_with("a graph from elsewhere may write only below the folder for output"));
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folders.path("graphs"), folders.path("here/out")).unwrap();
        assert!(first("out/x.png").starts_with("a graph from elsewhere may write only below the folder for output"));
    }
}

#[test]
fn every_file_of_a_list_and_every_folder_is_looked_for() {
    let folders = Folders::new();
    for name in ["graphs/a.png", "graphs/photos/b.png"] {
        fs::create_dir_all(folders.path(name).parent().unwrap()).unwrap();
        fs::write(folders.path(name), "").unwrap();
    }
    let registry = PackOf::new("acme")
        .declared(json!({
            "name": "Load",
            "inputs": [
                { "name": "paths", "type": "STRING", "path": "read", "list": true },
                { "name": "folder", "type": "STRING", "path": "read_dir", "default": "photo" },
            ],
            "outputs": [{ "name": "image", "type": "IMAGE" }],
        }))
        .registry();
    let checked = |inputs: serde_json::Value| {
        let node = json!({"class_type": "acme.Load", "inputs": inputs});
        let graph = json!({"nodes": {"load": node}, "outputs": {"image": ["load", 0]}}).to_string();
        let file = File::parse(&graph, Origin::File(folders.path("graphs/graph.json"))).unwrap();
        let given = folders.given(&[]);
        assert!(check(file.clone(), &registry, &given).unwrap().check_files().is_err() || inputs["folder"] == "photos");
        check_with_files(file, &registry, &given)
    };
    assert!(checked(json!({"paths": {"__value__": ["a.png", "photos/b.png"]}, "folder": "photos"})).is_ok());
    let problems =
        checked(json!({"paths": {"__value__": ["a.png", "photos/c.png", "photos"]}})).unwrap_err().to_string();
    insta::assert_snapshot!(problems.replace(folders.0.path().to_str().unwrap(), "[folder]"), @r#"
    line 1, column 62, node `load` (acme.Load), input `paths`: expected the file "photos/c.png", got no such file: [folder]/graphs/photos/c.png; did you mean "photos/b.png"?
    line 1, column 62, node `load` (acme.Load), input `paths`: expected the file "photos", got a folder: [folder]/graphs/photos
    node `load` (acme.Load), input `folder`: expected the folder "photo", got no such folder: [folder]/graphs/photo; did you mean "photos"?
    3 problems in [folder]/graphs/graph.json
    "#);
    let problems = checked(json!({"paths": {"__value__": []}, "folder": "a.png"})).unwrap_err().to_string();
    insta::assert_snapshot!(problems.replace(folders.0.path().to_str().unwrap(), "[folder]"), @r#"
    line 1, column 88, node `load` (acme.Load), input `folder`: expected the folder "a.png", got a file: [folder]/graphs/a.png
    1 problem in [folder]/graphs/graph.json
    "#);
}
