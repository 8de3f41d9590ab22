//! Which pack's lines a node gets: those of its own pack, or of a pack that took over its class.

use super::{Log, line::Line};
use crate::{
    graph::{
        file::Node,
        problem::{Kind, Problem},
    },
    registry::Registry,
};

/// The lines for a node.
pub(super) struct Claim<'a> {
    pub(super) log: &'a Log<'a>,
    pub(super) lines: &'a [Line<'a>],
    /// The class as the first line may name it.
    pub(super) class: String,
    /// The pack and version with which the graph was made.
    pub(super) made_with: String,
}

/// The lines for a node whose class is `class` of `pack`; `None` if there are none.
///
/// # Errors
/// Several packs say what became of the class.
pub(super) fn claims<'a>(
    node: &Node,
    (pack, class): (&str, &str),
    registry: &Registry,
    logs: &'a [Log<'a>],
) -> Result<Option<Claim<'a>>, Problem> {
    let full = &node.class_type;
    let made_with = node.version.as_ref().map_or_else(|| pack.to_owned(), |version| format!("{pack} {version}"));
    let own = node.version.as_ref().and_then(|made| {
        let log = logs.iter().find(|log| log.pack == pack)?;
        let later = log.lines.partition_point(|line| line.version <= *made);
        Some(Claim { log, lines: &log.lines[later..], class: class.to_owned(), made_with: made_with.clone() })
    });
    let own = own.filter(|claim| claim.lines.iter().any(|line| line.class == class));
    let is_there = registry.class(full).is_some();
    let takes_over = |log: &'a Log<'a>| {
        let first = log.lines.iter().position(|line| line.foreign() == Some(full.as_str())).filter(|_| !is_there)?;
        Some(Claim { log, lines: &log.lines[first..], class: full.clone(), made_with: made_with.clone() })
    };
    let mut all: Vec<Claim<'a>> = own.into_iter().chain(logs.iter().filter_map(takes_over)).collect();
    if all.len() > 1 {
        let says = |claim: &Claim<'_>| {
            let line = claim.lines.iter().find(|line| line.class == claim.class);
            format!("`{}` ({})", claim.log.pack, line.map(Line::describe).unwrap_or_default())
        };
        let says: Vec<String> = all.iter().map(says).collect();
        let problem = Problem::new(Kind::UnknownClass, format!("expected one pack that says what became of `{full}`"));
        let problem = problem.received(says.join(" and "));
        return Err(problem.hint("give the node the class that is meant".to_owned()));
    }
    Ok(all.pop())
}
