//! Writes a report into a folder.

use super::{
    csv,
    data::Report,
    error::{Error, ErrorKind},
    html, latex,
    markdown::{self, Named},
    plot,
};
use crate::{reading::read_all, words::shown};
use splatgraph_sdk::TemporaryFile;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// How much of a file is read to see whether it is a report, in bytes.
const START: u64 = 4096;

impl Report {
    /// Writes `report.html`, `report.md`, `report.tex`, `report.csv` and the plots for Markdown into a folder, and replaces an
    /// earlier report there. Returns the files. No file is half-written; a report may be half-replaced if the disk fails while
    /// files get their names.
    ///
    /// # Errors
    /// The folder can't be written to, or has a file of such a name that is no report.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let of_disk =
            |error: io::Error| Error::failed(format!("the report cannot be written: {error}\n  {}", shown(folder)));
        let folder = &std::path::absolute(folder).map_err(of_disk)?;
        let names = ["report.html", "report.md", "report.tex", "report.csv"];
        for path in names.map(|name| folder.join(name)) {
            refuse_other_file(&path)?;
        }
        let mut number = 0;
        let mut named = |plot| -> Named {
            number += 1;
            (format!("report-plot-{number}.svg"), plot)
        };
        let plots: Vec<Vec<Named>> = (0..self.measures.len())
            .map(|measure| plot::plots(self, measure).into_iter().map(&mut named).collect())
            .collect();
        let texts = [
            html::html(self, &plots, folder),
            markdown::markdown(self, &plots, folder),
            latex::latex(self),
            csv::csv(self),
        ];
        fs::create_dir_all(folder).map_err(of_disk)?;
        let plots = plots.into_iter().flatten().map(|(name, plot)| (name, plot.svg));
        let mut whole = Vec::new();
        for (name, text) in names.map(str::to_owned).into_iter().zip(texts).chain(plots) {
            let mut file = TemporaryFile::new(folder).map_err(of_disk)?;
            file.file().write_all(text.as_bytes()).map_err(of_disk)?;
            whole.push((file, folder.join(name)));
        }
        let mut files = Vec::new();
        for (file, path) in whole {
            file.rename(&path).map_err(of_disk)?;
            files.push(path);
        }
        remove_old_plots(folder, &files);
        Ok(files)
    }
}

/// Refuses a file that this program did not write as a report.
fn refuse_other_file(path: &Path) -> Result<(), Error> {
    let Ok(file) = File::open(path) else { return Ok(()) };
    let start = read_all(io::Read::take(file, START), START).unwrap_or_default();
    let start = String::from_utf8_lossy(&start);
    if [markdown::MARK, latex::MARK, csv::MARK].iter().any(|mark| start.contains(mark)) {
        return Ok(());
    }
    let message = format!("expected a report of this program to replace, got another file\n  {}", shown(path));
    Err(Error { kind: ErrorKind::Folder, message })
}

/// Removes plots of an earlier report that had more of them. A plot that can't be removed does no harm.
fn remove_old_plots(folder: &Path, files: &[PathBuf]) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("report-plot-").and_then(|rest| rest.strip_suffix(".svg"));
        if number.is_some_and(|number| number.parse::<usize>().is_ok()) && !files.contains(&path) {
            let _ = fs::remove_file(path);
        }
    }
}
