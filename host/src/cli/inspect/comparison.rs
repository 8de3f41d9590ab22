//! `splatgraph inspect A B`.

use std::path::PathBuf;

use serde::Serialize;
use splatgraph::inspect::{Comparison, Difference, FieldComparison, InspectError, TensorReport, compare};

use super::{short, unreadable};
use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::output::{self, BOLD, columns, count, one_line, shown};
use crate::cli::pack_folders::PackFolders;

/// The comparison as JSON.
#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    files: [&'a PathBuf; 2],
    #[serde(flatten)]
    comparison: &'a Comparison,
    tolerance: Option<f64>,
    /// Whether all fields are equal within the tolerance, or exactly equal without one. Headers may differ.
    within: bool,
}

pub(super) fn run(paths: [&PathBuf; 2], tolerance: Option<f64>, json: bool, packs: &PackFolders) -> Outcome {
    let [a, b] = paths;
    let comparison = match compare(a, b, None) {
        Err((_, InspectError::NotCompared)) => compare(a, b, Some(&packs.load()?)),
        comparison => comparison,
    };
    let comparison = comparison.map_err(|(which, error)| unreadable(error, if which == 0 { a } else { b }))?;
    let within = comparison.within(tolerance.unwrap_or(0.0));
    let printed = if json {
        output::print_json(&Report { kind: "comparison", files: paths, comparison: &comparison, tolerance, within })
    } else {
        output::print(&text(&comparison, paths, tolerance))
    };
    Failure::after(printed, if tolerance.is_some() && !within { FAILED } else { 0 })
}

fn text(comparison: &Comparison, paths: [&PathBuf; 2], tolerance: Option<f64>) -> String {
    let files = [("A", 0), ("B", 1)]
        .map(|(name, which)| vec![name.to_owned(), shown(paths[which]), comparison.types[which].clone()]);
    let mut text = columns(0, &files);
    if !comparison.header.is_empty() {
        text += &format!("\n{BOLD}Headers{BOLD:#}\n");
    }
    for difference in &comparison.header {
        let line = match (&difference.a, &difference.b) {
            (Some(a), Some(b)) => format!("{}: {a} in A, {b} in B", difference.key),
            (Some(value), None) => format!("{}: {value} only in A", difference.key),
            (None, value) => format!("{}: {} only in B", difference.key, value.as_ref().unwrap_or_default()),
        };
        text += &format!("  {}\n", one_line(&line));
    }
    if !comparison.fields.is_empty() {
        let head = ["field", "dtype", "shape", "differ", "max", "at", "RMS", "cosine", ""].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(head).chain(comparison.fields.iter().map(row)).collect();
        text += &format!("\n{}", columns(2, &rows));
    }
    text + &format!("\n{}\n", one_line(&verdict(comparison, tolerance)))
}

fn row(field: &FieldComparison) -> Vec<String> {
    let of_both = |what: &dyn Fn(&TensorReport) -> String| {
        let mut said: Vec<String> = [&field.a, &field.b].into_iter().flatten().map(what).collect();
        said.dedup();
        said.join(", ")
    };
    let mut row = vec![
        field.name.clone(),
        of_both(&|tensor| tensor.dtype.clone()),
        of_both(&|tensor| format!("{:?}", tensor.shape)),
    ];
    match (&field.difference, &field.a, &field.b) {
        (Some(difference), ..) => row.extend(numbers(difference)),
        (None, Some(_), Some(_)) => row.push("shapes differ".to_owned()),
        (None, Some(_), None) => row.push("only in A".to_owned()),
        (None, None, _) => row.push("only in B".to_owned()),
    }
    row
}

fn numbers(difference: &Difference) -> [String; 6] {
    let counts = [
        (difference.nan_in_both, "NaN in both"),
        (difference.nan_in_one, "NaN in one only"),
        (difference.infinite_in_one, "infinite in one only"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    [
        format!("{} of {}", difference.differ, difference.numbers),
        short(difference.max),
        difference.at.as_ref().map_or("-".to_owned(), |at| format!("{at:?}")),
        short(difference.rms),
        difference.cosine.map_or("-".to_owned(), short),
        counts.collect::<Vec<_>>().join(", "),
    ]
}

/// The last line: the verdict.
fn verdict(comparison: &Comparison, tolerance: Option<f64>) -> String {
    let mut said = Vec::new();
    if let Some((field, worst)) = comparison.worst() {
        let at = worst.at.as_ref().map(|at| format!(" at {at:?}")).unwrap_or_default();
        said.push(format!("the largest difference is {}, in `{}`{at}", short(worst.max), field.name));
    }
    let mut those = |what: &str, is_one: &dyn Fn(&FieldComparison) -> bool| {
        let found = comparison.fields.iter().filter(|field| is_one(field));
        let names: Vec<String> = found.map(|field| format!("`{}`", field.name)).collect();
        if !names.is_empty() {
            said.push(format!("{what} {}", names.join(", ")));
        }
    };
    those("only one file has NaN or infinity in", &|field| {
        field.difference.as_ref().is_some_and(|d| d.nan_in_one + d.infinite_in_one > 0)
    });
    those("the shapes differ in", &|field| field.difference.is_none() && field.a.is_some() && field.b.is_some());
    those("only A has", &|field| field.b.is_none());
    those("only B has", &|field| field.a.is_none());
    if said.is_empty() {
        let all: usize =
            comparison.fields.iter().filter_map(|field| field.difference.as_ref()).map(|d| d.numbers).sum();
        said.push(format!("equal: {} in {}", count(all, "number"), count(comparison.fields.len(), "field")));
        if !comparison.header.is_empty() {
            said.push("the headers differ".to_owned());
        }
    }
    let said = said.join("; ");
    match tolerance {
        None => said,
        Some(tolerance) if comparison.within(tolerance) => format!("within {tolerance}: {said}"),
        Some(tolerance) => format!("not within {tolerance}: {said}"),
    }
}
