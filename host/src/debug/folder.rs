//! The folder of a debug run, and the names of its files.

use crate::words::{one_line, shown};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use splatgraph_sdk::write_whole;

use crate::graph::{Checked, CheckedNode};

/// The file with the report about the run.
const RUN: &str = "run.json";
/// The value of the key `made_by`, which marks the folder of a debug run.
const MADE_BY: &str = "splatgraph run --debug";
/// The most bytes that one name in the graph may add to a file name. File systems allow 255 in all.
const LONGEST_NAME: usize = 100;

/// The errors of recording a run.
#[derive(Debug, thiserror::Error)]
pub enum DebugError {
    /// The folder does not belong to a debug run and has files, or the run would write over a file of another program.
    #[error(
        "expected a new folder, an empty one, or the folder of an earlier debug run, got a folder with `{found}`\n  {folder}"
    )]
    Foreign {
        /// A file in the folder.
        found: String,
        /// The folder.
        folder: String,
    },
    /// The graph uses a file in the folder.
    #[error(
        "expected a folder for the debug run alone, got one in which node `{node}` reads or writes a file; use another folder\n  {folder}"
    )]
    Used {
        /// The node.
        node: String,
        /// The folder.
        folder: String,
    },
    /// The folder cannot be created, read, cleared or written to.
    #[error("the folder for the debug run cannot be {doing}: {reason}\n  {path}")]
    Io {
        /// The action that failed.
        doing: &'static str,
        /// The error of the system.
        reason: String,
        /// The folder, or the file in it.
        path: String,
    },
}

/// The folder of a debug run.
pub(super) struct Folder {
    path: PathBuf,
    /// For each node and output, the start of the names of its files.
    names: Vec<Vec<String>>,
    /// The same for the nodes of graphs that nodes repeat, by their ids.
    inside: InsideNames,
}

type InsideNames = HashMap<Arc<str>, Vec<String>>;

impl Folder {
    pub(super) fn prepare(path: &Path, checked: &Checked) -> Result<Self, DebugError> {
        let failed =
            |doing| move |error: io::Error| DebugError::Io { doing, reason: error.to_string(), path: shown(path) };
        fs::create_dir_all(path).map_err(failed("created"))?;
        refuse_used(path, checked)
            .map_err(|node| DebugError::Used { node: one_line(&node).into_owned(), folder: shown(path) })?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(failed("read"))? {
            entries.push(entry.map_err(failed("read"))?.file_name().to_string_lossy().into_owned());
        }
        entries.sort();
        let (names, inside) = file_names(checked);
        let folder = Self { path: path.to_path_buf(), names, inside };
        if !entries.is_empty() {
            let foreign =
                |found: &String| DebugError::Foreign { found: one_line(found).into_owned(), folder: shown(path) };
            let earlier = names_of_earlier_run(path).ok_or_else(|| foreign(&entries[0]))?;
            let is_of = |file: &str, names: &[String]| names.iter().any(|name| is_file_of(file, name));
            let new: Vec<String> = folder.all_names().cloned().collect();
            let (old, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| is_of(entry, &earlier));
            if let Some(found) = others.iter().find(|entry| is_of(entry, &new)) {
                return Err(foreign(found));
            }
            for entry in old {
                fs::remove_file(path.join(entry)).map_err(failed("cleared"))?;
            }
        }
        // Marks the folder, in case this run is killed.
        folder.write_run(&json!({"status": "running"}))?;
        Ok(folder)
    }

    /// The start of the paths of an output's files.
    pub(super) fn file(&self, node: usize, output: usize) -> PathBuf {
        self.path.join(&self.names[node][output])
    }

    /// The same for an output of a node in a graph that a node repeats, and a pass; `None` if there is no such node.
    pub(super) fn file_inside(&self, node: &str, output: usize, pass: usize) -> Option<PathBuf> {
        let name = self.inside.get(node)?.get(output)?;
        Some(self.path.join(format!("{name}-{pass:03}")))
    }

    fn all_names(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain(self.inside.values()).flatten()
    }

    /// Writes the object `about` to `run.json`, with the marks of the folder.
    pub(super) fn write_run(&self, about: &Json) -> Result<(), DebugError> {
        let path = self.path.join(RUN);
        let mut names: Vec<&String> = self.all_names().collect();
        names.sort();
        let mut run = json!({"made_by": MADE_BY});
        if let (Some(run), Some(about)) = (run.as_object_mut(), about.as_object()) {
            run.extend(about.clone());
            run.insert("file_names".to_owned(), json!(names));
        }
        let text = format!("{run:#}\n");
        write_whole(&path, text.as_bytes()).map_err(|error| DebugError::Io {
            doing: "written to",
            reason: error.message,
            path: shown(&path),
        })
    }
}

/// Refuses a folder that the graph uses. The error is the node that names a file in the folder, or the folder itself.
fn refuse_used(folder: &Path, checked: &Checked) -> Result<(), String> {
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    let is_in = |path: &PathBuf| {
        let own = path.canonicalize().unwrap_or_else(|_| path.clone());
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        own == folder || own.parent() == Some(&folder) || parent.as_ref() == Some(&folder)
    };
    match checked
        .nodes
        .iter()
        .find(|node| node.reads.iter().chain(node.writes.iter().map(|file| &file.path)).any(is_in))
    {
        Some(node) => Err(node.id.to_string()),
        None => Ok(()),
    }
}

/// The starts of the names of files of an earlier debug run; `None` if the folder has no debug run.
fn names_of_earlier_run(folder: &Path) -> Option<Vec<String>> {
    let run: Json = serde_json::from_slice(&fs::read(folder.join(RUN)).ok()?).ok()?;
    if run["made_by"] != MADE_BY {
        return None;
    }
    let names = run["file_names"].as_array().into_iter().flatten();
    Some(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// Whether a file is `name.png`, `name-000.safetensors` and so on.
fn is_file_of(file: &str, name: &str) -> bool {
    let Some(rest) = file.strip_prefix(name) else { return false };
    let Some(numbers) = rest.strip_suffix(".safetensors").or_else(|| rest.strip_suffix(".png")) else { return false };
    let mut parts = numbers.split('-');
    parts.next() == Some("") && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The name `node.output` for each node and output, and for those in graphs that nodes repeat, by the ids of the nodes. Neither part
/// has a dot, and outputs have no hyphen, so all file names are distinct.
fn file_names(checked: &Checked) -> (Vec<Vec<String>>, InsideNames) {
    let own: Vec<&CheckedNode> = checked.nodes.iter().collect();
    let inside = checked.nodes.iter().filter_map(|node| node.repeat.as_ref());
    let inside: Vec<&CheckedNode> = inside.flat_map(|repeat| repeat.checked.pack_nodes()).collect();
    let nodes = distinct(own.iter().chain(&inside).map(|node| &*node.id), "-_");
    let names = nodes.into_iter().zip(own.iter().chain(&inside)).map(|(node, about)| {
        let outputs = distinct(about.class.spec.outputs.iter().map(|output| output.name.as_str()), "_");
        outputs.into_iter().map(|output| format!("{node}.{output}")).collect()
    });
    let mut names: Vec<Vec<String>> = names.collect();
    let of_inside = names.split_off(own.len());
    (names, inside.into_iter().map(|node| node.id.clone()).zip(of_inside).collect())
}

/// Makes names for files: short, of letters, digits and `allowed`, and distinct even if case is ignored.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a str>, allowed: &str) -> Vec<String> {
    let mut taken = HashSet::new();
    let name = |name: &str| {
        let fits = |c: char| if c.is_alphanumeric() || allowed.contains(c) { c } else { '_' };
        let mut length = 0;
        let short = |c: &char| {
            length += c.len_utf8();
            length <= LONGEST_NAME
        };
        let safe: String = name.chars().map(fits).take_while(short).collect();
        let mut name = safe.clone();
        let mut number = 1;
        while !taken.insert(name.to_lowercase()) {
            number += 1;
            name = format!("{safe}_{number}");
        }
        name
    };
    names.map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_distinct() {
        let names = distinct(["part:a", "part/a", "PART_A", "..", "", "ä b"].into_iter(), "-_");
        assert_eq!(names, ["part_a", "part_a_2", "PART_A_3", "__", "", "ä_b"]);
        assert_eq!(distinct([&*"x".repeat(300)].into_iter(), "")[0].len(), LONGEST_NAME);
    }

    #[test]
    fn files_of_a_run_are_known_by_their_names() {
        for file in ["a.image.png", "a.image-000.png", "a.image-12-003.safetensors"] {
            assert!(is_file_of(file, "a.image"), "{file}");
        }
        for file in ["a.image.txt", "a.image_2.png", "a.image-x.png", "a.image-.png", "b.image.png", "a.image"] {
            assert!(!is_file_of(file, "a.image"), "{file}");
        }
    }
}
