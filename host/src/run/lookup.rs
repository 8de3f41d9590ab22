//! How a result that is wanted relates to those in a store.

use super::{
    about::About,
    code::Codes,
    differences::differences,
    digest::Digests,
    equal::writes,
    keys::{Part, PassValues, fingerprints, relevant, sources_first},
    settings::Settings,
    shared::{Shared, states_of_reads},
};
use crate::{graph::Checked, store::Store};
use splatgraph_sdk::settings::PNG_TEXT;
use std::{collections::HashMap, sync::Arc};

/// How a result that is wanted relates to those in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The store has it.
    Stored,
    /// The store has it, but a file that the node wrote is gone or changed since.
    FilesTouched,
    /// It is never stored: this node, which is the node itself or one before it, has this input, which can't be compared: a path from
    /// another node, or a file that can't be read. Without an input, the files of the node's pack can't be read.
    Unknown(String, Option<String>),
    /// It is never stored: the node writes, and names no files.
    NoFiles,
    /// The store has no result of the class.
    NoneOfClass,
    /// The nearest result of the class differs in this.
    Nearest(Vec<String>),
}

/// Looks for the result of a node, by its position in [`Checked::nodes`], as a run with these settings would.
#[must_use]
pub fn look_up(store: &Arc<Store>, checked: &Checked, settings: &Settings, node: usize) -> Lookup {
    let (mut digests, mut codes) = (Digests::default(), Codes::Files(HashMap::new()));
    let upstream = checked.until(&[node]);
    let reads = states_of_reads(&upstream);
    let order = sources_first(&upstream);
    let prints: Arc<[_]> =
        fingerprints(&upstream, (&mut digests, &mut codes), settings, &|_| true, PassValues::Any).into();
    let unknown = order.into_iter().find_map(|at| {
        let about = &checked.nodes[at];
        let print = prints[at].as_ref()?;
        let input = print.parts.iter().position(|part| *part == Part::Unknown);
        let input = input.map(|input| about.class.spec.inputs[input].name.clone());
        (print.code.is_none() || input.is_some()).then(|| Lookup::Unknown(about.id.to_string(), input))
    });
    if let Some(unknown) = unknown {
        return unknown;
    }
    let about = &checked.nodes[node];
    if writes(about) && about.writes.is_empty() {
        return Lookup::NoFiles;
    }
    let pictures = settings.get(PNG_TEXT).map(ToString::to_string).unwrap_or_default();
    let shared = Shared::new(store.clone(), &upstream, (prints, reads), relevant(settings), &pictures);
    let now = shared.about(&upstream, node);
    if shared.find(&upstream, node).is_some() {
        return Lookup::Stored;
    }
    let others = store.abouts(&about.class.full_name).into_iter();
    let others = others.filter_map(|then| serde_json::from_value::<About>(then).ok());
    // Of equally near ones, the first was used last.
    let nearest = others.map(|then| differences(&then, &now)).min_by_key(Vec::len);
    match nearest {
        None => Lookup::NoneOfClass,
        Some(found) if !found.is_empty() => Lookup::Nearest(found),
        Some(_) if writes(about) => Lookup::FilesTouched,
        Some(_) => Lookup::Nearest(vec!["something far before the node, or too long to be kept".to_owned()]),
    }
}
