//! `splatgraph packs`.

mod add;
mod check;
mod keep;
mod remove;

use std::path::Path;

use serde_json::{Value as Json, json};
use splatgraph::packs::{Found, LoadedFile, Origin, PACKS_VARIABLE};

use crate::cli::failure::Outcome;
use crate::cli::options::JsonOption;
use crate::cli::output::{self, BOLD, DIM, columns, count};
use crate::cli::pack_folders::PackFolders;

/// List the loaded node packs, and the files that cannot be loaded with the reasons; or add, remove, keep or check packs
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListOptions,
}

#[derive(clap::Subcommand)]
enum Action {
    Add(add::Options),
    Remove(remove::Options),
    Keep(keep::Options),
    Check(check::Options),
}

#[derive(clap::Args)]
struct ListOptions {
    #[command(flatten)]
    packs: PackFolders,
    /// Also list the libraries that are not packs
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: JsonOption,
}

pub(crate) fn run(options: &Options) -> Outcome {
    match &options.action {
        None => list(&options.list),
        Some(Action::Add(options)) => add::run(options),
        Some(Action::Remove(options)) => remove::run(options),
        Some(Action::Keep(options)) => keep::run(options),
        Some(Action::Check(options)) => check::run(options),
    }
}

fn list(options: &ListOptions) -> Outcome {
    let found = options.packs.find_again()?;
    if options.output.json {
        output::print_json(&as_json(&found, options.all))
    } else {
        output::print(&as_text(&found, options.all))
    }
}

fn as_text(found: &Found, all: bool) -> String {
    let mut text = String::new();
    for file in &found.loaded {
        let manifest = &file.pack.manifest;
        text += &format!("{BOLD}{} {}{BOLD:#}  {}\n", manifest.id, manifest.version, manifest.description);
        let names: Vec<&str> = manifest.nodes.iter().map(|node| node.name.as_str()).collect();
        let rows = [
            ("nodes", format!("{}: {}", count(names.len(), "node"), names.join(", "))),
            ("built", built_with(file)),
            ("found", format!("{} ({})", output::shown(&file.pack.path), place(file.origin))),
        ];
        text += &columns(2, &rows.map(|(name, value)| vec![name.to_owned(), value]));
        text.push('\n');
    }
    if found.loaded.is_empty() {
        text += "No packs are loaded. Packs are searched in --packs, in SPLATGRAPH_PACKS, beside the executable and in the\n\
                 data directories. In a clone of this project, `cargo build --release` builds packs.\n\n";
    }
    text += &section("Refused", found.refused.iter().map(ToString::to_string));
    text += &section("Not used", found.hidden.iter().map(ToString::to_string));
    if all {
        let passed_over = found.passed_over.iter().map(|path| output::shown(path));
        text += &section("Libraries that are not packs", passed_over);
    }
    text
}

/// Why a folder was searched.
fn place(origin: Origin) -> &'static str {
    match origin {
        Origin::Option => "--packs",
        Origin::Variable => PACKS_VARIABLE,
        Origin::Installed => "packs beside the executable",
        Origin::Packaged => "came with the program",
        Origin::BesideExecutable => "beside the executable",
        Origin::DataDirectory => "data directory",
    }
}

fn built_with(file: &LoadedFile) -> String {
    let stamp = &file.stamp;
    let license = &file.pack.manifest.license;
    let license = if license.is_empty() { String::new() } else { format!(", licence {license}") };
    format!(
        "SDK {}, interface {}.{}, {}, {}{license}",
        stamp.sdk, stamp.abi_major, stamp.abi_minor, stamp.rustc, stamp.target
    )
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.map(|line| format!("  {}\n", line.replace('\n', "\n  "))).collect();
    if lines.is_empty() { String::new() } else { format!("{DIM}{title}{DIM:#}\n{}\n", lines.concat()) }
}

fn as_json(found: &Found, all: bool) -> Json {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let loaded: Vec<Json> = found
        .loaded
        .iter()
        .map(|file| {
            let manifest = &file.pack.manifest;
            json!({
                "id": manifest.id,
                "version": manifest.version,
                "description": manifest.description,
                "license": manifest.license,
                "nodes": manifest.nodes.iter().map(|node| &node.name).collect::<Vec<_>>(),
                "path": text(&file.pack.path),
                "place": place(file.origin),
                "sdk": file.stamp.sdk,
                "interface": [file.stamp.abi_major, file.stamp.abi_minor],
                "rustc": file.stamp.rustc,
                "target": file.stamp.target,
            })
        })
        .collect();
    let refused = found.refused.iter().map(|file| json!({"path": text(&file.path), "reason": file.reason}));
    let hidden =
        found.hidden.iter().map(|file| json!({"path": text(&file.path), "id": file.id, "used": text(&file.used)}));
    let mut whole = json!({
        "loaded": loaded,
        "refused": refused.collect::<Vec<_>>(),
        "hidden": hidden.collect::<Vec<_>>(),
    });
    if all {
        whole["passed_over"] = found.passed_over.iter().map(|path| text(path)).collect();
    }
    whole
}
