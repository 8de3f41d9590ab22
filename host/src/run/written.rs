//! The files that output nodes wrote.

use super::{keys::Key, why::Why};
use crate::file_state::FileState;
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// The files that nodes wrote when they last ran. The runner skips an output node if its files have not changed since it
/// wrote them.
#[derive(Default)]
pub(super) struct Written(HashMap<Arc<str>, Left>);

struct Left {
    key: Key,
    files: Vec<(PathBuf, FileState)>,
}

impl Written {
    /// Remembers the states of the files after the node ran.
    pub(super) fn remember(&mut self, node: &Arc<str>, key: Key, files: Vec<(PathBuf, FileState)>) {
        self.0.insert(node.clone(), Left { key, files });
    }

    /// Whether the last run of the node had this key and wrote files, and none of these changed since.
    pub(super) fn untouched(&self, node: &str, key: &Key) -> bool {
        let as_left = |(path, state): &(PathBuf, FileState)| state.is_there() && FileState::of(path) == *state;
        let files = self.files(node, key);
        !files.is_empty() && files.iter().all(as_left)
    }

    /// Why a node runs again although nothing that it depends on changed.
    pub(super) fn why_again(&self, node: &str, key: &Key) -> Why {
        match self.files(node, key) {
            [] => Why::Writes,
            _ if self.untouched(node, key) => Why::NotKept,
            _ => Why::FilesTouched,
        }
    }

    /// The files of the last run if it had this key, else none.
    pub(super) fn files(&self, node: &str, key: &Key) -> &[(PathBuf, FileState)] {
        self.0.get(node).filter(|left| left.key == *key).map_or(&[], |left| &left.files)
    }
}
