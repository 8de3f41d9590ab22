//! Prints the result of a run.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use splatgraph::graph::Checked;
use splatgraph::run::{NodeFailure, RunResult, Status, Why};
use splatgraph::words::{shortened, shortened_to};
use splatgraph_sdk::{Code, Kind, Value};

use crate::cli::failure::{FAILED, MISSING, Outcome};
use crate::cli::output::{self, columns, count, one_line};
use crate::cli::progress::duration;

/// The most values of a list that are shown.
const SHOWN_VALUES: usize = 10_000;
/// The most bytes of a result that are shown.
const SHOWN_BYTES: usize = 100_000;
/// The most values of a list, and the most bytes of a text, that are printed as JSON.
const LONGEST_LIST: usize = 1_000_000;
const LONGEST_TEXT: usize = 16 << 20;

/// A finished run.
pub(crate) struct Report<'a> {
    pub(crate) result: &'a RunResult,
    pub(crate) checked: &'a Checked,
    pub(crate) cwd: &'a Path,
    pub(crate) elapsed: Duration,
    /// Whether the files are named that were not written again.
    pub(crate) unchanged: bool,
}

/// The exit code of a run: 0 without failures, 3 if only models or packs are missing, else 1.
pub(crate) fn failure_code(failures: &[NodeFailure]) -> u8 {
    match failures {
        [] => 0,
        _ if failures.iter().all(|failure| failure.error.code == Code::Missing) => MISSING,
        _ => FAILED,
    }
}

impl Report<'_> {
    /// Prints results on stdout, and failures, skipped nodes and the time on stderr.
    pub(crate) fn print(&self, quiet: bool, explain: bool) -> Outcome {
        for failure in &self.result.failures {
            output::error(&failure.to_string());
            if failure.error.code != Code::Panic && !failure.error.detail.is_empty() {
                let detail = shortened(failure.error.detail.trim_end());
                output::note(&format!("  {}", detail.replace('\n', "\n  ")));
            }
        }
        for line in self.not_run() {
            output::note(&line);
        }
        if explain {
            let rows = self.result.nodes.iter().flat_map(|node| {
                let inside = node.inside.iter().map(|(node, ran, cached)| {
                    vec![node.to_string(), format!("in the passes: ran {ran} times, cached {cached} times")]
                });
                std::iter::once(vec![node.node.to_string(), node.why.to_string()]).chain(inside)
            });
            output::note(columns(0, &rows.collect::<Vec<_>>()).trim_end());
        }
        if quiet {
            return Ok(());
        }
        // Programs that read the output get all digits.
        let for_people = std::io::stdout().is_terminal();
        let mut rows: Vec<Vec<String>> =
            self.result.outputs.iter().map(|(name, value)| vec![name.clone(), shown(value, for_people)]).collect();
        rows.extend(self.result.written.iter().map(|(_, path)| vec!["wrote".into(), output::relative(path, self.cwd)]));
        let unchanged = self.result.unchanged.iter().filter(|_| self.unchanged);
        rows.extend(unchanged.map(|(_, path)| vec!["unchanged".into(), output::relative(path, self.cwd)]));
        let printed = if rows.is_empty() { Ok(()) } else { output::print(&columns(0, &rows)) };
        let how = match (self.result.cancelled, self.result.failures.len()) {
            (true, _) => "cancelled".to_owned(),
            (false, 0) => "done".to_owned(),
            (false, failed) => format!("{} failed", count(failed, "node")),
        };
        let ran = self.result.nodes.iter().filter(|node| node.status == Status::Done).count();
        let stored = self.result.nodes.iter().filter(|node| node.why == Why::Stored).count();
        let stored = if stored > 0 { format!(", {stored} from the store") } else { String::new() };
        let took = duration(self.elapsed.as_secs_f64() * 1000.0);
        output::note(&format!("{how}: {} ran in {took}{stored}", count(ran, "node")));
        printed
    }

    /// Lines about skipped and abandoned nodes.
    fn not_run(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut skipped: HashMap<&str, Vec<String>> = HashMap::new();
        for (node, cause) in self.result.skipped() {
            skipped.entry(cause).or_default().push(format!("`{node}`"));
        }
        for failure in &self.result.failures {
            if let Some(skipped) = skipped.get(&*failure.node) {
                lines.push(format!("not run because `{}` failed: {}", one_line(&failure.node), few(skipped)));
            }
        }
        let abandoned: Vec<String> =
            self.result.abandoned().map(|node| format!("`{node}` ({})", self.class_of(node))).collect();
        if !abandoned.is_empty() {
            lines.push(format!("abandoned because it did not stop within a second: {}", few(&abandoned)));
        }
        lines
    }

    fn class_of(&self, id: &str) -> &str {
        let node = self.checked.nodes.iter().find(|node| &*node.id == id);
        node.map_or("", |node| node.class.full_name.as_str())
    }

    /// The whole result as JSON.
    pub(crate) fn as_json(&self) -> Json {
        let outputs: Map<String, Json> =
            self.result.outputs.iter().map(|(name, value)| (name.clone(), as_json(value))).collect();
        let nodes: Vec<Json> = self
            .result
            .nodes
            .iter()
            // They are in the same order.
            .zip(self.checked.nodes.iter())
            .map(|(node, about)| {
                let class = &about.class.full_name;
                json!({"id": &*node.node, "class": class, "status": node.status.name(), "ms": node.ms, "why": node.why.to_string()})
            })
            .collect();
        json!({
            "status": self.result.status_name(),
            "outputs": outputs,
            "written": self.result.written.iter().map(|(node, path)| json!({"node": &**node, "path": path})).collect::<Vec<_>>(),
            "unchanged": self.result.unchanged.iter().map(|(node, path)| json!({"node": &**node, "path": path})).collect::<Vec<_>>(),
            "failures": self.result.failures.iter().map(NodeFailure::to_json).collect::<Vec<_>>(),
            "nodes": nodes,
            "ms": self.elapsed.as_secs_f64() * 1000.0,
        })
    }
}

/// A result as JSON. Objects are described, and so are lists and texts that are too long for a text of JSON.
fn as_json(value: &Value) -> Json {
    let json = if is_short(value, &mut { LONGEST_LIST }) { value.to_json() } else { None };
    json.unwrap_or_else(|| value.describe())
}

/// Whether a value is a short text, or a list with at most `left` values at any depth.
fn is_short(value: &Value, left: &mut usize) -> bool {
    if let Some((items, all)) = value.start_of_list(*left) {
        *left -= items.len();
        return items.len() as u64 == all && items.iter().all(|item| is_short(item, left));
    }
    value.as_text().is_none_or(|text| text.len() <= LONGEST_TEXT)
}

/// A result in one line: the start of a scalar, text, list or JSON, or the type and shapes of an object. For people, a number has
/// four digits that matter.
fn shown(value: &Value, for_people: bool) -> String {
    let (value, more) = match value.start_of_list(SHOWN_VALUES) {
        Some((start, all)) if start.len() as u64 != all => (&Value::list(start), format!(" ... ({all} values)")),
        _ => (value, String::new()),
    };
    let text = match (value.as_text(), value.to_json()) {
        (None, Some(Json::Number(number))) if for_people && value.kind() == Kind::Float => {
            number.as_f64().map_or_else(|| number.to_string(), rounded)
        }
        (Some(text), _) => shortened_to(text, SHOWN_BYTES),
        (None, Some(json)) => shortened_to(&json.to_string(), SHOWN_BYTES),
        (None, None) => {
            let description = value.describe();
            let fields = description["fields"].as_object();
            let fields = fields.into_iter().flatten().map(|(name, field)| format!("{name} {}", field["shape"]));
            let text = format!("{} {}", value.type_name(), fields.collect::<Vec<_>>().join(", "));
            shortened(text.trim_end())
        }
    };
    text + &more
}

/// A number with four digits that matter, and all digits before the point.
fn rounded(number: f64) -> String {
    let magnitude = number.abs().log10().floor();
    if number == 0.0 || !(-3.0..15.0).contains(&magnitude) {
        return if number == 0.0 { "0".to_owned() } else { format!("{number:.3e}") };
    }
    let decimals = (3.0 - magnitude).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The first twelve names, and the number of further names.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} more", names.len() - SHOWN);
    }
    one_line(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn numbers_for_people_have_four_digits() {
        let numbers = [27.782_053_688, 0.676_616, 24.0, 123_456.7, -3.0, 0.0, 0.001_234_56, 1.5e-9, 2.0e20, 9.999_96];
        let shown = numbers.map(rounded);
        let expected = ["27.78", "0.6766", "24", "123457", "-3", "0", "0.001235", "1.500e-9", "2.000e20", "10"];
        assert_eq!(shown, expected);
    }
}
