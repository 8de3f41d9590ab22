//! A CSV file with the scalar results of all items, their means and standard deviations.

use super::{
    error::Error,
    figures::Figures,
    found::Lines,
    items::Items,
    repeated::{hash_of, repeated_hashes},
};
use crate::words::shown;
use serde_json::Value as Json;
use splatgraph_sdk::TemporaryFile;
use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

/// The table of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The CSV file.
    pub path: PathBuf,
    /// The names of the columns: `item`, the inputs that vary, and the results.
    pub columns: Vec<String>,
    /// The rows `mean` and `std` (the sample standard deviation): of each combination of values that are not paths, then of
    /// all items.
    pub summary: Vec<Vec<String>>,
}

impl Table {
    /// Writes the table as a whole. `done` are the items of this part that are done, in order. `results` are the names of the
    /// results. The lines are read twice, so that no row stays in memory.
    pub(super) fn write(
        path: PathBuf,
        items: &Items,
        done: &[u32],
        results: &[&str],
        mut lines: Lines<'_>,
    ) -> Result<Self, Error> {
        let varying: Vec<(usize, usize)> = items.varying().collect();
        let input = |&(axis, input): &(usize, usize)| &items.axes[axis].inputs[input];
        let value = |item: usize, &(axis, at): &(usize, usize)| items.value(item, axis, at).unwrap_or_default();
        let values = |item: usize| varying.iter().map(|at| value(item, at).into_owned()).collect::<Vec<String>>();
        let group = |item: usize| -> Vec<String> {
            let of = |at| if input(at).takes.is_path() { String::new() } else { value(item, at).into_owned() };
            varying.iter().map(of).collect()
        };
        let done = || done.iter().map(|item| *item as usize);
        // Each item in a group of its own makes no groups.
        let has_groups = !repeated_hashes(done().map(|item| hash_of(&group(item)))).is_empty();
        let mut figures = Figures::new(results, varying.len(), has_groups);
        for item in done() {
            figures.add(group(item), &lines.of(item, items)?.outputs);
        }
        let results: Vec<&str> = results.iter().copied().filter(|name| figures.has(name)).collect();
        let inputs = varying.iter().map(|at| (input(at).name.as_str(), "input"));
        let columns =
            columns([("item", "")].into_iter().chain(inputs).chain(results.iter().map(|name| (*name, "result"))));

        let unwritable =
            |error: String| Error::failed(format!("the table cannot be written: {error}\n  {}", shown(&path)));
        let of_disk = |error: io::Error| unwritable(error.to_string());
        let of_csv = |error: csv::Error| unwritable(error.to_string());
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).map_err(of_disk)?;
        let mut file = TemporaryFile::new(folder).map_err(of_disk)?;
        let mut writer = csv::Writer::from_writer(file.file());
        writer.write_record(columns.iter().map(|cell| inert(cell).into_owned())).map_err(of_csv)?;
        for item in done() {
            let outputs = lines.of(item, items)?.outputs;
            figures.add_squares(&group(item), &outputs);
            let cells = results.iter().map(|name| outputs.get(*name).map(text).unwrap_or_default());
            let row: Vec<String> = [items.name(item)].into_iter().chain(values(item)).chain(cells).collect();
            writer.write_record(row.iter().map(|cell| inert(cell).into_owned())).map_err(of_csv)?;
        }
        let summary = figures.rows();
        for row in &summary {
            writer.write_record(row.iter().map(|cell| inert(cell).into_owned())).map_err(of_csv)?;
        }
        writer.flush().map_err(of_disk)?;
        drop(writer);
        file.rename(&path).map_err(of_disk)?;
        Ok(Self { path, columns, summary })
    }
}

/// The names of columns. A name that an earlier column has gets its kind behind it: an input and a result may both be `psnr`.
fn columns<'a>(names: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for (name, kind) in names {
        let mut column = name.to_owned();
        while columns.contains(&column) {
            column += &format!(" ({kind})");
        }
        columns.push(column);
    }
    columns
}

/// A cell that spreadsheets show and do not compute: a text that begins like a formula gets an apostrophe.
pub(crate) fn inert(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if is_formula { format!("'{cell}").into() } else { cell.into() }
}

/// A result in the form of the journal; `None` if it is no scalar. A number that JSON can't represent is a text, and so is a JSON
/// object, which has facts about other results.
pub(super) fn scalar(value: &splatgraph_sdk::Value) -> Option<Json> {
    use splatgraph_sdk::Kind;
    match value.kind() {
        Kind::Bool | Kind::Int | Kind::Uint | Kind::Text => value.to_json(),
        Kind::Float => value.as_float().map(|x| if x.is_finite() { x.into() } else { x.to_string().into() }),
        Kind::Json => value.to_json().filter(Json::is_object).map(|facts| facts.to_string().into()),
        _ => None,
    }
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
