//! Texts among the results: conventions, weights, settings. A text that is a JSON object has a fact for each key.

use super::{
    data::{Beside, label},
    error::Error,
    group::Group,
};
use crate::words::one_line;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// What texts say about the results.
pub(super) struct Facts {
    /// Names and values that all items have.
    pub(super) same: Vec<(String, String)>,
    /// Names, and the value in each configuration. A configuration without the text has an empty value.
    pub(super) differing: Vec<(String, Vec<String>)>,
    /// The names of texts that differ within a configuration.
    pub(super) varying: Vec<String>,
    /// Values of conventions that differ: the name, and two values with the positions of their configurations.
    two_conventions: Option<(String, [(String, usize); 2])>,
}

/// At most two different values that a text has in a configuration. More make no difference.
type Few = Vec<String>;

impl Facts {
    /// The facts in all results that are not measured.
    pub(super) fn of(groups: &[Group], measured: &[String]) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut positions: HashMap<String, usize> = HashMap::new();
        let mut seen: Vec<Vec<Few>> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            for member in &group.members {
                let cells = member.results.outputs.iter().zip(&member.item.outputs);
                let texts = cells.filter(|(name, cell)| !cell.is_empty() && !measured.contains(name));
                for (name, value) in texts.flat_map(|(name, cell)| fields(name, cell)) {
                    let position = *positions.entry(name.clone()).or_insert(names.len());
                    if position == names.len() {
                        names.push(name);
                        seen.push(vec![Few::new(); groups.len()]);
                    }
                    let few = &mut seen[position][at];
                    if few.len() < 2 && !few.contains(&value) {
                        few.push(value);
                    }
                }
            }
        }
        let mut facts = Self { same: Vec::new(), differing: Vec::new(), varying: Vec::new(), two_conventions: None };
        for (name, values) in names.into_iter().zip(seen) {
            if is_convention(&name) && facts.two_conventions.is_none() {
                let all =
                    values.iter().enumerate().flat_map(|(at, few)| few.iter().map(move |value| (value.clone(), at)));
                facts.two_conventions = two_values(all).map(|two| (name.clone(), two));
            }
            if values.iter().any(|few| few.len() > 1) {
                facts.varying.push(name);
                continue;
            }
            // A configuration in which every item failed has no texts.
            let mut with_items = values.iter().zip(groups).filter(|(_, group)| !group.members.is_empty());
            let first = values.iter().flatten().next().cloned().unwrap_or_default();
            if with_items.all(|(few, _)| few.first() == Some(&first)) {
                facts.same.push((name, first));
            } else {
                let values = values.into_iter().map(|few| few.into_iter().next().unwrap_or_default());
                facts.differing.push((name, values.collect()));
            }
        }
        facts
    }

    /// Refuses results of two conventions: such numbers can't be compared. Conventions are texts or inputs with such a name.
    pub(super) fn refuse_two_conventions(&self, inputs: &[String], groups: &[Group]) -> Result<(), Error> {
        let of_input = |(at, name): (usize, &String)| {
            let values = groups.iter().enumerate().map(|(group, of)| (of.values[at].clone(), group));
            Some((name.clone(), two_values(values.filter(|(value, _)| !value.is_empty()))?))
        };
        let input = inputs.iter().enumerate().filter(|(_, name)| is_convention(name)).find_map(of_input);
        let Some((name, two)) = self.two_conventions.clone().or(input) else { return Ok(()) };
        let [one, other] = two.map(|(value, group)| {
            let label = label(inputs, &groups[group].values);
            format!("`{}` ({})", one_line(&value), if label.is_empty() { "all items".into() } else { one_line(&label) })
        });
        let message =
            format!("expected one convention in a comparison, got two for `{}`: {one} and {other}", one_line(&name));
        Err(Error::usage(format!("{message}; make a report of each")))
    }
}

/// Refuses figures of others that name another convention than the results.
pub(super) fn refuse_another_convention<'a>(
    same: impl Iterator<Item = &'a (String, String)> + Clone,
    beside: &Beside,
) -> Result<(), Error> {
    for (name, theirs) in beside.about.iter().filter(|(name, _)| is_convention(name)) {
        let ours = same.clone().find(|(known, value)| known == name && value != theirs);
        if let Some((_, ours)) = ours {
            let [name, ours, theirs, row] = [name, ours, theirs, &beside.name].map(|text| one_line(text));
            let message = format!(
                "expected one convention in a comparison, got two for `{name}`: `{ours}` (the results) and `{theirs}`"
            );
            return Err(Error::usage(format!("{message} (`{row}`); leave that row out")));
        }
    }
    Ok(())
}

/// The first two values that differ, each with its position.
pub(super) fn two_values(mut values: impl Iterator<Item = (String, usize)>) -> Option<[(String, usize); 2]> {
    let first = values.next()?;
    let second = values.find(|(value, _)| *value != first.0)?;
    Some([first, second])
}

/// Whether a name ends with the word `convention`.
pub(super) fn is_convention(name: &str) -> bool {
    name.rsplit(|c: char| !c.is_alphanumeric()).next().is_some_and(|word| word.eq_ignore_ascii_case("convention"))
}

/// The facts in a text: the text itself, or the members of a JSON object, also of objects in it.
pub(super) fn fields(name: &str, cell: &str) -> Vec<(String, String)> {
    let object = cell.starts_with('{').then(|| serde_json::from_str::<Map<String, Json>>(cell).ok()).flatten();
    let Some(object) = object else { return vec![(name.to_owned(), cell.to_owned())] };
    let text = |value: Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.into_iter().flat_map(|(key, value)| fields(&format!("{name}.{key}"), &text(value))).collect()
}
