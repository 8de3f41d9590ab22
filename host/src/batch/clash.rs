//! The files that items write. No two items may write the same file, and no item may write a file that another reads.

use super::{axis::Takes, error::Error, items::Items, vary::Shape};
use crate::graph::{Checked, Feed, File, Identities, Source, identity};
use crate::words::shown;
use serde_json::Value as Json;
use splatgraph_sdk::spec::{NodeSpec, PathKind};
use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

/// The files that all items read and write, by their identities.
#[derive(Default)]
pub(super) struct Written {
    /// Each with the item that writes it.
    files: HashMap<PathBuf, usize>,
    /// Each with the first item that reads it.
    reads: HashMap<PathBuf, usize>,
    identities: Identities,
}

impl Written {
    /// Adds the files of an item.
    ///
    /// # Errors
    /// The item would write a file that an earlier item writes.
    pub(super) fn add(&mut self, item: usize, checked: &Checked, shape: &Shape, items: &Items) -> Result<(), Error> {
        for (node, _) in checked.nodes.iter().zip(&shape.needed).filter(|(_, needed)| **needed) {
            for path in node.writes.iter().map(|file| &file.path) {
                if let Some(other) = self.files.insert(self.identities.of(path), item) {
                    let both = [other, item].map(|item| items.name(item));
                    let message = match other == item {
                        true => format!("the item `{}` would write the same file twice", both[0]),
                        false => format!("the items `{}` and `{}` would write the same file", both[0], both[1]),
                    };
                    let message = format!("{message}, in node `{}` ({})", node.id, node.class.full_name);
                    let hint = better_name(checked, &node.id, &node.class.spec, &node.feeds, path, items);
                    let hint = hint.map(|hint| format!("; give each item its own file, for example with {hint}"));
                    return Err(Error::usage(format!("{message}{}\n  {}", hint.unwrap_or_default(), shown(path))));
                }
            }
            for path in &node.reads {
                self.reads.entry(self.identities.of(path)).or_insert(item);
            }
        }
        Ok(())
    }

    /// Compares the files that items write with the files that items read.
    ///
    /// # Errors
    /// An item would write over a file that another item reads.
    pub(super) fn refuse_to_overwrite_reads(&mut self, items: &Items) -> Result<(), Error> {
        let reads = std::mem::take(&mut self.reads);
        let clashes = self.files.iter().filter_map(|(path, writer)| Some((path, *writer, *reads.get(path)?)));
        let Some((path, writer, reader)) = clashes.min_by_key(|&(_, writer, _)| writer) else { return Ok(()) };
        let message = format!("the item `{}` would write over a file", items.name(writer));
        let message =
            format!("{message} that the item `{}` reads; give the written file another name", items.name(reader));
        Err(Error::usage(format!("{message}\n  {}", shown(path))))
    }

    /// The item that writes a file, if any.
    pub(super) fn item_of(&self, path: &Path) -> Option<usize> {
        if self.files.is_empty() { None } else { self.files.get(&identity(path)).copied() }
    }

    /// The folders that items write to.
    pub(super) fn folders(&self) -> BTreeSet<&Path> {
        self.files.keys().filter_map(|path| path.parent()).collect()
    }
}

/// A value for the path, made of the inputs that vary: `output='{stem}-{tokens}.png'`.
fn better_name(
    checked: &Checked,
    id: &str,
    spec: &NodeSpec,
    feeds: &[Feed],
    path: &Path,
    items: &Items,
) -> Option<String> {
    let file = checked.file();
    let has_path = |feed: &Feed| matches!(feed, Feed::Value(Json::String(text)) if Path::new(text) == path);
    let (input, _) =
        spec.inputs.iter().zip(feeds).find(|(input, feed)| input.path == Some(PathKind::Write) && has_path(feed))?;
    let named = file.inputs.iter().find(|named| {
        let is_it = |target: &crate::graph::Target| target.node == id && target.input == input.name;
        named.targets.iter().any(is_it)
    });
    let stem_of = first_read(checked);
    let stem_of = stem_of.as_deref();
    let varying: Vec<_> = items.varying().map(|(axis, input)| &items.axes[axis].inputs[input]).collect();
    let mut parts: Vec<String> = Vec::new();
    for input in varying.iter().filter(|input| Some(&input.name) != named.map(|named| &named.name)) {
        match input.takes {
            Takes::Write | Takes::Anything => {}
            _ if Some(input.name.as_str()) == stem_of => parts.push("{stem}".to_owned()),
            _ => parts.push(format!("{{{}}}", input.name)),
        }
    }
    // Files in two folders may have the same stem, and texts make no good file names.
    let names_are_stems = (0..items.len()).all(|item| !items.name(item).contains(['/', '\\', '#']));
    if parts.is_empty() || !names_are_stems || varying.iter().any(|input| input.takes == Takes::Anything) {
        parts.push("{index}".to_owned());
    }
    let Some(Source::Literal(Json::String(given))) = file.node(id)?.input(&input.name) else { return None };
    let extension = Path::new(given).extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let better = Path::new(given).with_file_name(format!("{}{extension}", parts.join("-")));
    Some(match named {
        Some(named) => format!("{}='{}'", named.name, shown(&better)),
        None => format!("{id}.{}='{}'", input.name, shown(&better)),
    })
}

/// The named input that sets the first path that the graph reads. `{stem}` stands for the stem of this path.
fn first_read(checked: &Checked) -> Option<String> {
    let file: &File = checked.file();
    let (id, input) = checked.nodes.iter().find_map(|node| {
        let reads = |path: Option<PathKind>| matches!(path, Some(PathKind::Read | PathKind::ReadDir));
        let input = node
            .class
            .spec
            .inputs
            .iter()
            .zip(&node.feeds)
            .find(|(input, feed)| reads(input.path) && matches!(feed, Feed::Value(_)))?;
        Some((&node.id, &input.0.name))
    })?;
    let named = file
        .inputs
        .iter()
        .find(|named| named.targets.iter().any(|target| *target.node == **id && target.input == *input))?;
    Some(named.name.clone())
}
