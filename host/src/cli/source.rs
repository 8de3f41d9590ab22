//! Reads the graph of a command: a JSON file, a picture with a graph in it, or standard input.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use splatgraph::graph::{self, Origin};
use splatgraph::picture::{self, PictureError, PngText};
use splatgraph::reading::{self, LARGEST_GRAPH, read_all};
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
    let bytes = match content {
        Content::Text(bytes) => bytes,
        Content::Picture(text) => {
            let found = text.and_then(|text| picture::graph_in(&text));
            let found = found.map_err(|error| Failure::usage(format!("{error}\n  {}", shown(path))))?;
            let path = if stdin { Path::new(".").join("standard input") } else { path.to_path_buf() };
            return Ok(graph::File::parse(&found.graph, Origin::Picture(path)));
        }
    };
    let text = reading::text_of(bytes).map_err(|got| {
        let expected = "expected a graph in JSON text, or a PNG picture with a graph in it";
        Failure::usage(format!("{expected}, got {got}\n  {}", shown(path)))
    })?;
    Ok(graph::File::parse(&text, if stdin { Origin::Text } else { Origin::File(path.to_path_buf()) }))
}

/// What a graph is read from.
enum Content {
    Text(Vec<u8>),
    Picture(Result<PngText, PictureError>),
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

/// The largest picture that is read from standard input, which can't be read in parts like a file.
const LARGEST_PICTURE: u64 = 1 << 30;

fn read_stdin() -> Outcome<Content> {
    let mut stdin = std::io::stdin().lock();
    let mut start = Vec::new();
    let began = stdin.by_ref().take(picture::SIGNATURE.len() as u64).read_to_end(&mut start);
    let read = began.and_then(|_| read_stream(start, stdin));
    read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))
}

/// Reads a stream whose first bytes are read already.
fn read_stream(start: Vec<u8>, rest: impl Read) -> std::io::Result<Content> {
    let picture = start == picture::SIGNATURE;
    let whole = Cursor::new(start).chain(rest);
    if picture {
        let bytes = read_all(whole, LARGEST_PICTURE)?;
        return Ok(Content::Picture(picture::read_text(Cursor::new(bytes))));
    }
    read_all(whole, LARGEST_GRAPH).map(Content::Text)
}

fn read_file(path: &Path) -> Outcome<Content> {
    let read = || {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        file.by_ref().take(picture::SIGNATURE.len() as u64).read_to_end(&mut start)?;
        if start == picture::SIGNATURE && file.metadata()?.is_file() {
            file.rewind()?;
            return Ok(Content::Picture(picture::read_text(BufReader::new(file))));
        }
        read_stream(start, file)
    };
    read().map_err(|error: std::io::Error| match error.kind() {
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
