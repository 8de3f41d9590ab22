//! Prints results on stdout and everything else on stderr, with colours only on a terminal.
//!
//! Each text passes through here on its way out, so that no character of a foreign name can move the cursor of a terminal,
//! no line tears the bars, and no result is lost without an error.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anstream::{AutoStream, stderr};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::ser::Formatter;

use splatgraph::graph::{Kind, Problem};
pub(crate) use splatgraph::words::{count, one_line, shown};

use super::bars;
use super::failure::{FAILED, Failure, Outcome, READER_GONE};
use super::style::{self, RED, YELLOW};

pub(crate) use super::style::{BOLD, DIM};

/// Prints a result and a line end.
pub(crate) fn print(text: &str) -> Outcome {
    print_as_is(&style::to_terminal(text))
}

/// The standard output of the program. The one of the process belongs to packs.
#[cfg(unix)]
fn stdout() -> io::Result<AutoStream<std::fs::File>> {
    super::process_state::output().map(AutoStream::auto)
}

#[cfg(not(unix))]
fn stdout() -> io::Result<AutoStream<io::Stdout>> {
    Ok(AutoStream::auto(io::stdout()))
}

/// Prints a result as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Outcome {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print_json_text(&text),
        Err(error) => Err(Failure::new(FAILED, format!("the result cannot be written as JSON: {error}"))),
    }
}

/// Prints text that is JSON. Characters that a terminal acts on become escapes of JSON, so a reader gets the same values.
pub(crate) fn print_json_text(text: &str) -> Outcome {
    print_as_is(&style::json_to_terminal(text))
}

/// Prints text of this program that has escape sequences of its own.
pub(crate) fn print_as_is(text: &str) -> Outcome {
    let text = format!("{}\n", text.trim_end_matches('\n'));
    let printed = stdout().and_then(|mut stdout| stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    printed.map_err(|error| match error.kind() {
        // The reader has what it wants, as in `| head`.
        ErrorKind::BrokenPipe => Failure::new(READER_GONE, ""),
        _ => Failure::new(FAILED, format!("the result cannot be written to standard output: {error}")),
    })
}

/// JSON in one line, with the spaces that people write: `["a", "b"]`.
pub(crate) fn json_line(value: &Json) -> String {
    struct Spaced;
    impl Formatter for Spaced {
        fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
            writer.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
            writer.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
            writer.write_all(b": ")
        }
    }
    let mut text = Vec::new();
    // Writing to memory can't fail.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Spaced));
    String::from_utf8_lossy(&text).into_owned()
}

/// A graph in the form that people write: a line for each key, and a line for each node. The keys of a bare prompt are its
/// nodes.
pub(crate) fn graph_text(graph: &Json) -> String {
    fn text(json: &Json, depth: usize, lines: usize) -> String {
        match json {
            Json::Object(members) if depth < lines && !members.is_empty() => {
                let indent = "  ".repeat(depth + 1);
                let line = |(key, value): (&String, &Json)| {
                    format!("{indent}{}: {}", Json::from(key.as_str()), text(value, depth + 1, lines))
                };
                let all: Vec<String> = members.iter().map(line).collect();
                format!("{{\n{}\n{}}}", all.join(",\n"), "  ".repeat(depth))
            }
            other => json_line(other),
        }
    }
    let bare = graph.get("nodes").is_none_or(|nodes| nodes.get("class_type").is_some());
    text(graph, 0, if bare { 1 } else { 2 })
}

/// Prints a line on stderr, above the bars.
pub(crate) fn note(text: &str) {
    note_as_is(&style::to_terminal(text));
}

/// Prints a line of this program that has escape sequences of its own on stderr.
pub(crate) fn note_as_is(text: &str) {
    // An error is ignored, as there is no other place to report it.
    bars::above(|| {
        let _ = stderr().lock().write_all(format!("{text}\n").as_bytes());
    });
}

/// Prints an error. An empty text was printed before.
pub(crate) fn error(text: &str) {
    if !text.is_empty() {
        note(&error_line(text));
    }
}

/// The printed form of an error.
pub(crate) fn error_line(text: &str) -> String {
    format!("{RED}error{RED:#}: {text}")
}

/// Prints a warning.
pub(crate) fn warning(text: &str) {
    note(&warning_line(text));
}

/// Prints a warning about a graph. Changes of packs that were applied to it are only a note.
pub(crate) fn about_graph(warning: &Problem) {
    match warning.kind {
        Kind::Changed => note(&warning.to_string()),
        _ => self::warning(&warning.to_string()),
    }
}

/// The printed form of a warning.
pub(crate) fn warning_line(text: &str) -> String {
    format!("{YELLOW}warning{YELLOW:#}: {text}")
}

/// Rows in columns, each as wide as its widest cell, behind `indent` spaces. Lines have no spaces at their ends, and a cell
/// stays on its line.
pub(crate) fn columns(indent: usize, rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in &rows {
        // Formats have a longest width, and cells have none.
        let cell =
            |(cell, width): (&Cow<'_, str>, &usize)| format!("{cell}{}", " ".repeat(width - cell.chars().count()));
        let cells: Vec<String> = row.iter().zip(&widths).map(cell).collect();
        text.push_str(&" ".repeat(indent));
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A path relative to the folder `cwd` if it lies inside, else the whole path.
pub(crate) fn relative(path: &Path, cwd: &Path) -> String {
    shown(path.strip_prefix(cwd).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_end_without_spaces() {
        let rows = [["a", "long cell", ""], ["bcd", "", "end"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(2, &rows), "  a    long cell\n  bcd             end\n");
        let long = "x".repeat(100_000);
        assert_eq!(columns(0, &[vec![long.clone(), "end".to_owned()]]), format!("{long}  end\n"));
    }

    #[test]
    fn json_on_a_line_has_spaces() {
        let value = serde_json::json!({"a": [1, "x"], "b": {}, "c": []});
        assert_eq!(json_line(&value), r#"{"a": [1, "x"], "b": {}, "c": []}"#);
    }
}
