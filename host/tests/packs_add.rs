//! `splatgraph packs add` and `packs remove`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use support::{Place, example_pack};

/// A pack in a download folder.
fn downloaded(place: &Place, name: &str) -> PathBuf {
    fs::create_dir_all(place.path("downloads")).unwrap();
    let file = place.path("downloads").join("some file");
    fs::copy(example_pack(name), &file).unwrap();
    file
}

fn add(place: &Place, file: &Path) -> support::Ran {
    let mut command = place.command(&["packs", "add", file.to_str().unwrap()]);
    place.ran(&command.env("CARGO_TARGET_DIR", place.path("target")).output().unwrap())
}

/// Another version of the pack `second`, with another description.
fn another_second() -> Vec<u8> {
    let mut bytes = fs::read(example_pack("second_pack")).unwrap();
    let (said, says) = (b"Another pack for the host's tests", b"A newer  pack for the host's tests");
    let found: Vec<usize> = (0..bytes.len() - said.len()).filter(|&at| bytes[at..].starts_with(said)).collect();
    for at in found {
        bytes[at..at + said.len()].copy_from_slice(&says[..said.len()]);
    }
    bytes
}

#[test]
fn a_pack_is_added_replaced_and_removed() {
    let place = Place::new();
    let file = downloaded(&place, "second_pack");
    insta::assert_snapshot!(add(&place, &file).all(), @"
    exit code 0
    --- stdout
    Added second 0.1.0, 5 nodes: Address, Told, ReadDigits, WriteDigits, Knit
      [DIR]/data/splatgraph/packs/libsecond.so
    --- stderr
    ");
    fs::write(&file, another_second()).unwrap();
    insta::assert_snapshot!(add(&place, &file).all(), @"
    exit code 0
    --- stdout
    Added second 0.1.0 instead of 0.1.0, 5 nodes: Address, Told, ReadDigits, WriteDigits, Knit
      [DIR]/data/splatgraph/packs/libsecond.so
    --- stderr
    ");
    assert!(place.run(&["packs"]).stdout.contains("A newer  pack"));
    let folder = place.path("data/splatgraph/packs");
    let names = |folder: &Path| -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(&folder), ["libsecond.so"]);
    assert!(place.run(&["nodes", "second"]).stdout.contains("Address"));
    // A file that was copied by hand under another name is replaced too.
    fs::rename(folder.join("libsecond.so"), folder.join("by_hand.so")).unwrap();
    assert!(add(&place, &file).stdout.contains("instead of 0.1.0"));
    assert_eq!(names(&folder), ["libsecond.so"]);
    insta::assert_snapshot!(place.run(&["packs", "remove", "second"]).all(), @r"
    exit code 0
    --- stdout
    Removed second
      [DIR]/data/splatgraph/packs/libsecond.so
    --- stderr
    ");
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[test]
fn files_that_are_not_packs_are_not_added() {
    let place = Place::new();
    insta::assert_snapshot!(add(&place, Path::new("nowhere.so")).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: the pack cannot be added: it cannot be read: No such file or directory (os error 2)
      nowhere.so
    ");
    place.write("text.so", "nothing");
    insta::assert_snapshot!(add(&place, Path::new("text.so")).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: the pack cannot be added: expected a shared library
      text.so
    ");
    fs::copy(std::env::current_exe().unwrap(), place.path("work/other.so")).unwrap();
    insta::assert_snapshot!(add(&place, Path::new("other.so")).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: the pack cannot be added: expected a node pack, got a library without `export_pack!`
      other.so
    ");
    fs::create_dir(place.path("work/empty")).unwrap();
    insta::assert_snapshot!(add(&place, Path::new("empty")).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected the library of a pack or the folder of a crate, got a folder without a Cargo.toml
      empty
    ");
    assert!(!place.path("data/splatgraph/packs").exists(), "nothing was begun");
}

#[test]
fn a_pack_of_another_generation_leaves_the_old_one() {
    let place = Place::new();
    let file = downloaded(&place, "second_pack");
    add(&place, &file);
    let mut library = fs::read(&file).unwrap();
    // The stamp has its magic number, its size, and then the generation.
    let at = library.windows(8).position(|at| at == b"SPLATGR1").unwrap();
    library[at + 12] = 2;
    fs::write(&file, library).unwrap();
    let ran = add(&place, &file);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("got 2."), "{}", ran.stderr);
    assert_eq!(fs::read_dir(place.path("data/splatgraph/packs")).unwrap().count(), 1);
    assert!(place.run(&["packs"]).stdout.contains("second 0.1.0"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_or_trusted_is_an_error() {
    let place = Place::new();
    let file = downloaded(&place, "second_pack");
    fs::write(place.path("data"), "a file where a folder should be").unwrap();
    insta::assert_snapshot!(add(&place, &file).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the pack cannot be copied into the folder of packs: Not a directory (os error 20)
      [DIR]/data/splatgraph/packs
    ");
    fs::remove_file(place.path("data")).unwrap();
    let folder = place.path("data/splatgraph/packs");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    insta::assert_snapshot!(add(&place, &file).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: a pack in this folder would be refused: it is not trusted: other users may write [DIR]/data/splatgraph/packs (to trust it: chmod go-w [DIR]/data/splatgraph/packs)
      [DIR]/data/splatgraph/packs
    ");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_pack_with_the_same_id_elsewhere_is_reported_and_never_removed() {
    let place = Place::with_stub();
    let ran = add(&place, &downloaded(&place, "stub_pack"));
    insta::assert_snapshot!(ran.all().replace(ran.stdout.lines().next().unwrap(), "Added ..."), @"
    exit code 0
    --- stdout
    Added ...
      [DIR]/data/splatgraph/packs/libstub.so
    --- stderr
    warning: another pack `stub` is found first, so this one is not used; remove the other, or choose this one with --packs
      [DIR]/packs/libstub_pack.so
    ");
    insta::assert_snapshot!(place.run(&["packs", "remove", "stub"]).all(), @"
    exit code 0
    --- stdout
    Removed stub
      [DIR]/data/splatgraph/packs/libstub.so
    --- stderr
    another file of the pack `stub` is still found
      [DIR]/packs/libstub_pack.so
    ");
    insta::assert_snapshot!(place.run(&["packs", "remove", "stub"]).all(), @"
    exit code 3
    --- stdout
    --- stderr
    error: the pack `stub` is not in the user's folder of packs; remove its file yourself
      pack:   [DIR]/packs/libstub_pack.so
      folder: [DIR]/data/splatgraph/packs
    ");
    insta::assert_snapshot!(place.run(&["packs", "remove", "stubb"]).all(), @"
    exit code 3
    --- stdout
    --- stderr
    error: the folder has no pack `stubb`; did you mean `stub`?
      [DIR]/data/splatgraph/packs
    ");
    insta::assert_snapshot!(place.run(&["packs", "remove", "../../packs/libstub_pack"]).all(), @"
    exit code 3
    --- stdout
    --- stderr
    error: the folder has no pack `../../packs/libstub_pack`
      [DIR]/data/splatgraph/packs
    ");
    assert!(place.path("packs/libstub_pack.so").is_file());
}

#[test]
fn a_broken_library_of_the_folder_can_be_removed() {
    let place = Place::new();
    let folder = place.path("data/splatgraph/packs");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("libbroken.so"), "nothing").unwrap();
    assert_eq!(place.run(&["packs", "remove", "broken"]).code, 0);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_run_continues_while_its_pack_is_replaced() {
    let place = Place::new();
    let file = downloaded(&place, "stub_pack");
    add(&place, &file);
    place.write(
        "graph.json",
        r#"{"outputs": {"sum": ["add", 0]}, "nodes": {
        "slow": {"class_type": "stub.Sleep", "inputs": {"ms": 1500}},
        "add": {"class_type": "stub.Add", "inputs": {"a": ["slow", 0], "b": 1}}}}"#,
    );
    let mut command = place.command(&["run", "graph.json", "--json"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    // Other bytes replace the code that runs.
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend([0; 4096]);
    fs::write(&file, bytes).unwrap();
    assert_eq!(add(&place, &file).code, 0);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1501"));
}

#[test]
fn a_crate_without_a_library_is_an_error_with_a_hint() {
    let place = Place::new();
    let write = |name: &str, text: &str| place.write(name, text);
    write("plain/src/lib.rs", "");
    write("plain/Cargo.toml", "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n");
    let ran = add(&place, Path::new("plain"));
    let said = ran.stderr.split_once("error").map_or("", |(_, said)| said);
    insta::assert_snapshot!(said, @r#"
    : expected a crate that builds a library for hosts, got one without; add these lines to its Cargo.toml:

    [lib]
    crate-type = ["cdylib", "rlib"]

      plain/Cargo.toml
    "#);
    assert_eq!(ran.code, 1);
    write("plain/src/lib.rs", "nonsense");
    let ran = add(&place, Path::new("plain"));
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("error: cargo cannot build the crate; its errors are above\n  plain\n"),
        "{}",
        ran.stderr
    );
    let output = place.command(&["packs", "add", "plain"]).env("PATH", place.path("nowhere")).output().unwrap();
    insta::assert_snapshot!(place.ran(&output).all(), @"
    exit code 1
    --- stdout
    --- stderr
    building the crate, which runs its build script and its macros as you
      plain
    error: cargo cannot be started to build the crate: No such file or directory (os error 2); install Rust (https://rustup.rs), or add a library that was built elsewhere
      plain
    ");
}

#[test]
fn a_pack_for_a_graph_has_to_be_the_required_one() {
    let place = Place::new();
    let file = downloaded(&place, "second_pack");
    let sum = splatgraph::sha256::hex(&splatgraph::sha256::of_file(&file).unwrap());
    let graph = |requires: &str| {
        place.write("graph.json", &format!(r#"{{"requires": {requires}, "outputs": {{"a": ["a", 0]}}, "nodes": {{"a": {{"class_type": "second.Address"}}}}}}"#));
        place.run(&["packs", "add", file.to_str().unwrap(), "--for", "graph.json"])
    };
    let refused = [
        graph(&format!(r#"{{"second": {{"sha256": "{}"}}}}"#, "0".repeat(64))),
        graph(r#"{"second": {"version": "^2"}}"#),
        graph(r#"{"other": {}}"#),
        graph(r#"{"second": {"sha256": "zero"}}"#),
        graph("{}"),
    ];
    let errors: String = refused.iter().map(|ran| ran.stderr.replace(&sum, "[SUM]")).collect();
    insta::assert_snapshot!(errors, @r#"
    error: the pack cannot be added: the graph requires another library of the pack `second`: expected the SHA-256 0000000000000000000000000000000000000000000000000000000000000000, got the SHA-256 [SUM]; get the pack from where the graph comes from
      [DIR]/downloads/some file
    error: the pack cannot be added: the graph requires another version of the pack `second`: expected ^2, got 0.1.0; get the pack from where the graph comes from
      [DIR]/downloads/some file
    error: the pack cannot be added: expected a pack that the graph requires (other), got `second`
      [DIR]/downloads/some file
    error: line 1, column 36: `requires`, `second`, `sha256`: expected the SHA-256 of the pack's library, 64 hexadecimal digits, got the text "zero"
    error: --for: expected a graph with `requires`, got one without
      graph.json
    "#);
    assert!(refused.iter().all(|ran| ran.code != 0 && ran.stdout.is_empty()));
    assert!(!place.path("data/splatgraph/packs/libsecond.so").exists());
    let added = graph(&format!(r#"{{"second": {{"version": "^0.1", "sha256": "{sum}"}}}}"#));
    assert_eq!(added.code, 0, "{}", added.stderr);
    // The copy is the required one too.
    assert!(!place.run(&["check", "graph.json"]).stderr.contains("another library"));
}
