//! Numbers about sets: results of batches whose items judge all that the items of another batch wrote, such as FID.
//!
//! An item is about a set if one of its inputs names a folder in which items of another batch wrote files. Its numbers get columns
//! beside the measures of that batch.

use super::{
    data::{FailedItem, SetMeasures, label},
    error::Error,
    facts::{fields, is_convention, two_values},
    group::{Group, is_picture},
    read::{Item, Results},
};
use crate::words::{one_line, shown, some_of};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

/// The input whose folder is what others are compared with, and never what is judged.
const REFERENCE: &str = "reference";

/// The items of a batch that are about sets, each with its folder.
pub(super) struct Sets {
    pub(super) results: Results,
    items: Vec<Place>,
    failed: Vec<Place>,
}

/// The folder that an item is about, and the input that names it.
struct Place {
    folder: PathBuf,
    input: usize,
}

/// A column of numbers about sets.
pub(super) struct Column {
    pub(super) name: String,
    /// A number for each configuration.
    pub(super) numbers: Vec<Option<f64>>,
}

/// What batches say about sets.
#[derive(Default)]
pub(super) struct Said {
    pub(super) columns: Vec<Column>,
    pub(super) measures: Vec<SetMeasures>,
    /// Names of facts that differ between configurations, and the values.
    pub(super) differing: Vec<(String, Vec<String>)>,
}

/// Takes the items that are about sets out of their batches, and removes batches that have no others.
pub(super) fn take(all: &mut Vec<Results>, cwd: &Path) -> Vec<Sets> {
    let folders: Vec<BTreeSet<PathBuf>> = all.iter().map(folders_of).collect();
    let mut sets = Vec::new();
    for (at, results) in all.iter_mut().enumerate() {
        let others: Vec<&BTreeSet<PathBuf>> =
            folders.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, folders)| folders).collect();
        let inputs = results.inputs.clone();
        let named = named(results, &others, cwd);
        let place = |item: &Item| {
            let mut values = item.inputs.iter().enumerate().filter(|(at, _)| inputs[*at] != REFERENCE);
            values.find_map(|(input, value)| Some(Place { folder: named.get(value)?.clone(), input }))
        };
        let (items, places, kept) = split(std::mem::take(&mut results.items), place);
        let (failed, failed_places, failed_kept) = split(std::mem::take(&mut results.failed), place);
        (results.items, results.failed) = (kept, failed_kept);
        if !items.is_empty() || !failed.is_empty() {
            let results = Results {
                name: results.name.clone(),
                tables: results.tables.clone(),
                folder: results.folder.clone(),
                graph: results.graph.clone(),
                inputs,
                outputs: results.outputs.clone(),
                items,
                failed,
                notes: std::mem::take(&mut results.notes),
            };
            sets.push(Sets { results, items: places, failed: failed_places });
        }
    }
    let taken = |results: &Results| sets.iter().any(|sets| sets.results.tables == results.tables);
    all.retain(|results| !results.items.is_empty() || !results.failed.is_empty() || !taken(results));
    sets
}

/// The items with a place, their places, and the other items.
fn split(items: Vec<Item>, place: impl Fn(&Item) -> Option<Place>) -> (Vec<Item>, Vec<Place>, Vec<Item>) {
    let (mut with, mut places, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        if let Some(place) = place(&item) {
            places.push(place);
            with.push(item);
        } else {
            without.push(item);
        }
    }
    (with, places, without)
}

/// The folders in which the items of a batch wrote files, and the folders around these, up to the folder of the batch.
fn folders_of(results: &Results) -> BTreeSet<PathBuf> {
    let Some(root) = &results.folder else { return BTreeSet::new() };
    let parents: BTreeSet<&Path> =
        results.items.iter().flat_map(|item| &item.files).filter_map(|file| file.parent()).collect();
    let around = |folder: &Path| around(folder, root).map(real).collect::<Vec<_>>();
    parents.into_iter().flat_map(around).collect()
}

/// A folder and the folders around it, up to the folder of the batch. A folder elsewhere stands alone.
fn around<'a>(folder: &'a Path, root: &'a Path) -> impl Iterator<Item = &'a Path> {
    let above = folder.ancestors().skip(1).take_while(move |ancestor| ancestor.starts_with(root));
    std::iter::once(folder).chain(above)
}

/// The whole path of a folder without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// The values of inputs that name a folder of another batch, and the folder.
fn named(results: &Results, others: &[&BTreeSet<PathBuf>], cwd: &Path) -> HashMap<String, PathBuf> {
    if others.iter().all(|folders| folders.is_empty()) {
        return HashMap::new();
    }
    let values = results.items.iter().chain(&results.failed).flat_map(|item| &item.inputs);
    let may_name = |value: &&String| !value.is_empty() && !value.contains('{') && !is_picture(Path::new(value));
    let values: HashSet<&String> = values.filter(may_name).collect();
    let places = values.into_iter().map(|value| (value.clone(), real(&cwd.join(value))));
    places.filter(|(_, folder)| others.iter().any(|folders| folders.contains(folder))).collect()
}

/// An item about a set, with its batch and its configuration.
struct Judged<'a> {
    item: &'a Item,
    results: &'a Results,
    /// The position of the configuration.
    group: usize,
    /// How it was judged: the graph and all inputs but the folder.
    setting: Vec<(String, String)>,
}

/// Puts numbers about sets beside the configurations that wrote them. `inputs` are the names of the configurations' values,
/// `taken` are names of other measures.
///
/// # Errors
/// A folder has the files of several configurations, or a configuration has two numbers of one name or of two conventions.
pub(super) fn said(
    all: &[Sets],
    groups: &mut [Group],
    inputs: &[String],
    names: &[String],
    taken: &[String],
) -> Result<Said, Error> {
    if all.is_empty() {
        return Ok(Said::default());
    }
    let writers = writers(all, groups);
    let mut judged = Vec::new();
    for sets in all {
        for (item, place) in sets.results.items.iter().zip(&sets.items) {
            let group = writer(&writers, place, sets, groups, inputs)?;
            judged.push(Judged { item, results: &sets.results, group, setting: setting(sets, item, place.input) });
        }
        for (item, place) in sets.results.failed.iter().zip(&sets.failed) {
            let group = writer(&writers, place, sets, groups, inputs)?;
            let error = item.error.clone().unwrap_or_default();
            groups[group].failed.push(FailedItem { item: format!("{} {}", sets.results.name, item.name), error });
        }
    }
    let mut said = Said::default();
    for output in names {
        let with_number: Vec<&Judged> = judged.iter().filter(|judged| !judged.output(output).is_empty()).collect();
        for (name, own) in columns(output, &with_number, taken) {
            said.add(name, output, &own, names, groups, inputs)?;
        }
    }
    Ok(said)
}

/// The columns of a result, each with its items: one, or one for each setting if a configuration was judged several times.
fn columns<'a>(output: &str, judged: &[&'a Judged<'a>], taken: &[String]) -> Vec<(String, Vec<&'a Judged<'a>>)> {
    let mut seen = BTreeSet::new();
    let is_once = judged.iter().all(|judged| seen.insert(judged.group));
    let name =
        if taken.iter().any(|taken| taken == output) { format!("{output} (of sets)") } else { output.to_owned() };
    if is_once {
        return if judged.is_empty() { Vec::new() } else { vec![(name, judged.to_vec())] };
    }
    let mut settings: Vec<&Vec<(String, String)>> = Vec::new();
    for judged in judged {
        if !settings.contains(&&judged.setting) {
            settings.push(&judged.setting);
        }
    }
    let column = |setting: &&Vec<(String, String)>| {
        let is_own = |pair: &&(String, String)| !settings.iter().all(|other| other.contains(pair));
        let (names, values): (Vec<String>, Vec<String>) = setting.iter().filter(is_own).cloned().unzip();
        let difference = label(&names, &values);
        let name = if difference.is_empty() { name.clone() } else { format!("{output} ({difference})") };
        (name, judged.iter().filter(|judged| judged.setting == **setting).copied().collect())
    };
    settings.iter().map(column).collect()
}

impl Said {
    /// Adds a column, and what is known of it.
    fn add(
        &mut self,
        name: String,
        output: &str,
        judged: &[&Judged],
        measured: &[String],
        groups: &[Group],
        inputs: &[String],
    ) -> Result<(), Error> {
        let numbers = numbers(&name, output, judged, groups, inputs)?;
        let mut same = Vec::new();
        for (fact, values) in facts_of(judged, measured, groups.len()) {
            if is_convention(&fact) {
                refuse_two_conventions(&name, &fact, &values, groups, inputs)?;
            }
            let mut known = judged.iter().map(|judged| &values[judged.group]);
            let first = known.next().cloned().unwrap_or_default();
            if known.all(|value| *value == first) {
                same.push((fact, first));
            } else if !self.differing.iter().any(|known| known.1 == values && known.0.starts_with(&fact)) {
                let is_known = self.differing.iter().any(|known| known.0 == fact);
                self.differing.push((if is_known { format!("{fact} ({name})") } else { fact }, values));
            }
        }
        match self.measures.iter_mut().find(|measures| measures.facts == same) {
            Some(measures) => measures.names.push(name.clone()),
            None => self.measures.push(SetMeasures { names: vec![name.clone()], facts: same }),
        }
        self.columns.push(Column { name, numbers });
        Ok(())
    }
}

impl Judged<'_> {
    /// The cell of a result; empty if there is none.
    fn output(&self, name: &str) -> &str {
        let at = self.results.outputs.iter().position(|output| output == name);
        at.and_then(|at| self.item.outputs.get(at)).map_or("", String::as_str)
    }
}

/// The configurations that wrote into each folder that an item is about.
fn writers(all: &[Sets], groups: &[Group]) -> HashMap<PathBuf, BTreeSet<usize>> {
    let places = all.iter().flat_map(|sets| sets.items.iter().chain(&sets.failed));
    let mut writers: HashMap<PathBuf, BTreeSet<usize>> =
        places.map(|place| (place.folder.clone(), BTreeSet::new())).collect();
    for (at, group) in groups.iter().enumerate() {
        let files = group.members.iter().flat_map(|member| {
            let root = member.results.folder.as_deref();
            member.item.files.iter().filter_map(move |file| Some((file.parent()?, root?)))
        });
        let folders: BTreeSet<(&Path, &Path)> = files.collect();
        for folder in folders.into_iter().flat_map(|(folder, root)| around(folder, root)) {
            if let Some(groups) = writers.get_mut(&real(folder)) {
                groups.insert(at);
            }
        }
    }
    writers
}

/// The only configuration that wrote into a folder.
fn writer(
    writers: &HashMap<PathBuf, BTreeSet<usize>>,
    place: &Place,
    sets: &Sets,
    groups: &[Group],
    inputs: &[String],
) -> Result<usize, Error> {
    let found: Vec<usize> = writers.get(&place.folder).into_iter().flatten().copied().collect();
    if let [group] = found[..] {
        return Ok(group);
    }
    let names: Vec<String> =
        found.iter().map(|group| one_line(&label(inputs, &groups[*group].values)).into_owned()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { some_of(names.iter().map(String::as_str)) };
    let (input, batch) = (one_line(&sets.results.inputs[place.input]), one_line(&sets.results.name));
    let message = format!("expected `{input}` of `{batch}` to be a folder of one configuration, got one with {names}");
    let hint = "let the graph write each configuration into a folder of its own, such as features-{tokens}";
    Err(Error::usage(format!("{message}; {hint}, or average over what differs\n  {}", shown(&place.folder))))
}

fn setting(sets: &Sets, item: &Item, folder: usize) -> Vec<(String, String)> {
    let graph = ("graph".to_owned(), sets.results.graph.clone().unwrap_or_default());
    let inputs = sets.results.inputs.iter().zip(&item.inputs).enumerate();
    // Names of files to write say nothing about the results.
    let inputs = inputs.filter(|(at, (_, value))| *at != folder && !value.contains('{'));
    [graph].into_iter().chain(inputs.map(|(_, (name, value))| (name.clone(), value.clone()))).collect()
}

/// A number for each configuration.
fn numbers(
    column: &str,
    output: &str,
    judged: &[&Judged],
    groups: &[Group],
    inputs: &[String],
) -> Result<Vec<Option<f64>>, Error> {
    let mut numbers: Vec<Option<(f64, &str)>> = vec![None; groups.len()];
    for judged in judged {
        let Ok(number) = judged.output(output).parse() else { continue };
        let name = judged.results.name.as_str();
        if let Some((_, first)) = numbers[judged.group].replace((number, name)) {
            let label = label(inputs, &groups[judged.group].values);
            let [column, label, first, name] = [column, label.as_str(), first, name].map(one_line);
            let message =
                format!("expected one number for `{column}` of `{label}`, got two, from `{first}` and `{name}`");
            return Err(Error::usage(format!("{message}; leave one of them out")));
        }
    }
    Ok(numbers.into_iter().map(|found| found.map(|(number, _)| number)).collect())
}

/// How items were judged, and their texts: names, and the value in each configuration.
fn facts_of(judged: &[&Judged], measured: &[String], groups: usize) -> Vec<(String, Vec<String>)> {
    let mut facts: Vec<(String, Vec<String>)> = Vec::new();
    for judged in judged {
        let cells = judged.results.outputs.iter().zip(&judged.item.outputs);
        let texts = cells.filter(|(name, cell)| !cell.is_empty() && !measured.contains(name));
        let texts = texts.flat_map(|(name, cell)| fields(name, cell));
        for (name, value) in judged.setting.iter().filter(|(_, value)| !value.is_empty()).cloned().chain(texts) {
            let at = facts.iter().position(|(known, _)| *known == name).unwrap_or(facts.len());
            if at == facts.len() {
                facts.push((name, vec![String::new(); groups]));
            }
            facts[at].1[judged.group] = value;
        }
    }
    facts
}

/// Refuses numbers of two conventions in one column.
fn refuse_two_conventions(
    column: &str,
    name: &str,
    values: &[String],
    groups: &[Group],
    inputs: &[String],
) -> Result<(), Error> {
    let known = values.iter().cloned().zip(0..).filter(|(value, _)| !value.is_empty());
    let Some(two) = two_values(known) else { return Ok(()) };
    let [one, other] = two.map(|(value, group)| {
        let label = label(inputs, &groups[group].values);
        format!("`{}` ({})", one_line(&value), one_line(&label))
    });
    let (column, name) = (one_line(column), one_line(name));
    let message = format!("expected one convention in the column `{column}`, got two for `{name}`: {one} and {other}");
    Err(Error::usage(format!("{message}; measure all configurations by one of them, or make a report of each")))
}
