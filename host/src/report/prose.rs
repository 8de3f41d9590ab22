//! The sentences of a report, the same in all forms. Foreign texts in them are on one line, and each form escapes them.

use super::{
    data::{Better, Ranking, Report},
    table::items,
};
use crate::words::{count, one_line, shown, some_of};

/// The most lines of a list. The others are counted.
const MOST: usize = 100;

pub(super) fn title(report: &Report) -> String {
    let names: Vec<String> = report.sources.iter().map(|source| one_line(&source.name).into_owned()).collect();
    format!("Results of {}", some_of(names.iter().map(String::as_str)))
}

/// How much was measured.
pub(super) fn summary(report: &Report) -> String {
    let failed = report.failed().count();
    let failed = if failed > 0 { format!(" {} failed.", count(failed, "item")) } else { String::new() };
    let one = report.done() == 1;
    format!(
        "{} in {} {} measured.{failed}",
        count(report.done(), "item"),
        count(report.configurations.len(), "configuration"),
        if one { "is" } else { "are" }
    )
}

/// How to read the first table.
pub(super) fn legend(report: &Report) -> String {
    let mut text = format!("Mean ± sample standard deviation over the {} of a configuration.", items(report));
    if report.measures.iter().any(|measure| measure.of_sets) {
        text += &format!(" Measures of sets have one number for all {} of a configuration.", items(report));
    }
    let has = |better| report.measures.iter().any(|measure| measure.better == Some(better));
    if has(Better::Higher) {
        text += " ↑ higher is better.";
    }
    if has(Better::Lower) {
        text += " ↓ lower is better.";
    }
    text
}

/// What a reader should know: notes, and numbers that are not finite.
pub(super) fn notes(report: &Report) -> Vec<String> {
    let mut notes: Vec<String> = report.notes.iter().map(|note| one_line(note).into_owned()).collect();
    let mut odd = Vec::new();
    for configuration in &report.configurations {
        for (at, item, number) in &configuration.odd {
            let Some(measure) = report.measures.get(*at) else { continue };
            let effect = if number.is_nan() { ", and in no figure" } else { "" };
            let (name, number) = (one_line(&measure.name), measure.digits.text(*number));
            odd.push(format!("{name} of {} is {number}{effect}", one_line(item)));
        }
    }
    notes.extend(limited(odd));
    notes
}

impl Report {
    /// What a reader should know about the results and about numbers that are not finite, each on one line.
    #[must_use]
    pub fn all_notes(&self) -> Vec<String> {
        notes(self)
    }
}

/// How numbers about sets were measured.
pub(super) fn sets(report: &Report) -> Vec<String> {
    let line = report.sets.iter().map(|sets| {
        let facts: Vec<String> = sets.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let names = some_of(sets.names.iter().map(String::as_str));
        one_line(&format!("{names}. {}", facts.join("; "))).into_owned()
    });
    line.collect()
}

/// The items that failed, with the reasons.
pub(super) fn failed(report: &Report) -> Vec<String> {
    limited(
        report.failed().map(|(_, failed)| format!("{}: {}", one_line(&failed.item), one_line(&failed.error))).collect(),
    )
}

/// Inputs and texts that all items have.
pub(super) fn same(report: &Report) -> Vec<(String, String)> {
    let line = |(name, value): &(String, String)| (one_line(name).into_owned(), one_line(value).into_owned());
    report.same.iter().map(line).collect()
}

/// Where the figures of others come from. Rows with the same words share a line.
pub(super) fn beside(report: &Report) -> Vec<String> {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    let mut unmeasured: Vec<&str> = Vec::new();
    for beside in &report.beside {
        let (numbers, words): (Vec<_>, Vec<_>) = beside.about.iter().partition(|(_, text)| text.parse::<f64>().is_ok());
        for (name, _) in numbers {
            if !unmeasured.contains(&name.as_str()) {
                unmeasured.push(name);
            }
        }
        let words: Vec<String> = words.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        let words = words.join("; ");
        match lines.iter_mut().find(|(known, _)| *known == words) {
            Some((_, names)) => names.push(&beside.name),
            None => lines.push((words, vec![&beside.name])),
        }
    }
    let lines = lines.into_iter().filter(|(words, _)| !words.is_empty());
    let mut lines: Vec<String> = lines.map(|(words, names)| format!("{}. {words}", some_of(names))).collect();
    if !unmeasured.is_empty() {
        lines.push(format!("Not measured here: {}", some_of(unmeasured)));
    }
    lines.iter().map(|line| one_line(line).into_owned()).collect()
}

/// The batches.
pub(super) fn sources(report: &Report) -> Vec<String> {
    let line = report.sources.iter().map(|source| {
        let tables: Vec<String> = source.tables.iter().map(|table| shown(table)).collect();
        let graph = source.graph.as_ref().map(|graph| format!(", graph {}", one_line(graph))).unwrap_or_default();
        let tables = some_of(tables.iter().map(String::as_str));
        format!("{}: {}{graph}; {}", one_line(&source.name), tables, count(source.done, "item"))
    });
    line.collect()
}

/// The heading of the worst, then of the best pictures.
pub(super) fn ranking_headings(report: &Report, ranking: &Ranking) -> [String; 2] {
    let measure = &report.measures[ranking.measure];
    let name = one_line(&measure.name);
    let [worst, best] =
        if measure.better == Some(Better::Lower) { ["highest", "lowest"] } else { ["lowest", "highest"] };
    if measure.better.is_some() {
        [format!("Worst pictures: the {worst} {name}"), format!("Best pictures: the {best} {name}")]
    } else {
        [format!("Pictures with the {worst} {name}"), format!("Pictures with the {best} {name}")]
    }
}

/// How pictures were compared.
pub(super) fn ranking_note(report: &Report, ranking: &Ranking) -> String {
    let all = report.configurations.len();
    let shown = ranking.configurations.len();
    let verb = if ranking.compared == 1 { "is" } else { "are" };
    let mut text = format!("{} {verb} compared", count(ranking.compared, "picture"));
    if all > 1 {
        text += " by the mean over configurations";
    }
    text.push('.');
    if ranking.left_out > 0 {
        let (left_out, verb) = (ranking.left_out, if ranking.left_out == 1 { "has" } else { "have" });
        text += &format!(" {} {verb} no number in some configuration.", count(left_out, "further picture"));
    }
    if shown < all {
        text += &format!(" The first {shown} of {all} configurations are shown.");
    }
    text
}

fn limited(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}
