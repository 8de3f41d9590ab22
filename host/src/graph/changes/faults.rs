//! Finds mistakes in the list of changes of a pack, before graphs rely on it.

use super::{
    follow::{InputTrail, OutputTrail, Trail},
    line::{Line, OfInput, OfOutput, What, version},
    step::Step,
};
use semver::Version;
use splatgraph_sdk::spec::{ChoiceSpec, InputSpec, Manifest, NodeSpec, OutputSpec};

/// The mistakes in the changes of a pack, one in each text.
#[must_use]
pub fn faults(manifest: &Manifest) -> Vec<String> {
    if manifest.changes.is_empty() {
        return Vec::new();
    }
    let Some(own) = version(&manifest.version) else {
        let got = &manifest.version;
        return vec![format!("expected a pack with changes to have a version such as 0.2.0, got {got:?}")];
    };
    let mut faults = Vec::new();
    for (position, change) in manifest.changes.iter().enumerate() {
        let found = Line::of(change).and_then(|line| of_line(&line, manifest, &own));
        if let Err(fault) = found {
            let about = [Some(&change.class), change.input.as_ref(), change.output.as_ref()];
            let about: Vec<String> = about.into_iter().flatten().map(|name| format!("`{name}`")).collect();
            faults.push(format!("change {} ({}): {fault}", position + 1, about.join(", ")));
        }
    }
    let lines = Line::all(manifest);
    for position in 0..lines.len() {
        faults.extend(clash(&lines, position));
        faults.extend(missing(&lines, position, manifest));
    }
    faults
}

/// Mistakes of a line alone.
fn of_line(line: &Line<'_>, manifest: &Manifest, own: &Version) -> Result<(), String> {
    if line.version > *own {
        let since = &line.version;
        return Err(format!(
            "expected at most the version of the pack, {own}, got {since}; raise the version of the pack"
        ));
    }
    if let Some(foreign) = line.foreign() {
        let (pack, class) = foreign.split_once('.').unwrap_or_default();
        if pack == manifest.id {
            return Err(format!("expected the class without its pack, `{class}`, got `{foreign}`"));
        }
        if !matches!(line.what, What::ClassRenamed(..)) {
            return Err("expected `renamed`, as this is a class of another pack".to_owned());
        }
    }
    match &line.what {
        What::Input(_, OfInput::Mapped(Step::Times(factor))) if !factor.is_finite() || *factor == 0.0 => {
            Err(format!("expected a factor other than 0, got {factor}"))
        }
        _ => Ok(()),
    }
}

/// The kind of name that a line gives, where it holds, the name before and the name after.
fn names<'a>(line: &Line<'a>) -> Option<(&'static str, &'a str, &'a str, &'a str)> {
    match &line.what {
        What::ClassRenamed(to, _) => Some(("class", "", line.class, to)),
        What::Input(from, OfInput::Renamed(to)) => Some(("input", line.class, from, to)),
        What::Output(from, OfOutput::Renamed(to)) => Some(("output", line.class, from, to)),
        _ => None,
    }
}

/// Names of one version that lead back, or a name that gets two others.
fn clash(lines: &[Line<'_>], position: usize) -> Option<String> {
    let line = &lines[position];
    let (kind, of, first, to) = names(line)?;
    let of_class = if of.is_empty() { String::new() } else { format!(" of `{of}`") };
    let mut chain = vec![first, to];
    for later in lines[position + 1..].iter().filter(|later| later.version == line.version) {
        let Some((_, _, from, to)) = names(later).filter(|later| (later.0, later.1) == (kind, of)) else { continue };
        if from == first && !chain[1..].contains(&first) {
            return Some(format!(
                "in version {}, the {kind} `{first}`{of_class} gets two names, `{}` and `{to}`",
                line.version, chain[1]
            ));
        }
        if chain.last() == Some(&from) {
            chain.push(to);
            if to == first {
                let chain = chain.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" > ");
                return Some(format!(
                    "in version {}, the names of a {kind}{of_class} lead back: {chain}; lines apply one after the other, so leave them out",
                    line.version
                ));
            }
        }
    }
    (first == to)
        .then(|| format!("in version {}, the {kind} `{first}`{of_class} gets the name that it has", line.version))
}

/// What a line names that the pack does not have in the end.
fn missing(lines: &[Line<'_>], position: usize, manifest: &Manifest) -> Vec<String> {
    let (line, later) = (&lines[position], &lines[position + 1..]);
    let of = |class: &str, inputs: Vec<&str>| Trail {
        class: class.to_owned(),
        inputs: inputs.into_iter().map(InputTrail::of).collect(),
        ..Trail::default()
    };
    let trails = match &line.what {
        What::ClassRenamed(to, values) => vec![of(to, values.keys().map(String::as_str).collect())],
        What::Input(_, OfInput::Split(by, _)) => by.values().map(|class| of(class, Vec::new())).collect(),
        What::Input(_, OfInput::Renamed(to)) => vec![of(line.class, vec![to])],
        What::Input(name, OfInput::Mapped(step)) => {
            let mut trail = of(line.class, vec![name]);
            if let Step::Words(words) = step {
                let choice = |word: &String| ChoiceSpec { name: word.clone(), ..ChoiceSpec::default() };
                trail.inputs[0].spec.choices = words.values().map(choice).collect();
            }
            vec![trail]
        }
        What::Input(name, OfInput::Was(_)) => vec![of(line.class, vec![name])],
        What::Output(name, of_output @ (OfOutput::Renamed(_) | OfOutput::WasAt(_))) => {
            let name = if let OfOutput::Renamed(to) = of_output { to } else { name };
            let spec = OutputSpec { name: (*name).to_owned(), ..OutputSpec::default() };
            let output = OutputTrail { spec, position: usize::MAX, now: Some((*name).to_owned()), moved: false };
            vec![Trail { outputs: vec![output], ..of(line.class, Vec::new()) }]
        }
        What::ClassRemoved(_) | What::Input(_, OfInput::Removed(..)) | What::Output(_, OfOutput::Removed(_)) => {
            Vec::new()
        }
    };
    let about = |fault: String| format!("in version {}, {}, but {fault}", line.version, line.describe());
    let mut faults = Vec::new();
    for trail in trails.into_iter().flat_map(|trail| trail.follow(later)).filter(|trail| !trail.removed) {
        let Some(node) = manifest.nodes.iter().find(|node| node.name == trail.class) else {
            // All values of its input may have got other classes.
            if trail.split.is_none() {
                faults.push(about(format!("the pack has no node `{}`", trail.class)));
            }
            continue;
        };
        faults.extend(missing_parts(&trail, node).into_iter().map(about));
        if let What::Input(_, OfInput::Mapped(step)) = &line.what {
            let input = &trail.inputs[0];
            let spec = node.inputs.iter().find(|spec| Some(&spec.name) == input.now.as_ref());
            faults.extend(spec.and_then(|spec| misfit(step, spec, &input.spec)).map(about));
        }
    }
    faults
}

fn missing_parts(trail: &Trail, node: &NodeSpec) -> Vec<String> {
    let inputs = trail.inputs.iter().filter_map(|input| input.now.as_ref());
    let inputs = inputs.filter(|name| !node.inputs.iter().any(|spec| spec.name == **name));
    let outputs = trail.outputs.iter().filter_map(|output| output.now.as_ref());
    let outputs = outputs.filter(|name| !node.outputs.iter().any(|spec| spec.name == **name));
    let inputs = inputs.map(|name| format!("the node `{}` has no input `{name}`", node.name));
    inputs.chain(outputs.map(|name| format!("the node `{}` has no output `{name}`", node.name))).collect()
}

/// Why an input can't have the values that a step gives. `mapped` has the words that the step gives, as later lines leave them.
fn misfit(step: &Step, spec: &InputSpec, mapped: &InputSpec) -> Option<String> {
    let takes = |types: &[&str]| spec.socket.split(',').any(|socket| types.contains(&socket));
    match step {
        Step::Times(_) if !takes(&["INT", "FLOAT", "JSON", "*"]) => {
            Some(format!("the input `{}` takes no numbers, but {}", spec.name, spec.socket))
        }
        Step::List if !spec.list && !takes(&["JSON", "*"]) => Some(format!("the input `{}` takes no list", spec.name)),
        Step::Words(_) if !spec.choices.is_empty() => {
            let is_known = |word: &ChoiceSpec| spec.choices.iter().any(|choice| choice.name == word.name);
            let unknown = mapped.choices.iter().find(|word| !is_known(word));
            unknown.map(|word| format!("the input `{}` has no choice {:?}", spec.name, word.name))
        }
        _ => None,
    }
}
