use super::{keys::Key, why::Why};
use crate::file_state::FileState;
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// What nodes wrote when they last ran: a node whose files are still as it left them need not write them again.
#[derive(Default)]
pub(super) struct Written(HashMap<Arc<str>, Left>);

struct Left {
    key: Key,
    files: Vec<(PathBuf, FileState)>,
}

impl Written {
    /// Remembers the files as they are after the node ran.
    pub(super) fn remember(&mut self, node: &Arc<str>, key: Key, files: Vec<(PathBuf, FileState)>) {
        self.0.insert(node.clone(), Left { key, files });
    }

    /// Whether the last run of the node was for `key`, named files, and all of them are as it left them.
    pub(super) fn untouched(&self, node: &str, key: &Key) -> bool {
        let as_left = |(path, state): &(PathBuf, FileState)| state.is_there() && FileState::of(path) == *state;
        let files = self.files(node, key);
        !files.is_empty() && files.iter().all(as_left)
    }

    /// Why a node writes again although nothing that it depends on changed.
    pub(super) fn why_again(&self, node: &str, key: &Key) -> Why {
        match self.files(node, key) {
            [] => Why::Writes,
            _ if self.untouched(node, key) => Why::NotKept,
            _ => Why::FilesTouched,
        }
    }

    /// None when the last run was for another key.
    fn files(&self, node: &str, key: &Key) -> &[(PathBuf, FileState)] {
        self.0.get(node).filter(|left| left.key == *key).map_or(&[], |left| &left.files)
    }
}
