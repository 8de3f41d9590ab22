//! Items in groups: one for each configuration.

use super::{
    data::{Configuration, FailedItem},
    read::{Item, Results},
    summary::Summary,
};
use std::{collections::HashMap, path::Path};

/// How results are brought together.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    /// The inputs over which the report averages. If empty, inputs whose values are pictures.
    pub over: Vec<String>,
    /// Measures of which lower numbers are better, and those of which higher ones are. Other measures are known by their names.
    pub lower: Vec<String>,
    /// See `lower`.
    pub higher: Vec<String>,
    /// How many of the worst and of the best pictures are shown.
    pub pictures: usize,
    /// A part of the name of the file that is an item's result, if an item writes several pictures.
    pub result: Option<String>,
}

/// The items of a configuration.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) values: Vec<String>,
    pub(super) members: Vec<Member<'a>>,
    pub(super) failed: Vec<FailedItem>,
}

/// An item, with its place in its batch.
pub(super) struct Member<'a> {
    pub(super) item: &'a Item,
    pub(super) results: &'a Results,
    /// The values of the inputs over which the report averages.
    pub(super) picture: Vec<&'a str>,
    pub(super) numbers: Vec<Option<f64>>,
}

/// The endings of files that show pictures.
pub(super) const PICTURES: [&str; 12] =
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "ppm", "pgm", "tga", "qoi"];

/// The configurations in the order of their first items. The first value is the name of the batch.
pub(super) fn grouped<'a>(all: &'a [Results], kept: &[&str], over: &[&str], measures: &[String]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut positions: HashMap<Vec<String>, usize> = HashMap::new();
    for results in all {
        let places = |names: &[&str]| -> Vec<Option<usize>> {
            names.iter().map(|name| results.inputs.iter().position(|input| input == name)).collect()
        };
        let (kept, over) = (places(kept), places(over));
        let outputs: Vec<Option<usize>> =
            measures.iter().map(|name| results.outputs.iter().position(|output| output == name)).collect();
        for item in results.items.iter().chain(&results.failed) {
            let value = |at: &Option<usize>| at.and_then(|at| item.inputs.get(at)).map_or("", String::as_str);
            let key: Vec<String> =
                [results.name.clone()].into_iter().chain(kept.iter().map(|at| value(at).to_owned())).collect();
            let position = *positions.entry(key.clone()).or_insert(groups.len());
            if position == groups.len() {
                groups.push(Group { values: key, ..Group::default() });
            }
            let group = &mut groups[position];
            if let Some(error) = &item.error {
                group.failed.push(FailedItem { item: item.name.clone(), error: error.clone() });
                continue;
            }
            let number = |at: &Option<usize>| at.and_then(|at| item.outputs.get(at)?.parse().ok());
            let (picture, numbers) = (over.iter().map(value).collect(), outputs.iter().map(number).collect());
            group.members.push(Member { item, results, picture, numbers });
        }
    }
    groups
}

impl Group<'_> {
    pub(super) fn configuration(&self, measures: usize) -> Configuration {
        let numbers = |at: usize| self.members.iter().filter_map(move |member| Some((member, member.numbers[at]?)));
        let summaries = (0..measures).map(|at| {
            let numbers: Vec<f64> = numbers(at).map(|(_, number)| number).collect();
            Summary::of(&numbers)
        });
        let odd = (0..measures).flat_map(|at| numbers(at).map(move |(member, number)| (at, member, number)));
        let odd = odd.filter(|(_, _, number)| !number.is_finite());
        Configuration {
            values: self.values.clone(),
            texts: Vec::new(),
            items: self.members.len(),
            failed: self.failed.clone(),
            summaries: summaries.collect(),
            odd: odd.map(|(at, member, number)| (at, member.item.name.clone(), number)).collect(),
        }
    }
}

impl Configuration {
    /// Adds the number of a measure of sets. `label` names the configuration.
    pub(super) fn add_of_set(&mut self, number: Option<f64>, label: &str) {
        let measure = self.summaries.len();
        self.summaries.push(Summary::of(number.as_slice()));
        let odd = number.filter(|number| !number.is_finite());
        self.odd.extend(odd.map(|number| (measure, format!("the set of {label}"), number)));
    }
}

pub(super) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    PICTURES.iter().any(|known| extension.eq_ignore_ascii_case(known))
}
