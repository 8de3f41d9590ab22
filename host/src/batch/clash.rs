//! The files that items write. No two items may write the same file, and no item may write a file that another reads.

use super::{axis::Takes, error::Error, items::Items, plan::Plan};
use crate::graph::{Checked, Feed, File, Identities, RunFile, Source};
use crate::words::shown;
use serde_json::Value as Json;
use splatgraph_sdk::spec::{NodeSpec, PathKind};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

/// The files that all items read and write, by hashes of their identities.
#[derive(Default)]
pub(super) struct Written {
    /// The hashes of the files that items write; sorted once all are there.
    files: Vec<u64>,
    /// The hashes of the files that items read.
    reads: Vec<u64>,
    /// The folders that items write to.
    folders: BTreeSet<PathBuf>,
    last_folder: PathBuf,
    identities: Identities,
}

impl Written {
    /// Adds the files of an item.
    pub(super) fn add(&mut self, files: &[RunFile]) {
        for file in files {
            let hash = self.identities.hash(&file.path);
            if file.kind != PathKind::Write {
                self.reads.push(hash);
                continue;
            }
            self.files.push(hash);
            let folder = file.path.parent().unwrap_or(Path::new(""));
            // Most items write to the folder of the item before.
            if self.last_folder.as_os_str() != folder.as_os_str() {
                folder.clone_into(&mut self.last_folder);
                self.folders.insert(folder.to_owned());
            }
        }
    }

    /// Whether files with numbers in their names may be files that the same item reads, which their names do not tell.
    pub(super) fn may_be_own_reads(&mut self, files: &[RunFile], shared: &[RunFile]) -> bool {
        let all = || files.iter().chain(shared);
        if !all().any(|file| file.has_number) {
            return false;
        }
        let roots: Vec<PathBuf> = all().filter(|file| file.has_number).map(|file| self.root_of(&file.path)).collect();
        let mut reads = all().filter(|file| file.kind != PathKind::Write).map(|file| self.identities.of(&file.path));
        reads.any(|read| roots.iter().any(|root| read.starts_with(root)))
    }

    /// The folder in which all files with numbers lie.
    fn root_of(&mut self, path: &Path) -> PathBuf {
        let has_number = |path: &&Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("{b}"));
        let topmost = path.ancestors().filter(has_number).last().unwrap_or(path);
        self.identities.of(topmost).parent().unwrap_or(Path::new("")).to_owned()
    }

    /// Refuses two items that write one file, and an item that writes over a file that another reads. `files_of` returns the files of
    /// an item.
    ///
    /// # Errors
    /// The first two such items.
    pub(super) fn refuse_clashes(&mut self, plan: &Plan<'_>) -> Result<(), Error> {
        self.files.sort_unstable();
        let twice = self.files.array_windows().filter(|[one, other]| one == other).map(|[one, _]| *one);
        let twice: HashSet<u64> = twice.collect();
        if !twice.is_empty() {
            self.refuse_same_files(plan, &twice)?;
        }
        self.reads.sort_unstable();
        self.reads.dedup();
        let both: HashSet<u64> =
            self.reads.iter().copied().filter(|hash| self.files.binary_search(hash).is_ok()).collect();
        self.reads = Vec::new();
        if both.is_empty() { Ok(()) } else { self.refuse_to_overwrite_reads(plan, &both) }
    }

    /// Compares the files whose hashes are equal.
    fn refuse_same_files(&mut self, plan: &Plan<'_>, hashes: &HashSet<u64>) -> Result<(), Error> {
        let mut seen: HashMap<PathBuf, usize> = HashMap::new();
        for item in 0..plan.items.len() {
            for file in plan.files_of(item) {
                if file.kind != PathKind::Write || !hashes.contains(&self.identities.hash(&file.path)) {
                    continue;
                }
                if let Some(other) = seen.insert(self.identities.of(&file.path), item) {
                    return Err(same_file(plan, [other, item], &file));
                }
            }
        }
        Ok(())
    }

    fn refuse_to_overwrite_reads(&mut self, plan: &Plan<'_>, hashes: &HashSet<u64>) -> Result<(), Error> {
        let mut writers: HashMap<PathBuf, usize> = HashMap::new();
        let mut readers: HashMap<PathBuf, usize> = HashMap::new();
        for item in 0..plan.items.len() {
            for file in plan.files_of(item) {
                if !hashes.contains(&self.identities.hash(&file.path)) {
                    continue;
                }
                let known = if file.kind == PathKind::Write { &mut writers } else { &mut readers };
                known.entry(self.identities.of(&file.path)).or_insert(item);
            }
        }
        let clashes = writers.iter().filter_map(|(path, writer)| Some((path, *writer, *readers.get(path)?)));
        let Some((path, writer, reader)) = clashes.min_by_key(|&(_, writer, _)| writer) else { return Ok(()) };
        let message = format!("the item `{}` would write over a file", plan.items.name(writer));
        let message =
            format!("{message} that the item `{}` reads; give the written file another name", plan.items.name(reader));
        Err(Error::usage(format!("{message}\n  {}", shown(path))))
    }

    /// The item that writes a file, if any.
    pub(super) fn item_of(&mut self, path: &Path, plan: &Plan<'_>) -> Option<usize> {
        if self.files.is_empty() || self.files.binary_search(&self.identities.hash(path)).is_err() {
            return None;
        }
        let own = self.identities.of(path);
        let is_it = |identities: &mut Identities, file: &RunFile| {
            file.kind == PathKind::Write
                && file.path.file_name() == path.file_name()
                && identities.of(&file.path) == own
        };
        (0..plan.items.len()).find(|item| plan.files_of(*item).iter().any(|file| is_it(&mut self.identities, file)))
    }

    /// The folders that items write to.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }
}

/// The error of items that write one file.
fn same_file(plan: &Plan<'_>, [other, item]: [usize; 2], file: &RunFile) -> Error {
    let both = [other, item].map(|item| plan.items.name(item));
    let message = match other == item {
        true => format!("the item `{}` would write the same file twice", both[0]),
        false => format!("the items `{}` and `{}` would write the same file", both[0], both[1]),
    };
    let Ok(checked) = plan.checked(item) else { return Error::usage(message) };
    let node = &checked.nodes[file.node];
    let message = format!("{message}, in node `{}` ({})", node.id, node.class.full_name);
    let hint = better_name(&checked, &node.id, &node.class.spec, &node.feeds, &file.path, plan.items);
    let hint = hint.map(|hint| format!("; give each item its own file, for example with {hint}"));
    Error::usage(format!("{message}{}\n  {}", hint.unwrap_or_default(), shown(&file.path)))
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
