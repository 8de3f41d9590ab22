//! Figures of others, to put beside measured ones: CSV files with a row for each name.
//!
//! The first column is `name`. A column with the name of a measure has its numbers, and a column with the name of an input has
//! its values. All other columns are words about the numbers, such as `source`.

use super::{
    data::{Beside, Measure},
    error::Error,
};
use crate::{
    batch,
    words::{one_line, shown, some_of, suggest},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A row of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    name: String,
    /// The names of the other columns, and the cells.
    cells: Vec<(String, String)>,
    file: PathBuf,
}

/// The rows that a user asks for: all rows of a file, one row of it (`FILE:NAME`), or the row with this name in the files of
/// the folders.
pub(super) fn find(asked: &str, cwd: &Path, folders: &[PathBuf]) -> Result<Vec<Row>, Error> {
    let file = cwd.join(asked);
    if file.is_file() {
        return read(&file);
    }
    if let Some((file, name)) = asked.rsplit_once(':')
        && cwd.join(file).is_file()
    {
        return Ok(vec![one_of(read(&cwd.join(file))?, name, &format!("in {}", one_line(file)))?]);
    }
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| csv_files(folder)).collect();
    let rows = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, Error>>()?.concat();
    if rows.is_empty() || asked.ends_with(".csv") {
        let hint = "name a CSV file whose first column is `name`, or FILE:NAME for one of its rows";
        return Err(Error::usage(format!("expected figures beside ours, got no file `{}`; {hint}", one_line(asked))));
    }
    Ok(vec![one_of(rows, asked, "that came with the program")?])
}

fn one_of(rows: Vec<Row>, name: &str, place: &str) -> Result<Row, Error> {
    let names: Vec<String> = rows.iter().map(|row| one_line(&row.name).into_owned()).collect();
    rows.into_iter().find(|row| row.name == name).ok_or_else(|| {
        let hint = suggest(name, names.iter().map(String::as_str), "the names are").unwrap_or_default();
        Error::usage(format!("expected the name of a row of figures {place}, got `{}`; {hint}", one_line(name)))
    })
}

fn csv_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "csv")).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Result<Vec<Row>, Error> {
    let wrong = |message: String| Error::usage(format!("{message}\n  {}", shown(file)));
    let bytes = fs::read(file).map_err(|error| wrong(format!("the figures cannot be read: {error}")))?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let of_csv = |error: csv::Error| wrong(batch::said(&error, bytes));
    let columns: Vec<String> = reader.headers().map_err(of_csv)?.iter().map(str::to_owned).collect();
    if columns.first().is_none_or(|first| first != "name") {
        let got = columns.first().map_or_else(|| "an empty file".to_owned(), |first| format!("`{}`", one_line(first)));
        let hint = "write a line with the names of the columns, such as name,psnr,ssim,source";
        return Err(wrong(format!("expected `name` as the first column of figures, got {got}; {hint}")));
    }
    let row = |record: csv::StringRecord| Row {
        name: record.get(0).unwrap_or_default().to_owned(),
        cells: columns.iter().cloned().zip(record.iter().map(str::to_owned)).skip(1).collect(),
        file: file.to_owned(),
    };
    let rows: Vec<Row> = reader.records().map(|record| record.map(row)).collect::<Result<_, _>>().map_err(of_csv)?;
    if rows.is_empty() { Err(wrong("expected a row of figures, got none".to_owned())) } else { Ok(rows) }
}

impl Row {
    /// The figures in the columns of a report.
    pub(super) fn beside(self, inputs: &[String], measures: &[Measure]) -> Result<Beside, Error> {
        let Self { name, cells, file } = self;
        let position = |column: &str| measures.iter().position(|measure| measure.name.eq_ignore_ascii_case(column));
        let mut beside = Beside {
            name,
            values: vec![String::new(); inputs.len()],
            numbers: vec![None; measures.len()],
            cells: vec![String::new(); measures.len()],
            about: Vec::new(),
        };
        for (column, cell) in cells.into_iter().filter(|(_, cell)| !matches!(cell.as_str(), "" | "-" | "–")) {
            if let Some(at) = position(&column) {
                let number = cell.parse().map_err(|_| {
                    let (row, column, cell) = (one_line(&beside.name), one_line(&column), one_line(&cell));
                    let message = format!(
                        "expected a number for `{column}` of `{row}`, got `{cell}`; correct it or leave it empty"
                    );
                    Error::usage(format!("{message}\n  {}", shown(&file)))
                })?;
                (beside.numbers[at], beside.cells[at]) = (Some(number), cell);
            } else if let Some(at) = inputs.iter().position(|input| *input == column) {
                beside.values[at] = cell;
            } else {
                beside.about.push((column, cell));
            }
        }
        if beside.numbers.iter().all(Option::is_none) {
            let known = some_of(measures.iter().map(|measure| measure.name.as_str()));
            let row = one_line(&beside.name);
            let message =
                format!("expected a number of `{row}` for a measure of the results ({}), got none", one_line(&known));
            return Err(Error::usage(format!("{message}; name columns as the measures\n  {}", shown(&file))));
        }
        Ok(beside)
    }
}
