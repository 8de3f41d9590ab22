//! Runs the real binary in a folder of its own, without the packs that are installed or built beside it.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The folder that cargo builds into: `target/release` or `target/debug`.
pub(crate) fn build_folder() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_splatgraph")).parent().unwrap().to_path_buf()
}

/// The library of an example of this package, which is a pack for tests. `cargo test` builds examples, but not if only one
/// test file is built.
pub(crate) fn example_pack(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let library = |name: &str| build_folder().join("examples").join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
    BUILT.get_or_init(|| {
        if ["stub_pack", "second_pack", "hostile_pack", "craft_before_pack", "craft_after_pack"]
            .iter()
            .all(|name| library(name).is_file())
        {
            return;
        }
        // The profile and the target folder of this test.
        let folder = build_folder();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            name => name,
        };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "-p", "splatgraph", "--examples", "--profile", profile, "--target-dir"]);
        cargo.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().unwrap().success(), "cargo cannot build the packs for tests");
    });
    library(name)
}

/// A folder for a test, with a copy of the binary without packs beside it, and with a folder `packs`.
pub(crate) struct Place {
    folder: TempDir,
}

/// The output of a command.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The exit code and all output, for snapshots.
    pub(crate) fn all(&self) -> String {
        format!("exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Place {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "packs", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let (from, to) = (env!("CARGO_BIN_EXE_splatgraph"), folder.path().join("bin/splatgraph"));
        if fs::hard_link(from, &to).is_err() {
            fs::copy(from, &to).unwrap();
        }
        Self { folder }
    }

    /// A folder with the pack `stub`.
    pub(crate) fn with_stub() -> Self {
        let place = Self::new();
        place.add_pack("stub_pack", "packs");
        place
    }

    /// Copies one of the test packs into the folder `to`.
    pub(crate) fn add_pack(&self, name: &str, to: &str) -> PathBuf {
        let path = self.path(to).join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(example_pack(name), &path).unwrap();
        path
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// Writes a file into the folder in which commands run.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("work").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("work").join(name)).unwrap()
    }

    /// The names of the files in the folder in which commands run, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("work")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A command without the user's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("bin/splatgraph"));
        command
            .args(arguments)
            .current_dir(self.path("work"))
            .env("SPLATGRAPH_PACKS", self.path("packs"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_DATA_DIRS", self.path("more-data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("SPLATGRAPH_MODELS")
            .env_remove("SPLATGRAPH_STORE")
            .env_remove("SPLATGRAPH_SDK")
            .env_remove("RUST_BACKTRACE")
            .env("COLUMNS", "100")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.ran(&self.command(arguments).output().unwrap())
    }

    /// The output of a finished command, with this folder as `[DIR]`.
    pub(crate) fn ran(&self, output: &Output) -> Ran {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let real = self.folder.path().canonicalize().unwrap();
            let text = text.replace(real.to_str().unwrap(), "[DIR]");
            as_on_unix(&without_times(&text.replace(self.folder.path().to_str().unwrap(), "[DIR]")))
        };
        Ran { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Text of a Windows program as the program has it on Unix, so that one snapshot holds for both: the separators of paths, the
/// names of libraries and the system's words for errors.
fn as_on_unix(text: &str) -> String {
    if !cfg!(windows) {
        return text.to_owned();
    }
    let text = text.replace("\\\\", "/").replace('\\', "/");
    let mut unix = String::new();
    for line in text.split_inclusive('\n') {
        let words = line.split_once(" (os error ").and_then(|(before, after)| {
            let (code, after) = after.split_once(')')?;
            let words = match code {
                "2" | "3" => "No such file or directory (os error 2)",
                "5" => "Permission denied (os error 13)",
                "80" | "183" => "File exists (os error 17)",
                _ => return None,
            };
            let start = before.rfind(": ").map_or(0, |colon| colon + 2);
            Some(format!("{}{words}{after}", &before[..start]))
        });
        unix += &words.unwrap_or_else(|| line.to_owned());
    }
    for name in ["stub_pack", "second_pack", "second"] {
        unix = unix.replace(&format!("/{name}.dll"), &format!("/lib{name}.so"));
    }
    unix
}

/// Replaces times: `12 ms` and `1.5 s` become `[TIME]`.
pub(crate) fn without_times(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let mut kept: Vec<String> = Vec::new();
        for word in words {
            let unit = matches!(word.trim_end_matches([',', ')']), "ms" | "s");
            match kept.last_mut() {
                Some(last) if unit && last.parse::<f64>().is_ok() => {
                    *last = format!("[TIME]{}", word.trim_start_matches(['m', 's']));
                }
                _ => kept.push(word.to_owned()),
            }
        }
        kept.join(" ") + "\n"
    });
    lines.collect()
}
