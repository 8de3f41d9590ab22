//! Tells what was changed, and which names a pack had before.

use super::{
    earlier::Earlier,
    follow,
    line::{Line, OfInput, What},
};
use crate::{
    graph::problem::{Kind, Problem},
    registry::Registry,
    words::{count, shown},
};
use semver::Version;
use std::{path::Path, sync::Arc};

/// The most changes that a notice lists.
const LISTED: usize = 3;

/// The notices of a graph: one for each file and pack.
#[derive(Default)]
pub(super) struct Notices {
    applied: Vec<Applied>,
    newer: Vec<String>,
}

struct Applied {
    /// The file of a graph node; `None` for the graph itself.
    file: Option<Arc<Path>>,
    made_with: String,
    runs_with: String,
    /// Each change once.
    said: Vec<String>,
}

impl Notices {
    /// Adds what happened to a node of a graph in `file`. `now` is the loaded version of the pack.
    pub(super) fn add(&mut self, file: Option<Arc<Path>>, earlier: &Earlier, now: &str, said: Vec<String>) {
        if said.is_empty() {
            return;
        }
        let runs_with = format!("{} {now}", earlier.pack);
        let is_it = |of: &Applied| of.file == file && of.made_with == earlier.made_with && of.runs_with == runs_with;
        let at = self.applied.iter().position(is_it).unwrap_or_else(|| {
            let made_with = earlier.made_with.clone();
            self.applied.push(Applied { file: file.clone(), made_with, runs_with, said: Vec::new() });
            self.applied.len() - 1
        });
        for text in said {
            if !self.applied[at].said.contains(&text) {
                self.applied[at].said.push(text);
            }
        }
    }

    /// Adds that a graph was made with a newer version of a pack.
    pub(super) fn newer(&mut self, pack: &str, made: &Version, there: &Version) {
        let text = newer(pack, made, there);
        if !self.newer.contains(&text) {
            self.newer.push(text);
        }
    }

    pub(super) fn problems(self) -> impl Iterator<Item = Problem> {
        let applied = self.applied.into_iter().map(|Applied { file, made_with, runs_with, said }| {
            let graph = file.map_or_else(|| "the graph".to_owned(), |file| format!("the graph {}", shown(&file)));
            let mut listed = said.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join("; ");
            if said.len() > LISTED {
                listed += &format!("; and {} more", said.len() - LISTED);
            }
            let changes = count(said.len(), "change");
            let message =
                format!("{graph} was made with {made_with} and runs with {runs_with}, after {changes}: {listed}");
            Problem::new(Kind::Changed, message).hint("`splatgraph convert` writes the new form".to_owned())
        });
        applied.chain(self.newer.into_iter().map(|text| Problem::new(Kind::PackVersion, text)))
    }
}

/// What to say about a graph that was made with a newer version of a pack.
pub(super) fn newer(pack: &str, made: &Version, there: &Version) -> String {
    format!(
        "the graph was made with {pack} {made}, and {there} is loaded, which may lack what the graph needs; install the newer pack \
         with `splatgraph packs add FILE`"
    )
}

/// For a class or an input that the loaded pack does not have, a text with its new name if it has one.
pub(in crate::graph) fn was_renamed(registry: &Registry, class_type: &str, input: Option<&str>) -> Option<String> {
    let (pack, class) = class_type.split_once('.')?;
    let manifest = &registry.pack(pack)?.manifest;
    let lines = Line::all(manifest);
    let (line, new) =
        lines.iter().enumerate().rev().filter(|(_, line)| line.class == class).find_map(|(at, line)| {
            let later = &lines[at + 1..];
            match (&line.what, input) {
                (What::ClassRenamed(to, _), None) => {
                    let now = follow::classes(to, later).into_iter().next()?;
                    Some((line, format!("`{pack}.{now}`")))
                }
                (What::Input(old, OfInput::Renamed(to)), Some(input)) if *old == input => {
                    Some((line, format!("`{}`", follow::input(class, to, later)?)))
                }
                _ => None,
            }
        })?;
    Some(format!("since {pack} {} it is {new}", line.version))
}
