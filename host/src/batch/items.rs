//! The items of a batch: all combinations of the rows of its axes. The last axis varies fastest.

use super::axis::{Axis, Takes};
use crate::{graph::Given, words::one_line};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, path::Path};

/// Identifies an item in all runs of a batch: a digest of its values.
pub(super) type Key = [u8; 32];

/// The items of all parts.
pub(super) struct Items {
    pub(super) axes: Vec<Axis>,
    /// `node.input` and the value that it has in all items.
    sets: Vec<(String, String)>,
    names: Vec<String>,
}

/// The longest text in the name of an item, in characters. Longer texts are cut.
const LONGEST_PART: usize = 40;

impl Items {
    pub(super) fn new(axes: Vec<Axis>, sets: Vec<(String, String)>) -> Self {
        let mut items = Self { axes, sets, names: Vec::new() };
        items.names = items.all_names();
        items
    }

    pub(super) fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.rows.len()).product()
    }

    /// The name of an item for messages; no two items have the same name.
    pub(super) fn name(&self, item: usize) -> &str {
        self.names.get(item).map_or("", String::as_str)
    }

    /// The row of each axis that an item has.
    fn rows(&self, item: usize) -> Vec<usize> {
        let mut rest = item;
        let mut rows: Vec<usize> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            rows.push(rest % axis.rows.len());
            rest /= axis.rows.len();
        }
        rows.reverse();
        rows
    }

    /// The name and the value of every input that an item sets.
    pub(super) fn values(&self, item: usize) -> impl Iterator<Item = (&str, &str)> {
        self.rows(item).into_iter().zip(&self.axes).flat_map(|(row, axis)| {
            let cells = axis.inputs.iter().zip(&axis.rows[row]);
            cells.filter_map(|(input, value)| Some((input.name.as_str(), value.as_deref()?)))
        })
    }

    /// The value of one input of one axis in an item.
    pub(super) fn value(&self, item: usize, axis: usize, input: usize) -> Option<&str> {
        self.axes[axis].rows[self.rows(item)[axis]][input].as_deref()
    }

    /// The values and options with which the graph is checked for an item.
    pub(super) fn given(&self, item: usize, base: &Given) -> Given {
        let inputs = self.values(item).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Given { inputs, sets: self.sets.clone(), index: item, ..base.clone() }
    }

    /// All values of an item, in the form of the journal.
    pub(super) fn values_json(&self, item: usize) -> Map<String, Json> {
        let given = self.values(item).map(|(name, value)| (name.to_owned(), Json::from(value)));
        let sets = self.sets.iter().map(|(name, value)| (format!("--set {name}"), Json::from(value.as_str())));
        given.chain(sets).collect()
    }

    pub(super) fn key(&self, item: usize) -> Key {
        key_of(&self.values_json(item))
    }

    /// The inputs in which items differ, by the positions of axis and input.
    pub(super) fn varying(&self) -> impl Iterator<Item = (usize, usize)> {
        self.axes.iter().enumerate().filter(|(_, axis)| axis.varies()).flat_map(|(at, axis)| {
            let inputs = 0..axis.inputs.len();
            inputs.filter(|&input| axis.input_varies(input)).map(move |input| (at, input))
        })
    }

    /// Names of the varying values: stems of paths and other values, joined. Items that would share a name are named by
    /// whole paths, and items that still share a name by their positions.
    fn all_names(&self) -> Vec<String> {
        let varying: Vec<_> = self.varying().collect();
        let parts: Vec<_> = if varying.is_empty() { self.first_path().into_iter().collect() } else { varying };
        let names = |whole: bool| -> Vec<String> {
            let of = |item| {
                let values = parts.iter().filter_map(|&(axis, input)| {
                    let takes = self.axes[axis].inputs[input].takes;
                    let part = part_of_name(self.value(item, axis, input)?, takes, whole);
                    // Two names that differ only in escaping get their positions.
                    Some(one_line(&part).into_owned()).filter(|part| !part.is_empty())
                });
                values.collect::<Vec<_>>().join("-")
            };
            (0..self.len()).map(of).collect()
        };
        let mut short = names(false);
        let ambiguous = repeated(&short);
        if ambiguous.contains(&true) {
            for ((name, whole), ambiguous) in short.iter_mut().zip(names(true)).zip(ambiguous) {
                if ambiguous {
                    *name = whole;
                }
            }
            for (item, ambiguous) in repeated(&short).into_iter().enumerate() {
                if ambiguous {
                    short[item] += &format!("#{item}");
                }
            }
        }
        for (item, name) in short.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
            *name = format!("item#{item}");
        }
        short
    }

    /// The first path to read, which names the only item of a batch.
    fn first_path(&self) -> Option<(usize, usize)> {
        self.axes.iter().enumerate().find_map(|(at, axis)| {
            let input = axis.inputs.iter().position(|input| input.takes.reads())?;
            Some((at, input))
        })
    }
}

/// The digest of values in the form of the journal. Their order does not matter.
pub(super) fn key_of(values: &Map<String, Json>) -> Key {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let mut hash = Sha256::new();
    for (name, value) in sorted {
        for text in [name.as_str(), value.as_str().unwrap_or_default()] {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
    }
    hash.finalize().into()
}

fn part_of_name(value: &str, takes: Takes, whole: bool) -> String {
    if whole {
        return value.to_owned();
    }
    if takes.is_path() {
        let stem = Path::new(value).file_stem();
        return stem.map_or_else(|| value.to_owned(), |stem| stem.to_string_lossy().into_owned());
    }
    let one_line = value.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.take(LONGEST_PART).collect::<String>().trim().to_owned()
}

/// For each name, whether the list has it more than once.
fn repeated(names: &[String]) -> Vec<bool> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    names.iter().map(|name| counts.get(name.as_str()).is_some_and(|count| *count > 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::axis::AxisInput;
    use super::*;

    fn axis(name: &str, takes: Takes, values: &[&str]) -> Axis {
        let rows = values.iter().map(|value| vec![Some((*value).to_owned())]).collect();
        Axis { inputs: vec![AxisInput { name: name.into(), takes }], rows }
    }

    fn names(axes: Vec<Axis>) -> Vec<String> {
        Items::new(axes, Vec::new()).names
    }

    const PATHS: Takes = Takes::Files;

    #[test]
    fn the_last_axis_varies_fastest() {
        let axes = vec![
            axis("image", PATHS, &["in/a.png", "in/b.png"]),
            axis("steps", Takes::Numbers, &["6"]),
            axis("tokens", Takes::Numbers, &["64", "128"]),
        ];
        let items = Items::new(axes, vec![("n.x".into(), "1".into())]);
        assert_eq!(items.names, ["a-64", "a-128", "b-64", "b-128"]);
        let values: Vec<_> = items.values(2).collect();
        assert_eq!(values, [("image", "in/b.png"), ("steps", "6"), ("tokens", "64")]);
        let json = serde_json::to_string(&items.values_json(2)).unwrap();
        assert_eq!(json, r#"{"image":"in/b.png","steps":"6","tokens":"64","--set n.x":"1"}"#);
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(names(vec![axis("i", PATHS, &["a/x.png", "b/x.png", "b/y.png"])]), ["a/x.png", "b/x.png", "y"]);
        let words = [axis("a", Takes::Anything, &["1-2", "1"]), axis("b", Takes::Anything, &["3", "2-3"])];
        assert_eq!(names(words.into()), ["1-2-3#0", "1-2-2-3", "1-3", "1-2-3#3"]);
        assert_eq!(names(vec![axis("i", PATHS, &["a/x.png"])]), ["x"]);
        assert_eq!(names(Vec::new()), ["item#0"]);
    }

    #[test]
    fn an_item_is_known_by_its_values_in_any_order() {
        let one = [axis("a", Takes::Anything, &["1"]), axis("b", Takes::Anything, &["2"])];
        let mut other = one.clone();
        other.reverse();
        let key = |axes: &[Axis], sets| Items::new(axes.to_vec(), sets).key(0);
        assert_eq!(key(&one, Vec::new()), key(&other, Vec::new()));
        assert_ne!(key(&one, Vec::new()), key(&one, vec![("a".into(), "1".into())]));
        assert_ne!(key(&one, Vec::new()), key(&one[..1], Vec::new()));
    }
}
