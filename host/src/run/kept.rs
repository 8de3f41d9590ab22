//! Everything that a runner keeps from run to run.

use super::{
    cache::Cache,
    code::Codes,
    digest::Digests,
    keys::{Fingerprint, Keep, PassValues, fingerprints},
    settings::Settings,
    written::Written,
};
use crate::{
    graph::{Checked, CheckedNode},
    lock::lock,
    registry::{Instance, NodeSource},
};
use splatgraph_sdk::Error;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Everything that stays from run to run.
pub(super) struct Kept {
    /// By node id and class. The source that made an instance stands beside it: a reloaded pack makes new instances.
    pub(super) instances: HashMap<(Arc<str>, String), Made>,
    pub(super) cache: Cache,
    pub(super) digests: Digests,
    codes: Codes,
    /// By node id, everything that its last result depended on.
    pub(super) last: HashMap<Arc<str>, Fingerprint>,
    /// The files that output nodes wrote.
    pub(super) written: Written,
}

/// An instance with the source that made it.
type Made = (Arc<dyn NodeSource>, Arc<dyn Instance>);

impl Kept {
    /// `by_content` says that the keys of results have to be the same in all processes.
    pub(super) fn new(cache_bytes: u64, by_content: bool) -> Self {
        Self {
            instances: HashMap::new(),
            cache: Cache::new(cache_bytes),
            digests: Digests::default(),
            codes: if by_content { Codes::Files(HashMap::new()) } else { Codes::Loads },
            last: HashMap::new(),
            written: Written::default(),
        }
    }

    /// The fingerprints of the nodes that `keep` accepts; see [`fingerprints`].
    pub(super) fn fingerprints(
        &mut self,
        checked: &Checked,
        settings: &Settings,
        keep: &Keep<'_>,
        values: PassValues<'_>,
    ) -> Vec<Option<Fingerprint>> {
        fingerprints(checked, (&mut self.digests, &mut self.codes), settings, keep, values)
    }
}

/// The instance of a node, which a run made before, or which is made now.
pub(super) fn instance(kept: &Mutex<Kept>, node: &CheckedNode) -> Result<Arc<dyn Instance>, Error> {
    let name = (node.id.clone(), node.class.full_name.clone());
    let source = &node.class.pack.nodes;
    if let Some((made_by, instance)) = lock(kept).instances.get(&name)
        && Arc::as_ptr(made_by).addr() == Arc::as_ptr(source).addr()
    {
        return Ok(instance.clone());
    }
    // Outside the lock, as this runs code of the pack, which may take long or panic.
    let instance: Arc<dyn Instance> = source.create(&node.class.spec.name)?.into();
    lock(kept).instances.insert(name, (source.clone(), instance.clone()));
    Ok(instance)
}
