//! A report as CSV: a row for each configuration and measure, with all digits.

use super::data::{Configuration, Report};
use crate::batch::inert;

/// What tells a report from another table.
pub(super) const MARK: &str = "measure,count,nan,infinite,failed,mean,std,interval_low";

/// The columns behind the inputs.
const COLUMNS: [&str; 13] = [
    "measure",
    "count",
    "nan",
    "infinite",
    "failed",
    "mean",
    "std",
    "interval_low",
    "interval_high",
    "median",
    "min",
    "max",
    "source",
];

/// The report as text. Figures of others have only a mean.
pub(super) fn csv(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: Vec<String>| {
        // Writing to memory can't fail, and all rows have as many cells.
        let _ = writer.write_record(cells.iter().map(|cell| inert(cell).into_owned()));
    };
    write(report.inputs.iter().map(String::as_str).chain(COLUMNS).map(str::to_owned).collect());
    for configuration in &report.configurations {
        (0..report.measures.len()).for_each(|at| write(row(report, configuration, at)));
    }
    for beside in &report.beside {
        let source = words(&beside.about);
        for (measure, cell) in report.measures.iter().zip(&beside.cells).filter(|(_, cell)| !cell.is_empty()) {
            let mut cells = beside.values.clone();
            cells[0].clone_from(&beside.name);
            cells.push(measure.name.clone());
            cells.extend(vec![String::new(); 4]);
            cells.push(cell.clone());
            cells.extend(vec![String::new(); 6]);
            cells.push(source.clone());
            write(cells);
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Where numbers come from, in words.
fn words(facts: &[(String, String)]) -> String {
    facts.iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("; ")
}

fn row(report: &Report, configuration: &Configuration, at: usize) -> Vec<String> {
    let summary = &configuration.summaries[at];
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let counts = [summary.count, summary.nan, summary.infinite, configuration.failed.len()];
    let [low, high] = summary.interval.map_or([None; 2], |interval| interval.map(Some));
    let figures = [summary.mean, summary.std, low, high, summary.median, summary.min, summary.max];
    let mut cells = configuration.values.clone();
    cells.push(report.measures[at].name.clone());
    cells.extend(counts.map(|count| count.to_string()));
    cells.extend(figures.map(number));
    let sets = report.sets.iter().find(|sets| sets.names.contains(&report.measures[at].name));
    cells.push(sets.map(|sets| words(&sets.facts)).unwrap_or_default());
    cells
}
