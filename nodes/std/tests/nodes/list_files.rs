//! `std.ListFiles`.

use crate::{told, warnings, with_slashes};
use insta::assert_snapshot;
use splatgraph_pack_std::list_files::list_files;
use splatgraph_sdk::{
    serde_json::Value as Literal,
    testing::{Recorder, json, run, run_with},
};
use std::{fs, path::Path};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in/deep")).unwrap();
    fs::create_dir_all(folder.path().join("x.png")).unwrap();
    fs::create_dir_all(folder.path().join(".hidden")).unwrap();
    for name in [
        "9.png",
        "10.png",
        "B.JPG",
        "a.jpeg",
        ".h.png",
        "notes.txt",
        "in/é.webp",
        "in/deep/z.png",
        "in.png",
        ".hidden/c.png",
        "no",
    ] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    folder
}

/// The paths below the folder.
fn listed(folder: &Path, literals: Literal) -> Vec<String> {
    let mut given = literals;
    given["folder"] = json!(folder);
    let outputs = run::<list_files>(given, []).unwrap();
    let texts = |index: usize| -> Vec<String> {
        let list = outputs[index].as_list().unwrap();
        list.iter().map(|value| value.as_text().unwrap().to_owned()).collect()
    };
    let (paths, names) = (texts(0), texts(1));
    assert_eq!(outputs[2].as_int(), Some(paths.len() as i128));
    for (path, name) in paths.iter().zip(&names) {
        assert_eq!(Path::new(path).file_stem().unwrap().to_str().unwrap(), name);
        assert!(Path::new(path).is_file(), "{path}");
    }
    let prefix = with_slashes(&format!("{}/", folder.display()));
    paths.iter().map(|path| with_slashes(path).strip_prefix(&prefix).unwrap().to_owned()).collect()
}

#[test]
fn pictures_are_listed_in_the_order_of_batch() {
    let folder = folder();
    let of = |literals| listed(folder.path(), literals);
    assert_eq!(of(json!({})), ["10.png", "9.png", "B.JPG", "a.jpeg", "in.png"]);
    let all = ["10.png", "9.png", "B.JPG", "a.jpeg", "in.png", "in/deep/z.png", "in/é.webp"];
    assert_eq!(of(json!({"recursive": true})), all);
    assert_eq!(of(json!({"recursive": true, "limit": 2})), all[..2]);
    assert_eq!(of(json!({"limit": 100})).len(), 5);
}

#[test]
fn patterns_match_names_as_in_batch() {
    let folder = folder();
    let of = |pattern: &str| listed(folder.path(), json!({"pattern": pattern}));
    assert_eq!(of("*"), ["10.png", "9.png", "B.JPG", "a.jpeg", "in.png", "no", "notes.txt"]);
    assert_eq!(of("*.{png,txt}"), ["10.png", "9.png", "in.png", "notes.txt"]);
    assert_eq!(of("*.jpg"), Vec::<String>::new());
    assert_eq!(of("[0-9]*.png"), ["10.png", "9.png"]);
    assert_eq!(of("?.*"), ["9.png", "B.JPG", "a.jpeg"]);
    assert_eq!(of(".*"), [".h.png"]);
    assert_eq!(of("{9.png,9.*}"), ["9.png"]);
    assert_eq!(listed(folder.path(), json!({"pattern": "z.*", "recursive": true})), ["in/deep/z.png"]);
}

#[test]
fn an_empty_folder_gives_empty_lists() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(listed(folder.path(), json!({"recursive": true})), Vec::<String>::new());
}

#[test]
fn a_folder_or_a_pattern_that_can_not_be_used_is_an_error() {
    let folder = folder();
    let of = |name: &str, pattern: &str| {
        let literals = json!({"folder": folder.path().join(name), "pattern": pattern});
        told(run::<list_files>(literals, []), folder.path())
    };
    let refusals = [
        of("none", ""),
        of("9.png", ""),
        of("in", "deep/*.png"),
        of("in", "[a"),
        of("in", "a**"),
        of("in", &"{a,b}".repeat(20)),
    ];
    assert_snapshot!(refusals.join("\n"), @"
        folder: expected a folder, found none; check the name: <folder>/none
        folder: expected a folder, got a file; use its folder and a pattern: <folder>/9.png
        pattern: expected a pattern for names of files, got `deep/*.png` for folders; give the folder as `folder`, or set `recursive`
        pattern: expected a pattern, got `[a`: invalid range pattern at character 1
        pattern: expected a pattern for names of files, got `a**` for folders; give the folder as `folder`, or set `recursive`
        pattern: expected at most 1000 alternatives in braces, got more in `{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}`
        ");
}

#[test]
fn a_cancelled_run_lists_nothing() {
    let (folder, host) = (folder(), Recorder::default());
    host.cancel();
    let error = run_with::<list_files>(&host, json!({"folder": folder.path()}), []).unwrap_err();
    assert_eq!(error.code, splatgraph_sdk::Code::Cancelled);
}

#[cfg(unix)]
#[test]
fn links_to_folders_are_not_followed() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    symlink("..", path("in/up")).unwrap();
    symlink("..", path("in/up.png")).unwrap();
    symlink("9.png", path("link.png")).unwrap();
    assert_eq!(
        listed(folder.path(), json!({"recursive": true, "pattern": "*.png"})),
        ["10.png", "9.png", "in.png", "in/deep/z.png", "link.png"]
    );
    fs::write(path("in").join(std::ffi::OsStr::from_bytes(b"x\xff.png")), "").unwrap();
    let literals = json!({"folder": folder.path(), "recursive": true});
    assert_snapshot!(told(run::<list_files>(literals, []), folder.path()), @"folder: expected names in Unicode, got another one; rename the file: <folder>/in/x�.png");
}

#[cfg(unix)]
#[test]
fn a_folder_that_can_not_be_read_is_a_warning_below_and_an_error_above() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let closed = folder.path().join("in/deep");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        println!("skipped: this user may read every folder");
        return;
    }
    let host = Recorder::default();
    let outputs = run_with::<list_files>(&host, json!({"folder": folder.path(), "recursive": true}), []).unwrap();
    assert_eq!(outputs[2].as_int(), Some(6));
    assert_eq!(warnings(&host).len(), 1);
    assert!(run::<list_files>(json!({"folder": closed}), []).is_err());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}
