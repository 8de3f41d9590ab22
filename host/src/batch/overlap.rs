//! Warns about items that use the same seeds: a node that makes several pictures uses the seeds from its `seed` on.

use super::{
    items::Items,
    repeated::hash_of,
    vary::{Shape, sets},
};
use crate::graph::{Checked, CheckedNode, Feed, File, Kind, Problem, Source};

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

/// An input of a node that says from which number on, or how many.
struct Number {
    /// The value if no axis sets it.
    fixed: Option<i128>,
    /// The positions of the axis and the input that set it.
    set: Option<(usize, usize)>,
}

/// A warning about the first two items that differ only in numbers of which they share some. Numbers that come over links are not
/// known before the run, and are left out.
pub(super) fn warning(first: &Checked, shape: &Shape, file: &File, items: &Items) -> Option<Problem> {
    let mut pairs = Vec::new();
    for (position, node) in first.nodes.iter().enumerate().filter(|(position, _)| shape.needed[*position]) {
        for (counting, spec) in node.class.spec.inputs.iter().enumerate() {
            let Some(name) = &spec.counts_from else { continue };
            let Some(input) = node.class.spec.inputs.iter().position(|spec| spec.name == *name) else { continue };
            let [from, count] = [input, counting].map(|input| number(first, file, items, position, input));
            let (Some(from), Some(count)) = (from, count) else { continue };
            let pair = overlapping(&from, &count, items);
            pairs.extend(pair.map(|(pair, start, used)| (position, input, pair, start, used)));
        }
    }
    let (position, input, [one, other], start, used) = pairs.into_iter().min_by_key(|(_, _, [one, _], ..)| one.item)?;
    let node = &first.nodes[position];
    let name = &node.class.spec.inputs[input].name;
    let [before, after] = [one, other].map(|numbers| {
        let item = items.name(numbers.item);
        match numbers.count {
            1 => format!("item `{item}` uses {}", numbers.first),
            _ => format!("item `{item}` uses {} to {}", numbers.first, numbers.last()),
        }
    });
    let given = first.file().inputs.iter().find(|given| sets(first.file(), &given.name, &node.id, name));
    let given = given.map_or(name, |given| &given.name);
    let step = one.count.max(other.count);
    // As many items as now.
    let end = start + step * (used as i128 - 1);
    let problem = Problem::new(Kind::Overlap, format!("items use the same numbers: {before}, {after}"));
    let hint = format!("give `{given}` steps of at least {step}, for example {given}={start}..{end}:{step}");
    Some(problem.node(&node.id).class(&node.class.full_name).input(name).hint(hint))
}

/// The numbers of an input; `None` if they are not known.
fn number(first: &Checked, file: &File, items: &Items, node: usize, input: usize) -> Option<Number> {
    let about = &first.nodes[node];
    let name = &about.class.spec.inputs[input].name;
    let mut inputs = items.varying();
    let set = inputs.find(|&(axis, at)| sets(file, &items.axes[axis].inputs[at].name, &about.id, name));
    if set.is_none() {
        return Some(Number { fixed: Some(known(about, input)?), set });
    }
    // What an empty cell leaves in place.
    let fixed = match file.node(&about.id).and_then(|node| node.input(name)) {
        Some(Source::Literal(value)) => whole(value),
        Some(_) => None,
        None => about.class.spec.inputs[input].default.as_ref().and_then(whole),
    };
    Some(Number { fixed, set })
}

impl Number {
    fn of(&self, item: usize, items: &Items) -> Option<i128> {
        let value = self.set.and_then(|(axis, input)| items.value(item, axis, input));
        value.map_or(self.fixed, |value| value.trim().parse().ok())
    }
}

/// The first two items that differ only in these numbers and share some, with the smallest number and the count of the items that
/// are compared with them.
fn overlapping(from: &Number, count: &Number, items: &Items) -> Option<([Numbers; 2], i128, usize)> {
    // The axes that set one of the two. Items that differ in another axis are compared with none.
    let mut axes: Vec<usize> = [from.set, count.set].into_iter().flatten().map(|(axis, _)| axis).collect();
    axes.sort_unstable();
    axes.dedup();
    let rows: usize = axes.iter().map(|&axis| items.axes[axis].len).product();
    if axes.is_empty() || rows < 2 {
        return None;
    }
    // The items with the first rows of all other axes.
    let item = |at: usize| {
        let (mut rest, mut item) = (at, 0);
        for &axis in axes.iter().rev() {
            let below: usize = items.axes[axis + 1..].iter().map(|axis| axis.len).product();
            item += rest % items.axes[axis].len * below;
            rest /= items.axes[axis].len;
        }
        item
    };
    let numbers = |at: usize| {
        let item = item(at);
        Some(Numbers { first: from.of(item, items)?, count: count.of(item, items)?, item })
    };
    let is_own = |axis: usize, input: usize| [from.set, count.set].contains(&Some((axis, input)));
    let others: Vec<(usize, usize)> = axes
        .iter()
        .flat_map(|&axis| (0..items.axes[axis].inputs.len()).map(move |input| (axis, input)))
        .filter(|&(axis, input)| !is_own(axis, input))
        .collect();
    if let (Some((axis, input)), None, [_], []) = (from.set, count.set, &axes[..], &others[..])
        && let Some(step) = items.axes[axis].inputs[input].column.range()
    {
        let (one, other) = (numbers(0)?, numbers(1)?);
        return (one.count > step).then_some(([one, other], one.first, rows));
    }
    let mut all: Vec<(u64, Numbers)> = Vec::new();
    for at in 0..rows {
        let Some(numbers) = numbers(at) else { continue };
        let values = others.iter().map(|&(axis, input)| items.value(numbers.item, axis, input));
        all.push((hash_of(&values.collect::<Vec<_>>()), numbers));
    }
    all.sort_by_key(|(others, numbers)| (*others, numbers.first));
    let groups = all.chunk_by(|(one, _), (other, _)| one == other);
    let pairs = groups.filter_map(|group| {
        let pair = group.array_windows().find(|[(_, one), (_, other)]| one.last() >= other.first);
        pair.map(|[(_, one), (_, other)]| ([*one, *other], group[0].1.first, group.len()))
    });
    pairs.min_by_key(|([one, _], ..)| one.item)
}

/// The whole number that an input has in the first item, as far as it is known before the run.
fn known(node: &CheckedNode, input: usize) -> Option<i128> {
    match node.feeds.get(input)? {
        Feed::Value(value) => whole(value),
        Feed::Nothing => node.class.spec.inputs[input].default.as_ref().and_then(whole),
        Feed::Link(_) | Feed::Links(_) => None,
    }
}

fn whole(value: &serde_json::Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}
