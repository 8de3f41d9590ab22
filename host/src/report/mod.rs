//! Reports about what batches measured: tables with means, spreads and intervals, plots, and the worst and best pictures.
//!
//! [`make`] reads tables that a [`batch`](crate::batch) wrote, with the journals beside them, and [`Report::write`] writes the
//! report as HTML, Markdown, LaTeX and CSV.
//!
//! A *configuration* is a combination of inputs other than pictures. Results that are numbers are measures; a report has
//! figures of each measure over the items of each configuration. Results that are texts are facts, such as the convention of a
//! measure. An item whose input is the folder that a configuration of another batch wrote is about this *set* of files, and its
//! numbers stand beside the figures of that configuration.

mod axis;
mod beside;
mod better;
mod combine;
mod csv;
mod data;
mod digits;
mod error;
mod facts;
mod group;
mod html;
mod latex;
mod link;
mod markdown;
mod plot;
mod prose;
mod rank;
mod read;
mod sets;
mod summary;
mod table;
mod thumbnail;
mod write;

pub use data::{Beside, Better, Configuration, FailedItem, Measure, Ranked, Ranking, Report, SetMeasures, Source};
pub use digits::Digits;
pub use error::{Error, ErrorKind};
pub use group::Grouping;
pub use summary::Summary;

use crate::words::{one_line, shown};
use read::Results;
use std::path::PathBuf;

/// What a report is about.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Tables or folders with tables, each with its name in the report.
    pub results: Vec<(Option<String>, PathBuf)>,
    /// How the results are brought together.
    pub grouping: Grouping,
    /// Figures of others: files, rows of files as `FILE:NAME`, or names of rows in the files of `beside_folders`.
    pub beside: Vec<String>,
    /// Folders with files of figures.
    pub beside_folders: Vec<PathBuf>,
    /// The folder from which relative paths of pictures start.
    pub cwd: PathBuf,
}

/// Reads results and brings them together.
///
/// # Errors
/// A file can't be read, nothing was measured, results can't be compared, or a name is unknown.
pub fn make(options: &Options) -> Result<Report, Error> {
    let mut all = Vec::new();
    for (name, path) in &options.results {
        all.extend(read::read(name.as_deref(), path)?);
    }
    distinguish(&mut all)?;
    let sets = sets::take(&mut all, &options.cwd);
    let mut report = combine::combine(&all, &sets, &options.grouping, !options.beside.is_empty(), &options.cwd)?;
    for asked in &options.beside {
        for row in beside::find(asked, &options.cwd, &options.beside_folders)? {
            let beside = row.beside(&report.inputs, &report.measures)?;
            let of_sets = report.sets.iter().flat_map(|sets| &sets.facts);
            facts::refuse_another_convention(report.same.iter().chain(of_sets), &beside)?;
            report.beside.push(beside);
        }
    }
    Ok(report)
}

/// Gives results that would share a name the names of their tables.
fn distinguish(all: &mut [Results]) -> Result<(), Error> {
    let names: Vec<String> = all.iter().map(|results| results.name.clone()).collect();
    for results in &mut *all {
        if names.iter().filter(|name| **name == results.name).count() > 1 {
            results.name = results.tables.iter().map(|table| shown(table)).collect::<Vec<_>>().join(", ");
        }
    }
    for (at, results) in all.iter().enumerate() {
        if all[..at].iter().any(|other| other.name == results.name) {
            let message = format!("expected each table once, got it twice: {}", one_line(&results.name));
            return Err(Error::usage(format!("{message}; leave one of them out")));
        }
    }
    Ok(())
}
