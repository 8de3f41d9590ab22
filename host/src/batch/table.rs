//! A CSV file with the scalar results of all items, their means and standard deviations.

use super::{earlier::Entry, error::Error, items::Items, options::Part};
use crate::words::shown;
use serde_json::Value as Json;
use splatgraph_sdk::behind_stem;
use std::{
    collections::HashMap,
    fs,
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
    rows: Vec<Vec<String>>,
}

/// The values of a row.
struct Row<'a> {
    item: &'a str,
    /// Values of the inputs that vary.
    inputs: Vec<&'a str>,
    results: Vec<Option<&'a Json>>,
}

impl Row<'_> {
    fn cells(&self) -> Vec<String> {
        let inputs = [self.item].into_iter().chain(self.inputs.iter().copied()).map(str::to_owned);
        inputs.chain(self.results.iter().map(|result| result.map(text).unwrap_or_default())).collect()
    }
}

impl Table {
    /// `done` are the items of this part that are done, in order. `results` are the names of the results.
    pub(super) fn new<'a>(path: PathBuf, items: &'a Items, done: &[(usize, &'a Entry)], results: &[&str]) -> Self {
        let varying: Vec<(usize, usize)> = items.varying().collect();
        let input = |&(axis, input): &(usize, usize)| &items.axes[axis].inputs[input];
        let has = |name: &&&str| done.iter().any(|(_, entry)| entry.outputs.contains_key(**name));
        let results: Vec<&str> = results.iter().filter(has).copied().collect();
        let inputs = varying.iter().map(|at| (input(at).name.as_str(), "input"));
        let columns =
            columns([("item", "")].into_iter().chain(inputs).chain(results.iter().map(|name| (*name, "result"))));
        let row = |&(item, entry): &(usize, &'a Entry)| Row {
            item: items.name(item),
            inputs: varying.iter().map(|&(axis, at)| items.value(item, axis, at).unwrap_or_default()).collect(),
            results: results.iter().map(|name| entry.outputs.get(*name)).collect(),
        };
        let whole: Vec<Row<'_>> = done.iter().map(row).collect();
        let is_group: Vec<bool> = varying.iter().map(|at| !input(at).takes.is_path()).collect();
        let rows = whole.iter().map(Row::cells).collect();
        Self { path, columns, summary: summary(&whole, &is_group), rows }
    }

    /// Writes the file as a whole.
    pub(super) fn save(&self) -> Result<(), Error> {
        let unwritable =
            |error: String| Error::failed(format!("the table cannot be written: {error}\n  {}", shown(&self.path)));
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in [&self.columns].into_iter().chain(&self.rows).chain(&self.summary) {
            writer.write_record(row.iter().map(inert)).map_err(|error| unwritable(error.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|error| unwritable(error.to_string()))?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|error| unwritable(error.to_string()))?;
        }
        splatgraph_sdk::write_whole(&self.path, &bytes).map_err(|error| unwritable(error.message))
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
fn inert(cell: &String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
        format!("'{cell}")
    } else {
        cell.clone()
    }
}

/// The file of the table; for a part `results-2-of-8.csv`.
pub(super) fn path_of(folder: &Path, name: &Path, part: Option<Part>) -> PathBuf {
    let path = folder.join(name);
    let Some(part) = part else { return path };
    behind_stem(&path, &format!("-{part}"))
}

/// A result in the form of the journal; `None` if it is no scalar. A number that JSON can't represent is a text.
pub(super) fn scalar(value: &splatgraph_sdk::Value) -> Option<Json> {
    use splatgraph_sdk::Kind;
    match value.kind() {
        Kind::Bool | Kind::Int | Kind::Uint | Kind::Text => value.to_json(),
        Kind::Float => value.as_float().map(|x| if x.is_finite() { x.into() } else { x.to_string().into() }),
        _ => None,
    }
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) if matches!(text.as_str(), "inf" | "-inf" | "NaN") => text.parse().ok(),
        _ => value.as_f64(),
    }
}

/// The mean and standard deviation of each group, then of all items. Groups are left out if there is only one, or if each
/// has only one item.
fn summary(rows: &[Row<'_>], is_group: &[bool]) -> Vec<Vec<String>> {
    let group = |row: &Row<'_>| -> Vec<String> {
        let values = row.inputs.iter().zip(is_group);
        values.map(|(value, is_group)| if *is_group { (*value).to_owned() } else { String::new() }).collect()
    };
    let mut groups: Vec<(Vec<String>, Vec<&Row<'_>>)> = Vec::new();
    let mut positions = HashMap::new();
    for row in rows {
        let group = group(row);
        let position = *positions.entry(group.clone()).or_insert(groups.len());
        match groups.get_mut(position) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((group, vec![row])),
        }
    }
    if groups.len() < 2 || groups.len() == rows.len() {
        groups.clear();
    }
    groups.push((vec![String::new(); is_group.len()], rows.iter().collect()));
    let mut summary = Vec::new();
    for (inputs, rows) in groups {
        let columns = rows.first().map_or(0, |row| row.results.len());
        let figures: Vec<(String, String)> = (0..columns)
            .map(|column| {
                let values: Option<Vec<f64>> = rows.iter().filter_map(|row| row.results[column]).map(number).collect();
                values.map_or_else(Default::default, |values| mean_and_spread(&values))
            })
            .collect();
        let (means, spreads): (Vec<String>, Vec<String>) = figures.into_iter().unzip();
        for (name, figures) in [("mean", means), ("std", spreads)] {
            summary.push([name.to_owned()].into_iter().chain(inputs.clone()).chain(figures).collect());
        }
    }
    summary
}

/// The mean and the sample standard deviation as texts; empty if there are too few values.
fn mean_and_spread(values: &[f64]) -> (String, String) {
    let count = values.len() as f64;
    if values.is_empty() {
        return Default::default();
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let spread = if values.len() > 1 { (squares / (count - 1.0)).sqrt().to_string() } else { String::new() };
    (mean.to_string(), spread)
}
