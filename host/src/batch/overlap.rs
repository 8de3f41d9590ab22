//! Warns about items that use the same seeds: a node that makes several pictures uses the seeds from its `seed` on.

use super::{
    items::{Items, Key, key_of},
    vary::Shape,
};
use crate::graph::{Checked, CheckedNode, Feed, File, Kind, Problem};
use std::collections::BTreeMap;

/// The numbers that items use, such as seeds.
#[derive(Default)]
pub(super) struct Overlaps {
    /// By the positions of the node and of the input with the first number, and by all other values of the items.
    used: BTreeMap<(usize, usize, Key), Vec<Numbers>>,
}

/// The numbers that a node uses in an item: `count` of them from `first` on.
#[derive(Clone, Copy)]
struct Numbers {
    first: i128,
    count: i128,
    item: usize,
}

impl Numbers {
    fn last(self) -> i128 {
        self.first + self.count - 1
    }
}

impl Overlaps {
    /// Adds the numbers of an item. Numbers that come over links are not known before the run, and are left out.
    pub(super) fn add(&mut self, item: usize, checked: &Checked, shape: &Shape, items: &Items) {
        if items.len() < 2 {
            return;
        }
        for (position, node) in checked.nodes.iter().enumerate().filter(|(position, _)| shape.needed[*position]) {
            for (counting, spec) in node.class.spec.inputs.iter().enumerate() {
                let Some(name) = &spec.counts_from else { continue };
                let Some(input) = node.class.spec.inputs.iter().position(|spec| spec.name == *name) else { continue };
                let (Some(first), Some(count)) = (number(node, input), number(node, counting)) else { continue };
                let mut others = items.values_json(item);
                others.retain(|given, _| !sets(checked.file(), given, &node.id, [name, &spec.name]));
                let used = self.used.entry((position, input, key_of(&others))).or_default();
                used.push(Numbers { first, count, item });
            }
        }
    }

    /// A warning about the first two items that differ only in numbers of which they share some.
    pub(super) fn warning(self, checked: &Checked, items: &Items) -> Option<Problem> {
        let pairs = self.used.into_iter().filter_map(|((position, input, _), mut used)| {
            used.sort_by_key(|numbers| numbers.first);
            let pair = *used.array_windows().find(|[one, other]| one.last() >= other.first)?;
            Some((position, input, used, pair))
        });
        let (position, input, used, [one, other]) = pairs.min_by_key(|(_, _, _, [one, _])| one.item)?;
        let node = &checked.nodes[position];
        let name = &node.class.spec.inputs[input].name;
        let [before, after] = [one, other].map(|numbers| {
            let item = items.name(numbers.item);
            match numbers.count {
                1 => format!("item `{item}` uses {}", numbers.first),
                _ => format!("item `{item}` uses {} to {}", numbers.first, numbers.last()),
            }
        });
        let given =
            checked.file().inputs.iter().find(|given| sets(checked.file(), &given.name, &node.id, [name, name]));
        let given = given.map_or(name, |given| &given.name);
        let step = one.count.max(other.count);
        let start = used[0].first;
        // As many items as now.
        let end = start + step * (used.len() as i128 - 1);
        let problem = Problem::new(Kind::Overlap, format!("items use the same numbers: {before}, {after}"));
        let hint = format!("give `{given}` steps of at least {step}, for example {given}={start}..{end}:{step}");
        Some(problem.node(&node.id).class(&node.class.full_name).input(name).hint(hint))
    }
}

/// The whole number that an input has, as far as it is known before the run.
fn number(node: &CheckedNode, input: usize) -> Option<i128> {
    let value = match node.feeds.get(input)? {
        Feed::Value(value) => value,
        Feed::Nothing => node.class.spec.inputs[input].default.as_ref()?,
        Feed::Link(_) | Feed::Links(_) => return None,
    };
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

/// Whether a named input of the graph sets one of the inputs `names` of the node `id`.
fn sets(file: &File, given: &str, id: &str, names: [&String; 2]) -> bool {
    let named = file.named_input(given);
    named.is_some_and(|named| named.targets.iter().any(|to| to.node == id && names.contains(&&to.input)))
}
