//! Resolves the paths of a graph, and finds files that a run would write over.

use super::{
    super::{
        file::{Base, Source, Target},
        given::Given,
        paths::{Identities, PathRules, Resolved},
        problem::{Kind, Problem},
        written::WrittenFile,
    },
    CheckedNode, Checker, Feed,
    disk::Used,
};
use crate::words::shown;
use serde_json::Value as Json;
use splatgraph_sdk::spec::{InputSpec, PathKind};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

impl Checker<'_> {
    pub(super) fn path_rules(&self, given: &Given) -> PathRules {
        let named = self.file.inputs.iter().filter_map(|named| {
            let target = named.targets.first()?;
            let node = *self.by_id.get(&target.node)?;
            let spec = self.class(node)?.spec.inputs.iter().find(|spec| spec.name == target.input)?.clone();
            let text = match self.literal(node, &spec)? {
                Json::String(text) if spec.path.is_some() => stem(&text)?,
                Json::String(text) => text,
                value => value.to_string(),
            };
            Some((named.name.clone(), text))
        });
        let mut named: Vec<(String, String)> = named.collect();
        let mut stem = self.first_stem();
        // After another problem a value may be unknown. Then the graph can't run, and a problem of its placeholder only follows.
        if !self.problems.is_empty() {
            let unknown = self.file.inputs.iter().filter(|input| named.iter().all(|(name, _)| *name != input.name));
            let unknown: Vec<(String, String)> =
                unknown.map(|input| (input.name.clone(), input.name.clone())).collect();
            named.extend(unknown);
            stem.get_or_insert_with(|| "stem".to_owned());
        }
        PathRules::new(&self.file, given, stem.or_else(|| given.stem.clone()), named)
    }

    /// The file name, without folder and extension, of the first path that the graph reads.
    fn first_stem(&self) -> Option<String> {
        (0..self.file.nodes.len()).find_map(|node| {
            let inputs = &self.class(node)?.spec.inputs;
            let reads = inputs.iter().filter(|spec| matches!(spec.path, Some(PathKind::Read | PathKind::ReadDir)));
            reads.filter_map(|spec| self.literal(node, spec)).find_map(|value| match value {
                Json::String(text) => stem(&text),
                Json::Array(texts) => stem(texts.first()?.as_str()?),
                _ => None,
            })
        })
    }

    /// The value of an input that is not a link: the value in the graph, or else the default.
    fn literal(&self, node: usize, spec: &InputSpec) -> Option<Json> {
        match self.file.nodes[node].input(&spec.name) {
            Some(Source::Literal(value)) => Some(value.clone()),
            Some(_) => None,
            None => spec.default.clone(),
        }
    }

    /// Puts absolute paths into the inputs that are paths, of the nodes that are needed. Leaves out nodes of unknown classes.
    pub(super) fn resolve_paths(
        &mut self,
        feeds: Vec<Vec<Feed>>,
        needed: &[bool],
        rules: &PathRules,
    ) -> (Vec<CheckedNode>, Vec<Used>) {
        let mut nodes = Vec::with_capacity(feeds.len());
        let mut files = Vec::new();
        for (position, mut feeds) in feeds.into_iter().enumerate() {
            let Some(class) = self.class(position).cloned() else { continue };
            let (mut reads, mut writes) = (Vec::new(), Vec::new());
            for (spec, feed) in class.spec.inputs.iter().zip(&mut feeds).filter(|_| needed[position]) {
                let Some(kind) = spec.path else { continue };
                // The pack can't resolve a default path itself.
                let given = self.file.nodes[position].input(&spec.name);
                if let (None | Some(Source::Literal(Json::Null)), Some(default)) = (given, &spec.default) {
                    *feed = Feed::Value(default.clone());
                }
                let Feed::Value(value) = feed else { continue };
                for text in texts(value) {
                    let as_written = text.clone();
                    let (path, written) = match self.resolve(position, spec, kind, text, rules) {
                        Ok(Resolved::BuiltIn(_)) => continue,
                        Ok(Resolved::Read(path)) => (path, None),
                        Ok(Resolved::Write(file)) => (file.path.clone(), Some(file)),
                        Err(problem) => {
                            self.problems.push(problem);
                            continue;
                        }
                    };
                    let absolute = written.as_ref().map_or_else(|| path.to_str(), WrittenFile::text);
                    match absolute.map(str::to_owned) {
                        Some(absolute) => *text = absolute,
                        None => {
                            let message = "expected a path in Unicode; rename the folder";
                            self.problems.push(self.about(Kind::Path, message, position).input(&spec.name));
                        }
                    }
                    match &written {
                        Some(file) => writes.push(file.clone()),
                        None => reads.push(path.clone()),
                    }
                    files.push(Used {
                        node: position,
                        input: spec.name.clone(),
                        kind,
                        text: as_written,
                        written,
                        path,
                    });
                }
            }
            let id = self.file.nodes[position].id.as_str().into();
            nodes.push(CheckedNode { id, class, feeds, reads, writes, repeat: None });
        }
        (nodes, files)
    }

    fn resolve(
        &self,
        node: usize,
        spec: &InputSpec,
        kind: PathKind,
        text: &str,
        rules: &PathRules,
    ) -> Result<Resolved, Problem> {
        let input = self.file.nodes[node].inputs.iter().find(|input| input.name == spec.name);
        let base = input.map(|input| input.base.clone()).unwrap_or_default();
        rules.resolve(spec, kind, text, &base).map_err(|problem| {
            let about =
                self.about(problem.kind, "", node).input(&spec.name).at(input.and_then(|input| input.place.clone()));
            // A user who did not write the graph can give the model without looking into the graph.
            let named = self.file.inputs.iter().find(|named| {
                let is_this = |target: &Target| target.node == self.file.nodes[node].id && target.input == spec.name;
                problem.kind == Kind::MissingModel && base != Base::CommandLine && named.targets.iter().any(is_this)
            });
            let hint = match (named, problem.hint) {
                (Some(named), Some(hint)) => Some(format!("give one with `{}=FILE`; {hint}", named.name)),
                (_, hint) => hint,
            };
            let problem = Problem { hint, ..problem };
            Problem { node: about.node, class: about.class, input: about.input, place: about.place, ..problem }
        })
    }

    /// Reports nodes that would write over a file that the same run reads or writes.
    pub(super) fn check_overwriting(&mut self, files: &[Used]) {
        if files.iter().all(|file| file.written.is_none()) {
            return;
        }
        let mut known = Identities::default();
        let identities: Vec<PathBuf> = files.iter().map(|file| known.of(&file.path)).collect();
        // The first file that is read, and the first that is written, by their identities.
        let [mut read, mut wrote]: [HashMap<&Path, usize>; 2] = Default::default();
        for (position, (file, path)) in files.iter().zip(&identities).enumerate() {
            let of_kind = if file.written.is_some() { &mut wrote } else { &mut read };
            of_kind.entry(path).or_insert(position);
        }
        for (position, (written, target)) in files.iter().zip(&identities).enumerate() {
            let Some(own) = &written.written else { continue };
            let written_before = wrote.get(target.as_path()).copied().filter(|other| *other < position);
            // Names with numbers stand for many files.
            let numbered = || {
                let is_own =
                    |(other, path): &(usize, &PathBuf)| files[*other].written.is_none() && own.may_be(target, path);
                identities.iter().enumerate().find(is_own).map(|(other, _)| other)
            };
            let is_read = if own.has_number() { numbered() } else { read.get(target.as_path()).copied() };
            let Some(other) = written_before.into_iter().chain(is_read).min() else { continue };
            let other = &files[other];
            let other_name = format!("{}.{}", self.file.nodes[other.node].id, other.input);
            let does = if other.written.is_some() { "also writes" } else { "reads" };
            let message = format!("it would write over the file that `{other_name}` {does}");
            let problem = self.about(Kind::Path, message, written.node).input(&written.input);
            let input = self.file.nodes[written.node].inputs.iter().find(|input| input.name == written.input);
            let place = input.and_then(|input| input.place.clone());
            let hint = format!("choose another path than {}", shown(&written.path));
            self.problems.push(problem.at(place).hint(hint));
        }
    }
}

fn stem(path: &str) -> Option<String> {
    Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

fn texts(value: &mut Json) -> Vec<&mut String> {
    match value {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter_mut().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
