//! Graphs and bare prompts as JSON text. What is read can be written, drawn and read again.
#![no_main]

use splatgraph::graph::{File, Origin, draw};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = File::parse(text, Origin::Text) else { return };
    let _ = draw(&file, None);
    // A graph with problems never runs, so nobody writes it.
    // A workflow becomes a graph only with the classes of packs.
    if file.problems.is_empty() && file.workflow.is_none() {
        let written = file.to_json().to_string();
        let again = File::parse(&written, Origin::Text).expect("a graph that was written");
        assert_eq!(again.to_json().to_string(), written);
    }
});
