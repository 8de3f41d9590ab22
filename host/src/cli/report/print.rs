//! Prints a report in short, or as JSON.

use std::path::{Path, PathBuf};

use splatgraph::report::Report;

use crate::cli::failure::Outcome;
use crate::cli::options::ResultOptions;
use crate::cli::output::{self, columns, count, relative};

/// Prints means on stdout, and counts and the files on stderr.
pub(super) fn print(report: &Report, files: &[PathBuf], shown: &ResultOptions) -> Outcome {
    if shown.json {
        let mut value = serde_json::to_value(report).unwrap_or_default();
        value["files"] = files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>().into();
        return output::print_json(&value);
    }
    if shown.quiet() {
        return Ok(());
    }
    let printed = output::print(&columns(0, &report.overview()));
    for note in report.all_notes() {
        output::note(&note);
    }
    let failed = report.failed().count();
    if failed > 0 {
        output::note(&format!("{}; the report names them", count(failed, "failed item")));
    }
    let cwd = std::env::current_dir().unwrap_or_default();
    if let [page, ..] = files {
        output::note(&format!(
            "wrote {} and {} beside it",
            relative(page, Path::new(&cwd)),
            count(files.len() - 1, "file")
        ));
    }
    printed
}
