//! Reads values of inputs: lists, ranges, files, columns of CSV files, and labels of files.

use super::{
    axis::{Axis, AxisInput, Takes, spec_of, takes},
    column::{Column, Numbers, Texts},
    error::{Error, given},
    files::{Files, is_there},
    labels::Label,
    pattern,
    repeated::first_repeated,
    rows::Rows,
};
use crate::{
    graph::{File, Problem},
    registry::Registry,
    words::one_line,
};
use std::{collections::HashSet, path::Path};

/// The largest number of items. More are most likely a mistake.
const MOST_ITEMS: usize = 10_000_000;

/// The axes of the arguments `NAME=VALUE`, `NAME=@rows.csv`, `@rows.csv` and `NAME=@INPUT:LABEL`, in their order. Paths are relative to `cwd`. Adds a
/// warning for each folder that a pattern passes over.
///
/// # Errors
/// An argument has another form, or its pattern or CSV file can't be used.
pub(super) fn axes(
    arguments: &[String],
    file: &File,
    registry: &Registry,
    cwd: &Path,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<Axis>, Error> {
    let mut axes: Vec<Axis> = Vec::new();
    // The CSV files so far, each with its axis: inputs from one file are set together.
    let mut tables: Vec<(Rows, usize)> = Vec::new();
    // These need the files of another input, which may come later.
    let mut labels: Vec<Label> = Vec::new();
    for argument in arguments {
        let (name, text) = match argument.split_once('=') {
            _ if argument.starts_with('@') => ("", argument.as_str()),
            Some((name, text)) if !name.is_empty() => (name, text),
            _ => return Err(Error::usage(format!("expected NAME=VALUE or @rows.csv, got `{argument}`"))),
        };
        let Some(csv) = text.strip_prefix('@') else {
            let spec = spec_of(file, registry, name);
            let takes = takes(spec.as_ref());
            let extensions = spec.map_or_else(Vec::new, |spec| spec.extensions);
            let column = values(name, text, (takes, &extensions), cwd, warnings)?;
            let len = column.len();
            axes.push(Axis { inputs: vec![AxisInput { name: name.to_owned(), takes, column }], len });
            continue;
        };
        if let Some(label) = Label::parse(name, csv, file, cwd)? {
            labels.push(label);
            continue;
        }
        let position = match tables.iter().position(|(rows, _)| rows.name == csv) {
            Some(position) => position,
            None => {
                let rows = Rows::read(csv, cwd)?;
                axes.push(Axis { inputs: Vec::new(), len: rows.len() });
                tables.push((rows, axes.len() - 1));
                tables.len() - 1
            }
        };
        let (rows, axis) = &mut tables[position];
        let names: Vec<String> =
            if name.is_empty() { rows.columns().map(str::to_owned).collect() } else { vec![name.to_owned()] };
        for column in names {
            if name.is_empty() {
                rows.known(&column, file)?;
            }
            refuse_twice(&column, &axes)?;
            rows.add(&column, spec_of(file, registry, &column).as_ref(), &mut axes[*axis])?;
        }
    }
    for label in labels {
        label.add(takes(spec_of(file, registry, &label.name).as_ref()), &mut axes, cwd)?;
    }
    let mut seen = HashSet::new();
    if let Some(twice) = axes.iter().flat_map(|axis| &axis.inputs).find(|input| !seen.insert(input.name.as_str())) {
        return Err(given_twice(&twice.name));
    }
    for (rows, axis) in &tables {
        rows.refuse_blanks(&axes[*axis])?;
        rows.refuse_repetitions(&axes[*axis])?;
    }
    let items = axes.iter().try_fold(1, |items: usize, axis| items.checked_mul(axis.len));
    if items.is_none_or(|items| items > MOST_ITEMS) {
        let sizes: Vec<String> = axes.iter().map(|axis| axis.len.to_string()).collect();
        let product = sizes.join(" x ");
        return Err(Error::usage(format!("expected at most {MOST_ITEMS} items, got {product}")));
    }
    Ok(axes)
}

/// Refuses a column that an axis has already.
fn refuse_twice(name: &str, axes: &[Axis]) -> Result<(), Error> {
    let is_there = axes.iter().flat_map(|axis| &axis.inputs).any(|input| input.name == name);
    if is_there { Err(given_twice(name)) } else { Ok(()) }
}

fn given_twice(name: &str) -> Error {
    Error::usage(format!("`{name}` is given twice; give it once"))
}

/// The values that a text stands for: at least one, and no value twice. `extensions` are those of the files that the input reads.
fn values(
    name: &str,
    text: &str,
    (takes, extensions): (Takes, &[String]),
    cwd: &Path,
    warnings: &mut Vec<Problem>,
) -> Result<Column, Error> {
    let column = match takes {
        Takes::Anything | Takes::Write => return Ok(Column::one(text)),
        Takes::Numbers => Column::numbers(numbers(name, text)?),
        Takes::Words => Column::texts(split(name, text)?),
        Takes::Files | Takes::Folders | Takes::Models => {
            let mut files = Files { name, takes, extensions, cwd, warnings, paths: Texts::default() };
            if is_there(&cwd.join(text)) && !text.is_empty() {
                files.add(text)?;
            } else {
                whole(name, text, pattern::split(text))?.into_iter().try_for_each(|part| files.add(part))?;
            }
            Column::Texts(files.paths)
        }
    };
    // The numbers of one range differ.
    if column.range().is_none()
        && let Some((_, twice)) = first_repeated(column.len(), |row| column.value(row))
    {
        let twice = column.value(twice).unwrap_or_default().into_owned();
        return Err(Error::usage(format!(
            "{} has the value {} twice; remove one",
            given(name, text),
            one_line(&twice)
        )));
    }
    Ok(column)
}

/// The parts of a list.
fn split<'a>(name: &str, text: &'a str) -> Result<Vec<&'a str>, Error> {
    whole(name, text, text.split(',').map(str::trim).collect())
}

/// Refuses a list with empty parts.
fn whole<'a>(name: &str, text: &str, parts: Vec<&'a str>) -> Result<Vec<&'a str>, Error> {
    if text.trim().is_empty() {
        return Err(Error::usage(format!(
            "expected a value, or several with commas between them, got `{name}=`; leave it out to keep the graph's value"
        )));
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Error::usage(format!("expected a value between all commas, got {}", given(name, text))));
    }
    Ok(parts)
}

fn numbers(name: &str, text: &str) -> Result<Vec<Numbers>, Error> {
    let mut values = Vec::new();
    let given = given(name, text);
    for part in split(name, text)? {
        let Some((first, last)) = part.split_once("..") else {
            values.push(Numbers::One(part.to_owned()));
            continue;
        };
        let (last, step) = last.split_once(':').unwrap_or((last, "1"));
        let whole = |text: &str| text.trim().parse::<i128>().ok();
        let (Some(first), Some(last), Some(step)) = (whole(first), whole(last), whole(step)) else {
            let expected = "a range of whole numbers such as 0..9, or with a step 0..90:10";
            return Err(Error::usage(format!("expected {expected}, got {given}")));
        };
        let Some(step) = usize::try_from(step).ok().filter(|step| *step > 0) else {
            return Err(Error::usage(format!("expected a step of at least 1 behind the range, got {given}")));
        };
        if first > last {
            return Err(Error::usage(format!(
                "expected a range from small to large, got {given}; write {last}..{first}{}",
                if step == 1 { String::new() } else { format!(":{step}") }
            )));
        }
        let step = step as i128;
        let count = usize::try_from(last.saturating_sub(first) / step).ok().filter(|count| *count < MOST_ITEMS);
        let Some(count) = count else {
            let message = format!("expected at most {MOST_ITEMS} values, got more in {given}");
            return Err(Error::usage(message));
        };
        values.push(Numbers::Range { first, step, count: count + 1 });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use splatgraph_sdk::spec::InputSpec;
    use std::fs;

    fn listed(name: &str, text: &str, takes: Takes, cwd: &Path) -> Result<Vec<String>, Error> {
        let column = values(name, text, (takes, &[]), cwd, &mut Vec::new())?;
        Ok((0..column.len()).map(|row| column.value(row).unwrap().into_owned()).collect())
    }

    fn of(text: &str, takes: Takes) -> Vec<String> {
        listed("x", text, takes, Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn lists_and_ranges_mix() {
        assert_eq!(of("0..3,10", Takes::Numbers), ["0", "1", "2", "3", "10"]);
        assert_eq!(of("-2..0, 0.5", Takes::Numbers), ["-2", "-1", "0", "0.5"]);
        assert_eq!(of("7..7", Takes::Numbers), ["7"]);
        assert_eq!(of("0..10:4, 20..21:1,-1..1:2", Takes::Numbers), ["0", "4", "8", "20", "21", "-1", "1"]);
        assert_eq!(of("0..50000:4", Takes::Numbers).len(), 12_501);
        assert_eq!(of("0..99999999999:10000000", Takes::Numbers).len(), 10_000);
        assert_eq!(of("true,false", Takes::Words), ["true", "false"]);
        assert_eq!(of("a, b..c,", Takes::Anything), ["a, b..c,"]);
        assert_eq!(of("a,b*.png", Takes::Write), ["a,b*.png"]);
    }

    #[test]
    fn numbers_or_names_are_lists_too() {
        let of_socket = |socket: &str| takes(Some(&InputSpec { socket: socket.to_owned(), ..InputSpec::default() }));
        assert_eq!(of_socket("INT"), Takes::Numbers);
        assert_eq!(of_socket("INT,STRING"), Takes::Numbers);
        assert_eq!(of_socket("STRING"), Takes::Anything);
        assert_eq!(of("0..1, brick", Takes::Numbers), ["0", "1", "brick"]);
    }

    #[test]
    fn wrong_lists_are_refused() {
        let error = |text: &str| listed("x", text, Takes::Numbers, Path::new("/nowhere")).unwrap_err().to_string();
        insta::assert_snapshot!(error("9..0"), @"expected a range from small to large, got `x=9..0`; write 0..9");
        insta::assert_snapshot!(error(""), @"expected a value, or several with commas between them, got `x=`; leave it out to keep the graph's value");
        insta::assert_snapshot!(error("1,,2"), @"expected a value between all commas, got `x=1,,2`");
        insta::assert_snapshot!(error("1..b"), @"expected a range of whole numbers such as 0..9, or with a step 0..90:10, got `x=1..b`");
        insta::assert_snapshot!(error("1..9:b"), @"expected a range of whole numbers such as 0..9, or with a step 0..90:10, got `x=1..9:b`");
        insta::assert_snapshot!(error("1..9:0"), @"expected a step of at least 1 behind the range, got `x=1..9:0`");
        insta::assert_snapshot!(error("9..0:-3"), @"expected a step of at least 1 behind the range, got `x=9..0:-3`");
        insta::assert_snapshot!(error("9..0:3"), @"expected a range from small to large, got `x=9..0:3`; write 0..9:3");
        insta::assert_snapshot!(error("0..3,2"), @"`x=0..3,2` has the value 2 twice; remove one");
        insta::assert_snapshot!(error("0..99999999"), @"expected at most 10000000 values, got more in `x=0..99999999`");
        insta::assert_snapshot!(error("-170141183460469231731687303715884105728..170141183460469231731687303715884105727"), @"expected at most 10000000 values, got more in `x=-170141183460469231731687303715884105728..170141183460469231731687303715884105727`");
    }

    #[test]
    fn patterns_find_files_unless_a_file_has_that_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("[in]/deep.txt")).unwrap();
        for name in ["b.txt", "a.txt", ".hidden.txt", "[in]/c.txt", "d,e.txt", "f?.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = Takes::Files;
        let of = |text: &str, takes| listed("x", text, takes, folder.path());
        assert_eq!(of("?.txt", files).unwrap(), ["a.txt", "b.txt"]);
        assert_eq!(
            of("b.txt,?.txt", files).unwrap_err().to_string(),
            "`x=b.txt,?.txt` has the value b.txt twice; remove one"
        );
        assert_eq!(of("**/*.txt", files).unwrap(), ["[in]/c.txt", "a.txt", "b.txt", "d,e.txt", "f?.txt"]);
        assert_eq!(of("d,e.txt", files).unwrap(), ["d,e.txt"]);
        assert_eq!(of("f?.txt", files).unwrap(), ["f?.txt"]);
        assert_eq!(of("a.txt,missing.txt", files).unwrap(), ["a.txt", "missing.txt"]);
        assert_eq!(of("[[]in]/*", Takes::Folders).unwrap(), ["[in]/deep.txt"]);
        assert_eq!(of("[[]in]/*", Takes::Models).unwrap(), ["[in]/c.txt", "[in]/deep.txt"]);
        let absolute = folder.path().join("?.txt");
        assert_eq!(of(absolute.to_str().unwrap(), files).unwrap().len(), 2);
        let none = of("*.png", files).unwrap_err().to_string().replace(folder.path().to_str().unwrap(), "[DIR]");
        insta::assert_snapshot!(none, @"
        `x=*.png` matches no file in the current directory
          [DIR]
        ");
        insta::assert_snapshot!(of("a[.png", files).unwrap_err(), @"expected a pattern, got `x=a[.png`: invalid range pattern at character 2");
    }
}
