//! Bare prompts as clients send them: each value for an input of each kind.
#![no_main]

mod declared;

use splatgraph::{
    graph::{File, Given, Origin, check, to_bare_prompt},
    registry::Registry,
};
use std::{path::Path, sync::LazyLock};

static REGISTRY: LazyLock<Registry> = LazyLock::new(declared::registry);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = File::parse(text, Origin::Text) else { return };
    if file.nodes.iter().any(|node| node.is_graph()) {
        return;
    }
    let once = file.clone().adapted(&REGISTRY);
    assert_eq!(once.clone().adapted(&REGISTRY), once);
    let _ = check(file.clone(), &REGISTRY, &Given { cwd: "/folder".into(), ..Given::default() });
    let _ = to_bare_prompt(file, Path::new(""), &REGISTRY);
});
