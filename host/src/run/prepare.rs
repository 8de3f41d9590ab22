//! Decides which nodes run, and which results come from the cache or the store.

use super::{
    kept::Kept,
    keys::{Fingerprint, Keep, Key, PassValues, relevant},
    plan::Plan,
    settings::Settings,
    shared::{Shared, states_of_reads},
    why::{Why, why_it_runs},
};
use crate::{graph::Checked, lock::lock, store::Store};
use splatgraph_sdk::{Value, settings::PNG_TEXT};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// A run before its first node.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// Outputs that are there, by the positions of their nodes.
    pub(super) supplied: Vec<(usize, Vec<Value>)>,
    /// The files that nodes would write again, by the ids of the nodes.
    pub(super) unchanged: Vec<(Arc<str>, PathBuf)>,
    pub(super) fingerprints: Arc<[Option<Fingerprint>]>,
    /// The store, if there is one.
    pub(super) shared: Option<Shared>,
    pub(super) whys: Vec<Why>,
}

/// Decides which nodes run. `values` are those of a pass, for the node [`Checked::values`].
pub(super) fn prepare(
    kept: &Mutex<Kept>,
    store: Option<&Arc<Store>>,
    (checked, values): (&Checked, &[Value]),
    settings: &Settings,
    keep: &Keep<'_>,
) -> Prepared {
    let of_pass: Vec<(usize, Vec<Value>)> = checked.values.map(|node| (node, values.to_vec())).into_iter().collect();
    let mut all = lock(kept);
    if !all.cache.is_on() && store.is_none() {
        let plan = Plan::new(checked, |node| Some(node) == checked.values);
        return Prepared {
            whys: plan.may_run.iter().map(|&runs| if runs { Why::CacheOff } else { Why::NotNeeded }).collect(),
            plan,
            supplied: of_pass,
            unchanged: Vec::new(),
            fingerprints: vec![None; checked.nodes.len()].into(),
            shared: None,
        };
    }
    // Other processes may want any result.
    let keep_all = store.is_some();
    let reads = if keep_all { states_of_reads(checked) } else { Vec::new() };
    let fingerprints: Arc<[_]> =
        all.fingerprints(checked, settings, &|node| keep_all || keep(node), PassValues::Are(values)).into();
    drop(all);
    let shared = store.map(|store| {
        let pictures = settings.get(PNG_TEXT).map(ToString::to_string).unwrap_or_default();
        Shared::new(store.clone(), checked, (fingerprints.clone(), reads), relevant(settings), &pictures)
    });
    let (mut supplied, mut unchanged, mut stored) = (of_pass, Vec::new(), vec![false; checked.nodes.len()]);
    let plan = Plan::new(checked, |node| {
        if Some(node) == checked.values {
            return true;
        }
        let Some(key) = fingerprints[node].as_ref().and_then(Fingerprint::key) else { return false };
        let found = cached_outputs(kept, checked, node, &key).or_else(|| {
            let found = shared.as_ref()?.find(checked, node)?;
            stored[node] = true;
            // A file that is not written again has more in it than this key knows.
            if found.1.is_empty() && keep(node) {
                lock(kept).cache.insert(key, found.0.clone());
            }
            Some(found)
        });
        let Some((outputs, files)) = found else { return false };
        supplied.push((node, outputs));
        unchanged.extend(files.into_iter().map(|path| (checked.nodes[node].id.clone(), path)));
        true
    });
    supplied.sort_by_key(|(node, _)| *node);
    let all = lock(kept);
    let why = |(node, fingerprint): (usize, &Option<Fingerprint>)| match fingerprint {
        Some(now) if plan.may_run[node] => {
            let at = &checked.nodes[node];
            let why = why_it_runs(at, |source| checked.nodes[source].id.to_string(), all.last.get(&at.id), now);
            match (why, now.key()) {
                (Why::FirstTime, _) if shared.is_some() => Why::NotStored,
                (Why::NotKept, Some(key)) if at.class.spec.output => all.written.why_again(&at.id, &key),
                (why, _) => why,
            }
        }
        Some(_) if checked.nodes[node].class.spec.output => Why::Written,
        Some(_) if stored[node] => Why::Stored,
        Some(_) => Why::Cached,
        None => Why::NotNeeded,
    };
    let whys = fingerprints.iter().enumerate().map(why).collect();
    drop(all);
    Prepared { plan, supplied, unchanged, fingerprints, shared, whys }
}

/// The outputs of a node in the cache, and the files that it would write, which have not changed.
fn cached_outputs(kept: &Mutex<Kept>, checked: &Checked, node: usize, key: &Key) -> Option<(Vec<Value>, Vec<PathBuf>)> {
    let mut kept = lock(kept);
    // An output node runs unless the files that it would write are there.
    let at = &checked.nodes[node];
    if !at.class.spec.output {
        return Some((kept.cache.get(key)?, Vec::new()));
    }
    if !kept.written.untouched(&at.id, key) {
        return None;
    }
    let files = kept.written.files(&at.id, key).iter().map(|(path, _)| path.clone()).collect();
    Some((kept.cache.get(key)?, files))
}
