//! `splatgraph new-pack`: the new pack builds, passes its test and runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Place;

#[test]
fn a_new_pack_has_all_files_and_an_existing_folder_is_refused() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["new-pack", "my-blur"]).all(), @r"
    exit code 0
    --- stdout
    Created the pack `my_blur` in my-blur. Next:
      cd my-blur
      cargo test
      cargo build --release
      splatgraph packs add .
      splatgraph run graph.json
    --- stderr
    ");
    let manifest = place.read("my-blur/Cargo.toml");
    assert!(manifest.contains(r#"splatgraph-sdk = { path = "sdk" }"#), "{manifest}");
    assert!(place.read("my-blur/src/lib.rs").contains("id: \"my_blur\""));
    assert!(place.read("my-blur/graph.json").contains("my_blur.Gradient"));
    for file in ["README.md", ".gitignore", ".github/workflows/ci.yml"] {
        assert!(place.path("work/my-blur").join(file).is_file(), "{file}");
    }
    insta::assert_snapshot!(place.run(&["new-pack", "my-blur"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new folder for the pack, got one that exists; choose another name
      my-blur
    ");
}

#[test]
fn names_that_cannot_be_are_refused() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["new-pack", "My.Pack"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a name of lower-case letters, digits, `-` and `_` that begins with a letter, got `My.Pack`
    ");
    insta::assert_snapshot!(place.run(&["new-pack", "match"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a name that Rust does not reserve, got `match`; choose another name
    ");
    insta::assert_snapshot!(place.run(&["new-pack", "ok", "--sdk", "."]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: --sdk: expected the folder of the crate splatgraph-sdk
      .
    ");
    assert_eq!(place.files(), Vec::<String>::new());
}

#[test]
fn a_new_pack_builds_passes_its_test_and_runs() {
    let place = Place::new();
    assert_eq!(place.run(&["new-pack", "fresh"]).code, 0);
    let folder = place.path("work/fresh");
    // The crates in the versions of this project are downloaded already.
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-pack");
    for arguments in [&["fmt", "--check"][..], &["test"], &["build"]] {
        let mut cargo = Command::new(env!("CARGO"));
        let ran = cargo.args(arguments).current_dir(&folder).env("CARGO_TARGET_DIR", &target).output().unwrap();
        assert!(ran.status.success(), "cargo {arguments:?}\n{}", String::from_utf8_lossy(&ran.stderr));
    }

    // The graph saves its picture with the pack `std`, which the workspace builds beside the real binary.
    let mut run = Command::new(env!("CARGO_BIN_EXE_splatgraph"));
    run.args(["run", "graph.json", "width=8", "height=4", "--packs"]).arg(target.join("debug"));
    let ran = place.ran(&run.current_dir(&folder).output().unwrap());
    let hint = "is the workspace built? `cargo build -p splatgraph-pack-std` in the same profile";
    assert_eq!(ran.code, 0, "{}\n{hint}", ran.stderr);
    assert!(place.run(&["inspect", "fresh/gradient.png"]).stdout.contains("8x4"));
}
