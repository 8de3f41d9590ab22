//! Finding and loading packs, through the library.

mod support;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use splatgraph::packs::{Found, HotPacks, Origin, Place, load_all};
use splatgraph_sdk::host::{HostContext, LogLevel, context};
use splatgraph_sdk::{Ctx, Record, Tensor, Value};

fn load(folders: &[&Path]) -> Found {
    let places: Vec<Place> =
        folders.iter().map(|folder| Place { folder: folder.to_path_buf(), origin: Origin::Option }).collect();
    load_all(&places, None, &(Arc::new(|_: &str, _: LogLevel, _: &str| {}) as splatgraph::packs::Log))
}

/// The refusals and warnings, with the test's folder as `[DIR]`.
fn said(found: &Found, place: &support::Place) -> String {
    let mut lines: Vec<String> = found.refused.iter().map(ToString::to_string).collect();
    lines.extend(found.hidden.iter().map(ToString::to_string));
    let folder = place.path("").canonicalize().unwrap();
    lines.join("\n").replace(folder.to_str().unwrap(), "[DIR]")
}

fn ids(found: &Found) -> Vec<&str> {
    found.loaded.iter().map(|file| file.pack.manifest.id.as_str()).collect()
}

#[test]
fn a_pack_is_loaded_with_its_manifest_and_stamp() {
    let place = support::Place::with_stub();
    let found = load(&[&place.path("packs")]);
    assert_eq!(said(&found, &place), "");
    let stub = &found.loaded[0];
    assert_eq!(stub.stamp.id, "stub");
    assert!(stub.stamp.rustc.contains("rustc"), "{}", stub.stamp.rustc);
    assert!(stub.pack.path.is_absolute());
    assert!(stub.pack.manifest.nodes.iter().any(|node| node.name == "PlainImage"));
}

#[test]
fn other_libraries_are_passed_over_and_broken_ones_reported() {
    let place = support::Place::new();
    let packs = place.path("packs");
    let whole = fs::read(support::example_pack("stub_pack")).unwrap();
    fs::write(packs.join("a_text.so"), "INPUT(-lfoo)").unwrap();
    fs::write(packs.join("b_empty.so"), "").unwrap();
    fs::write(packs.join("c_half.so"), &whole[..4096]).unwrap();
    fs::write(packs.join("d_start.so"), &whole[..20]).unwrap();
    let mut other = whole.clone();
    other[0x12] = 0xb7; // e_machine: AArch64
    fs::write(packs.join("e_other_machine.so"), other).unwrap();
    let mut renamed = whole;
    for at in find(&renamed, b"\0SPLATGRAPH_PACK\0") {
        renamed[at + 1] = b'x';
    }
    fs::write(packs.join("f_no_pack.so"), renamed).unwrap();
    fs::create_dir(packs.join("g_folder.so")).unwrap();

    let found = load(&[&packs]);
    assert!(found.loaded.is_empty());
    let names: Vec<_> = found.passed_over.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["f_no_pack.so"]);
    let said = said(&found, &place);
    // The length of the library differs between builds.
    insta::assert_snapshot!(without_length(&said), @"
    a pack cannot be loaded: expected a shared library
      [DIR]/packs/a_text.so
    a pack cannot be loaded: expected a shared library
      [DIR]/packs/b_empty.so
    a pack cannot be loaded: it is incomplete: expected at least N bytes, got 4096
      [DIR]/packs/c_half.so
    a pack cannot be loaded: it is incomplete: expected at least N bytes, got 20
      [DIR]/packs/d_start.so
    a pack cannot be loaded: expected a library for X86_64 ELF, got one for Aarch64 ELF
      [DIR]/packs/e_other_machine.so
    a pack cannot be loaded: expected a regular file
      [DIR]/packs/g_folder.so
    ");
}

/// Replaces the length in `at least 123 bytes` by `N`.
fn without_length(text: &str) -> String {
    let mut parts = text.split("at least ");
    let first = parts.next().unwrap().to_owned();
    let rest = parts.map(|part| format!("at least N{}", part.trim_start_matches(|c: char| c.is_ascii_digit())));
    first + &rest.collect::<String>()
}

/// The position of `pattern` in `bytes`.
fn find(bytes: &[u8], pattern: &[u8]) -> Vec<usize> {
    (0..bytes.len() - pattern.len()).filter(|&at| bytes[at..].starts_with(pattern)).collect()
}

#[test]
fn the_earlier_of_two_folders_wins_and_twins_in_one_are_refused() {
    let place = support::Place::new();
    place.add_pack("stub_pack", "first");
    place.add_pack("stub_pack", "second");
    let (first, second) = (place.path("first"), place.path("second"));
    let found = load(&[&first, &second, &first]);
    assert_eq!(ids(&found), ["stub"]);
    insta::assert_snapshot!(said(&found, &place), @"
    two packs have the id `stub`, and the one that is found first is used
      used:     [DIR]/first/libstub_pack.so
      not used: [DIR]/second/libstub_pack.so
    ");

    let library = place.add_pack("stub_pack", "twins");
    fs::copy(&library, place.path("twins/another.so")).unwrap();
    place.add_pack("second_pack", "twins");
    let found = load(&[&place.path("twins")]);
    assert_eq!(ids(&found), ["second"]);
    insta::assert_snapshot!(said(&found, &place), @"
    a pack cannot be loaded: its id `stub` is also the id of libstub_pack.so in the same folder; remove all but one
      [DIR]/twins/another.so
    a pack cannot be loaded: its id `stub` is also the id of another.so in the same folder; remove all but one
      [DIR]/twins/libstub_pack.so
    ");
}

#[test]
fn files_for_browsers_are_part_of_a_pack() {
    let place = support::Place::with_stub();
    place.add_pack("second_pack", "packs");
    let found = load(&[&place.path("packs")]);
    let pack = |id: &str| found.loaded.iter().map(|file| &file.pack).find(|pack| pack.manifest.id == id).unwrap();
    let file =
        |id: &str, name: &str| pack(id).nodes.web_file(name).unwrap().map(|file| String::from_utf8(file).unwrap());
    let listed: Vec<(&str, u64)> =
        pack("second").manifest.web.iter().map(|file| (file.name.as_str(), file.size)).collect();
    assert_eq!(listed, [("page.js", 43), ("parts/_brush.js", 29)]);
    assert_eq!(file("second", "parts/_brush.js").as_deref(), Some("export const brush = \"wide\";\n"));
    for other in ["", "_brush.js", "parts/../page.js", "./page.js", "/page.js", "../second.rs", "Page.js"] {
        assert_eq!(file("second", other), None, "{other}");
    }
    assert!(pack("stub").manifest.web.is_empty());
    assert_eq!(file("stub", "page.js"), None);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_pack_of_interface_1_0_has_no_files_for_browsers() {
    let place = support::Place::new();
    fs::create_dir(place.path("packs")).unwrap();
    fs::copy("tests/frozen/abi-1.0-x86_64-linux.so", place.path("packs/libfrozen.so")).unwrap();
    let found = load(&[&place.path("packs")]);
    assert_eq!(ids(&found), ["frozen"]);
    assert_eq!(found.loaded[0].pack.nodes.web_file("page.js").unwrap(), None);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_pack_that_was_found_is_the_same_pack() {
    let place = support::Place::with_stub();
    let library = load(&[&place.path("packs")]).loaded[0].pack.path.clone();
    fs::create_dir(place.path("links")).unwrap();
    std::os::unix::fs::symlink(&library, place.path("links/link.so")).unwrap();
    let found = load(&[&place.path("packs"), &place.path("links")]);
    assert_eq!((ids(&found), said(&found, &place)), (vec!["stub"], String::new()));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_not_opened() {
    use std::os::unix::fs::PermissionsExt;
    let place = support::Place::new();
    let library = place.add_pack("stub_pack", "packs");
    fs::set_permissions(&library, fs::Permissions::from_mode(0o666)).unwrap();
    let found = load(&[&place.path("packs")]);
    assert!(found.loaded.is_empty());
    insta::assert_snapshot!(said(&found, &place), @"
    a pack cannot be loaded: it is not trusted: other users may write [DIR]/packs/libstub_pack.so (to trust it: chmod go-w [DIR]/packs/libstub_pack.so)
      [DIR]/packs/libstub_pack.so
    ");

    fs::set_permissions(&library, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(place.path("packs"), fs::Permissions::from_mode(0o777)).unwrap();
    insta::assert_snapshot!(said(&load(&[&place.path("packs")]), &place), @"
    a pack cannot be loaded: it is not trusted: other users may write [DIR]/packs (to trust it: chmod go-w [DIR]/packs)
      [DIR]/packs/libstub_pack.so
    ");

    // With the sticky bit, others may add files but not replace this one.
    fs::set_permissions(place.path("packs"), fs::Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(ids(&load(&[&place.path("packs")])), ["stub"]);

    // Who may write a folder above may put another one in the place of the folder.
    let above = place.path("above");
    place.add_pack("stub_pack", "above/middle/packs");
    fs::set_permissions(&above, fs::Permissions::from_mode(0o777)).unwrap();
    insta::assert_snapshot!(said(&load(&[&above.join("middle/packs")]), &place), @"
    a pack cannot be loaded: it is not trusted: other users may write [DIR]/above (to trust it: chmod go-w [DIR]/above)
      [DIR]/above/middle/packs/libstub_pack.so
    ");
    // A link does not hide the folder.
    std::os::unix::fs::symlink(above.join("middle/packs"), place.path("link")).unwrap();
    assert!(load(&[&place.path("link")]).loaded.is_empty());
    for mode in [0o755, 0o1777] {
        fs::set_permissions(&above, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(ids(&load(&[&above.join("middle/packs")])), ["stub"]);
    }
}

#[derive(Default)]
struct Silent {
    settings: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl HostContext for Silent {
    fn progress(&self, _: u64, _: u64, _: &str) {}
    fn preview(&self, _: Value) {}
    fn cancelled(&self) -> bool {
        false
    }
    fn settings(&self) -> String {
        self.settings.clone()
    }
    fn log(&self, _: LogLevel, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
    }
}

fn node(
    found: &Found,
    pack: &str,
    name: &str,
) -> impl Fn(&Ctx, &[Value]) -> splatgraph_sdk::Result<Vec<Value>> + use<> {
    let pack = found.loaded.iter().find(|file| file.pack.manifest.id == pack).unwrap();
    let node = pack.pack.nodes.create(name).unwrap();
    move |ctx, inputs| node.run(ctx, inputs)
}

#[test]
fn a_33_mb_tensor_passes_from_host_to_pack_to_pack_at_one_address() {
    let place = support::Place::with_stub();
    place.add_pack("second_pack", "packs");
    let found = load(&[&place.path("packs")]);
    let ctx = context(Silent::default());

    let data = Tensor::from_vec([8 << 20], vec![1.0f32; 8 << 20]).unwrap();
    assert_eq!(data.bytes().len(), 33_554_432);
    let here = data.bytes().as_ptr() as i128;
    let record = Record { type_name: "DATA".into(), fields: vec![("data".into(), data)], ..Record::default() };
    let passed = node(&found, "stub", "Pass")(&ctx, &[record.into_value()]).unwrap();
    for pack in ["stub", "second"] {
        let address = node(&found, pack, "Address")(&ctx, &passed).unwrap()[0].as_int();
        assert_eq!(address, Some(here), "in pack {pack}");
    }

    let made = node(&found, "stub", "MakeTensor")(&ctx, &[]).unwrap();
    let address = node(&found, "second", "Address")(&ctx, &made).unwrap()[0].as_int();
    assert_eq!(address, Some(made[0].field("data").unwrap().bytes().as_ptr() as i128));
}

#[test]
fn settings_and_log_lines_cross_the_border() {
    let place = support::Place::with_stub();
    let found = load(&[&place.path("packs")]);
    let said = Arc::default();
    let ctx = context(Silent { settings: r#"{"threads":3}"#.into(), said: Arc::clone(&said) });
    let settings = node(&found, "stub", "Settings")(&ctx, &[]).unwrap();
    assert_eq!(settings[0].to_json().unwrap()["threads"], 3);
    assert_eq!(*said.lock().unwrap(), ["this is a warning"]);
}

#[test]
fn a_panic_in_a_pack_is_an_error_with_its_place() {
    let place = support::Place::with_stub();
    let found = load(&[&place.path("packs")]);
    let error = node(&found, "stub", "Panics")(&context(Silent::default()), &[]).unwrap_err();
    assert_eq!(error.message, "the stub panics on purpose");
    assert!(error.location.contains("stub.rs:"), "{}", error.location);
}

fn places(folders: &[&Path]) -> Vec<Place> {
    folders.iter().map(|folder| Place { folder: folder.to_path_buf(), origin: Origin::Option }).collect()
}

fn hot(folders: &[&Path]) -> HotPacks {
    HotPacks::load(places(folders), None, Arc::new(|_: &str, _: LogLevel, _: &str| {}))
}

/// Writes another version of the pack `stub` over a library. Its node `fails` has the message `text` (25 letters).
fn write_version(library: &Path, text: &str) {
    let said = b"the stub fails on purpose";
    assert_eq!(text.len(), said.len());
    let mut bytes = fs::read(support::example_pack("stub_pack")).unwrap();
    for at in find(&bytes, said) {
        bytes[at..at + said.len()].copy_from_slice(text.as_bytes());
    }
    // Writes in place, over the file whose code runs.
    fs::write(library, bytes).unwrap();
}

/// The default message of the node `fails` in the pack `stub`.
fn says(found: &Found) -> String {
    let stub = found.loaded.iter().find(|file| file.pack.manifest.id == "stub").unwrap();
    let fails = stub.pack.manifest.nodes.iter().find(|node| node.name == "Fails").unwrap();
    fails.inputs[0].default.as_ref().unwrap().as_str().unwrap().to_owned()
}

#[test]
fn a_library_written_over_in_place_is_reloaded_beside_its_old_code() {
    let place = support::Place::with_stub();
    place.add_pack("second_pack", "packs");
    let library = place.path("packs/libstub_pack.so").canonicalize().unwrap();
    let mut packs = hot(&[&place.path("packs")]);
    let generations = |packs: &HotPacks| -> Vec<(String, u64)> {
        let loaded = packs.found().loaded.iter();
        loaded.map(|file| (file.pack.manifest.id.clone(), file.pack.nodes.generation())).collect()
    };
    let first = generations(&packs);
    assert_eq!(packs.refresh(), Vec::<std::path::PathBuf>::new(), "nothing changed");
    let old = node(packs.found(), "stub", "Fails");
    assert_eq!(packs.found().loaded[1].pack.path, library, "messages name the original");

    write_version(&library, "the second version speaks");
    assert_eq!(packs.refresh(), std::slice::from_ref(&library));
    assert_eq!(says(packs.found()), "the second version speaks");
    let now = generations(&packs);
    assert_eq!(first[0], now[0], "`second` stays what it is");
    assert_ne!(first[1], now[1]);
    // Both run.
    let ctx = context(Silent::default());
    assert_eq!(old(&ctx, &[Value::text("old")]).unwrap_err().message, "old");
    assert_eq!(node(packs.found(), "stub", "Fails")(&ctx, &[Value::text("new")]).unwrap_err().message, "new");
}

#[cfg(unix)]
#[test]
fn a_broken_new_library_leaves_the_old_one_and_folders_are_followed() {
    let place = support::Place::with_stub();
    let library = place.path("packs/libstub_pack.so").canonicalize().unwrap();
    let mut packs = hot(&[&place.path("packs"), &place.path("later")]);
    let whole = fs::read(&library).unwrap();
    fs::write(&library, &whole[..5000]).unwrap();
    assert_eq!(packs.refresh(), Vec::<std::path::PathBuf>::new(), "the last version stays in use");
    assert_eq!(says(packs.found()), "the stub fails on purpose");
    let told = said(packs.found(), &place);
    // The length of the library differs between builds.
    insta::assert_snapshot!(without_length(&told), @"
    a pack cannot be loaded: it is incomplete: expected at least N bytes, got 5000; its last version stays in use
      [DIR]/packs/libstub_pack.so
    ");
    write_version(&library, "the third version is good");
    assert_eq!(packs.refresh(), std::slice::from_ref(&library));
    assert_eq!((says(packs.found()).as_str(), said(packs.found(), &place).as_str()), ("the third version is good", ""));

    // Others may write the file now, so its new version is not trusted.
    {
        use std::os::unix::fs::PermissionsExt;
        write_version(&library, "the fourth: not trusted..");
        fs::set_permissions(&library, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(packs.refresh().is_empty() && said(packs.found(), &place).contains("it is not trusted"));
        assert_eq!(says(packs.found()), "the third version is good");
    }

    let second = place.add_pack("second_pack", "later").canonicalize().unwrap();
    assert_eq!(packs.refresh(), std::slice::from_ref(&second));
    assert_eq!(ids(packs.found()), ["stub", "second"]);
    fs::remove_file(&library).unwrap();
    assert_eq!(packs.refresh(), std::slice::from_ref(&library));
    assert_eq!((ids(packs.found()), said(packs.found(), &place)), (vec!["second"], String::new()));
}
