//! The results of a run in the store: which nodes take theirs from it, and which give theirs to it.

use super::{
    about::About,
    equal::writes,
    keys::{Fingerprint, Key},
    settings::writes_png,
};
use crate::{
    file_state::FileState,
    graph::{Checked, Feed},
    lock::lock,
    sha256::{hex, of_bytes},
    store::{Claim, Store},
};
use sha2::{Digest, Sha256};
use splatgraph_sdk::{Error, Value, settings::PNG_TEXT};
use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A result that took less time than this, and [`NANOSECONDS_A_BYTE`], is not stored unless the graph asks for it: making it again
/// is about as fast. Measured in the quick profile with 2 busy cores: 25 MB take 0.05 s of processor time to write and as much to read, and
/// a small entry takes at most 0.8 ms to read.
const CHEAP: Duration = Duration::from_millis(1);
const NANOSECONDS_A_BYTE: f64 = 4.0;

/// The store as one run sees it.
pub(super) struct Shared {
    store: Arc<Store>,
    fingerprints: Arc<[Option<Fingerprint>]>,
    /// For each node, the key of its result in the store.
    keys: Vec<Option<Key>>,
    /// Whether the outputs of a node are results of the graph, or go into files.
    asked: Vec<bool>,
    /// The settings that change results.
    settings: BTreeMap<String, String>,
    /// The digest of the text that nodes write into pictures.
    pictures: String,
    /// For each node, the files that it reads, as they were before their content was read for the key.
    reads: Vec<Vec<FileState>>,
    /// The nodes whose results do not belong to their keys.
    strangers: Mutex<HashSet<usize>>,
}

/// The files that each node reads, as they are now.
pub(super) fn states_of_reads(checked: &Checked) -> Vec<Vec<FileState>> {
    let states = |paths: &[PathBuf]| paths.iter().map(|path| FileState::of(path)).collect();
    checked.nodes.iter().map(|node| states(&node.reads)).collect()
}

/// What the store says about a node that is about to run.
pub(super) enum Taken {
    /// Another run made the result.
    Outputs(Vec<Value>),
    /// This run makes the result. Others wait until the claim is dropped.
    Claim(Option<Claim>),
}

impl Shared {
    /// `pictures` is the text that nodes write into pictures, and `reads` has the [states](states_of_reads) from before the fingerprints.
    pub(super) fn new(
        store: Arc<Store>,
        checked: &Checked,
        (fingerprints, reads): (Arc<[Option<Fingerprint>]>, Vec<Vec<FileState>>),
        settings: BTreeMap<String, String>,
        pictures: &str,
    ) -> Self {
        let key = |(node, print): (usize, &Option<Fingerprint>)| {
            let key = print.as_ref()?.key()?;
            // A picture has more in it than the result of its node.
            let of_picture = || Sha256::new().chain_update(key).chain_update(pictures).finalize().into();
            Some(if writes_png(&checked.nodes[node].class.spec) { of_picture() } else { key })
        };
        let pictures_sum = hex(&of_bytes(pictures.as_bytes()));
        let keys = fingerprints.iter().enumerate().map(key).collect();
        let mut asked = vec![false; checked.nodes.len()];
        let outputs = checked.outputs.iter().map(|(_, socket)| socket.node);
        // What goes into files is wanted again when a file is gone, or is written to another folder.
        let writers = checked.nodes.iter().filter(|node| writes(node));
        let written = writers.flat_map(|node| &node.feeds).flat_map(Feed::sockets).map(|socket| socket.node);
        checked.roots.iter().copied().chain(outputs).chain(written).for_each(|node| asked[node] = true);
        let strangers = Mutex::default();
        Self { store, fingerprints, keys, asked, settings, pictures: pictures_sum, reads, strangers }
    }

    /// Whether the result of a node that ran belongs to its key. It does not if a file changed after the key was made, and the node may
    /// have read the new content, or if it took a value of such a node.
    pub(super) fn belongs(&self, checked: &Checked, node: usize) -> bool {
        let at = &checked.nodes[node];
        let mut strangers = lock(&self.strangers);
        let is_stranger = at.feeds.iter().flat_map(Feed::sockets).any(|socket| strangers.contains(&socket.node))
            || at.reads.iter().zip(&self.reads[node]).any(|(path, state)| FileState::of(path) != *state);
        if is_stranger {
            strangers.insert(node);
        }
        !is_stranger
    }

    /// What the result of a node depends on.
    pub(super) fn about(&self, checked: &Checked, node: usize) -> About {
        let about = About::new(checked, &self.fingerprints, &self.settings, node);
        if !writes_png(&checked.nodes[node].class.spec) {
            return about;
        }
        let pictures = [(PNG_TEXT.to_owned(), self.pictures.clone())];
        About { settings: about.settings.into_iter().chain(pictures).collect(), ..about }
    }

    /// The outputs of a node that are stored, and the files that it wrote, which have not changed since.
    pub(super) fn find(&self, checked: &Checked, node: usize) -> Option<(Vec<Value>, Vec<PathBuf>)> {
        let at = &checked.nodes[node];
        let entry = self.store.read(&at.class.full_name, self.keys[node].as_ref()?)?;
        let as_left = |(path, state): &(PathBuf, FileState)| state.is_there() && FileState::of(path) == *state;
        let fits = entry.outputs.len() == at.class.spec.outputs.len() && entry.files.iter().all(as_left);
        // A node that writes has an entry only if it named its files.
        let fits = fits && (!writes(at) || !entry.files.is_empty());
        fits.then(|| (entry.outputs, entry.files.into_iter().map(|(path, _)| path).collect()))
    }

    /// Takes the outputs of a node that another run made meanwhile or makes now, or tells others that this run makes them. A node that
    /// writes runs in any case.
    ///
    /// # Errors
    /// The run was cancelled while another run computed.
    pub(super) fn take(&self, checked: &Checked, node: usize, stop: &dyn Fn() -> bool) -> Result<Taken, Error> {
        let at = &checked.nodes[node];
        let Some(key) = self.keys[node].as_ref().filter(|_| !writes(at)) else { return Ok(Taken::Claim(None)) };
        let claim = self.store.claim(&at.class.full_name, key, stop).map_err(|_| Error::cancelled())?;
        let found = if claim.is_some() { self.find(checked, node) } else { None };
        Ok(match found {
            Some((outputs, _)) => Taken::Outputs(outputs),
            None => Taken::Claim(claim),
        })
    }

    /// Keeps the outputs of a node that ran for so long, with the files that it wrote.
    pub(super) fn give(&self, checked: &Checked, node: usize, took: Duration, outputs: &[Value], written: &[PathBuf]) {
        let at = &checked.nodes[node];
        let Some(key) = &self.keys[node] else { return };
        let bytes = outputs.iter().map(Value::host_bytes).sum::<u64>();
        let cheap = CHEAP.as_secs_f64() + bytes as f64 * NANOSECONDS_A_BYTE * 1e-9;
        if writes(at) && written.is_empty() || !self.asked[node] && took.as_secs_f64() < cheap {
            return;
        }
        // Its maps have texts as keys, so it can be written.
        let about = serde_json::to_value(self.about(checked, node)).unwrap_or_default();
        let files = written.iter().map(|path| (path.clone(), FileState::of(path))).collect();
        self.store.write(&at.class.full_name, key, outputs, about, files);
    }

    /// Why the store does not work as it should, once.
    pub(super) fn warning(&self) -> Option<String> {
        self.store.warning()
    }
}
