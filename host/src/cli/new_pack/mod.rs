//! `splatgraph new-pack`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::failure::{FAILED, Failure, Outcome};
use super::{output, python};

/// The environment variable with the folder of the SDK, for packs inside a clone of the project.
const SDK_VARIABLE: &str = "SPLATGRAPH_SDK";

/// Create a folder with a new node pack in Rust or Python: one node, its test and a graph that runs it
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder to create; the pack has its name
    name: PathBuf,
    /// The folder of the SDK's crate, to use instead of a copy in the new folder; SPLATGRAPH_SDK does the same
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
    /// Write the pack in Python
    #[arg(long, conflicts_with = "sdk")]
    python: bool,
}

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The folder of the SDK in the folder of a pack, for as long as the SDK is not published.
const SDK_FOLDER: &str = "sdk";

/// The files of a new pack, each with its template.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("graph.json", include_str!("template/graph.json.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    (".gitignore", include_str!("template/gitignore.txt")),
    (".github/workflows/ci.yml", include_str!("template/ci.yml.txt")),
];

/// The files of a new pack in Python, each with its template. `ID` stands for the pack's id.
const PYTHON_FILES: [(&str, &str); 6] = [
    ("ID.py", include_str!("template/python/pack.py.txt")),
    ("ID.pack.json", include_str!("template/python/pack.json.txt")),
    ("test_ID.py", include_str!("template/python/test.py.txt")),
    ("graph.json", include_str!("template/python/graph.json.txt")),
    ("README.md", include_str!("template/python/README.md.txt")),
    (".gitignore", include_str!("template/python/gitignore.txt")),
];

/// The folder of the module in the folder of a pack in Python.
const MODULE_FOLDER: &str = "python";

/// Words that Rust or cargo reserve, so that no crate can have them as its name.
const RESERVED: [&str; 46] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue", "core", "crate", "do",
    "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "std", "struct",
    "super", "test", "trait", "true", "type",
];

pub(crate) fn run(options: &Options) -> Outcome {
    let folder = &options.name;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name)?;
    if folder.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!(
            "expected a new folder for the pack, got one that exists; choose another name\n  {}",
            output::shown(folder)
        )));
    }
    if options.python {
        return in_python(folder, name);
    }
    let given = options.sdk.clone().or_else(|| env::var_os(SDK_VARIABLE).map(PathBuf::from));
    let sdk = given.as_deref().map_or_else(|| Ok(SDK_FOLDER.to_owned()), sdk_folder)?;
    // TOML reads the escapes of JSON, so any path is right.
    let sdk = format!("{{ path = {} }}", serde_json::Value::from(sdk));
    let id = name.replace('-', "_");
    for (path, template) in FILES {
        let text = template.replace("{{crate}}", name).replace("{{id}}", &id).replace("{{sdk}}", &sdk);
        write(&folder.join(path), &text)?;
    }
    for (path, text) in SDK.iter().filter(|_| given.is_none()) {
        write(&folder.join(SDK_FOLDER).join(path), text)?;
    }
    output::print(&format!(
        "Created the pack `{id}` in {0}. Next:\n  \
         cd {0}\n  cargo test\n  cargo build --release\n  splatgraph packs add .\n  splatgraph run graph.json",
        output::shown(folder)
    ))
}

fn in_python(folder: &Path, name: &str) -> Outcome {
    let id = name.replace('-', "_");
    for (path, template) in PYTHON_FILES {
        write(&folder.join(path.replace("ID", &id)), &template.replace("{{id}}", &id))?;
    }
    python::write_module(&folder.join(MODULE_FOLDER))?;
    output::print(&format!(
        "Created the pack `{id}` in {0}. It needs numpy in python3. Next:\n  \
         cd {0}\n  python3 test_{id}.py\n  splatgraph watch graph.json --packs .\n  splatgraph packs add {id}.py",
        output::shown(folder)
    ))
}

fn check_name(name: &str) -> Outcome {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(allowed) {
        return Err(Failure::usage(format!(
            "expected a name of lower-case letters, digits, `-` and `_` that begins with a letter, got `{}`",
            output::one_line(name)
        )));
    }
    if RESERVED.contains(&name) || name == "proc-macro" || name == "proc_macro" {
        return Err(Failure::usage(format!(
            "expected a name that Rust does not reserve, got `{name}`; choose another name"
        )));
    }
    Ok(())
}

/// The whole path of the folder of the SDK that the user names.
fn sdk_folder(folder: &Path) -> Outcome<String> {
    let missing = || {
        Failure::usage(format!("--sdk: expected the folder of the crate splatgraph-sdk\n  {}", output::shown(folder)))
    };
    let whole = dunce::canonicalize(folder).map_err(|_| missing())?;
    let manifest = fs::read_to_string(whole.join("Cargo.toml")).map_err(|_| missing())?;
    if !manifest.lines().any(|line| line.replace(' ', "") == "name=\"splatgraph-sdk\"") {
        return Err(missing());
    }
    Ok(whole.to_string_lossy().into_owned())
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).map_err(|error| {
        Failure::new(FAILED, format!("a file of the new pack cannot be written: {error}\n  {}", output::shown(path)))
    })
}
