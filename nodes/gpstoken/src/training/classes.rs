//! The classes of a folder: one for each folder in it.

use super::pictures::Pictures;
use crate::canvas::TILE;
use splatgraph_sdk::{Error, Result};
use std::{ops::Range, path::Path};

/// Pictures by class.
#[derive(Debug)]
pub struct Classes {
    /// All pictures.
    pub pictures: Pictures,
    /// Names of the folders, in alphabetical order: the number of a class is its place here.
    pub names: Vec<String>,
    /// Each class's pictures.
    pub ranges: Vec<Range<usize>>,
}

impl Classes {
    /// Lists the pictures in the folders of a folder.
    ///
    /// # Errors
    /// The folder can't be read, there are no folders in it, or one of them holds no picture of at least a tile's size.
    pub fn list(folder: &Path) -> Result<Self> {
        let doing = "looking for classes to train on";
        let entries = std::fs::read_dir(folder).map_err(|e| Error::from(e).about_file(doing, folder))?;
        let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let mut folders: Vec<_> = folders.filter(|path| !hidden(path)).collect();
        folders.sort();
        if folders.is_empty() {
            return Err(Error::new(format!(
                "{doing}: a folder of pictures for each class was expected in the folder, there is none: {}",
                folder.display()
            )));
        }
        let pictures = Pictures::list(folder, TILE as u32)?;
        let mut ranges = Vec::new();
        for folder in &folders {
            // Paths are sorted by their parts, so those of a folder stand together.
            let start = pictures.paths().partition_point(|path| path < folder);
            let end = start + pictures.paths()[start..].iter().take_while(|path| path.starts_with(folder)).count();
            if start == end {
                return Err(Error::new(format!(
                    "{doing}: pictures were expected in each folder, there are none in this: {}",
                    folder.display()
                )));
            }
            pictures.get_among(&(start..end), 0)?;
            ranges.push(start..end);
        }
        let name = |path: &std::path::PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { pictures, names: folders.iter().map(name).collect(), ranges })
    }
}
