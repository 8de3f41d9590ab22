//! Reads values of inputs: lists, ranges, patterns for files, and columns of CSV files.

use super::{
    axis::{Axis, AxisInput, Takes, spec_of, takes},
    error::Error,
    pattern::{self, PatternProblem, is_pattern},
    rows::Rows,
};
use crate::{
    graph::File,
    registry::Registry,
    words::{one_line, shown, with_slashes},
};
use std::{collections::HashSet, path::Path};

/// The largest number of items. More are most likely a mistake.
const MOST_ITEMS: usize = 10_000_000;

/// The axes of the arguments `NAME=VALUE`, `NAME=@rows.csv` and `@rows.csv`, in their order. Paths are relative to `cwd`.
///
/// # Errors
/// An argument has another form, or its pattern or CSV file can't be used.
pub(super) fn axes(arguments: &[String], file: &File, registry: &Registry, cwd: &Path) -> Result<Vec<Axis>, Error> {
    let mut axes: Vec<Axis> = Vec::new();
    // The CSV files so far, each with its axis: inputs from one file are set together.
    let mut tables: Vec<(Rows, usize)> = Vec::new();
    for argument in arguments {
        let (name, text) = match argument.split_once('=') {
            _ if argument.starts_with('@') => ("", argument.as_str()),
            Some((name, text)) if !name.is_empty() => (name, text),
            _ => return Err(Error::usage(format!("expected NAME=VALUE or @rows.csv, got `{argument}`"))),
        };
        let Some(csv) = text.strip_prefix('@') else {
            let takes = takes(spec_of(file, registry, name).as_ref());
            let values = values(name, text, takes, cwd)?;
            let rows = values.into_iter().map(|value| vec![Some(value)]).collect();
            axes.push(Axis { inputs: vec![AxisInput { name: name.to_owned(), takes }], rows });
            continue;
        };
        let position = match tables.iter().position(|(rows, _)| rows.name == csv) {
            Some(position) => position,
            None => {
                let rows = Rows::read(csv, cwd)?;
                axes.push(Axis { inputs: Vec::new(), rows: vec![Vec::new(); rows.len()] });
                tables.push((rows, axes.len() - 1));
                tables.len() - 1
            }
        };
        let (rows, axis) = &tables[position];
        if name.is_empty() {
            for column in rows.columns() {
                rows.known(column, file)?;
                rows.add(column, spec_of(file, registry, column).as_ref(), &mut axes[*axis])?;
            }
        } else {
            rows.add(name, spec_of(file, registry, name).as_ref(), &mut axes[*axis])?;
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = axes.iter().flat_map(|axis| &axis.inputs).find(|input| !seen.insert(input.name.as_str())) {
        return Err(Error::usage(format!("`{}` is given twice; give it once", twice.name)));
    }
    for (rows, axis) in &tables {
        rows.refuse_blanks(&axes[*axis])?;
        rows.refuse_repetitions(&axes[*axis])?;
    }
    let items = axes.iter().try_fold(1, |items: usize, axis| items.checked_mul(axis.rows.len()));
    if items.is_none_or(|items| items > MOST_ITEMS) {
        let sizes: Vec<String> = axes.iter().map(|axis| axis.rows.len().to_string()).collect();
        let product = sizes.join(" x ");
        return Err(Error::usage(format!("expected at most {MOST_ITEMS} items, got {product}")));
    }
    Ok(axes)
}

/// The values that a text stands for: at least one, and no value twice.
fn values(name: &str, text: &str, takes: Takes, cwd: &Path) -> Result<Vec<String>, Error> {
    let values = match takes {
        Takes::Anything | Takes::Write => return Ok(vec![text.to_owned()]),
        Takes::Numbers => numbers(name, text)?,
        Takes::Words => split(name, text)?.into_iter().map(str::to_owned).collect(),
        Takes::Files | Takes::Folders | Takes::Models if !text.is_empty() && cwd.join(text).exists() => {
            vec![text.to_owned()]
        }
        Takes::Files | Takes::Folders | Takes::Models => {
            let mut paths = Vec::new();
            for part in whole(name, text, pattern::split(text))? {
                if is_pattern(part) && !cwd.join(part).exists() {
                    paths.append(&mut matches(name, part, takes, cwd)?);
                } else {
                    paths.push(part.to_owned());
                }
            }
            paths
        }
    };
    let mut seen = HashSet::new();
    match values.iter().find(|value| !seen.insert(value.as_str())) {
        Some(twice) => {
            let twice = one_line(twice);
            Err(Error::usage(format!("{} has the value {twice} twice; remove one", given(name, text))))
        }
        None => Ok(values),
    }
}

/// A value in a message, as the user wrote it.
fn given(name: &str, text: &str) -> String {
    format!("`{}`", one_line(&format!("{name}={text}")))
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

fn numbers(name: &str, text: &str) -> Result<Vec<String>, Error> {
    let mut values = Vec::new();
    let given = given(name, text);
    for part in split(name, text)? {
        let Some((first, last)) = part.split_once("..") else {
            values.push(part.to_owned());
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
        if last.saturating_sub(first) / step as i128 >= MOST_ITEMS as i128 {
            let message = format!("expected at most {MOST_ITEMS} values, got more in {given}");
            return Err(Error::usage(message));
        }
        values.extend((first..=last).step_by(step).map(|number| number.to_string()));
    }
    Ok(values)
}

/// The files that match a pattern, sorted. Hidden files match only if the pattern has their dot.
fn matches(name: &str, pattern: &str, takes: Takes, cwd: &Path) -> Result<Vec<String>, Error> {
    let given = given(name, pattern);
    let found = pattern::find(pattern, cwd).map_err(|problem| match problem {
        PatternProblem::Form { message, at } => {
            Error::usage(format!("expected a pattern, got {given}: {message} at character {at}"))
        }
        PatternProblem::Folder { path, error } => {
            Error::failed(format!("{given}: a folder cannot be read: {error}\n  {}", shown(&path)))
        }
    })?;
    let mut paths = Vec::new();
    for path in found {
        // A broken link counts as a file. Its item then fails with the reason.
        if takes != Takes::Models && cwd.join(&path).is_dir() != (takes == Takes::Folders) {
            continue;
        }
        let Some(text) = path.to_str() else {
            let message = format!("{given} matches a file whose name is not Unicode; rename the file");
            return Err(Error::usage(format!("{message}\n  {}", shown(&path))));
        };
        paths.push(with_slashes(text));
    }
    if paths.is_empty() {
        let what = if takes == Takes::Folders { "folder" } else { "file" };
        let message = format!("{given} matches no {what} in the current directory");
        return Err(Error::usage(format!("{message}\n  {}", shown(cwd))));
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use splatgraph_sdk::spec::InputSpec;
    use std::fs;

    fn of(text: &str, takes: Takes) -> Vec<String> {
        values("x", text, takes, Path::new("/nowhere")).unwrap()
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
        let error = |text: &str| values("x", text, Takes::Numbers, Path::new("/nowhere")).unwrap_err().to_string();
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
        let of = |text: &str, takes| values("x", text, takes, folder.path());
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
