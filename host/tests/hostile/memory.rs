//! The memory of what was found when packs were looked over.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::Place;
use crate::{add, hostile};

/// Whether a command opens the pack, which leaves a trace.
fn opens(place: &Place) -> bool {
    let trace = place.path("trace");
    let _ = fs::remove_file(&trace);
    let ran = place.command(&["nodes"]).env("HOSTILE_TRACE", &trace).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(0) && said.contains("hostile_00.ActNow") && !said.contains("warning"), "{said}");
    trace.exists()
}

fn memory(place: &Place) -> PathBuf {
    place.path("cache/splatgraph/packs")
}

/// Gives a file a time that is long ago, so that its state is certain.
fn age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_library_is_looked_over_again_only_if_its_contents_change() {
    let place = Place::new();
    let library = add(&place, 0, "open-touch");
    assert!(opens(&place));
    assert!(!opens(&place), "its time is new, but its hash is the same");
    age(&library, 100);
    assert!(!opens(&place), "its time changed, but not its contents");
    let copy = place.path("packs/copy");
    fs::copy(&library, &copy).unwrap();
    fs::rename(&copy, &library).unwrap();
    assert!(!opens(&place), "it is another file with the same contents");
    let mut bytes = hostile(0, "open-touch");
    bytes.extend([0; 8]);
    fs::write(&library, bytes).unwrap();
    assert!(opens(&place), "its contents changed");
    assert!(!opens(&place));
    // The same size and time, shortly after it was looked over.
    let time = library.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(&library).unwrap();
    *bytes.last_mut().unwrap() = 1;
    fs::write(&library, bytes).unwrap();
    fs::File::options().write(true).open(&library).unwrap().set_modified(time).unwrap();
    assert!(opens(&place), "another write in the same moment");
}

#[test]
fn a_damaged_old_or_unwritable_memory_is_no_error() {
    let place = Place::new();
    age(&add(&place, 0, "open-touch"), 100);
    assert!(opens(&place));
    let whole = fs::read_to_string(memory(&place)).unwrap();
    assert!(!opens(&place));
    // An edited manifest, bytes that are no text, an empty file, half of the file, another form with the right sum.
    let edited = whole.replace("ActNow", "ActLater");
    let mut changed = whole.clone().into_bytes();
    changed[whole.len() / 2] = 0xff;
    for damaged in [edited.as_bytes(), &changed, b"", &whole.as_bytes()[..whole.len() / 2], b"[]\n[]", b"\n"] {
        fs::write(memory(&place), damaged).unwrap();
        assert!(opens(&place), "the memory is not used");
        let written = fs::read_to_string(memory(&place)).unwrap();
        assert!(written.contains("ActNow") && written.len().abs_diff(whole.len()) < 20, "and is written again");
        assert!(!opens(&place));
    }
    fs::remove_file(memory(&place)).unwrap();
    fs::create_dir(memory(&place)).unwrap();
    assert!(opens(&place) && opens(&place), "a folder in its place");
    fs::remove_dir_all(place.path("cache")).unwrap();
    fs::write(place.path("cache"), "a file where the folder should be").unwrap();
    assert!(opens(&place) && opens(&place));
    let ran = place.command(&["nodes"]).env_remove("XDG_CACHE_HOME").env("HOME", "/dev/null").output().unwrap();
    assert_eq!((ran.status.code(), ran.stderr.len()), (Some(0), 0));
}

#[test]
fn the_memory_of_another_version_is_not_used() {
    use sha2::{Digest, Sha256};
    let place = Place::new();
    age(&add(&place, 0, "open-touch"), 100);
    assert!(opens(&place));
    let whole = fs::read_to_string(memory(&place)).unwrap();
    for (now, then) in [(r#""form":1"#, r#""form":0"#), (env!("CARGO_PKG_VERSION"), "0.0.1")] {
        let text = whole.split_once('\n').unwrap().1.replacen(now, then, 1);
        let sum: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(memory(&place), format!("{sum}\n{text}")).unwrap();
        assert!(opens(&place), "{then}");
        assert!(!opens(&place));
    }
}

#[test]
fn processes_share_it_and_it_forgets_libraries_that_are_gone() {
    let place = Place::new();
    let libraries: Vec<PathBuf> = (0..6).map(|number| add(&place, number, "honest")).collect();
    for round in 0..3 {
        let _ = fs::remove_file(memory(&place));
        let children: Vec<_> = (0..8)
            .map(|_| place.command(&["nodes", "--json"]).stdout(std::process::Stdio::piped()).spawn().unwrap())
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0));
            let nodes: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(nodes.as_array().unwrap().len(), 6 * 7, "round {round}");
        }
        let names: Vec<_> =
            fs::read_dir(place.path("cache/splatgraph")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["packs"], "round {round}: no unfinished file is left");
    }
    assert!(fs::read_to_string(memory(&place)).unwrap().contains("libhostile_05.so"));
    fs::remove_file(&libraries[5]).unwrap();
    fs::write(&libraries[4], hostile(4, "list-print")).unwrap();
    place.run(&["nodes"]);
    assert!(!fs::read_to_string(memory(&place)).unwrap().contains("libhostile_05.so"));
}

#[test]
fn what_ended_the_process_is_remembered_until_the_packs_are_listed() {
    let place = Place::new();
    let library = add(&place, 0, "list-touch-exit");
    let trace = place.path("trace");
    let opens = |command: &str| {
        let _ = fs::remove_file(&trace);
        place.command(&[command]).env("HOSTILE_TRACE", &trace).output().unwrap();
        trace.exists()
    };
    assert_eq!((opens("nodes"), opens("nodes"), opens("schema")), (true, false, false));
    assert_eq!((opens("packs"), opens("nodes")), (true, false));
    fs::set_permissions(&library, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&library, hostile(0, "list-touch")).unwrap();
    assert_eq!((opens("nodes"), opens("nodes")), (true, false), "another file");
}
