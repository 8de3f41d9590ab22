//! The tables of a report, before they have a form: rows of plain texts.

use super::data::{Better, Configuration, Measure, Report};

/// A table with a line of names above. Texts are as they come; each form escapes them.
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// How many columns at the left are words. The others are numbers.
    pub(super) words: usize,
}

pub(super) struct Row {
    pub(super) cells: Vec<String>,
    /// Whether it has figures of others.
    pub(super) is_beside: bool,
}

/// The configurations with means and standard deviations of all measures, then the figures of others.
pub(super) fn overview(report: &Report) -> Table {
    let has_failed = report.failed().next().is_some();
    let mut head = report.inputs.clone();
    head.push(items(report).to_owned());
    if has_failed {
        head.push("failed".to_owned());
    }
    head.extend(report.measures.iter().map(heading));
    let row = |configuration: &Configuration| {
        let mut cells: Vec<String> = configuration.values.iter().map(|value| dashed(value)).collect();
        cells.push(configuration.items.to_string());
        if has_failed {
            cells.push(configuration.failed.len().to_string());
        }
        cells.extend(report.measures.iter().zip(&configuration.summaries).map(|(measure, summary)| {
            let mean = measure.digits.or_dash(summary.mean);
            summary.std.map_or(mean.clone(), |std| format!("{mean} ± {}", measure.digits.text(std)))
        }));
        Row { cells, is_beside: false }
    };
    let mut rows: Vec<Row> = report.configurations.iter().map(row).collect();
    for beside in &report.beside {
        let mut cells: Vec<String> = beside.values.iter().map(|value| dashed(value)).collect();
        cells[0].clone_from(&beside.name);
        cells.extend(vec!["–".to_owned(); 1 + usize::from(has_failed)]);
        cells.extend(beside.cells.iter().map(|cell| dashed(cell)));
        rows.push(Row { cells, is_beside: true });
    }
    Table { words: report.inputs.len(), head, rows }
}

impl Report {
    /// The first table: a line of names, then a line for each configuration and for the figures of others.
    #[must_use]
    pub fn overview(&self) -> Vec<Vec<String>> {
        let table = overview(self);
        [table.head].into_iter().chain(table.rows.into_iter().map(|row| row.cells)).collect()
    }
}

/// All figures of one measure. A measure of sets has one number in each configuration.
pub(super) fn details(report: &Report, at: usize) -> Table {
    let digits = report.measures[at].digits;
    if report.measures[at].of_sets {
        let head = report.inputs.iter().cloned().chain([report.measures[at].name.clone()]).collect();
        let row = |configuration: &Configuration| {
            let values = configuration.values.iter().map(|value| dashed(value));
            let cells = values.chain([digits.or_dash(configuration.summaries[at].mean)]).collect();
            Row { cells, is_beside: false }
        };
        return Table { words: report.inputs.len(), head, rows: report.configurations.iter().map(row).collect() };
    }
    let figures = [items(report), "mean", "std", "95 % interval of the mean", "median", "min", "max"];
    let head = report.inputs.iter().map(String::as_str).chain(figures).map(str::to_owned).collect();
    let row = |configuration: &Configuration| {
        let summary = &configuration.summaries[at];
        let interval = summary.interval;
        let interval = interval.map(|[low, high]| format!("{} to {}", digits.text(low), digits.text(high)));
        let mut cells: Vec<String> = configuration.values.iter().map(|value| dashed(value)).collect();
        cells.push(summary.count.to_string());
        cells.push(digits.or_dash(summary.mean));
        cells.push(digits.or_dash(summary.std));
        cells.push(interval.unwrap_or_else(|| "–".to_owned()));
        cells.extend([summary.median, summary.min, summary.max].map(|figure| digits.or_dash(figure)));
        Row { cells, is_beside: false }
    };
    Table { words: report.inputs.len(), head, rows: report.configurations.iter().map(row).collect() }
}

/// The texts that differ between configurations.
pub(super) fn texts(report: &Report) -> Option<Table> {
    let head = report.inputs.iter().chain(&report.texts).cloned().collect::<Vec<_>>();
    let row = |configuration: &Configuration| {
        let cells = configuration.values.iter().chain(&configuration.texts).map(|cell| dashed(cell)).collect();
        Row { cells, is_beside: false }
    };
    let rows = report.configurations.iter().map(row).collect();
    (!report.texts.is_empty()).then_some(Table { words: head.len(), head, rows })
}

/// What items are called.
pub(super) fn items(report: &Report) -> &'static str {
    if report.of_pictures { "pictures" } else { "items" }
}

/// A measure with the direction in which it is better: `psnr ↑`.
pub(super) fn heading(measure: &Measure) -> String {
    match measure.better {
        Some(Better::Higher) => format!("{} ↑", measure.name),
        Some(Better::Lower) => format!("{} ↓", measure.name),
        None => measure.name.clone(),
    }
}

fn dashed(cell: &str) -> String {
    if cell.is_empty() { "–".to_owned() } else { cell.to_owned() }
}
