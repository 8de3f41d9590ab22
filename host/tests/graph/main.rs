//! Graph files: reading, checking against packs that tests declare, drawing, and the schema.

mod check;
#[path = "../closures/mod.rs"]
mod closures;
mod command_line;
mod corpus;
mod expand;
mod links;
mod mutation;
mod parse;
mod paths;
#[path = "../random/mod.rs"]
mod random;
mod requires;
mod show;
mod supply;
mod swap;

use splatgraph::graph::{Checked, File, Given, Origin, Problems, check as check_file};

fn given() -> Given {
    Given { cwd: "folder".into(), ..Given::default() }
}

fn parse(text: &str) -> Result<File, Problems> {
    File::parse(text, Origin::Text)
}

fn check_with(text: &str, given: &Given) -> Result<Checked, Problems> {
    check_file(parse(text)?, &closures::declared(), given)
}

/// The problems of a graph, one in each line.
#[track_caller]
fn problems(text: &str) -> String {
    problems_with(text, &given())
}

#[track_caller]
fn problems_with(text: &str, given: &Given) -> String {
    check_with(text, given).expect_err("the graph has problems").to_string()
}

/// A graph with these nodes.
fn graph(nodes: &str) -> String {
    format!(r#"{{"version": 1, "nodes": {{{nodes}}}}}"#)
}

const LOAD: &str = r#""load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}}"#;
const SAVE: &str =
    r#""save": {"class_type": "std.SaveImage", "inputs": {"image": ["load", "image"], "path": "out.png"}}"#;

/// A message with the paths that it has on Unix.
fn with_slashes(message: &str) -> String {
    if cfg!(windows) { message.replace("\\\\", "/").replace('\\', "/") } else { message.to_owned() }
}
