//! Puts the sources of the SDKs into the program, as `splatgraph new-pack` writes them beside a new pack, and the platform, which
//! `splatgraph --version --json` prints.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The sections of the workspace's manifest that the crates of the SDK inherit from.
const INHERITED: [&str; 4] =
    ["[workspace.package]", "[workspace.dependencies]", "[workspace.lints.rust]", "[workspace.lints.clippy]"];

fn main() {
    let root = manifest_folder().join("..");
    let sdk = root.join("sdk");
    let mut files = Vec::new();
    for folder in ["src", "abi/src", "macros/src"] {
        add_sources(&sdk.join(folder), "rs", &mut files);
    }
    let rest = ["build.rs", "README.md", "abi/Cargo.toml", "abi/README.md", "macros/Cargo.toml", "macros/README.md"];
    files.extend(rest.map(|file| sdk.join(file)));
    files.sort();
    let mut python = Vec::new();
    add_sources(&sdk.join("python/splatgraph"), "py", &mut python);
    python.push(sdk.join("python/__main__.py"));
    python.sort();
    let manifest = read(&sdk.join("Cargo.toml")) + &workspace(&read(&root.join("Cargo.toml")));
    let text = format!(
        "/// The files of the SDK, by their paths.\nconst SDK: &[(&str, &str)] = &[\n    (\"Cargo.toml\", {manifest:?}),\n{}];\n",
        listed(&sdk, &files)
    );
    write("sdk.rs", &text);
    let python = listed(&sdk.join("python"), &python);
    write(
        "python.rs",
        &format!(
            "/// The files of the SDK for Python, by their paths.\nconst MODULE: &[(&str, &str)] = &[\n{python}];\n"
        ),
    );
    println!("cargo:rustc-env=SPLATGRAPH_TARGET={}", env::var("TARGET").expect("cargo sets it"));
    // Not the folder ../sdk as a whole: the sources of the Python module are no part of the program.
    let used =
        ["src", "abi", "macros", "build.rs", "README.md", "Cargo.toml", "python/splatgraph", "python/__main__.py"];
    for path in used.map(|path| format!("../sdk/{path}")).iter().map(String::as_str).chain(["../Cargo.toml"]) {
        println!("cargo:rerun-if-changed={path}");
    }
}

/// Lines of a list of files with their contents, by their paths in a folder. A target folder may serve several checkouts, so no
/// absolute path is written.
fn listed(folder: &Path, files: &[PathBuf]) -> String {
    let slashed = |path: &Path| path.to_string_lossy().replace('\\', "/");
    let line = |path: &PathBuf| {
        let name = slashed(path.strip_prefix(folder).expect("it is inside"));
        let from_host =
            slashed(path.strip_prefix(manifest_folder()).expect("it begins with the folder of the manifest"));
        format!("    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{from_host}\"))),\n")
    };
    files.iter().map(line).collect()
}

fn manifest_folder() -> PathBuf {
    PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
}

fn write(name: &str, text: &str) {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join(name);
    fs::write(out, text).expect("the folder for build output can be written");
}

/// Adds all files with this ending in a folder and the folders inside.
fn add_sources(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            add_sources(&path, ending, files);
        } else if path.extension().is_some_and(|end| end == ending) {
            files.push(path);
        }
    }
}

/// The end of the SDK's manifest, which makes it a workspace of its own.
fn workspace(manifest: &str) -> String {
    let mut text = "\n[workspace]\nmembers = [\"abi\", \"macros\"]\n".to_owned();
    let mut is_inherited = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inherited = INHERITED.contains(&line.trim());
        }
        // The SDK is the root, and depends on no member of the project's workspace but its own.
        if is_inherited && !line.starts_with("splatgraph-sdk") {
            text += &line.replace("\"sdk/", "\"");
            text.push('\n');
        }
    }
    text
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
