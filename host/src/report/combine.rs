//! Brings the results of batches together: configurations, their figures, and what all have in common.

use super::{
    better,
    data::{Better, Configuration, Measure, Report, Source, label},
    digits::Digits,
    error::Error,
    facts::Facts,
    group::{Grouping, grouped, is_picture},
    rank,
    read::Results,
    sets::{self, Sets},
};
use crate::words::{one_line, some_of, suggest};
use std::path::Path;

/// The name of the column with the names of the batches.
const SOURCE: &str = "results";

/// The report without figures of others. `named` puts the names of the batches beside the configurations, even if there is
/// only one batch.
pub(super) fn combine(
    all: &[Results],
    sets: &[Sets],
    grouping: &Grouping,
    named: bool,
    cwd: &Path,
) -> Result<Report, Error> {
    refuse_nothing(all)?;
    let inputs = union(all.iter().map(|results| &results.inputs));
    let over = over(all, &inputs, &grouping.over)?;
    let names = measured(all.iter())?;
    let of_sets = measured(sets.iter().map(|sets| &sets.results))?;
    refuse_no_number(all, &names, &of_sets)?;
    let kept: Vec<&str> = inputs.iter().map(String::as_str).filter(|name| !over.contains(name)).collect();
    let mut groups = grouped(all, &kept, &over, &names);
    let (same_inputs, varying): (Vec<usize>, Vec<usize>) =
        (0..kept.len()).partition(|&at| groups.iter().all(|group| group.values[at + 1] == groups[0].values[at + 1]));
    let mut same: Vec<(String, String)> = same_inputs
        .iter()
        .map(|&at| (kept[at].to_owned(), groups[0].values[at + 1].clone()))
        // Names of files to write say nothing about the results.
        .filter(|(_, value)| !value.is_empty() && !value.contains('{'))
        .collect();
    let has_source = named || all.len() > 1 || varying.is_empty();
    let mut names_of_values: Vec<String> = varying.iter().map(|&at| kept[at].to_owned()).collect();
    if has_source {
        names_of_values.insert(0, SOURCE.to_owned());
    }
    for group in &mut groups {
        let values = varying.iter().map(|&at| std::mem::take(&mut group.values[at + 1])).collect::<Vec<_>>();
        let source = std::mem::take(&mut group.values[0]);
        group.values = has_source.then_some(source).into_iter().chain(values).collect();
    }
    let facts = Facts::of(&groups, &names);
    facts.refuse_two_conventions(&names_of_values, &groups)?;
    let of_pictures = !over.is_empty();
    let said = sets::said(sets, &mut groups, &names_of_values, &of_sets, &names)?;
    let mut configurations: Vec<Configuration> = groups.iter().map(|group| group.configuration(names.len())).collect();
    let differing: Vec<(String, Vec<String>)> = facts.differing.into_iter().chain(said.differing).collect();
    for (at, configuration) in configurations.iter_mut().enumerate() {
        configuration.texts = differing.iter().map(|(_, values)| values[at].clone()).collect();
        let label = label(&names_of_values, &configuration.values);
        for column in &said.columns {
            configuration.add_of_set(column.numbers[at], &label);
        }
    }
    let (first_of_sets, mut names) = (names.len(), names);
    names.extend(said.columns.into_iter().map(|column| column.name));
    let mut measures = measures(&names, &configurations, grouping)?;
    measures[first_of_sets..].iter_mut().for_each(|measure| measure.of_sets = true);
    same.extend(facts.same);
    let sources = || all.iter().chain(sets.iter().map(|sets| &sets.results));
    let mut notes: Vec<String> = sources().flat_map(|results| results.notes.clone()).collect();
    if !facts.varying.is_empty() {
        let names = some_of(facts.varying.iter().map(String::as_str));
        notes.push(format!("texts that differ from item to item are left out: {names}"));
    }
    let ranking = rank::ranking(&groups, &measures, &over, grouping, cwd);
    let source = |results: &Results| Source {
        name: results.name.clone(),
        tables: results.tables.clone(),
        graph: results.graph.clone(),
        done: results.items.len(),
        failed: results.failed.len(),
    };
    Ok(Report {
        sources: sources().map(source).collect(),
        inputs: names_of_values,
        same,
        texts: differing.into_iter().map(|(name, _)| name).collect(),
        measures,
        sets: said.measures,
        configurations,
        beside: Vec::new(),
        ranking,
        of_pictures,
        notes,
    })
}

fn refuse_nothing(all: &[Results]) -> Result<(), Error> {
    if all.iter().any(|results| !results.items.is_empty()) {
        return Ok(());
    }
    let tables = some_of(all.iter().flat_map(|results| &results.tables).filter_map(|path| path.to_str()));
    let failed = all.iter().flat_map(|results| &results.failed).next();
    let why = failed.map_or_else(String::new, |item| {
        let error = one_line(item.error.as_deref().unwrap_or_default()).into_owned();
        format!("; every item failed, the first one, `{}`, with: {error}", one_line(&item.name))
    });
    let message = format!("expected a table with an item that is done, got none{why}; run the batch to its end");
    Err(Error::usage(format!("{message}\n  {}", one_line(&tables))))
}

/// All names, each once, in the order in which they come.
fn union<'a>(lists: impl Iterator<Item = &'a Vec<String>>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in lists.flatten() {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// The inputs over which the report averages.
fn over<'a>(all: &[Results], inputs: &'a [String], asked: &[String]) -> Result<Vec<&'a str>, Error> {
    if asked.is_empty() {
        return Ok(inputs.iter().map(String::as_str).filter(|name| names_pictures(all, name)).collect());
    }
    let found = asked.iter().map(|asked| {
        inputs.iter().find(|input| *input == asked).map(String::as_str).ok_or_else(|| {
            let hint = suggest(asked, inputs.iter().map(String::as_str), "the inputs are").unwrap_or_default();
            let message =
                format!("expected the name of an input of the results, got `{}`; {}", one_line(asked), one_line(&hint));
            Error::usage(message)
        })
    });
    found.collect()
}

/// Whether all values of an input are files of pictures. A value with a placeholder is a file to write.
fn names_pictures(all: &[Results], name: &str) -> bool {
    let values = all.iter().flat_map(|results| {
        let at = results.inputs.iter().position(|input| input == name);
        results.items.iter().filter_map(move |item| item.inputs.get(at?).map(String::as_str))
    });
    let mut values = values.filter(|value| !value.is_empty()).peekable();
    values.peek().is_some() && values.all(|value| is_picture(Path::new(value)) && !value.contains('{'))
}

/// The names of the results that are numbers.
fn measured<'a>(all: impl Iterator<Item = &'a Results> + Clone) -> Result<Vec<String>, Error> {
    let names = union(all.clone().map(|results| &results.outputs));
    let mut measured = Vec::new();
    for name in names {
        // Of each batch that has the result: its name, and a result that is no number.
        let kinds: Vec<(&str, Option<&str>)> = all.clone().filter_map(|results| kind_of(results, &name)).collect();
        let number = kinds.iter().find(|(_, text)| text.is_none());
        let text = kinds.iter().find_map(|(batch, text)| Some((batch, (*text)?)));
        match (number, text) {
            (Some((numbers, _)), Some((texts, text))) => {
                let [name, numbers, texts, text] = [&name, *numbers, *texts, text].map(one_line);
                let message =
                    format!("expected numbers for `{name}` in `{texts}`, as in `{numbers}`, got the text `{text}`");
                return Err(Error::usage(format!("{message}; rename one of the two results in its graph")));
            }
            (Some(_), None) => measured.push(name),
            (None, _) => {}
        }
    }
    Ok(measured)
}

fn refuse_no_number(all: &[Results], names: &[String], of_sets: &[String]) -> Result<(), Error> {
    if !names.is_empty() || !of_sets.is_empty() {
        return Ok(());
    }
    let names = union(all.iter().map(|results| &results.outputs));
    let names = if names.is_empty() { "none".to_owned() } else { some_of(names.iter().map(String::as_str)) };
    let message = format!("expected a result that is a number, got {}", one_line(&names));
    Err(Error::usage(format!("{message}; add one to the `outputs` of the graph")))
}

/// The name of a batch, and the first of its results of this name that is no number; `None` without such results.
fn kind_of<'a>(results: &'a Results, name: &str) -> Option<(&'a str, Option<&'a str>)> {
    let at = results.outputs.iter().position(|output| output == name)?;
    let mut cells =
        results.items.iter().map(|item| item.outputs[at].as_str()).filter(|cell| !cell.is_empty()).peekable();
    cells.peek()?;
    Some((&results.name, cells.find(|cell| cell.parse::<f64>().is_err())))
}

fn measures(names: &[String], configurations: &[Configuration], grouping: &Grouping) -> Result<Vec<Measure>, Error> {
    for asked in grouping.lower.iter().chain(&grouping.higher) {
        if !names.contains(asked) {
            let hint = suggest(asked, names.iter().map(String::as_str), "the measures are").unwrap_or_default();
            let (asked, hint) = (one_line(asked), one_line(&hint));
            return Err(Error::usage(format!("expected the name of a measure of the results, got `{asked}`; {hint}")));
        }
    }
    let measure = |(at, name): (usize, &String)| {
        let better = if grouping.lower.contains(name) {
            Some(Better::Lower)
        } else if grouping.higher.contains(name) {
            Some(Better::Higher)
        } else {
            better::by_name(name)
        };
        let summaries = || configurations.iter().map(|configuration| &configuration.summaries[at]);
        let is_size = |number: &f64| number.is_finite() && *number != 0.0;
        let mut means = summaries().filter_map(|summary| summary.mean).filter(is_size).peekable();
        let digits = if means.peek().is_some() {
            Digits::of(means)
        } else {
            // Numbers around zero, or with infinite ones among them.
            Digits::of(summaries().flat_map(|summary| [summary.std, summary.median, summary.min]).flatten())
        };
        Measure { name: name.clone(), better, of_sets: false, digits }
    };
    Ok(names.iter().enumerate().map(measure).collect())
}
