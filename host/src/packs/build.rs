//! Builds the crate of a pack.

use crate::words::shown;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use thiserror::Error;

/// The errors of building a pack.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum BuildError {
    #[error(
        "cargo cannot be started to build the crate: {1}; install Rust (https://rustup.rs), or add a library that was \
         built elsewhere\n  {path}", path = shown(.0)
    )]
    NoCargo(PathBuf, io::Error),
    #[error("cargo cannot build the crate; its errors are above\n  {}", shown(.0))]
    Failed(PathBuf),
    #[error(
        "expected a crate that builds a library for hosts, got one without; add these lines to its Cargo.toml:\n\n[lib]\n\
         crate-type = [\"cdylib\", \"rlib\"]\n\n  {}", shown(.0)
    )]
    NoLibrary(PathBuf),
    #[error("expected a crate that builds one library, got several; add one of these\n  {}", list(.0))]
    Several(Vec<PathBuf>),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join("\n  ")
}

/// Builds the crate in `folder` with optimisation, and returns its library. Messages of cargo go to the standard error
/// output.
///
/// # Errors
/// Cargo is missing, the crate does not build, or it does not build exactly one library.
pub fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--message-format=json-render-diagnostics"])
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| BuildError::NoCargo(folder.to_owned(), error))?;
    if !built.status.success() {
        return Err(BuildError::Failed(folder.to_owned()));
    }
    let whole = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut libraries = libraries_in(&String::from_utf8_lossy(&built.stdout), &whole);
    match (libraries.pop(), libraries.is_empty()) {
        (Some(library), true) => Ok(library),
        (None, _) => Err(BuildError::NoLibrary(folder.join("Cargo.toml"))),
        (Some(last), false) => {
            libraries.push(last);
            Err(BuildError::Several(libraries))
        }
    }
}

/// The shared libraries of packages in `folder`, from the messages of cargo: one JSON object in each line.
fn libraries_in(messages: &str, folder: &Path) -> Vec<PathBuf> {
    let mut libraries = Vec::new();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok()) {
        let manifest = message["manifest_path"].as_str().map(Path::new);
        let kinds = message["target"]["crate_types"].as_array();
        let is_library = kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"));
        if message["reason"] != "compiler-artifact" || !is_library || !manifest.is_some_and(|m| m.starts_with(folder)) {
            continue;
        }
        let files = message["filenames"].as_array().into_iter().flatten().filter_map(Json::as_str).map(PathBuf::from);
        libraries.extend(
            files.filter(|file| file.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION)),
        );
    }
    libraries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_libraries_of_the_crate_count() {
        let message = |manifest: &str, kind: &str, file: &str| {
            let target = serde_json::json!({"crate_types": [kind, "rlib"]});
            serde_json::json!({"reason": "compiler-artifact", "manifest_path": manifest, "target": target,
                "filenames": [file, "/t/a.rlib"]})
            .to_string()
        };
        let library = |name: &str| format!("/t/lib{name}{}", std::env::consts::DLL_SUFFIX);
        let messages = [
            message("/elsewhere/Cargo.toml", "cdylib", &library("other")),
            message("/here/Cargo.toml", "proc-macro", &library("macros")),
            message("/here/Cargo.toml", "cdylib", &library("mine")),
            "not json".to_owned(),
        ];
        assert_eq!(libraries_in(&messages.join("\n"), Path::new("/here")), [PathBuf::from(library("mine"))]);
    }
}
