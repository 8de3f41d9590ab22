//! Which folders of the pack may use which: the floors of ARCHITECTURE.md, held against the paths in `src`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PACK: &str = env!("CARGO_MANIFEST_DIR");

/// The floors from the top, read from the drawing in ARCHITECTURE.md: words before a `|`.
fn floors() -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new(PACK).join("../../ARCHITECTURE.md")).unwrap();
    let (_, rest) = text.split_once("<!-- floors of nodes/gpstoken/src -->\n```text\n").expect("the drawing is marked");
    let (drawing, _) = rest.split_once("```").unwrap();
    let words = |line: &str| line.split('|').next().unwrap().split_whitespace().map(str::to_owned).collect();
    drawing.lines().map(words).collect()
}

/// All files of the pack by their paths in `src`, without comments and unit tests.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(PACK).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            sources.push((path.strip_prefix(&root).unwrap().to_owned(), code.join("\n")));
        }
    }
    assert!(sources.len() > 100, "{} files", sources.len());
    sources
}

/// The folder of a file at the top of `src`; what stands in without burn belongs to what it stands in for.
fn folder_of(file: &Path) -> String {
    if file == Path::new("without_burn/gradients.rs") {
        return "training".to_owned();
    }
    let first = file.components().next().unwrap().as_os_str().to_str().unwrap();
    first.replace("without_burn", "on_device").trim_end_matches(".rs").to_owned()
}

/// The folders that a file names in paths that begin with `crate::`.
fn used(code: &str) -> BTreeSet<String> {
    let name = |path: &str| path.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let path = &code[at + "crate::".len()..];
        let Some(list) = path.strip_prefix('{') else {
            found.insert(name(path));
            continue;
        };
        let mut depth = 1;
        let end = list.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let mut depth = 0;
        let items = list[..end.unwrap()].split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        found.extend(items.map(name).filter(|name| !name.is_empty()));
    }
    found
}

#[test]
fn a_folder_uses_only_those_below_it() {
    let floors = floors();
    let floor_of = |folder: &str| floors.iter().position(|floor| floor.iter().any(|name| name == folder));
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for (file, code) in sources() {
        let folder = folder_of(&file);
        if folder == "lib" {
            continue;
        }
        let own = floor_of(&folder).unwrap_or_else(|| panic!("ARCHITECTURE.md has no floor for {folder}"));
        for other in used(&code).into_iter().filter(|other| *other != folder) {
            let below = floor_of(&other).unwrap_or_else(|| panic!("{}: no floor for {other}", file.display())) > own;
            if !below {
                wrong.push(format!("{} uses {other}, which is not below {folder}", file.display()));
            }
        }
        seen.insert(folder);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let drawn: BTreeSet<String> = floors.concat().into_iter().collect();
    assert_eq!(seen, drawn, "the folders of src, and those in ARCHITECTURE.md");
}

#[test]
fn burn_is_named_behind_its_border_only() {
    let names_burn = |code: &str| code.contains("burn::") || code.contains("use burn") || code.contains("burn_cubecl");
    let (mut inside, mut wrong) = (0, Vec::new());
    for (file, code) in sources() {
        if file.starts_with("on_device") || file.starts_with("training/gradients/on_device") {
            inside += usize::from(names_burn(&code));
        } else if names_burn(&code.replace("without_burn", "")) {
            wrong.push(file.clone());
        }
        let chooses = code.contains("feature = \"burn\"");
        if chooses && file != Path::new("lib.rs") && file != Path::new("training/gradients/mod.rs") {
            wrong.push(file);
        }
    }
    assert!(inside > 20 && wrong.is_empty(), "{inside} files behind the border; outside: {wrong:?}");
}

#[test]
fn each_node_has_a_file_of_its_name() {
    let snake = |name: &str| {
        let mut snake = String::new();
        for (at, letter) in name.char_indices() {
            if letter.is_uppercase() && at > 0 {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        snake
    };
    let declared = fs::read_to_string(Path::new(PACK).join("src/lib.rs")).unwrap();
    let nodes: Vec<&str> = declared.lines().filter_map(|line| line.trim().strip_prefix("nodes::")).collect();
    assert!(nodes.len() > 30, "{nodes:?}");
    for node in nodes {
        let [chapter, file, name] = node.trim_end_matches(',').split("::").collect::<Vec<_>>()[..] else {
            panic!("{node}")
        };
        assert!(Path::new(PACK).join(format!("src/nodes/{chapter}/{file}.rs")).is_file(), "{node}");
        assert_eq!(snake(name), file, "{node}");
    }
}
