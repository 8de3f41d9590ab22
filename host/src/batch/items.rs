//! The items of a batch: all combinations of the rows of its axes. The last axis varies fastest.

use super::{
    axis::{Axis, Takes},
    repeated::{hash_of, repeated_hashes},
};
use crate::{graph::Given, words::one_line};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, path::Path};

/// Begins the names of inputs of nodes in journals, where they stand beside the named inputs of the graph.
pub(crate) const SET: &str = "--set ";

/// Identifies an item in all runs of a batch: a digest of its values.
pub(super) type Key = [u8; 32];

/// The items of all parts. An item is a number; its values and its name are computed when they are asked for.
pub(super) struct Items {
    pub(super) axes: Vec<Axis>,
    /// `node.input` and the value that it has in all items.
    sets: Vec<(String, String)>,
    /// The inputs that name items, by the positions of axis and input.
    naming: Vec<(usize, usize)>,
    /// The hashes of names that several items would have, sorted: of short names, and of names with whole paths.
    ambiguous: [Vec<u64>; 2],
}

/// The longest text in the name of an item, in characters. Longer texts are cut.
const LONGEST_PART: usize = 40;

impl Items {
    pub(super) fn new(axes: Vec<Axis>, sets: Vec<(String, String)>) -> Self {
        let mut items = Self { axes, sets, naming: Vec::new(), ambiguous: Default::default() };
        let varying: Vec<_> = items.varying().collect();
        items.naming = if varying.is_empty() { items.first_path().into_iter().collect() } else { varying };
        // The numbers of one range make names that differ.
        let is_range =
            matches!(&items.naming[..], [(axis, input)] if items.axes[*axis].inputs[*input].column.range().is_some());
        if !is_range {
            items.ambiguous[0] = repeated_hashes((0..items.len()).map(|item| hash_of(&items.short_name(item, false))));
        }
        if !items.ambiguous[0].is_empty() {
            items.ambiguous[1] = repeated_hashes((0..items.len()).map(|item| hash_of(&items.long_name(item))));
        }
        items
    }

    pub(super) fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.len).product()
    }

    /// The name of an item for messages; no two items have the same name. Names have the varying values: stems of paths and
    /// other values, joined. Items that would share a name are named by whole paths, and items that still share a name by their
    /// positions.
    pub(super) fn name(&self, item: usize) -> String {
        let mut name = self.long_name(item);
        if self.ambiguous[1].binary_search(&hash_of(&name)).is_ok() {
            name += &format!("#{item}");
        }
        if name.is_empty() { format!("item#{item}") } else { name }
    }

    /// The name with stems, or with whole paths if several items share the stems.
    fn long_name(&self, item: usize) -> String {
        let short = self.short_name(item, false);
        let is_ambiguous = self.ambiguous[0].binary_search(&hash_of(&short)).is_ok();
        if is_ambiguous { self.short_name(item, true) } else { short }
    }

    fn short_name(&self, item: usize, whole: bool) -> String {
        let mut name = String::new();
        for &(axis, input) in &self.naming {
            let Some(value) = self.value(item, axis, input) else { continue };
            let part = part_of_name(&value, self.axes[axis].inputs[input].takes, whole);
            // Two names that differ only in escaping get their positions.
            let part = one_line(&part);
            if !name.is_empty() && !part.is_empty() {
                name.push('-');
            }
            name += &part;
        }
        name
    }

    /// The row of an axis that an item has.
    pub(super) fn row(&self, item: usize, axis: usize) -> usize {
        let below: usize = self.axes[axis + 1..].iter().map(|axis| axis.len).product();
        item / below % self.axes[axis].len
    }

    /// The name and the value of every input that an item sets.
    pub(super) fn values(&self, item: usize) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.axes.iter().enumerate().flat_map(move |(at, axis)| {
            let row = self.row(item, at);
            axis.inputs.iter().filter_map(move |input| Some((input.name.as_str(), input.column.value(row)?)))
        })
    }

    /// The value of one input of one axis in an item.
    pub(super) fn value(&self, item: usize, axis: usize, input: usize) -> Option<Cow<'_, str>> {
        self.axes[axis].inputs[input].column.value(self.row(item, axis))
    }

    /// The names of the inputs that an item sets, as the journal has them, and their values.
    pub(super) fn all_values(&self, item: usize) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let given = self.values(item).map(|(name, value)| (Cow::Borrowed(name), value));
        given.chain(self.shared_values().map(|(name, value)| (name.into(), value.into())))
    }

    /// The values that all items have besides, as the journal has them.
    pub(super) fn shared_values(&self) -> impl Iterator<Item = (String, &str)> {
        self.sets.iter().map(|(name, value)| (format!("{SET}{name}"), value.as_str()))
    }

    /// The values and options with which the graph is checked for an item.
    pub(super) fn given(&self, item: usize, base: &Given) -> Given {
        let inputs = self.values(item).map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        Given { inputs, sets: self.sets.clone(), index: item, ..base.clone() }
    }

    /// All values of an item, in the form of the journal.
    pub(super) fn values_json(&self, item: usize) -> Map<String, Json> {
        self.all_values(item).map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
    }

    pub(super) fn key(&self, item: usize) -> Key {
        key_of(self.all_values(item))
    }

    /// The values that all items have in common, by `node.input`.
    pub(super) fn sets(&self) -> &[(String, String)] {
        &self.sets
    }

    /// The inputs in which items differ, by the positions of axis and input.
    pub(super) fn varying(&self) -> impl Iterator<Item = (usize, usize)> {
        self.axes.iter().enumerate().filter(|(_, axis)| axis.varies()).flat_map(|(at, axis)| {
            let inputs = 0..axis.inputs.len();
            inputs.filter(|&input| axis.input_varies(input)).map(move |input| (at, input))
        })
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
pub(super) fn key_of(values: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> Key {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
    let mut hash = Sha256::new();
    for (name, value) in &sorted {
        for text in [name.as_ref(), value.as_ref()] {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
    }
    hash.finalize().into()
}

fn part_of_name(value: &str, takes: Takes, whole: bool) -> Cow<'_, str> {
    if whole {
        return value.into();
    }
    if takes.is_path() {
        return Path::new(value).file_stem().map_or(value.into(), |stem| stem.to_string_lossy());
    }
    if value.len() <= LONGEST_PART && !value.contains(|c: char| c.is_control()) {
        return value.trim().into();
    }
    let one_line = value.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.take(LONGEST_PART).collect::<String>().trim().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::super::{axis::AxisInput, column::Column};
    use super::*;

    fn axis(name: &str, takes: Takes, values: &[&str]) -> Axis {
        let column = Column::texts(values.iter().copied());
        Axis { inputs: vec![AxisInput { name: name.into(), takes, column }], len: values.len() }
    }

    fn names(axes: Vec<Axis>) -> Vec<String> {
        all_names(&Items::new(axes, Vec::new()))
    }

    fn all_names(items: &Items) -> Vec<String> {
        (0..items.len()).map(|item| items.name(item)).collect()
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
        assert_eq!(all_names(&items), ["a-64", "a-128", "b-64", "b-128"]);
        let values: Vec<_> = items.values(2).map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(values, ["image=in/b.png", "steps=6", "tokens=64"]);
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
