//! Which crates may depend on which (ARCHITECTURE.md), read from `cargo metadata`.

// The sources are the same on every system.
#![cfg(not(windows))]

use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

/// Each workspace crate, with the workspace crates that it may depend on.
const INSIDE: [(&str, &[&str]); 8] = [
    ("splatgraph", &["splatgraph-sdk"]),
    ("splatgraph-sdk", &["splatgraph-abi", "splatgraph-macros"]),
    ("splatgraph-abi", &[]),
    ("splatgraph-macros", &[]),
    ("splatgraph-pack-std", &["splatgraph-sdk"]),
    ("splatgraph-pack-gpstoken", &["splatgraph-sdk"]),
    // The module that runs graphs in the process of Python.
    ("splatgraph-python", &["splatgraph", "splatgraph-sdk"]),
    // It has only tests, which run the built program.
    ("splatgraph-graphs", &["splatgraph", "splatgraph-sdk"]),
];

/// External crates, by the start of their names, each with the only workspace crate that may depend on them.
const OUTSIDE: [(&str, &str); 5] = [
    ("abi_stable", "splatgraph-abi"),
    ("libloading", "splatgraph"),
    ("tokio", "splatgraph"),
    ("burn", "splatgraph-pack-gpstoken"),
    ("pyo3", "splatgraph-python"),
];

/// Normal, development and build dependencies by crate.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let names = |package: &Value| {
        package["dependencies"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap().to_owned()).collect()
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["name"].as_str().unwrap().to_owned(), names(p)))
        .collect()
}

#[test]
fn crates_depend_only_on_what_the_architecture_allows() {
    let all = dependencies();
    assert_eq!(
        all.len(),
        INSIDE.len(),
        "a crate was added or removed; list in INSIDE what it may depend on: {:?}",
        all.keys()
    );
    for (name, allowed) in INSIDE {
        let ours = all[name].iter().filter(|d| all.contains_key(*d));
        let wrong: Vec<_> = ours.filter(|d| !allowed.contains(&d.as_str())).collect();
        assert!(wrong.is_empty(), "{name} may depend on {allowed:?} of our crates, but also depends on {wrong:?}");
    }
    for (name, dependencies) in &all {
        for (outside, owner) in OUTSIDE {
            let named = dependencies.iter().any(|d| d == outside || d.starts_with(&format!("{outside}-")));
            assert!(!named || name == owner, "only {owner} may depend on {outside}, but {name} does too");
        }
    }
}

#[test]
fn burn_is_pinned() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
    let burn = manifest.lines().find(|l| l.starts_with("burn = ")).expect("the workspace names burn");
    assert!(
        burn.contains("version = \"="),
        "expected a pinned version of burn, as its minor versions break, got {burn}"
    );
}
