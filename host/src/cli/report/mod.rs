//! `splatgraph report`.

mod print;

use std::path::{Path, PathBuf};

use splatgraph::named_graphs;
use splatgraph::packs::Surroundings;
use splatgraph::report::{self, Error, ErrorKind, Grouping, Options as ReportOptions};

use super::failure::{FAILED, Failure, Outcome};
use super::options::ResultOptions;

/// Write a report about what batches measured: tables, plots, and the worst and best pictures
///
/// Reads the tables of `splatgraph batch GRAPH .. --table FILE` and the journals beside them. The report has one row for each
/// configuration, which is a combination of inputs other than pictures: number of pictures, mean, standard deviation, 95 %
/// interval of the mean, median, min and max of each measure. Texts among the results, such as conventions, are shown beside.
/// Results of two conventions are an error.
///
/// The folder for the report gets report.html, report.md, report.tex (for LaTeX with booktabs), report.csv (with all digits)
/// and the plots. The page report.html needs no other file. An earlier report is replaced.
#[derive(clap::Args)]
#[command(
    override_usage = "splatgraph report [OPTIONS] <[NAME=]RESULTS>...",
    after_help = "Exit codes: 0 done; 1 the report cannot be written, or a journal cannot be read; 2 the command line or the results are wrong; \
                  141 the reader of the result went away."
)]
pub(crate) struct Options {
    /// A folder in which a batch left tables, or a table; several are compared. NAME= gives it a name in the report
    /// [default: the name of the folder]
    #[arg(value_name = "[NAME=]RESULTS", required = true)]
    results: Vec<String>,
    /// Write the report into this folder [default: report, beside the first results]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Put figures of others beside ours: a CSV file, one of its rows as FILE:NAME, or a row that came with the program, such
    /// as M128; may be given several times. The first column of such a file is `name`; the others have the names of measures,
    /// of inputs, or of words such as `source`
    #[arg(long, value_name = "NAME | FILE")]
    beside: Vec<String>,
    /// How many of the worst and of the best pictures of the first measure are shown
    #[arg(long, value_name = "N", default_value = "5")]
    pictures: usize,
    /// The part of a file's name by which the result of an item is known, if the graph writes several pictures [default: the
    /// first picture that an item wrote]
    #[arg(long, value_name = "TEXT")]
    result: Option<String>,
    /// Average over this input instead of making configurations of its values, such as a seed; may be given several times
    /// [default: the inputs whose values are pictures]
    #[arg(long, value_name = "INPUT")]
    over: Vec<String>,
    /// Lower numbers of this measure are better; may be given several times. Names such as psnr, ssim, lpips and fid are known
    #[arg(long, value_name = "MEASURE")]
    lower: Vec<String>,
    /// Higher numbers of this measure are better; may be given several times
    #[arg(long, value_name = "MEASURE")]
    higher: Vec<String>,
    #[command(flatten)]
    shown: ResultOptions,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let cwd = std::env::current_dir()
        .map_err(|error| Failure::usage(format!("the current directory cannot be read: {error}")))?;
    let results: Vec<(Option<String>, PathBuf)> = options.results.iter().map(|given| named(given)).collect();
    let folder = match (&options.out, results.first()) {
        (Some(out), _) => out.clone(),
        (None, Some((_, first))) => beside(&cwd.join(first)),
        (None, None) => PathBuf::from("report"),
    };
    let report = report::make(&ReportOptions {
        results,
        grouping: Grouping {
            over: options.over.clone(),
            lower: options.lower.clone(),
            higher: options.higher.clone(),
            pictures: options.pictures,
            result: options.result.clone(),
        },
        beside: options.beside.clone(),
        beside_folders: figures(&cwd),
        cwd,
    });
    let report = report.map_err(failure)?;
    let files = report.write(&folder).map_err(failure)?;
    print::print(&report, &files, &options.shown)
}

/// The name and the path of results. A path may have `=` in it.
fn named(given: &str) -> (Option<String>, PathBuf) {
    match given.split_once('=') {
        Some((name, path)) if !name.is_empty() && !Path::new(given).exists() => (Some(name.to_owned()), path.into()),
        _ => (None, given.into()),
    }
}

/// The folder `report` beside a folder or a file.
fn beside(results: &Path) -> PathBuf {
    // A path such as `results/.` or `..` has its name only in its whole form.
    let whole = results.canonicalize().unwrap_or_else(|_| results.to_path_buf());
    whole.with_file_name("report")
}

/// The folders with figures of others: beside the graphs that came with the program, and in a clone of the project.
fn figures(cwd: &Path) -> Vec<PathBuf> {
    let packaged = named_graphs::folder(&Surroundings::of_process());
    packaged.into_iter().chain([cwd.join("graphs")]).map(|graphs| graphs.join("beside")).collect()
}

fn failure(error: Error) -> Failure {
    let text = error.message;
    match error.kind {
        ErrorKind::Usage => Failure::usage(text),
        ErrorKind::Results => Failure::usage(format!(
            "{text}\n  `splatgraph batch GRAPH NAME=VALUES --table results.csv --out DIR` writes one"
        )),
        ErrorKind::Folder => Failure::usage(format!("{text}\n  --out names another folder")),
        ErrorKind::Failed => Failure::new(FAILED, text),
    }
}
