//! Prints the result of a batch.

use splatgraph::batch::{Summary, Table};

use crate::cli::failure::Outcome;
use crate::cli::output::{self, columns, count, one_line, shown};
use crate::cli::progress::duration;

/// The most failed items that are listed. Further ones are only counted.
const FAILURES_SHOWN: usize = 20;

/// Prints means on stdout, and failures, counts and the time on stderr.
pub(super) fn print(summary: &Summary, quiet: bool) -> Outcome {
    for failed in summary.failed.iter().take(FAILURES_SHOWN) {
        output::error(&format!("item `{}`: {}", one_line(&failed.item), failed.error));
    }
    if summary.failed.len() > FAILURES_SHOWN {
        let more = summary.failed.len() - FAILURES_SHOWN;
        output::note(&format!("... and {more} more; the journal lists them all\n  {}", shown(&summary.journal)));
    }
    if quiet {
        return Ok(());
    }
    let printed = summary.table.as_ref().map_or(Ok(()), |table| output::print(&means(table)));
    if let Some(table) = &summary.table {
        output::note(&format!("wrote {}", shown(&table.path)));
    }
    let how = if summary.cancelled { "cancelled" } else { "done" };
    let mut text = format!("{how}: {} in {}", count(summary.done, "item"), duration(summary.ms));
    if summary.earlier > 0 {
        text += &format!(", {} done before", summary.earlier);
    }
    if !summary.failed.is_empty() {
        text += &format!(", {} failed", summary.failed.len());
    }
    if !summary.shards.is_empty() {
        text += &format!(", {}", count(summary.shards.len(), "shard"));
    }
    output::note(&text);
    if summary.cancelled {
        output::note("the same command continues from here");
    } else if !summary.failed.is_empty() {
        output::note("the same command with --retry-failed runs the failed items again");
    }
    printed
}

/// The last rows of the table, rounded.
fn means(table: &Table) -> String {
    let rounded = |cell: &String| match cell.parse::<f64>() {
        Ok(number) if cell.contains('.') => format!("{number:.4}"),
        _ => cell.clone(),
    };
    let rows = table.summary.iter().map(|row| row.iter().map(rounded).collect());
    let rows: Vec<Vec<String>> = [table.columns.clone()].into_iter().chain(rows).collect();
    // Leaves out columns without cells, as paths have no mean.
    let is_used = |column: usize| rows.iter().skip(1).any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
    let used: Vec<bool> = (0..table.columns.len()).map(is_used).collect();
    let cells = rows.into_iter().map(|row| {
        row.into_iter().zip(&used).filter(|(_, used)| **used).map(|(cell, _)| cell).collect::<Vec<String>>()
    });
    let mut kept: Vec<Vec<String>> = cells.collect();
    if let Some(corner) = kept.first_mut().and_then(|row| row.first_mut()) {
        corner.clear();
    }
    columns(0, &kept)
}
