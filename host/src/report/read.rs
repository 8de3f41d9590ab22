//! Reads tables of batches, and the journals beside them.

use super::error::Error;
use crate::{
    batch::{self, Past, PastItem, inert},
    words::{one_line, shown, some_of},
};
use serde_json::{Map, Value as Json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// What one batch measured: a table, or the tables of its parts.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) name: String,
    pub(super) tables: Vec<PathBuf>,
    /// The folder with the journal, below which the files of the items lie.
    pub(super) folder: Option<PathBuf>,
    pub(super) graph: Option<String>,
    /// The names of the inputs: of those in the table, then of those that all items have in common.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// The items that are done.
    pub(super) items: Vec<Item>,
    pub(super) failed: Vec<Item>,
    pub(super) notes: Vec<String>,
}

/// An item of a batch. Values that it does not have are empty.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) files: Vec<PathBuf>,
    /// Why it failed.
    pub(super) error: Option<String>,
}

/// A table as it is written.
struct Table {
    path: PathBuf,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The mean of all items. It is empty for inputs.
    mean: Option<Vec<String>>,
}

/// Reads all results at a path: a table, or the tables in a folder. `name` names them in the report.
pub(super) fn read(name: Option<&str>, path: &Path) -> Result<Vec<Results>, Error> {
    if !path.exists() {
        return Err(Error::results(format!("expected a folder or a table of a batch, got nothing\n  {}", shown(path))));
    }
    let is_folder = path.is_dir();
    let tables = if is_folder { tables_in(path)? } else { vec![path.to_owned()] };
    let mut batches: BTreeMap<PathBuf, Vec<Table>> = BTreeMap::new();
    for path in tables {
        let whole = part_of(&path).map_or_else(|| path.clone(), |(whole, _)| whole);
        batches.entry(whole).or_default().push(Table::read(path)?);
    }
    let several = batches.len() > 1;
    let own_name = |table: &Path| {
        let stem = || table.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = std::path::absolute(table).ok();
        let folder = folder.as_deref().and_then(Path::parent).and_then(Path::file_name);
        match (name, folder) {
            (Some(name), _) if several => format!("{name} {}", stem()),
            (Some(name), _) => name.to_owned(),
            (None, Some(folder)) if !several => folder.to_string_lossy().into_owned(),
            _ => stem(),
        }
    };
    batches.into_iter().map(|(whole, tables)| Results::new(own_name(&whole), tables)).collect()
}

/// The tables of batches in a folder, sorted by name.
fn tables_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |error| Error::usage(format!("the folder cannot be read: {error}\n  {}", shown(folder)));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv && is_table(&path) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Error::results(format!(
            "expected a table of a batch in the folder, got none\n  {}",
            shown(folder)
        )));
    }
    Ok(found)
}

fn is_table(path: &Path) -> bool {
    let reader = csv::ReaderBuilder::new().from_path(path);
    reader.is_ok_and(|mut reader| reader.headers().is_ok_and(|head| head.get(0) == Some("item")))
}

/// The path that the table of the whole batch would have, and the part; `None` for a table of no part.
fn part_of(path: &Path) -> Option<(PathBuf, (usize, usize))> {
    let stem = path.file_stem()?.to_str()?;
    let (rest, of) = stem.rsplit_once("-of-")?;
    let (whole, part) = rest.rsplit_once('-')?;
    let part = (part.parse().ok()?, of.parse().ok()?);
    Some((path.with_file_name(format!("{whole}.csv")), part))
}

impl Table {
    fn read(path: PathBuf) -> Result<Self, Error> {
        let wrong = |message: String| Error::usage(format!("{message}\n  {}", shown(&path)));
        let bytes = fs::read(&path).map_err(|error| wrong(format!("the table cannot be read: {error}")))?;
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
        let of_csv = |error: csv::Error| wrong(batch::said(&error, bytes));
        let columns: Vec<String> = reader.headers().map_err(of_csv)?.iter().map(str::to_owned).collect();
        if columns.first().is_none_or(|first| first != "item") {
            let got =
                columns.first().map_or_else(|| "an empty file".to_owned(), |first| format!("`{}`", one_line(first)));
            let message = format!("expected `item` as the first column of a table of a batch, got {got}");
            return Err(Error::results(format!("{message}\n  {}", shown(&path))));
        }
        let rows = reader.records().map(|row| Ok(row?.iter().map(str::to_owned).collect()));
        let mut rows: Vec<Vec<String>> = rows.collect::<Result<_, csv::Error>>().map_err(of_csv)?;
        let mut mean = None;
        // The means have a standard deviation below, which lacks the inputs or is no number. An item may have such a name too.
        while let [.., above, below] = &rows[..]
            && above[0] == "mean"
            && below[0] == "std"
            && below.iter().any(String::is_empty)
        {
            rows.pop();
            let row = rows.pop();
            mean = mean.or(row);
        }
        Ok(Self { path, columns, rows, mean })
    }
}

impl Results {
    fn new(name: String, mut tables: Vec<Table>) -> Result<Self, Error> {
        let mut results = Self {
            name,
            tables: tables.iter().map(|table| table.path.clone()).collect(),
            folder: None,
            graph: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            items: Vec::new(),
            failed: Vec::new(),
            notes: missing_parts(&tables),
        };
        // The items of other parts may have other results, so all columns come first.
        let past = past_of(&tables[0].path)?;
        let past = past.filter(|(past, _)| tables.iter().any(|table| table.knows(past)));
        let (past, folder) = past.unzip();
        results.folder = folder;
        if past.is_none() {
            let why = "no journal of its batch lies beside it, so files and failed items are unknown";
            results.notes.push(format!("{}: {why}", results.name));
        }
        let mut is_input = Vec::new();
        for table in &tables {
            let inputs = table.inputs(past.as_ref())?;
            for (column, &input) in table.columns.iter().zip(&inputs).skip(1) {
                let names = if input { &mut results.inputs } else { &mut results.outputs };
                let name = plain(column).to_owned();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            is_input.push(inputs);
        }
        let known = results.inputs.clone();
        if let Some(past) = &past {
            results.graph = Some(past.graph.clone());
            for name in past.items.iter().flat_map(|item| item.values.keys()) {
                if !results.inputs.contains(name) {
                    results.inputs.push(name.clone());
                }
            }
        }
        let found = past.as_ref().map(|past| Found::new(past, &known));
        for (table, is_input) in tables.iter_mut().zip(&is_input) {
            for row in std::mem::take(&mut table.rows) {
                let item = results.item(table, is_input, row, &known, found.as_ref());
                results.items.push(item);
            }
        }
        for item in past.iter().flat_map(|past| &past.items).filter(|item| item.error.is_some()) {
            let inputs = results.inputs.iter().map(|name| text_of(&item.values, name)).collect();
            let (outputs, files, error) = (Vec::new(), Vec::new(), item.error.clone());
            results.failed.push(Item { name: item.name.clone(), inputs, outputs, files, error });
        }
        // Inputs of nodes are known by their own names from here on.
        for name in &mut results.inputs {
            *name = name.strip_prefix(batch::SET).unwrap_or(name).to_owned();
        }
        Ok(results)
    }

    /// The item of a row, with what the journal knows of it.
    fn item(
        &self,
        table: &Table,
        is_input: &[bool],
        row: Vec<String>,
        known: &[String],
        found: Option<&Found>,
    ) -> Item {
        let cell = |name: &String, input: bool| {
            let mut columns = table.columns.iter().zip(is_input).skip(1);
            let at = columns.position(|(column, is)| *is == input && plain(column) == name);
            at.map(|at| row[at + 1].clone()).unwrap_or_default()
        };
        let outputs: Vec<String> = self.outputs.iter().map(|name| cell(name, false)).collect();
        let key: Vec<String> = known.iter().map(|name| cell(name, true)).collect();
        let past = found.and_then(|found| found.get(&key, &self.outputs, &outputs));
        let inputs = match past {
            Some(past) => self.inputs.iter().map(|name| text_of(&past.values, name)).collect(),
            None => {
                let inputs = key.into_iter().map(|cell| as_given(&cell).to_owned());
                inputs.chain(std::iter::repeat(String::new())).take(self.inputs.len()).collect()
            }
        };
        let outputs = outputs.iter().map(|cell| as_given(cell).to_owned()).collect();
        let name = past.map_or_else(|| as_given(&row[0]).to_owned(), |past| past.name.clone());
        Item { name, inputs, outputs, files: past.map(|past| past.files.clone()).unwrap_or_default(), error: None }
    }
}

impl Table {
    /// Whether a journal has an item of this table.
    fn knows(&self, past: &Past) -> bool {
        let names: std::collections::HashSet<&str> = past.items.iter().map(|item| item.name.as_str()).collect();
        self.rows.is_empty() || self.rows.iter().any(|row| names.contains(as_given(&row[0])))
    }

    /// Which columns are inputs. Without a journal only the mean of all items tells: inputs have none.
    fn inputs(&self, past: Option<&Past>) -> Result<Vec<bool>, Error> {
        let done = || past.iter().flat_map(|past| &past.items).filter(|item| item.error.is_none());
        let input_of = |name: &str| past.iter().flat_map(|past| &past.items).any(|item| item.values.contains_key(name));
        let is_input = |(at, column): (usize, &String)| {
            let name = plain(column);
            let (input, output) = (input_of(name), done().any(|item| item.outputs.contains_key(name)));
            match &self.mean {
                _ if at == 0 => Ok(false),
                _ if input != output => Ok(input),
                Some(mean) => Ok(mean[at].is_empty()),
                None => {
                    let hint = "name the table as the batch wrote it, or put the journal beside it";
                    let message =
                        "expected the mean of all items at the end of the table, or the journal of the batch beside it";
                    Err(Error::usage(format!(
                        "{message}: without them `{}` may be an input or a result; {hint}\n  {}",
                        one_line(column),
                        shown(&self.path)
                    )))
                }
            }
        };
        self.columns.iter().enumerate().map(is_input).collect()
    }
}

/// The items of a journal by the cells that a table has of their inputs.
struct Found<'a>(HashMap<Vec<String>, Vec<&'a PastItem>>);

impl<'a> Found<'a> {
    fn new(past: &'a Past, inputs: &[String]) -> Self {
        let mut found: HashMap<Vec<String>, Vec<&PastItem>> = HashMap::new();
        for item in past.items.iter().filter(|item| item.error.is_none()) {
            let key = inputs.iter().map(|name| inert(&text_of(&item.values, name)).into_owned()).collect();
            found.entry(key).or_default().push(item);
        }
        Self(found)
    }

    /// The item with these inputs. A journal may have several that differ in what the table does not show; then the results tell.
    fn get(&self, inputs: &[String], names: &[String], outputs: &[String]) -> Option<&'a PastItem> {
        let candidates = self.0.get(inputs)?;
        let is_same = |item: &&&PastItem| {
            names.iter().zip(outputs).all(|(name, cell)| inert(&text_of(&item.outputs, name)) == cell.as_str())
        };
        candidates.iter().rev().find(is_same).copied()
    }
}

/// The journal beside a table, or in the folder above it, and its folder.
fn past_of(table: &Path) -> Result<Option<(Past, PathBuf)>, Error> {
    let table = std::path::absolute(table).map_err(|error| Error::usage(format!("{error}\n  {}", shown(table))))?;
    for folder in table.ancestors().skip(1).take(2) {
        if let Some(past) = Past::read(folder)? {
            return Ok(Some((past, folder.to_owned())));
        }
    }
    Ok(None)
}

fn missing_parts(tables: &[Table]) -> Vec<String> {
    let parts: Vec<(usize, usize)> = tables.iter().filter_map(|table| Some(part_of(&table.path)?.1)).collect();
    let of = parts.iter().map(|(_, of)| *of).max().unwrap_or_default();
    let missing: Vec<String> =
        (1..=of.min(100_000)).filter(|part| !parts.contains(&(*part, of))).map(|part| part.to_string()).collect();
    let names = some_of(missing.iter().map(String::as_str));
    if missing.is_empty() { Vec::new() } else { vec![format!("the batch has {of} parts, and no table of {names}")] }
}

/// The name of an input or a result, without its kind, which a table adds to a name that it has twice.
fn plain(column: &str) -> &str {
    let name = column.strip_suffix(" (input)").or_else(|| column.strip_suffix(" (result)")).unwrap_or(column);
    as_given(name)
}

/// A cell without the apostrophe that a table puts before what spreadsheets would compute.
fn as_given(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| inert(rest) == cell).unwrap_or(cell)
}

fn text_of(values: &Map<String, Json>, name: &str) -> String {
    let value = values.get(name);
    value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
}
