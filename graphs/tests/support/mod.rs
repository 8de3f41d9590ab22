//! Finds the built program and the files of the project.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
};

/// The folder of the project.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder of the graphs.
pub(crate) fn graphs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder that cargo builds into, `target/release` or `target/debug`: one above the test's own.
pub(crate) fn build_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    test.ancestors().nth(2).expect("the test lies in `deps`").to_owned()
}

/// The program, with the packs beside it. Cargo does not build it for the tests of this package alone.
pub(crate) fn program() -> PathBuf {
    let program = build_folder().join(format!("splatgraph{EXE_SUFFIX}"));
    assert!(program.is_file(), "expected {}; build it with `cargo build --workspace`", program.display());
    program
}

/// The weights of a thin InceptionV3.
pub(crate) fn inception() -> PathBuf {
    project().join("nodes/gpstoken/tests/goldens/inception.safetensors")
}
