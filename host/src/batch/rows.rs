//! CSV files with values: each column is an input, each row an item.

use super::{
    axis::{Axis, AxisInput, Takes, takes},
    column::{Column, Texts},
    error::Error,
    repeated::first_repeated,
};
use crate::{
    graph::File,
    reading::read_at_most,
    words::{count, nearest, one_line, shown},
};
use splatgraph_sdk::spec::InputSpec;
use std::{
    borrow::Cow,
    collections::HashMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

/// The largest CSV file, in bytes, and the most lines and cells. A cell takes 4 bytes and its text.
const LARGEST: u64 = 256 << 20;
const MOST_LINES: usize = 10_000_000;
const MOST_CELLS: usize = 16_000_000;
const MOST_COLUMNS: usize = 1000;

/// The cells of a CSV file.
pub(super) struct Rows {
    /// The path as the user wrote it.
    pub(super) name: String,
    cwd: PathBuf,
    columns: Vec<String>,
    /// For each column, as long as no axis has them.
    cells: Vec<Texts>,
    len: usize,
    source: Source,
}

/// Where the text is read from again, to find the number of a line.
enum Source {
    File(PathBuf),
    Bytes(Rc<[u8]>),
}

impl Source {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::File(path) => read_at_most(path, LARGEST).unwrap_or_default(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

impl Rows {
    /// Reads a whole file. Its first line names the columns.
    pub(super) fn read(name: &str, cwd: &Path) -> Result<Self, Error> {
        let given = given(name);
        let path = cwd.join(name);
        let cannot = |error: io::Error| {
            Error::usage(format!("{given}: the CSV file cannot be read: {error}\n  {}", shown(&path)))
        };
        let about = path.metadata().map_err(cannot)?;
        // What is no file can be read only once.
        if !about.is_file() || about.len() > LARGEST {
            let bytes = read_at_most(&path, LARGEST).map_err(cannot)?;
            return Self::parse(name, cwd, bytes);
        }
        let file = fs::File::open(&path).map_err(cannot)?.take(LARGEST);
        Self::of(name, cwd, file, Source::File(path))
    }

    /// Reads the bytes of a whole file.
    pub(super) fn parse(name: &str, cwd: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        let bytes: Rc<[u8]> = bytes.into();
        Self::of(name, cwd, io::Cursor::new(Rc::clone(&bytes)), Source::Bytes(bytes))
    }

    fn of(name: &str, cwd: &Path, text: impl Read, source: Source) -> Result<Self, Error> {
        let path = cwd.join(name);
        let given = given(name);
        let wrong = |what: String| Error::usage(format!("{what}\n  {}", shown(&path)));
        let too_many = || {
            let most = format!("expected at most {MOST_LINES} lines and {MOST_CELLS} cells, got more");
            wrong(format!("{given}: {most}; split the file and run a batch for each part"))
        };
        let mut reader = csv::ReaderBuilder::new().from_reader(text);
        let of_csv = |error: &csv::Error| wrong(format!("{given}: {}", said(error, &source.bytes())));
        let head = reader.headers().map_err(|error| of_csv(&error))?.clone();
        if head.len() > MOST_CELLS {
            return Err(too_many());
        }
        let columns: Vec<String> = head.iter().map(|column| column.trim().to_owned()).collect();
        if columns.len() > MOST_COLUMNS {
            return Err(wrong(format!("{given}: expected at most {MOST_COLUMNS} columns, got {}", columns.len())));
        }
        if let [one] = &columns[..]
            && let Some(other) = [';', '\t', '|'].into_iter().find(|other| one.contains(*other))
        {
            let message = format!("expected commas between the columns, got {other:?}; save the file with commas");
            return Err(wrong(format!("{given}: {message}")));
        }
        if let Some((at, _)) = columns.iter().enumerate().find(|(_, column)| column.is_empty()) {
            return Err(wrong(format!(
                "{given}: expected the names of the columns in line 1, got no name for column {}",
                at + 1
            )));
        }
        if let Some(twice) = columns.iter().enumerate().find(|(at, column)| columns[..*at].contains(column)) {
            return Err(wrong(format!(
                "{given}: two columns have the name `{}`; rename one of them",
                one_line(twice.1)
            )));
        }
        let mut cells = vec![Texts::default(); columns.len()];
        let (mut row, mut len) = (csv::StringRecord::new(), 0);
        while reader.read_record(&mut row).map_err(|error| of_csv(&error))? {
            if is_blank(&row) {
                continue;
            }
            len += 1;
            if len >= MOST_LINES || len * columns.len() > MOST_CELLS {
                return Err(too_many());
            }
            row.iter().zip(&mut cells).for_each(|(cell, cells)| cells.push(cell));
        }
        if len == 0 {
            let message = "expected a line with the names of the columns and a line for each item, got no items";
            return Err(wrong(format!("{given}: {message}")));
        }
        Ok(Self { name: name.to_owned(), cwd: cwd.to_owned(), columns, cells, len, source })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// Refuses a column that is not an input. Used if every column has to be one.
    pub(super) fn known(&self, column: &str, file: &File) -> Result<(), Error> {
        if file.named_input(column).is_some() {
            return Ok(());
        }
        let known = || file.inputs.iter().map(|input| input.name.as_str());
        let hint = match nearest(column, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its inputs are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        Err(Error::usage(format!(
            "`@{0}` has a column `{1}`, but the graph has no such input; {hint}\nto use only some columns, write NAME=@{0} for each",
            one_line(&self.name),
            one_line(column)
        )))
    }

    /// Adds a column to an axis, as an input. A column can be added once.
    pub(super) fn add(&mut self, name: &str, spec: Option<&InputSpec>, axis: &mut Axis) -> Result<(), Error> {
        let Some(column) = self.columns.iter().position(|column| column == name) else {
            let all = self.columns.join(", ");
            let all = one_line(&all);
            let hint = match nearest(name, self.columns()) {
                Some(near) => format!("did you mean `{}`? Its columns are: {all}", one_line(near)),
                None => format!("its columns are: {all}"),
            };
            let message = format!("`{name}=@{}`: the file has no column `{name}`", one_line(&self.name));
            return Err(Error::usage(format!("{message}; {hint}")));
        };
        let takes = takes(spec);
        let cells = std::mem::take(&mut self.cells[column]);
        axis.inputs.push(AxisInput { name: name.to_owned(), takes, column: self.values(cells, takes) });
        Ok(())
    }

    /// The values of cells. Paths to read are relative to the folder of the CSV file.
    fn values(&self, cells: Texts, takes: Takes) -> Column {
        let trimmed = |cell: &str| cell.trim().len() == cell.len();
        let all = |texts: &Texts| (0..texts.len()).all(|row| trimmed(texts.get(row)));
        let mut texts = cells;
        if takes != Takes::Anything && !all(&texts) {
            let mut new = Texts::default();
            (0..texts.len()).for_each(|row| new.push(texts.get(row).trim()));
            texts = new;
        }
        let folder = Path::new(&self.name).parent().filter(|folder| !folder.as_os_str().is_empty());
        let beside = folder.filter(|_| takes.reads()).map(Path::to_owned);
        if takes != Takes::Models || beside.is_none() {
            return Column::Cells { texts, beside };
        }
        // A model may be built into the pack, or lie in a folder of models.
        let mut known: HashMap<String, String> = HashMap::new();
        let mut new = Texts::default();
        for row in 0..texts.len() {
            let cell = texts.get(row);
            if let Some(known) = known.get(cell) {
                new.push(known);
                continue;
            }
            let path = Path::new(&self.name).with_file_name(cell);
            let is_there = !cell.is_empty() && self.cwd.join(&path).exists();
            let value = path.to_str().filter(|_| is_there).unwrap_or(cell);
            new.push(value);
            known.insert(cell.to_owned(), value.to_owned());
        }
        Column::Cells { texts: new, beside: None }
    }

    /// Refuses rows with the same values, which would be one item twice.
    pub(super) fn refuse_repetitions(&self, axis: &Axis) -> Result<(), Error> {
        let values = |row: usize| -> Vec<Option<Cow<'_, str>>> {
            axis.inputs.iter().map(|input| input.column.value(row)).collect()
        };
        let Some((first, second)) = first_repeated(axis.len, values) else { return Ok(()) };
        let [first, second] = [first, second].map(|row| self.line(row));
        let message = format!("{}: the lines {first} and {second} give the same values", given(&self.name));
        Err(Error::usage(format!("{message}; remove one of them")))
    }

    /// Refuses rows without a value for any of the inputs: the item would run with the values of the graph.
    pub(super) fn refuse_blanks(&self, axis: &Axis) -> Result<(), Error> {
        let is_blank = |row: &usize| axis.inputs.iter().all(|input| input.column.value(*row).is_none());
        let Some(row) = (0..axis.len).find(is_blank) else { return Ok(()) };
        let names: Vec<String> = axis.inputs.iter().map(|input| format!("`{}`", input.name)).collect();
        let message = format!(
            "{}: expected a value for {} in line {}, got none",
            given(&self.name),
            names.join(" or "),
            self.line(row)
        );
        Err(Error::usage(format!("{message}; fill in the cell, or remove the line")))
    }

    /// The line of a row, for messages. Reads the file again.
    fn line(&self, row: usize) -> usize {
        let bytes = self.source.bytes();
        let records = csv::ReaderBuilder::new().from_reader(&bytes[..]).into_records().flatten();
        let found = records.filter(|record| !is_blank(record)).nth(row);
        found.map_or(row + 2, |record| line_at(record.position(), &bytes))
    }
}

/// Whether all cells of a row are empty. Spreadsheets write such rows where a row was cleared. They are no items, as blank lines
/// are none.
fn is_blank(row: &csv::StringRecord) -> bool {
    row.iter().all(|cell| cell.trim().is_empty())
}

/// The name of a file in a message, as the user wrote it.
fn given(name: &str) -> String {
    format!("`@{}`", one_line(name))
}

/// The line of a row, counted from 1. The reader's own count is one too low after `\r\n`.
fn line_at(position: Option<&csv::Position>, bytes: &[u8]) -> usize {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0).min(bytes.len());
    let (before, from) = bytes.split_at(start);
    let ends = from.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    1 + before.iter().chain(ends).filter(|byte| **byte == b'\n').count()
}

/// The error of the reader, in the words of this program.
pub(crate) fn said(error: &csv::Error, bytes: &[u8]) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = line_at(pos.as_ref(), bytes);
            let expected = usize::try_from(*expected_len).unwrap_or(usize::MAX);
            format!("expected {} in line {line}, one for each column, got {len}", count(expected, "cell"))
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            format!("expected UTF-8 text in line {}; save the file as UTF-8", line_at(pos.as_ref(), bytes))
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str) -> Result<Rows, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rows.csv"), text).unwrap();
        let found = Rows::read("rows.csv", folder.path());
        found.map_err(|error| error.to_string().replace(folder.path().to_str().unwrap(), "[DIR]"))?;
        // The file is gone when a test asks for a line.
        Ok(Rows::parse("rows.csv", folder.path(), text.into()).unwrap())
    }

    #[test]
    fn quotes_line_ends_and_byte_order_marks_are_understood() {
        let mut rows = read("\u{feff}image, words\r\n\"a,b.png\",\"say \"\"hi\"\"\nthere\"\r\nc.png, \r\n").unwrap();
        assert_eq!(rows.columns, ["image", "words"]);
        let mut axis = Axis { inputs: Vec::new(), len: rows.len() };
        rows.add("words", None, &mut axis).unwrap();
        let column = &axis.inputs[0].column;
        assert_eq!([0, 1].map(|row| column.value(row).unwrap()), ["say \"hi\"\nthere", " "]);
        assert_eq!(rows.line(1), 4);
    }

    #[test]
    fn tables_without_measure_are_refused() {
        let parse = |text: String| {
            Rows::parse("rows.csv", Path::new("folder"), text.into_bytes()).err().map(|error| error.to_string())
        };
        insta::assert_snapshot!(parse(format!("a\n{}", "b\n".repeat(MOST_LINES))).unwrap(), @"
        `@rows.csv`: expected at most 10000000 lines and 16000000 cells, got more; split the file and run a batch for each part
          folder/rows.csv
        ");
        insta::assert_snapshot!(parse(",".repeat(MOST_CELLS + 1)).unwrap(), @"
        `@rows.csv`: expected at most 10000000 lines and 16000000 cells, got more; split the file and run a batch for each part
          folder/rows.csv
        ");
        let columns: Vec<String> = (0..=MOST_COLUMNS).map(|column| column.to_string()).collect();
        insta::assert_snapshot!(parse(format!("{}\n", columns.join(","))).unwrap(), @"
        `@rows.csv`: expected at most 1000 columns, got 1001
          folder/rows.csv
        ");
        assert_eq!(parse(format!("{}\n{0}\n", columns[1..].join(","))), None);
    }

    /// What fuzzing found worth keeping (see the folder `fuzz`): nothing of it may panic.
    #[test]
    fn the_corpus_is_read_without_a_panic() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/csv");
        let read = fs::read_dir(corpus)
            .unwrap()
            .map(|entry| Rows::parse("rows.csv", Path::new("."), fs::read(entry.unwrap().path()).unwrap()).is_ok());
        let read: Vec<bool> = read.collect();
        assert!(read.contains(&true) && read.contains(&false));
    }

    #[test]
    fn errors_name_their_lines() {
        insta::assert_snapshot!(read("a,b\n1,2\n3\n").err().unwrap(), @"
        `@rows.csv`: expected 2 cells in line 3, one for each column, got 1
          [DIR]/rows.csv
        ");
        assert!(read("a,b\r\n1,2\r\n3\r\n").err().unwrap().contains("in line 3, one for each column, got 1"));
        insta::assert_snapshot!(read("a,b\n").err().unwrap(), @"
        `@rows.csv`: expected a line with the names of the columns and a line for each item, got no items
          [DIR]/rows.csv
        ");
        assert!(read("a,b\n,\n , \n").err().unwrap().ends_with("got no items\n  [DIR]/rows.csv"));
        insta::assert_snapshot!(read("").err().unwrap(), @"
        `@rows.csv`: expected a line with the names of the columns and a line for each item, got no items
          [DIR]/rows.csv
        ");
        insta::assert_snapshot!(read("a,,c\n1,2,3\n").err().unwrap(), @"
        `@rows.csv`: expected the names of the columns in line 1, got no name for column 2
          [DIR]/rows.csv
        ");
        insta::assert_snapshot!(read("a,b,a\n1,2,3\n").err().unwrap(), @"
        `@rows.csv`: two columns have the name `a`; rename one of them
          [DIR]/rows.csv
        ");
        let mut rows = read("a,b\n1,2\n\n3,4\n1,2\n").unwrap();
        let mut axis = Axis { inputs: Vec::new(), len: rows.len() };
        rows.add("a", None, &mut axis).unwrap();
        insta::assert_snapshot!(rows.refuse_repetitions(&axis).unwrap_err(), @"`@rows.csv`: the lines 2 and 5 give the same values; remove one of them");
        let mut rows = read("a,b\n1,2\n,3\n,\n").unwrap();
        let mut axis = Axis { inputs: Vec::new(), len: rows.len() };
        rows.add("a", None, &mut axis).unwrap();
        insta::assert_snapshot!(rows.refuse_blanks(&axis).unwrap_err(), @"`@rows.csv`: expected a value for `a` in line 3, got none; fill in the cell, or remove the line");
        insta::assert_snapshot!(rows.add("c", None, &mut axis).unwrap_err(), @"`c=@rows.csv`: the file has no column `c`; did you mean `a`? Its columns are: a, b");
    }
}
