//! Means and standard deviations of results, over items that are read one after the other.

use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// The figures of groups of items, and of all items.
pub(super) struct Figures {
    names: Vec<String>,
    /// In the order of their first items; empty without groups.
    groups: Vec<Group>,
    positions: HashMap<Vec<String>, usize>,
    all: Group,
    has_groups: bool,
    items: usize,
}

/// Items with the same values that are not paths. For a path, the value is empty.
struct Group {
    values: Vec<String>,
    columns: Vec<Column>,
}

/// One result of the items of a group.
#[derive(Clone, Default)]
struct Column {
    count: usize,
    sum: f64,
    /// The sum of the squares of the distances from the mean.
    squares: f64,
    has_text: bool,
}

impl Figures {
    /// Figures of the results with these names.
    pub(super) fn new(names: &[&str], inputs: usize, has_groups: bool) -> Self {
        let all = Group { values: vec![String::new(); inputs], columns: vec![Column::default(); names.len()] };
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { names, groups: Vec::new(), positions: HashMap::new(), all, has_groups, items: 0 }
    }

    /// Adds the results of an item to the sums.
    pub(super) fn add(&mut self, group: Vec<String>, results: &Map<String, Json>) {
        self.items += 1;
        if self.has_groups {
            let position = *self.positions.entry(group.clone()).or_insert(self.groups.len());
            if position == self.groups.len() {
                self.groups.push(Group { values: group, columns: vec![Column::default(); self.names.len()] });
            }
            self.groups[position].add(&self.names, results);
        }
        self.all.add(&self.names, results);
    }

    /// Adds the results of an item to the squares, once all are in the sums.
    pub(super) fn add_squares(&mut self, group: &[String], results: &Map<String, Json>) {
        if let Some(position) = self.positions.get(group) {
            self.groups[*position].add_squares(&self.names, results);
        }
        self.all.add_squares(&self.names, results);
    }

    /// Whether an item has a result with this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let at = self.names.iter().position(|known| known == name);
        at.is_some_and(|at| self.all.columns[at].count > 0 || self.all.columns[at].has_text)
    }

    /// The rows `mean` and `std` of the results that items have: of each group, then of all. Groups are left out if there is only
    /// one, or if each has only one item.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let is_used = self.groups.len() > 1 && self.groups.len() < self.items;
        let groups = self.groups.iter().filter(|_| is_used).chain([&self.all]);
        let mut rows = Vec::new();
        for group in groups {
            let columns = self.names.iter().zip(&group.columns).filter(|(name, _)| self.has(name));
            let (means, spreads): (Vec<String>, Vec<String>) = columns.map(|(_, column)| column.texts()).unzip();
            for (name, figures) in [("mean", means), ("std", spreads)] {
                rows.push([name.to_owned()].into_iter().chain(group.values.iter().cloned()).chain(figures).collect());
            }
        }
        rows
    }
}

impl Group {
    fn add(&mut self, names: &[String], results: &Map<String, Json>) {
        for (name, column) in names.iter().zip(&mut self.columns) {
            match results.get(name).map(number) {
                Some(Some(value)) => {
                    column.count += 1;
                    column.sum += value;
                }
                Some(None) => column.has_text = true,
                None => {}
            }
        }
    }

    fn add_squares(&mut self, names: &[String], results: &Map<String, Json>) {
        for (name, column) in names.iter().zip(&mut self.columns) {
            if let Some(value) = results.get(name).and_then(number) {
                column.squares += (value - column.sum / column.count as f64).powi(2);
            }
        }
    }
}

impl Column {
    /// The mean and the sample standard deviation as texts; empty if there are too few values, or other ones than numbers.
    fn texts(&self) -> (String, String) {
        if self.count == 0 || self.has_text {
            return Default::default();
        }
        let count = self.count as f64;
        let spread = if self.count > 1 { (self.squares / (count - 1.0)).sqrt().to_string() } else { String::new() };
        ((self.sum / count).to_string(), spread)
    }
}

/// A result as a number; `None` if it is a text.
fn number(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) if matches!(text.as_str(), "inf" | "-inf" | "NaN") => text.parse().ok(),
        _ => value.as_f64(),
    }
}
