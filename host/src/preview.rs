//! Previews: unfinished results of nodes, as picture files.

use crate::words::{one_line, shown};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph_sdk::{Error, Record, write_whole};

use crate::debug::distinct;
use crate::graph::Checked;
use crate::record_png;
use crate::run::Event;

/// Writes the newest preview of every node into a folder: `NODE.png`, or for several pictures `NODE-000.png` and so on.
pub struct Previews {
    folder: PathBuf,
    /// The start of the names of a node's files.
    names: HashMap<Arc<str>, String>,
}

/// The errors of preparing the folder for previews.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// A preview would write over a file of the graph.
    #[error(
        "a preview of node `{node}` would write over a file that the graph reads or writes; use another folder\n  {path}"
    )]
    Used {
        /// The node.
        node: String,
        /// The file.
        path: String,
    },
    /// The folder cannot be created.
    #[error("the folder for previews cannot be created: {reason}\n  {folder}")]
    Io {
        /// The error of the system.
        reason: String,
        /// The folder.
        folder: String,
    },
}

impl Previews {
    /// Creates the folder if it is missing.
    ///
    /// # Errors
    /// The folder can't be created, or a preview would write over a file of the graph.
    pub fn new(folder: &Path, checked: &Checked) -> Result<Self, PreviewError> {
        let failed = |error: std::io::Error| PreviewError::Io { reason: error.to_string(), folder: shown(folder) };
        fs::create_dir_all(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let names = distinct(checked.nodes.iter().map(|node| &*node.id), "-_");
        let used =
            checked.nodes.iter().flat_map(|node| node.reads.iter().chain(node.writes.iter().map(|file| &file.path)));
        let used =
            used.filter(|path| path.parent().and_then(|parent| parent.canonicalize().ok()).as_ref() == Some(&folder));
        for path in used {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(index) = names.iter().position(|name| is_preview_of(&file, name)) {
                let node = one_line(&checked.nodes[index].id).into_owned();
                return Err(PreviewError::Used { node, path: shown(path) });
            }
        }
        let ids = checked.nodes.iter().map(|node| node.id.clone());
        Ok(Self { folder, names: ids.zip(names).collect() })
    }

    /// Writes the pictures of a preview, each as a whole. Ignores other events, and previews that are not pictures. May be
    /// called from several threads.
    ///
    /// # Errors
    /// A file can't be written. The run may continue.
    pub fn show(&self, event: &Event) -> Result<(), Error> {
        let Event::Preview { node, value } = event else { return Ok(()) };
        let Some(name) = self.names.get(node).filter(|_| record_png::is_picture(&value.type_name())) else {
            return Ok(());
        };
        for (suffix, png) in record_png::pngs(&Record::from_value(value)?) {
            let path = self.folder.join(format!("{name}{suffix}.png"));
            write_whole(&path, &png?).map_err(|error| error.about_file("a preview cannot be written", &path))?;
        }
        Ok(())
    }
}

/// Whether a file is `name.png`, `name-000.png` and so on.
fn is_preview_of(file: &str, name: &str) -> bool {
    let rest = file.strip_prefix(name).and_then(|rest| rest.strip_suffix(".png"));
    rest.is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('-')
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}
