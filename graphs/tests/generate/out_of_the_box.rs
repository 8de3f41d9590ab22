//! The graphs that generate pictures, with the built-in generators.

use crate::{
    assert_picture, succeed,
    support::{graphs, program, project},
};
use splatgraph_sdk::checkpoint;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// The names of the classes, as the checkpoint has them.
fn class_names() -> Vec<String> {
    let model = project().join("nodes/gpstoken/models/small-layout.safetensors");
    serde_json::from_str(&checkpoint::open(&model).unwrap().metadata["classes"]).unwrap()
}

fn splatgraph(folder: &Path, graph: &str, arguments: &[&str]) -> Output {
    let graph = graphs().join(graph);
    let mut command = Command::new(program());
    command.arg("run").arg(graph).args(arguments).args(["--device", "cpu", "--no-metadata"]);
    command.current_dir(folder).env("NO_COLOR", "1").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn generate_needs_nothing_and_makes_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    let picture = |arguments: &[&str]| {
        let output = splatgraph(folder.path(), "generate.json", arguments);
        succeed(&output);
        let path = folder.path().join("generated-0-0.png");
        assert_picture(&path);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(path).unwrap();
        (bytes, said(&output))
    };
    let (first, said) = picture(&[]);
    let name = &class_names()[0];
    assert!(said.contains(&format!("class 0: {name}")), "{said}");
    assert!(picture(&["--threads", "1"]).0 == first, "the same seed gave other bytes");
    let output = "output=generated-0-0.png";
    assert!(picture(&[&format!("class={name}"), output]).0 == first, "the class by its name gave other bytes");
    assert!(picture(&["seed=1", output]).0 != first, "another seed gave the same bytes");
}

#[test]
fn the_other_graphs_need_no_generators() {
    let folder = tempfile::tempdir().unwrap();
    for (graph, files) in [
        ("generate-from-layout.json", ["generated-0-0.png", "generated-0-0-layout.png"]),
        ("generate-from-photo.json", ["generated-0-1.png", "generated-0-1-layout.png"]),
    ] {
        let seed = format!("seed={}", usize::from(graph.contains("photo")));
        succeed(&splatgraph(folder.path(), graph, &["steps=3", &seed]));
        files.iter().for_each(|file| assert_picture(&folder.path().join(file)));
    }
}

#[test]
fn a_sheet_shows_pictures_of_several_classes() {
    let folder = tempfile::tempdir().unwrap();
    let classes = format!("classes=[0, {:?}, 0]", class_names()[1]);
    let output = splatgraph(folder.path(), "generate-sheet.json", &["count=3", &classes, "steps=3", "columns=3"]);
    succeed(&output);
    assert!(said(&output).contains(&format!("1: {}", class_names()[1])), "{}", said(&output));
    for file in ["sheet.png", "sheet-layouts.png"] {
        let (width, height, _) = crate::pixels(&folder.path().join(file));
        assert_eq!((width, height), (3 * 256 + 2 * 8, 256), "{file}");
    }
}

#[test]
fn an_unknown_class_is_an_error_with_all_classes() {
    let folder = tempfile::tempdir().unwrap();
    let names = class_names();
    let listed: Vec<String> = names.iter().enumerate().map(|(number, name)| format!("{number}: {name}")).collect();
    let error = |class: &str| {
        let output = splatgraph(folder.path(), "generate.json", &[&format!("class={class}")]);
        assert_eq!(output.status.code(), Some(1));
        let said = said(&output);
        let error = said.lines().find(|line| line.contains("failed: ")).unwrap_or_else(|| panic!("{said}"));
        let error =
            error.replace(&listed.join(", "), "[CLASSES]").replace(&format!("0 to {}", names.len() - 1), "0 to [LAST]");
        error.split(" [gpstoken").next().unwrap().to_owned()
    };
    insta::assert_snapshot!(error("60000"), @"error: node `layout` (gpstoken.LayoutDiffusion) failed: input `class`: expected a class from 0 to [LAST], got 60000; this generator knows [CLASSES]");
    insta::assert_snapshot!(error("no such class"), @r#"error: node `layout` (gpstoken.LayoutDiffusion) failed: input `class`: expected a class from 0 to [LAST], got "no such class"; this generator knows [CLASSES]"#);
}
