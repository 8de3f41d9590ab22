//! From an empty folder to a picture in four commands: `new-pack`, `cargo build`, `packs add` and `run`.

// Under Wine, where CI tests the Windows program, there is no cargo.
#![cfg(not(windows))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_new_pack_is_built_added_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-pack");
    let run = |program: &str, arguments: &[&str], inside: &str| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder.path().join(inside))
            .env("XDG_DATA_HOME", folder.path().join("data"))
            .env("NO_COLOR", "1")
            .env_remove("SPLATGRAPH_PACKS")
            .env_remove("SPLATGRAPH_SDK")
            // Built once for all tests, without optimisation to save time.
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        let output = command.output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program} {arguments:?}\n{stdout}\n{stderr}");
        stdout.into_owned()
    };
    // The real binary: the pack `std`, which saves the picture, is built beside it.
    let splatgraph = env!("CARGO_BIN_EXE_splatgraph");
    let sdk = PathBuf::from(HERE).join("../sdk");

    run(splatgraph, &["new-pack", "fresh", "--sdk", sdk.to_str().unwrap()], "");
    // The crates in the versions of this project are downloaded already.
    fs::copy(Path::new(HERE).join("../Cargo.lock"), folder.path().join("fresh/Cargo.lock")).unwrap();
    run(env!("CARGO"), &["build", "--release"], "fresh");
    let added = run(splatgraph, &["packs", "add", "."], "fresh");
    assert!(added.starts_with("Added fresh 0.1.0, 1 node: Gradient\n"), "{added}");
    let ran = run(splatgraph, &["run", "graph.json", "width=8", "height=4"], "fresh");
    assert!(ran.contains("gradient.png"), "{ran} (is the workspace built? `cargo build -p splatgraph-pack-std`)");
    assert!(run(splatgraph, &["inspect", "gradient.png"], "fresh").contains("8x4"));
    run(splatgraph, &["packs", "remove", "fresh"], "");
}
