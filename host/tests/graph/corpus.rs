//! What fuzzing found worth keeping (see the folder `fuzz`): nothing of it may panic, and what is read can be written and read again.

use splatgraph::{
    graph::{File, Origin, draw},
    picture::{graph_in, read_text},
};
use std::{io::Cursor, path::Path};

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let files: Vec<Vec<u8>> =
        std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(files.len() > 4, "{name}");
    files
}

/// Whether a text is a graph.
fn replay(text: &str) -> bool {
    let Ok(file) = File::parse(text, Origin::Text) else { return false };
    let _ = draw(&file, None);
    if file.problems.is_empty() && file.workflow.is_none() {
        let written = file.to_json().to_string();
        let again = File::parse(&written, Origin::Text).expect("a graph that was written");
        assert_eq!(again.to_json().to_string(), written);
    }
    true
}

#[test]
fn graphs_of_the_corpus_are_read_without_a_panic() {
    let read = corpus("graph_json").into_iter().filter_map(|bytes| String::from_utf8(bytes).ok());
    let graphs: Vec<bool> = read.map(|text| replay(&text)).collect();
    assert!(graphs.contains(&true));
}

#[test]
fn pictures_of_the_corpus_are_read_without_a_panic() {
    let texts = corpus("png_graph").into_iter().filter_map(|bytes| read_text(Cursor::new(bytes)).ok());
    let graphs = texts.filter_map(|text| graph_in(&text).ok());
    let graphs: Vec<bool> = graphs.map(|found| replay(&found.graph)).collect();
    assert!(graphs.contains(&true));
}
