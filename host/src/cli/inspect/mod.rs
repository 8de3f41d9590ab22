//! `splatgraph inspect`.

mod comparison;

use std::path::{Path, PathBuf};

use splatgraph::inspect::{
    CheckpointReport, FieldReport, InspectError, Inspection, PictureReport, RecordReport, TensorReport, inspect,
};

use crate::cli::failure::{FAILED, Failure, Outcome};
use crate::cli::options::JsonOption;
use crate::cli::output::{self, BOLD, DIM, columns, count, graph_text, one_line, shown};
use crate::cli::pack_folders::PackFolders;

/// Show the contents of a record, a checkpoint or a picture, or compare two records or checkpoints
///
/// Two files are compared field by field. NaN at the same place in both files counts as equal.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A .safetensors or .pth file, a picture, or another file that a node of a pack reads
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Another file with tensors, to compare with the first
    #[arg(value_name = "OTHER")]
    other: Option<PathBuf>,
    /// Fail (exit code 1) if a number differs by more than this, the fields or a shape differ, or only one file has NaN or
    /// infinity at a place
    #[arg(long, value_name = "X", requires = "other", value_parser = tolerance)]
    tolerance: Option<f64>,
    #[command(flatten)]
    output: JsonOption,
    #[command(flatten)]
    packs: PackFolders,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number >= 0.0);
    number.ok_or_else(|| "expected a number of at least 0".to_owned())
}

pub(crate) fn run(options: &Options) -> Outcome {
    let path = &options.file;
    if let Some(other) = &options.other {
        return comparison::run([path, other], options.tolerance, options.output.json, &options.packs);
    }
    let found = match inspect(path, None) {
        Err(InspectError::Unknown(_)) => inspect(path, Some(&options.packs.load()?)),
        found => found,
    };
    let found = found.map_err(|error| unreadable(error, path))?;
    if options.output.json {
        return output::print_json(&found);
    }
    output::print(&match &found {
        Inspection::Record(record) => of_record(record),
        Inspection::Checkpoint(checkpoint) => of_checkpoint(checkpoint),
        Inspection::Picture(picture) => of_picture(picture),
    })
}

fn unreadable(error: InspectError, path: &Path) -> Failure {
    match error {
        // These errors name the file themselves.
        InspectError::Tensors(error) => Failure::new(FAILED, error),
        other => Failure::new(FAILED, format!("{other}\n  {}", shown(path))),
    }
}

fn of_record(record: &RecordReport) -> String {
    let fields = count(record.fields.len(), "field");
    let bytes = format!("{} byte{}", record.bytes, if record.bytes == 1 { "" } else { "s" });
    let mut text = format!("{BOLD}{}{BOLD:#}  record, {fields}, {}", one_line(&record.type_name), bytes);
    text += &record.bits_per_token.map(|bits| format!(", {bits:.1} bits a token")).unwrap_or_default();
    text.push('\n');
    for (key, value) in &record.header {
        text += &format!("  {}: {}\n", one_line(key), one_line(&value.to_string()));
    }
    let head = ["field", "dtype", "shape", "min", "max", "mean", "NaN", "infinite"].map(str::to_owned).to_vec();
    let rows = std::iter::once(head).chain(record.fields.iter().map(field_row));
    text.push('\n');
    text + &columns(2, &rows.collect::<Vec<_>>())
}

fn field_row(field: &FieldReport) -> Vec<String> {
    let number = |number: Option<f64>| number.map_or("-".to_owned(), short);
    let mut row = tensor_row(&field.tensor);
    row.extend([
        number(field.min),
        number(field.max),
        number(field.mean),
        field.nan.to_string(),
        field.infinite.to_string(),
    ]);
    row
}

/// A number with six significant digits.
fn short(number: f64) -> String {
    if number == 0.0 || (1e-3..1e6).contains(&number.abs()) {
        let digits = if number == 0.0 { 0 } else { (5 - number.abs().log10().floor() as i32).max(0) as usize };
        let text = format!("{number:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{number:.5e}")
    }
}

fn tensor_row(tensor: &TensorReport) -> Vec<String> {
    vec![tensor.name.clone(), tensor.dtype.clone(), format!("{:?}", tensor.shape)]
}

fn of_checkpoint(checkpoint: &CheckpointReport) -> String {
    let mut text = format!("{BOLD}checkpoint{BOLD:#}  {}\n", count(checkpoint.tensors.len(), "tensor"));
    for total in &checkpoint.dtypes {
        let parts = [(total.tensors, "tensor"), (total.numbers, "number"), (total.bytes, "byte")];
        let parts = parts.map(|(number, thing)| count(number, thing));
        text += &format!("  {}: {}\n", total.dtype, parts.join(", "));
    }
    for (key, value) in &checkpoint.metadata {
        text += &format!("  {DIM}{}{DIM:#}: {}\n", one_line(key), one_line(&value.to_string()));
    }
    text.push('\n');
    text + &columns(2, &checkpoint.tensors.iter().map(tensor_row).collect::<Vec<_>>())
}

fn of_picture(picture: &PictureReport) -> String {
    let pixels = picture.pixels.as_ref().map(|pixels| format!(", {pixels}")).unwrap_or_default();
    let mut text = format!("{BOLD}{}{BOLD:#}  picture, {}x{}{pixels}\n", picture.format, picture.width, picture.height);
    if !picture.text.is_empty() {
        text += &format!("  text: {}\n", one_line(&picture.text.join(", ")));
    }
    for (key, value) in picture.header.iter().flatten() {
        text += &format!("  {}: {}\n", one_line(key), one_line(&value.to_string()));
    }
    match &picture.graph {
        Some(graph) => text + &format!("\n{BOLD}The graph that made it{BOLD:#}\n{}\n", graph_text(graph)),
        None => text + "  no graph in it\n",
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short_but_keep_six_digits() {
        let shown = [0.0, 1.0, -0.123_456_78, 123_456.0, 1_234_567.0, 0.000_1].map(short);
        assert_eq!(shown, ["0", "1", "-0.123457", "123456", "1.23457e6", "1.00000e-4"]);
    }
}
