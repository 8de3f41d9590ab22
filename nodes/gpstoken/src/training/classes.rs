//! The classes of a data set: each folder in it is a class, and the .tar shards in it have labels.

use super::pictures::Pictures;
use crate::canvas::TILE;
use splatgraph_sdk::{
    Error, Result, open_file,
    shard::{self, Shard},
};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
};

const DOING: &str = "looking for classes to train on";
/// The ending of a label in a shard, as in WebDataset.
const LABEL: &str = "cls";
/// The most bytes of a label.
const LONGEST_LABEL: u64 = 4096;

/// Pictures by class.
#[derive(Debug)]
pub struct Classes {
    /// All pictures of all classes, class by class.
    pub pictures: Pictures,
    /// Names of the classes. The number of a class is its index in this list.
    pub names: Vec<String>,
    /// The range of each class's pictures in `pictures`.
    pub ranges: Vec<Range<usize>>,
}

/// The paths of the pictures of each class, by its name.
type ByName = BTreeMap<String, Vec<PathBuf>>;

impl Classes {
    /// Lists the pictures in the folders and shards inside `folder`, each with its class:
    ///
    /// - Each folder is a class, with all pictures in it and in its shards.
    /// - In a shard beside them, the text of the file with the picture's name and the ending .cls is the class. If the shard has no
    ///   such files, it is the folder of the picture in the shard; for a picture without a folder it is the name of the shard.
    ///
    /// The alphabetical order of the names numbers the classes, unless all of them are numbers in .cls files: these must be 0, 1, 2
    /// and so on. Pictures with more than `max_pixels` pixels are skipped.
    ///
    /// # Errors
    /// The folder can't be read, it contains neither folders nor shards, one of them holds no picture of at least a tile's size,
    /// or a label is missing.
    pub fn list(folder: &Path, max_pixels: Option<u64>) -> Result<Self> {
        let (mut by_name, mut labels) = (ByName::new(), ByName::new());
        let entries = std::fs::read_dir(folder).map_err(|e| Error::from(e).about_file(DOING, folder))?;
        let entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_source = |path: &&PathBuf| !hidden(path) && (path.is_dir() || shard::is_shard(path));
        if !entries.iter().any(|entry| is_source(&entry)) {
            return Err(Error::new(format!(
                "{DOING}: expected a folder of pictures for each class, or .tar shards with labels, got neither. Put the pictures of each class into a folder of {}",
                folder.display()
            )));
        }
        let all = Pictures::list(folder, TILE as u32, max_pixels)?;
        for source in entries.iter().filter(is_source) {
            // Paths are sorted by their components, so the paths of a source are adjacent.
            let start = all.paths().partition_point(|path| path < source);
            let count = all.paths()[start..].iter().take_while(|path| path.starts_with(source)).count();
            let paths = &all.paths()[start..start + count];
            if paths.is_empty() {
                let (kind, remove) = if source.is_dir() {
                    ("folder", "Add pictures to it or remove it")
                } else {
                    ("shard", "Remove it")
                };
                return Err(Error::new(format!(
                    "{DOING}: expected pictures in each {kind}, got a {kind} without any. {remove}: {}",
                    source.display()
                )));
            }
            if source.is_dir() {
                by_name.entry(text(source.file_name())).or_default().extend_from_slice(paths);
            } else {
                add_shard(source, paths, &mut by_name, &mut labels)?;
            }
        }
        let classes = if by_name.is_empty() && labels.keys().all(|label| number(label).is_some()) {
            in_order(labels, folder)?
        } else {
            for (name, paths) in labels {
                by_name.entry(name).or_default().extend(paths);
            }
            by_name.into_iter().collect()
        };
        let (mut names, mut ranges, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        for (name, mut of_class) in classes {
            of_class.sort();
            names.push(name);
            ranges.push(paths.len()..paths.len() + of_class.len());
            paths.append(&mut of_class);
        }
        let pictures = all.in_order(paths);
        for range in &ranges {
            pictures.get_among(range, 0)?;
        }
        Ok(Self { pictures, names, ranges })
    }
}

fn text(name: Option<&OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Adds the pictures of a shard: to `labels` if it has files with labels, else to `by_name`.
fn add_shard(source: &Path, paths: &[PathBuf], by_name: &mut ByName, labels: &mut ByName) -> Result<()> {
    let shard = Shard::open(source).map_err(|e| Error::from(e).about_file(DOING, source))?;
    let has_labels = shard.names().any(|name| Path::new(name).extension().is_some_and(|ending| ending == LABEL));
    for path in paths {
        let (classes, name) = match path.parent() {
            _ if has_labels => (&mut *labels, label_of(path)?),
            Some(inside) if inside != source => (&mut *by_name, text(inside.file_name())),
            _ => (&mut *by_name, text(source.file_stem())),
        };
        classes.entry(name).or_default().push(path.clone());
    }
    Ok(())
}

/// The text of the label beside a picture in a shard.
fn label_of(picture: &Path) -> Result<String> {
    let wrong = |got: &str| {
        Error::new(format!(
            "{DOING}: expected a .{LABEL} file with the class beside each picture of the shard, got {got} beside {}",
            picture.display()
        ))
    };
    let read = |path: &Path| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        open_file(path)?.take(LONGEST_LABEL + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let found = shard::beside(picture, LABEL).iter().find_map(|path| match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found),
    });
    let bytes = found.ok_or_else(|| wrong("none"))?.map_err(|error| wrong(&error.to_string()))?;
    if bytes.len() as u64 > LONGEST_LABEL {
        return Err(wrong(&format!("one of more than {LONGEST_LABEL} bytes")));
    }
    match str::from_utf8(&bytes).map(str::trim) {
        Ok("") => Err(wrong("an empty one")),
        Ok(label) => Ok(label.to_owned()),
        Err(_) => Err(wrong("one that is no text in UTF-8")),
    }
}

/// The number that a label is.
fn number(label: &str) -> Option<usize> {
    label.parse::<usize>().ok().filter(|number| number.to_string() == label)
}

/// The classes 0, 1, 2 and so on.
fn in_order(labels: ByName, folder: &Path) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let mut classes: Vec<(String, Vec<PathBuf>)> = labels.into_iter().collect();
    classes.sort_by_key(|(label, _)| number(label));
    let missing = classes.iter().enumerate().find(|(at, (label, _))| number(label) != Some(*at));
    if let (Some((missing, _)), Some((last, _))) = (missing, classes.last()) {
        return Err(Error::new(format!(
            "{DOING}: expected pictures of each class from 0 to {last}, as the labels are numbers, got none of class {missing}. Add the shards that have it, or write names into the .{LABEL} files: {}",
            folder.display()
        )));
    }
    Ok(classes)
}
