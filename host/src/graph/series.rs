//! The files of many runs of one graph that differ only in values of named inputs, found without a whole check of each run.

use super::{
    check::Checked,
    file::{Base, File, Source, Target},
    given::inner,
    literal,
    paths::{PathRules, Resolved},
    placeholders::Placeholders,
    template::Template,
    written::WrittenFile,
};
use serde_json::Value as Json;
use splatgraph_sdk::spec::{InputSpec, NodeSpec, PathKind};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is known about the runs of a series after a whole check of one of them.
pub(crate) struct Series {
    rules: Arc<PathRules>,
    /// The inputs that differ, in the order in which they were given.
    inputs: Vec<Input>,
    /// The files that differ.
    files: Vec<Differing>,
    /// The values of `{stem}` and of the names of inputs.
    stem: Option<Filler>,
    named: Vec<(String, Filler)>,
    /// The files that all runs have.
    pub(crate) shared: Vec<RunFile>,
}

/// A file that a run reads or writes.
#[derive(Clone, Debug)]
pub(crate) struct RunFile {
    /// The position of the node.
    pub(crate) node: usize,
    pub(crate) kind: PathKind,
    /// Whether a `{b}` in the name of a file to write stands for numbers.
    pub(crate) has_number: bool,
    pub(crate) path: PathBuf,
}

/// A named input that differs.
struct Input {
    targets: Vec<Spec>,
    /// Whether a path has its value.
    in_paths: bool,
}

/// The declaration of an input of a node.
#[derive(Clone)]
struct Spec {
    node: usize,
    class: Arc<NodeSpec>,
    input: usize,
}

impl Spec {
    fn get(&self) -> &InputSpec {
        &self.class.inputs[self.input]
    }
}

/// A value of a placeholder: the same in all runs, or that of the input at this position.
enum Filler {
    Fixed(String),
    Input(usize),
}

struct Differing {
    spec: Spec,
    kind: PathKind,
    /// Whether the runs need its node.
    needed: bool,
    text: Filler,
    base: Base,
    /// The path as a template, if it is one.
    template: Option<Template>,
}

impl Series {
    /// Looks at a run that is whole and right. `file` is its graph without values from the user, `differing` are the names of the
    /// inputs in which the runs differ, and `sets` are the inputs that have other values from the user, as `node.input`. Returns
    /// `None` if only whole checks tell what the runs read and write.
    pub(crate) fn new<'a>(
        first: &Checked,
        file: &File,
        needed: &[bool],
        differing: impl Iterator<Item = &'a str>,
        sets: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let position = |id: &str| first.nodes.iter().position(|node| *node.id == *id);
        let spec = |target: &Target| -> Option<Spec> {
            let node = position(&target.node)?;
            let class = Arc::clone(&first.nodes[node].class.spec);
            let input = class.inputs.iter().position(|spec| spec.name == target.input)?;
            Some(Spec { node, class, input })
        };
        let targets = |name: &str| -> Option<Vec<Spec>> {
            let named = file.named_input(name)?;
            named.targets.iter().flat_map(|target| inner(file, target.clone())).map(|target| spec(&target)).collect()
        };
        let mut names = Vec::new();
        let mut inputs = Vec::new();
        for name in differing {
            names.push(name);
            inputs.push(Input { targets: targets(name)?, in_paths: false });
        }
        // An input that is set twice has the value that is set last, which is not looked at here.
        let mut seen: Vec<(usize, usize)> = Vec::new();
        for target in inputs.iter().flat_map(|input| &input.targets) {
            if file.changes_values_of(&first.nodes[target.node].id, &target.get().name) {
                return None;
            }
            if seen.contains(&(target.node, target.input)) || (target.get().list && target.get().path.is_some()) {
                return None;
            }
            seen.push((target.node, target.input));
        }
        for set in sets {
            let target = Target::parse(set)?;
            let set = inner(file, target).iter().map(&spec).collect::<Option<Vec<_>>>()?;
            if set.iter().any(|set| seen.contains(&(set.node, set.input))) {
                return None;
            }
        }
        let setter = |node: usize, name: &str| -> Option<usize> {
            let is_it = |target: &Spec| target.node == node && target.get().name == name;
            inputs.iter().position(|input| input.targets.iter().any(is_it))
        };
        let stem = first.paths.value_of("stem").map(str::to_owned);
        let stem = match (stem, stem_input(first, &setter)) {
            (Some(_), Some((input, true))) => Some(Filler::Input(input)),
            // The first path has no stem, or is not there in this run.
            (_, Some((_, false))) | (None, Some(_)) => return None,
            (stem, None) => stem.map(Filler::Fixed),
        };
        let named = first.file().inputs.iter().filter_map(|named| {
            let value = match names.iter().position(|name| *name == named.name) {
                Some(input) => Filler::Input(input),
                None => Filler::Fixed(first.paths.value_of(&named.name)?.to_owned()),
            };
            // Two named inputs may set one input.
            Some((named.name.clone(), value))
        });
        let named: Vec<(String, Filler)> = named.collect();
        let mut series = Self {
            rules: Arc::clone(&first.paths),
            inputs: Vec::new(),
            files: Vec::new(),
            stem,
            named,
            shared: Vec::new(),
        };
        series.find_files(first, needed, &setter)?;
        series.inputs = inputs;
        series.mark_inputs_in_paths();
        Some(series)
    }

    /// Finds which files differ, and which all runs have.
    fn find_files(
        &mut self,
        first: &Checked,
        needed: &[bool],
        setter: &dyn Fn(usize, &str) -> Option<usize>,
    ) -> Option<()> {
        for (node, about) in first.nodes.iter().enumerate() {
            for (position, spec) in about.class.spec.inputs.iter().enumerate() {
                let (Some(kind), Some(input)) = (spec.path, setter(node, &spec.name)) else { continue };
                let spec = Spec { node, class: Arc::clone(&about.class.spec), input: position };
                let (text, base) = (Filler::Input(input), Base::CommandLine);
                self.files.push(Differing { spec, kind, needed: needed[node], text, base, template: None });
            }
        }
        for used in first.used().iter().filter(|used| setter(used.node, &used.input).is_none()) {
            let differs = used.written.is_some() && self.differs(&used.text);
            if !differs {
                let has_number = used.written.as_ref().is_some_and(WrittenFile::has_number);
                let file = RunFile { node: used.node, kind: used.kind, has_number, path: used.path.clone() };
                self.shared.extend(needed[used.node].then_some(file));
                continue;
            }
            let class = Arc::clone(&first.nodes[used.node].class.spec);
            let input = class.inputs.iter().position(|spec| spec.name == used.input)?;
            let base = first.file().nodes[used.node].inputs.iter().find(|input| input.name == used.input);
            let base = base.map(|input| input.base.clone()).unwrap_or_default();
            let spec = Spec { node: used.node, class, input };
            let needed = needed[used.node];
            let template = self.template(spec.get(), &used.text, &base);
            let text = Filler::Fixed(used.text.clone());
            self.files.push(Differing { spec, kind: used.kind, needed, text, base, template });
        }
        Some(())
    }

    /// Whether a path has a placeholder whose value differs.
    fn differs(&self, text: &str) -> bool {
        let is_input = |filler: &Filler| matches!(filler, Filler::Input(_));
        text.contains("{index}")
            || (text.contains("{stem}") && self.stem.as_ref().is_some_and(is_input))
            || self.named.iter().any(|(name, value)| is_input(value) && text.contains(&format!("{{{name}}}")))
    }

    /// The template of a path to write.
    fn template(&self, spec: &InputSpec, text: &str, base: &Base) -> Option<Template> {
        let named = self.named.iter().map(|(name, _)| name.as_str());
        Template::new(named.collect(), self.stem.is_some(), |marked| {
            match self.rules.resolve_with(marked, spec, PathKind::Write, text, base) {
                Ok(Resolved::Write(file)) if !file.is_foreign => Some(file),
                _ => None,
            }
        })
        .filter(|template| template.has_own_extension() || !spec.extensions_only)
    }

    /// Marks the inputs whose values are needed to find the files of a run.
    fn mark_inputs_in_paths(&mut self) {
        let texts = self.files.iter().filter_map(|file| match &file.text {
            Filler::Fixed(text) => Some(text.as_str()),
            Filler::Input(_) => None,
        });
        let texts: Vec<&str> = texts.collect();
        let any = |placeholder: &str| {
            let has = format!("{{{placeholder}}}");
            // A path that a run gives may have any placeholder.
            texts.iter().any(|text| text.contains(&has))
                || self.files.iter().any(|file| file.kind == PathKind::Write && matches!(file.text, Filler::Input(_)))
        };
        let mut marked: Vec<usize> = Vec::new();
        for (name, value) in self
            .named
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .chain(self.stem.iter().map(|stem| ("stem", stem)))
        {
            if let Filler::Input(input) = value
                && any(name)
            {
                marked.push(*input);
            }
        }
        for input in marked {
            self.inputs[input].in_paths = true;
        }
    }

    /// Whether the value of the input at a position is right, as far as it does not depend on others.
    pub(crate) fn fits(&self, input: usize, text: &str) -> bool {
        self.inputs[input].targets.iter().all(|target| {
            let spec = target.get();
            let is_path = spec.path.is_some_and(|kind| kind != PathKind::Write);
            literal::from_text(spec, text).is_ok()
                && (!is_path
                    || self.read(spec, text).is_some_and(|path| path.is_none_or(|path| path.to_str().is_some())))
        })
    }

    /// The path that an input names: `Some(None)` for a built-in model, `None` if there is a problem.
    fn read(&self, spec: &InputSpec, text: &str) -> Option<Option<PathBuf>> {
        let kind = spec.path?;
        match self.rules.resolve(spec, kind, text, &Base::CommandLine) {
            Ok(Resolved::Read(path)) => Some(Some(path)),
            Ok(Resolved::BuiltIn(_)) => Some(None),
            Ok(Resolved::Write(_)) | Err(_) => None,
        }
    }

    /// Adds the files of a run that differ from those of other runs. `value` returns the value of the input at a position, or
    /// `None` for the one in the graph. Returns `None` if only a whole check tells the files, or whether the run is right.
    pub(crate) fn files_of<'v>(
        &self,
        run: usize,
        value: &impl Fn(usize) -> Option<Cow<'v, str>>,
        files: &mut Vec<RunFile>,
    ) -> Option<()> {
        let mut fillers: Option<Fillers> = None;
        for file in &self.files {
            let spec = file.spec.get();
            let text = match &file.text {
                Filler::Fixed(text) => Cow::Borrowed(text.as_str()),
                Filler::Input(input) => value(*input)?,
            };
            let (path, has_number) = if file.kind == PathKind::Write {
                let fillers = match &fillers {
                    Some(known) => known,
                    None => fillers.insert(self.fillers(value)?),
                };
                self.write(file, &text, run, fillers)?
            } else {
                match self.read(spec, &text)? {
                    Some(path) => (path, false),
                    None => continue,
                }
            };
            if file.needed {
                files.push(RunFile { node: file.spec.node, kind: file.kind, has_number, path });
            }
        }
        Some(())
    }

    /// The path of a file to write, and whether it has a number.
    fn write(&self, file: &Differing, text: &str, run: usize, fillers: &Fillers) -> Option<(PathBuf, bool)> {
        if let Some(template) = &file.template {
            return Some((template.fill(run, fillers.stem.as_deref(), &fillers.named), template.has_number));
        }
        let named = self.named.iter().map(|(name, _)| name.clone()).zip(fillers.named.iter().cloned());
        let placeholders = Placeholders::new(fillers.stem.clone(), run, named.collect());
        let spec = file.spec.get();
        let Ok(Resolved::Write(written)) =
            self.rules.resolve_with(&placeholders, spec, PathKind::Write, text, &file.base)
        else {
            return None;
        };
        let is_right = written.text().is_some() && (!file.needed || written.has_extension_of(spec));
        is_right.then(|| (written.path.clone(), written.has_number()))
    }

    /// The values of the placeholders in a run.
    fn fillers<'v>(&self, value: &impl Fn(usize) -> Option<Cow<'v, str>>) -> Option<Fillers> {
        let of = |filler: &Filler, is_stem: bool| -> Option<String> {
            match filler {
                Filler::Fixed(text) => Some(text.clone()),
                Filler::Input(input) if !self.inputs[*input].in_paths => Some(String::new()),
                Filler::Input(input) => {
                    let text = value(*input)?;
                    if is_stem { stem(&text) } else { placeholder(self.inputs[*input].targets.first()?.get(), &text) }
                }
            }
        };
        let stem = match &self.stem {
            Some(stem) => Some(of(stem, true)?),
            None => None,
        };
        let named = self.named.iter().map(|(_, filler)| of(filler, false)).collect::<Option<Vec<_>>>()?;
        Some(Fillers { stem, named })
    }
}

/// The input that sets the path which `{stem}` comes from, and whether it has a stem; `None` if no input that differs sets it.
fn stem_input(first: &Checked, setter: &dyn Fn(usize, &str) -> Option<usize>) -> Option<(usize, bool)> {
    for (node, about) in first.nodes.iter().enumerate() {
        let reads = |spec: &&InputSpec| matches!(spec.path, Some(PathKind::Read | PathKind::ReadDir));
        for spec in about.class.spec.inputs.iter().filter(reads) {
            let value = match first.file().nodes[node].input(&spec.name) {
                Some(Source::Literal(value)) => Some(value),
                Some(_) => None,
                None => spec.default.as_ref(),
            };
            let first_path = value.and_then(|value| value.as_array().map_or(Some(value), |paths| paths.first()));
            let has_stem = first_path.and_then(Json::as_str).and_then(stem).is_some();
            match setter(node, &spec.name) {
                Some(input) => return Some((input, has_stem)),
                None if has_stem => return None,
                None => {}
            }
        }
    }
    None
}

/// The values of the placeholders in a run; the named ones in the order of the graph's named inputs.
struct Fillers {
    stem: Option<String>,
    named: Vec<String>,
}

/// The value of a placeholder with the name of an input.
fn placeholder(spec: &InputSpec, text: &str) -> Option<String> {
    match literal::from_text(spec, text).ok()? {
        Json::String(text) if spec.path.is_some() => stem(&text),
        Json::String(text) => Some(text),
        value => Some(value.to_string()),
    }
}

fn stem(path: &str) -> Option<String> {
    Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

impl Checked {
    /// The files that the nodes that are `needed` read and write, as far as the graph names them.
    pub(crate) fn run_files(&self, needed: &[bool]) -> Vec<RunFile> {
        let used = self.used().iter().filter(|used| needed[used.node]);
        let files = used.map(|used| {
            let has_number = used.written.as_ref().is_some_and(WrittenFile::has_number);
            RunFile { node: used.node, kind: used.kind, has_number, path: used.path.clone() }
        });
        files.collect()
    }
}
