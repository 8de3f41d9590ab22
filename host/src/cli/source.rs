//! Reads the graph of a command: a JSON file, a picture with a graph in it, or standard input.

use std::path::{Path, PathBuf};

use splatgraph::graph;
use splatgraph::graph_source::Content;
use splatgraph::words::nearest;

use super::failure::{FAILED, Failure, Outcome};
use super::graphs::{self, located, say_which};
use super::output::shown;

/// Reads the graph at `path` with the graphs that its nodes name, but does not check it. `-` is standard input.
pub(crate) fn read(path: &Path) -> Outcome<graph::File> {
    parse(path)?.map_err(|problems| Failure::problems(&problems))
}

/// Reads a graph as [`read`] does, but returns problems of its text apart from errors of reading the file.
pub(crate) fn parse(path: &Path) -> Outcome<Result<graph::File, graph::Problems>> {
    Ok(parse_as_written(path)?.map(graph::expand))
}

/// Reads the graph at `path` without the graphs that its nodes name.
pub(crate) fn as_written(path: &Path) -> Outcome<graph::File> {
    parse_as_written(path)?.map_err(|problems| Failure::problems(&problems))
}

fn parse_as_written(given: &Path) -> Outcome<Result<graph::File, graph::Problems>> {
    say_which(given);
    let path = &*located(given);
    let stdin = path == Path::new("-");
    let content = if stdin { read_stdin()? } else { read_file(path)? };
    let parsed = content.parse((!stdin).then(|| path.to_path_buf()));
    parsed.map_err(|error| Failure::usage(format!("{error}\n  {}", shown(path))))
}

/// Writes the text of a graph to a new file, as a whole.
pub(crate) fn write_new(path: &Path, text: &str) -> Outcome {
    refuse_existing(path)?;
    let written = splatgraph_sdk::write_whole(path, format!("{text}\n").as_bytes());
    written.map_err(|error| {
        Failure::new(FAILED, format!("the graph cannot be written: {}\n  {}", error.message, shown(path)))
    })
}

/// Refuses a file that exists: people write graphs by hand, and an overwritten one is lost.
pub(crate) fn refuse_existing(path: &Path) -> Outcome {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::usage(format!(
            "expected a new file, got one that exists; choose another name, or remove the file first\n  {}",
            shown(path)
        ))),
        Err(_) => Ok(()),
    }
}

fn read_stdin() -> Outcome<Content> {
    let read = Content::of_stream(std::io::stdin().lock());
    read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))
}

fn read_file(path: &Path) -> Outcome<Content> {
    Content::of_file(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::usage(not_found(path)),
        _ => Failure::usage(format!("the graph cannot be read: {error}\n  {}", shown(path))),
    })
}

fn not_found(path: &Path) -> String {
    let nearby = graphs_nearby(path);
    let names: Vec<String> = nearby.iter().map(|path| shown(path)).collect();
    let name_of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let wanted = name_of(path);
    let near = nearby.iter().find(|near| {
        let name = name_of(near);
        nearest(&wanted, [name.as_str(), name.trim_end_matches(".json")]).is_some()
    });
    let named = graphs::names();
    let plain = wanted.trim_end_matches(".json");
    let hint = match (near, names.as_slice()) {
        (None, _) if let Some(name) = nearest(plain, named.iter().map(String::as_str)) => {
            format!("; did you mean {name}, a graph that came with the program?")
        }
        (None, []) if !named.is_empty() => "; `splatgraph graphs` lists those that came with the program".to_owned(),
        (Some(near), _) => format!("; did you mean {}?", shown(near)),
        (None, []) => "; name a .json graph, or a picture with a graph in it".to_owned(),
        (None, names) => format!("; graphs nearby: {}", names[..names.len().min(12)].join(", ")),
    };
    format!("the graph does not exist{hint}\n  {}", shown(path))
}

/// The JSON files in the folder of `path`, in the current directory and in `graphs`, each once.
fn graphs_nearby(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in [path.parent().unwrap_or(Path::new("")), Path::new(""), Path::new("graphs")] {
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
        let mut here: Vec<PathBuf> = entries
            .filter(|entry| Path::new(&entry.file_name()).extension().is_some_and(|extension| extension == "json"))
            .map(|entry| folder.join(entry.file_name()))
            .filter(|path| !found.contains(path))
            .collect();
        here.sort();
        found.append(&mut here);
    }
    found
}
