//! Finds items by their values, with a few bytes for each item: a hash table of the items' numbers. Values are compared exactly.

use super::{items::Items, repeated::hash_of};
use std::borrow::Cow;

/// A table of all items.
#[derive(Default)]
pub(super) struct Index {
    /// An item and one for each slot, or 0. Its length is a power of two.
    slots: Vec<u32>,
    /// For each axis, the hash of its values in each row; empty for one axis, which would gain nothing.
    rows: Vec<Vec<u64>>,
    /// The hash of the values that all items have.
    shared: u64,
}

impl Index {
    pub(super) fn new(items: &Items) -> Self {
        let slots = vec![0; (items.len() * 2).next_power_of_two()];
        let shared = items.shared_values().map(|(name, value)| hash_of_value(&name, value));
        let shared = shared.fold(0, u64::wrapping_add);
        let mut index = Self { slots, rows: Vec::new(), shared };
        if items.axes.len() > 1 {
            let of = |axis: usize| (0..items.axes[axis].len).map(|row| hash_of_row(items, axis, row)).collect();
            index.rows = (0..items.axes.len()).map(of).collect();
        }
        for item in 0..items.len() {
            let mut slot = index.start(index.hash(items, item));
            while index.slots[slot] != 0 {
                slot = (slot + 1) % index.slots.len();
            }
            // A batch has at most ten million items.
            index.slots[slot] = u32::try_from(item + 1).unwrap_or(u32::MAX);
        }
        index
    }

    /// The item with these values, in any order.
    pub(super) fn find(&self, items: &Items, values: &[(Cow<'_, str>, Cow<'_, str>)]) -> Option<usize> {
        let hash = values.iter().map(|(name, value)| hash_of_value(name, value)).fold(0, u64::wrapping_add);
        let mut slot = self.start(hash);
        loop {
            let item = (self.slots[slot] as usize).checked_sub(1)?;
            if is_item(items, item, values) {
                return Some(item);
            }
            slot = (slot + 1) % self.slots.len();
        }
    }

    fn hash(&self, items: &Items, item: usize) -> u64 {
        let of = |axis: usize| match self.rows.get(axis) {
            Some(rows) => rows[items.row(item, axis)],
            None => hash_of_row(items, axis, items.row(item, axis)),
        };
        (0..items.axes.len()).map(of).fold(self.shared, u64::wrapping_add)
    }

    fn start(&self, hash: u64) -> usize {
        // The remainder is less than the length.
        (hash % self.slots.len() as u64) as usize
    }
}

fn is_item(items: &Items, item: usize, values: &[(Cow<'_, str>, Cow<'_, str>)]) -> bool {
    let mut count = 0;
    for (at, (name, value)) in items.all_values(item).enumerate() {
        // Mostly in the same order.
        let same = values
            .get(at)
            .filter(|(other, _)| *other == name)
            .or_else(|| values.iter().find(|(other, _)| *other == name));
        if same.is_none_or(|(_, other)| *other != value) {
            return false;
        }
        count += 1;
    }
    count == values.len()
}

/// The sum of the hashes of values does not depend on their order.
fn hash_of_row(items: &Items, axis: usize, row: usize) -> u64 {
    let inputs = items.axes[axis].inputs.iter();
    let hashes = inputs.filter_map(|input| Some(hash_of_value(&input.name, &input.column.value(row)?)));
    hashes.fold(0, u64::wrapping_add)
}

fn hash_of_value(name: &str, value: &str) -> u64 {
    hash_of(&(name, value))
}
