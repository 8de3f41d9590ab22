//! The lines of a pack's list of changes.

use super::step::Step;
use semver::Version;
use serde_json::Value as Json;
use splatgraph_sdk::{changes::Change, spec::Manifest};
use std::collections::BTreeMap;

/// A line that can be applied.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// The version of the pack in which it came.
    pub(super) version: Version,
    /// The name of the class before it.
    pub(super) class: &'a str,
    pub(super) what: What<'a>,
}

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum What<'a> {
    /// The class has this name, and these values of inputs.
    ClassRenamed(&'a str, &'a BTreeMap<String, Json>),
    /// The class is gone.
    ClassRemoved(&'a str),
    Input(&'a str, OfInput<'a>),
    Output(&'a str, OfOutput<'a>),
}

/// What happened to an input.
#[derive(Clone, Debug)]
pub(super) enum OfInput<'a> {
    Renamed(&'a str),
    /// Its value chooses a class; the second is the value if it is left out.
    Split(&'a BTreeMap<String, String>, Option<&'a Json>),
    Mapped(Step),
    /// It is gone. The second is the only value that loses nothing.
    Removed(&'a str, Option<&'a Json>),
    /// Graphs that leave it out get this value.
    Was(&'a Json),
}

/// What happened to an output.
#[derive(Clone, Debug)]
pub(super) enum OfOutput<'a> {
    Renamed(&'a str),
    Removed(&'a str),
    WasAt(usize),
}

/// Reads a version. People leave out zeros at its end: `0.2` means `0.2.0`.
pub(crate) fn version(text: &str) -> Option<Version> {
    let padded = ["", ".0", ".0.0"].iter().map(|zeros| format!("{text}{zeros}"));
    padded.into_iter().find_map(|text| Version::parse(&text).ok())
}

impl<'a> Line<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// The line says nothing, or too much.
    pub(super) fn of(change: &'a Change) -> Result<Self, String> {
        let Some(since) = version(&change.version) else {
            return Err(format!("expected a version such as 0.2.0, got {:?}", change.version));
        };
        Ok(Self { version: since, class: &change.class, what: What::of(change)? })
    }

    /// The lines of a pack that can be applied, in the order of their versions.
    pub(super) fn all(manifest: &'a Manifest) -> Vec<Self> {
        let mut lines: Vec<Self> = manifest.changes.iter().filter_map(|change| Self::of(change).ok()).collect();
        lines.sort_by(|a, b| a.version.cmp(&b.version));
        lines
    }

    /// The pack and the class, if the class is one of another pack.
    pub(super) fn foreign(&self) -> Option<&'a str> {
        self.class.contains('.').then_some(self.class)
    }

    /// The line in words.
    pub(super) fn describe(&self) -> String {
        let class = self.class;
        match &self.what {
            What::ClassRenamed(to, _) => format!("`{class}` is now `{to}`"),
            What::ClassRemoved(advice) => format!("`{class}` is gone: {advice}"),
            What::Input(input, of) => match of {
                OfInput::Renamed(to) => format!("the input `{input}` of `{class}` is now `{to}`"),
                OfInput::Split(by, _) => {
                    let mut classes: Vec<String> = by.values().map(|class| format!("`{class}`")).collect();
                    classes.dedup();
                    format!("`{class}` is now {}, by its input `{input}`", classes.join(" or "))
                }
                OfInput::Mapped(step) => format!("the input `{input}` of `{class}` {step}"),
                OfInput::Removed(advice, _) => format!("the input `{input}` of `{class}` is gone: {advice}"),
                OfInput::Was(value) => format!("the input `{input}` of `{class}` stays {value}"),
            },
            What::Output(output, of) => match of {
                OfOutput::Renamed(to) => format!("the output `{output}` of `{class}` is now `{to}`"),
                OfOutput::Removed(advice) => format!("the output `{output}` of `{class}` is gone: {advice}"),
                OfOutput::WasAt(position) => format!("the output {position} of `{class}` is now `{output}`"),
            },
        }
    }
}

impl<'a> What<'a> {
    fn of(change: &'a Change) -> Result<Self, String> {
        let Change { input, output, renamed, values, split, words, factor, list, removed, was, position, .. } = change;
        let keys = [
            ("renamed", renamed.is_some()),
            ("values", !values.is_empty()),
            ("split", !split.is_empty()),
            ("words", !words.is_empty()),
            ("factor", factor.is_some()),
            ("list", *list),
            ("removed", removed.is_some()),
            ("was", was.is_some()),
            ("position", position.is_some()),
        ];
        let keys: Vec<&str> = keys.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key).collect();
        let wrong = |about: &str, expected: &str| {
            let got = if keys.is_empty() { "none that this host knows".to_owned() } else { keys.join(" and ") };
            Err(format!("for {about}, expected one of {expected}, got {got}"))
        };
        let (renamed, removed, was) = (renamed.as_deref(), removed.as_deref(), was.as_ref());
        match (input.as_deref(), output.as_deref()) {
            (Some(_), Some(_)) => Err("expected `input` or `output`, got both".to_owned()),
            (None, None) => match (renamed, removed, keys.as_slice()) {
                (Some(to), _, ["renamed"] | ["renamed", "values"]) => Ok(Self::ClassRenamed(to, values)),
                (_, Some(advice), ["removed"]) => Ok(Self::ClassRemoved(advice)),
                _ => wrong("a class", "`renamed` (with `values`) and `removed`"),
            },
            (Some(input), None) => {
                let of = match (renamed, removed, was, keys.as_slice()) {
                    (Some(to), _, _, ["renamed"]) => OfInput::Renamed(to),
                    (_, _, was, ["split"] | ["split", "was"]) => OfInput::Split(split, was),
                    (_, _, _, ["words"]) => OfInput::Mapped(Step::Words(words.clone())),
                    (_, _, _, ["factor"]) => OfInput::Mapped(Step::Times(factor.unwrap_or(1.0))),
                    (_, _, _, ["list"]) => OfInput::Mapped(Step::List),
                    (_, Some(advice), was, ["removed"] | ["removed", "was"]) => OfInput::Removed(advice, was),
                    (_, _, Some(was), ["was"]) => OfInput::Was(was),
                    _ => {
                        return wrong("an input", "`renamed`, `split`, `words`, `factor`, `list`, `removed` and `was`");
                    }
                };
                Ok(Self::Input(input, of))
            }
            (None, Some(output)) => {
                let of = match (renamed, removed, position, keys.as_slice()) {
                    (Some(to), _, _, ["renamed"]) => OfOutput::Renamed(to),
                    (_, Some(advice), _, ["removed"]) => OfOutput::Removed(advice),
                    (_, _, Some(position), ["position"]) => OfOutput::WasAt(*position),
                    _ => return wrong("an output", "`renamed`, `removed` and `position`"),
                };
                Ok(Self::Output(output, of))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use splatgraph_sdk::changes::since;

    #[test]
    fn a_version_may_leave_out_zeros() {
        assert_eq!(version("0.2"), Some(Version::new(0, 2, 0)));
        assert_eq!(version("3"), Some(Version::new(3, 0, 0)));
        assert_eq!(version("0.2.1-rc.1").unwrap().to_string(), "0.2.1-rc.1");
        for text in ["", "new", "^0.2", "0.2.", "1.2.3.4", "-1"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_says_one_thing() {
        let error = |change: Change| Line::of(&change).unwrap_err();
        insta::assert_snapshot!(error(since("new", "A").renamed("B")), @r#"expected a version such as 0.2.0, got "new""#);
        insta::assert_snapshot!(error(since("1.0", "A")), @"for a class, expected one of `renamed` (with `values`) and `removed`, got none that this host knows");
        insta::assert_snapshot!(error(since("1.0", "A").input("x").renamed("y").list()), @"for an input, expected one of `renamed`, `split`, `words`, `factor`, `list`, `removed` and `was`, got renamed and list");
        insta::assert_snapshot!(error(since("1.0", "A").output("x").was(1)), @"for an output, expected one of `renamed`, `removed` and `position`, got was");
        insta::assert_snapshot!(error(since("1.0", "A").input("x").output("x").renamed("y")), @"expected `input` or `output`, got both");
    }
}
