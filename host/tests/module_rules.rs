//! Which modules of the host may use which (ARCHITECTURE.md), read from the paths in `host/src`.

// The sources are the same on every system, and paths in them have slashes.
#![cfg(not(windows))]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Folders whose files may not use each other in a circle. In the first, a module is a folder or a file at the top.
const FOLDERS: [&str; 5] = ["", "run", "batch", "report", "cli/watch"];

/// Texts outside `cli/` that look like flags of this program but are not: words of file formats, and flags of cargo.
const NOT_FLAGS: [(&str, &str); 4] = [
    ("batch/items.rs", "--set "),
    ("debug/folder.rs", "splatgraph run --debug"),
    ("packs/build.rs", "--release"),
    ("packs/build.rs", "--message-format"),
];

/// All files of the host, by their paths in `src`, without their unit tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
                sources.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text);
            }
        }
    }
    sources
}

/// The module of a file, by its path in `src`: that of the file `keys.rs` in `run` is `run/keys`, that of `mod.rs` there is `run`.
fn module_of(file: &str) -> PathBuf {
    let path = Path::new(file).with_extension("");
    if path.ends_with("mod") { path.parent().unwrap().to_owned() } else { path }
}

/// The text without comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that a file names, in every path that begins with `super::` or `crate::`.
fn named(file: &str, text: &str) -> Vec<PathBuf> {
    let code = code(text);
    let parent = module_of(file).parent().unwrap().to_owned();
    let is_start = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let mut found = Vec::new();
    let mut rest = 0;
    for (at, start) in
        code.match_indices("super::").chain(code.match_indices("crate::")).filter(|(at, _)| is_start(*at))
    {
        // A `super` in the braces of a path was read with the path.
        if start == "super::" && at < rest {
            continue;
        }
        let base = if start == "crate::" { Path::new("") } else { &parent };
        let path = path_at(&code[at + start.len()..]);
        rest = at + path.len();
        add_paths(base, path, &mut found);
    }
    found
}

/// A path with all of its braces, at the start of a text.
fn path_at(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth < 0 || depth == 0 && !(c.is_alphanumeric() || matches!(c, '_' | ':' | '}'))
    });
    &text[..end.unwrap_or(text.len())]
}

/// Adds what a path behind `base::` names: `a::b` names `a` and `a::b`, and `{a, b}` both.
fn add_paths(base: &Path, path: &str, found: &mut Vec<PathBuf>) {
    if let Some(list) = path.strip_prefix('{') {
        let mut depth = 0;
        let items = list.trim_end_matches('}').split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        items.for_each(|item| add_paths(base, item.trim(), found));
        return;
    }
    let (name, rest) = path.split_once("::").unwrap_or((path, ""));
    let base = if name == "super" { base.parent().unwrap().to_owned() } else { base.join(name) };
    if !name.is_empty() {
        found.push(base.clone());
    }
    if !rest.is_empty() {
        add_paths(&base, rest, found);
    }
}

/// The arrows between the modules directly inside a folder.
fn arrows(folder: &str, sources: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let inside = |path: &Path| {
        let module = path.strip_prefix(folder).ok()?.components().next()?;
        Some(module.as_os_str().to_str().unwrap().to_owned())
    };
    let modules: BTreeSet<String> = sources.keys().filter_map(|file| inside(&module_of(file))).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources {
        let Some(from) = inside(&module_of(file)) else { continue };
        let to = named(file, text)
            .into_iter()
            .filter_map(|path| inside(&path).filter(|to| modules.contains(to) && *to != from));
        arrows.entry(from.clone()).or_default().extend(to);
    }
    arrows
}

/// Modules that use each other in a circle, in the order of the arrows; `None` if there is no circle.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut left = arrows.clone();
    // A module that uses none of the remaining modules is in no circle.
    while let Some(free) = left.iter().find(|(_, to)| to.iter().all(|to| !left.contains_key(to))) {
        let free = free.0.clone();
        left.remove(&free);
    }
    let mut walk = vec![left.keys().next()?.clone()];
    loop {
        let last = walk.last().unwrap();
        let next = left[last].iter().find(|to| left.contains_key(*to)).unwrap().clone();
        if let Some(first) = walk.iter().position(|module| *module == next) {
            walk.push(next);
            return Some(walk.split_off(first));
        }
        walk.push(next);
    }
}

#[test]
fn modules_form_no_circle() {
    let sources = sources();
    for folder in FOLDERS {
        let arrows = arrows(folder, &sources);
        assert!(arrows.values().any(|to| !to.is_empty()), "the files in `{folder}` name no other: is the rule blind?");
        let circle = circle(&arrows).map(|circle| circle.join(" > "));
        assert_eq!(circle, None, "modules in `{folder}` use each other in a circle");
    }
}

#[test]
fn names_of_a_folder_come_from_its_files() {
    let sources = sources();
    for folder in FOLDERS.iter().filter(|folder| !folder.is_empty()) {
        let files: BTreeSet<PathBuf> = sources.keys().map(|file| module_of(file)).collect();
        for (file, text) in sources.iter().filter(|(file, _)| Path::new(file).parent() == Some(Path::new(folder))) {
            let own = named(file, text).into_iter().filter(|path| path.parent() == Some(Path::new(folder)));
            let unknown: Vec<_> = own.filter(|path| !files.contains(path)).collect();
            assert!(unknown.is_empty(), "{file} takes {unknown:?} from {folder}/mod.rs: name the file that has it");
        }
    }
}

/// The texts in quotes of a line of code.
fn texts(line: &str) -> Vec<&str> {
    line.split('"').skip(1).step_by(2).collect()
}

#[test]
fn only_the_command_line_knows_its_flags_and_exit_codes() {
    for (file, text) in sources().iter().filter(|(file, _)| !file.starts_with("cli/") && *file != "main.rs") {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let place = format!("host/src/{file}, line {}: {line}", number + 1);
            for word in ["exit_code", "ExitCode", "process::exit"] {
                assert!(!line.contains(word), "exit codes belong to the command line: {place}");
            }
            let is_flag = |text: &&&str| {
                let is_known = NOT_FLAGS.iter().any(|(of, known)| of == file && text.contains(known));
                let begins = |at: usize| text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase());
                !is_known && text.match_indices("--").any(|(at, _)| begins(at))
            };
            let flag = texts(line).iter().find(is_flag).map(|text| (*text).to_owned());
            assert_eq!(flag, None, "flags belong to the command line: {place}");
        }
    }
}

#[test]
fn messages_show_paths_on_one_line() {
    for (file, text) in sources() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let place = format!("host/src/{file}, line {}: {line}", number + 1);
            let why = "a path in a message is `words::shown(path)`, and one in data `path.to_string_lossy()`";
            assert!(!line.contains(".display()"), "{why}: {place}");
        }
    }
}

#[test]
fn a_circle_is_found() {
    let arrows = |pairs: &[(&str, &str)]| {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in pairs {
            arrows.entry((*to).to_owned()).or_default();
            arrows.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        arrows
    };
    assert_eq!(circle(&arrows(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = circle(&arrows(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")])).unwrap();
    assert_eq!(found, ["b", "c", "d", "b"]);
}

#[test]
fn paths_are_read_from_code() {
    let text = "//! crate::docs\nuse super::{keys::{Key, Part}, super::graph};\nuse crate::{words::nearest, packs};\nlet a = super::why::Why::New;";
    let found: Vec<String> = named("run/written.rs", text).iter().map(|path| path.display().to_string()).collect();
    for expected in ["run/keys", "run/keys/Key", "graph", "run/why", "words", "words/nearest", "packs"] {
        assert!(found.iter().any(|path| path == expected), "{expected} in {found:?}");
    }
    assert!(!found.iter().any(|path| path.contains("docs")), "{found:?}");
}
