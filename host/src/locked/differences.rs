//! Compares a lock with a run.

use std::collections::{BTreeMap, HashSet};

use splatgraph_sdk::spec::PathKind;

use super::content::{Lock, LockedPack};
use super::file::{LockError, graph_sum};
use crate::graph::{Checked, File, Kind, Problem, Problems};
use crate::registry::Registry;
use crate::run::Settings;
use crate::sums;

/// What to do about a change that is meant.
const AGAIN: &str = "take the change back, or write a new lock with `splatgraph lock`";

impl Lock {
    /// Compares a run with this lock. Files that the user names on the command line may be any, and files of nodes that do not run
    /// are not missed. A model has to be in the lock, whoever names it.
    ///
    /// # Errors
    /// All differences, or a file that can't be read.
    pub fn check(&self, checked: &Checked, settings: &Settings) -> Result<Result<(), Problems>, LockError> {
        let origin = &checked.file().origin;
        let now = Self::of(checked, graph_sum(origin)?, settings)?;
        let mut problems = self.of_texts(&now.graph, &now.parts);
        for (id, pack) in &now.packs {
            problems.extend(self.of_pack(id, Some(pack)));
        }
        let given: HashSet<String> = checked
            .reads()
            .into_iter()
            .filter(|read| read.given && read.kind != PathKind::Model)
            .map(|r| r.name)
            .collect();
        let is_given = |name: &String| given.contains(name.trim_end_matches('/'));
        for (name, sum) in now.files.iter().filter(|(name, _)| !is_given(name)) {
            let what = if name.ends_with('/') { "folder" } else { "file" };
            // A picture does not have the sums of folders.
            if self.files.get(name).is_none_or(Option::is_some) {
                problems.extend(different(&format!("the {what} `{name}`"), self.files.get(name), Some(sum.as_ref())));
            }
        }
        for (name, sum) in &now.models {
            // A model from the command line may have another path.
            let locked =
                self.models.get(name).or_else(|| self.models.values().find(|locked| sum.is_some() && *locked == sum));
            problems.extend(different(&format!("the model `{name}`"), locked, Some(sum.as_ref())));
        }
        problems.extend(self.of_machine(&now));
        Ok(if problems.is_empty() { Ok(()) } else { Err(Problems::new(problems, origin.to_string())) })
    }

    /// The differences of a graph that can't be checked, for example as a pack is missing: of its texts and of the packs in the lock.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn of_unchecked(&self, file: &File, registry: &Registry) -> Result<Vec<Problem>, LockError> {
        // A part that can't be read is a problem of the graph.
        let parts = file.named_parts().into_iter().filter_map(|(name, path)| Some((name, sums::of_file(&path).ok()?)));
        let mut problems = self.of_texts(&graph_sum(&file.origin)?, &parts.collect());
        for id in self.packs.keys() {
            let there = registry.pack(id).map(|pack| LockedPack {
                version: pack.manifest.version.clone(),
                sha256: sums::of_pack(pack).ok().flatten(),
            });
            problems.extend(self.of_pack(id, there.as_ref()));
        }
        Ok(problems)
    }

    fn of_texts(&self, graph: &str, parts: &BTreeMap<String, String>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.graph != graph {
            problems.push(problem("the text of the graph").expected(sum_text(&self.graph)).received(sum_text(graph)));
        }
        for (name, sum) in parts {
            let locked = self.parts.get(name).cloned().map(Some);
            problems.extend(different(&format!("the graph `{name}`"), locked.as_ref(), Some(Some(sum))));
        }
        let gone = self.parts.iter().filter(|(name, _)| !parts.contains_key(*name));
        problems.extend(
            gone.filter_map(|(name, sum)| different(&format!("the graph `{name}`"), Some(&Some(sum.clone())), None)),
        );
        problems.into_iter().map(|problem| problem.hint(AGAIN.to_owned())).collect()
    }

    fn of_pack(&self, id: &str, there: Option<&LockedPack>) -> Option<Problem> {
        let describe = |pack: &LockedPack| match &pack.sha256 {
            Some(sum) => format!("version {} with the SHA-256 {sum}", pack.version),
            None => format!("version {} as a part of the program", pack.version),
        };
        let locked = self.packs.get(id);
        if locked == there {
            return None;
        }
        let none = || "no such pack".to_owned();
        let problem = problem(&format!("the pack `{id}`"));
        let problem = problem.expected(locked.map_or_else(none, describe)).received(there.map_or_else(none, describe));
        Some(problem.hint(match locked {
            Some(_) => "install the pack of the lock with `splatgraph packs add`, or write a new lock with `splatgraph lock`".to_owned(),
            None => AGAIN.to_owned(),
        }))
    }

    /// The differences of the device and the processor.
    fn of_machine(&self, now: &Self) -> Vec<Problem> {
        let none = || "none".to_owned();
        let text = |value: &Option<String>| value.clone().unwrap_or_else(none);
        let values = [
            ("the device", text(&self.device), text(&now.device), "choose the device of the lock"),
            ("the precision", text(&self.precision), text(&now.precision), "choose the precision of the lock"),
            ("the instruction set of the processor", self.instructions.clone(), now.instructions.clone(), ""),
        ];
        let different = values.into_iter().filter(|(_, locked, there, _)| locked != there);
        let problem = |(what, locked, there, todo): (&str, String, String, &str)| {
            let todo = match todo {
                // A processor with more instructions has those of the lock too.
                "" if ["portable", "avx2"].contains(&&*locked) && there.starts_with("avx") => {
                    format!("set SPLATGRAPH_CPU={locked}")
                }
                "" => "run it on a processor with them".to_owned(),
                todo => todo.to_owned(),
            };
            problem(what)
                .expected(locked)
                .received(there)
                .hint(format!("{todo}, or write a new lock with `splatgraph lock`"))
        };
        different.map(problem).collect()
    }
}

/// The difference of a sum: `locked` is the one in the lock, if there is one, and `there` the one that is found. Models inside packs
/// have none.
fn different(what: &str, locked: Option<&Option<String>>, there: Option<Option<&String>>) -> Option<Problem> {
    let same = locked.map(Option::as_ref) == there;
    let describe = |sum: Option<&String>| sum.map_or_else(|| "the one inside the pack".to_owned(), |sum| sum_text(sum));
    let problem = || {
        let expected = locked.map_or_else(|| "nothing of this name".to_owned(), |sum| describe(sum.as_ref()));
        let received = there.map_or_else(|| "nothing of this name".to_owned(), describe);
        problem(what).expected(expected).received(received).hint(AGAIN.to_owned())
    };
    (!same).then(problem)
}

fn sum_text(sum: &str) -> String {
    format!("the SHA-256 {sum}")
}

/// A difference of something that the lock names.
fn problem(what: &str) -> Problem {
    Problem::new(Kind::Locked, format!("{what} is not as in the lock"))
}
