//! The classes of a folder: each folder in it is a class.

use super::pictures::Pictures;
use crate::canvas::TILE;
use splatgraph_sdk::{Error, Result};
use std::{ops::Range, path::Path};

/// Pictures by class.
#[derive(Debug)]
pub struct Classes {
    /// All pictures.
    pub pictures: Pictures,
    /// Names of the folders, in alphabetical order. The number of a class is its index in this list.
    pub names: Vec<String>,
    /// The range of each class's pictures in `pictures`.
    pub ranges: Vec<Range<usize>>,
}

impl Classes {
    /// Lists the pictures in the folders inside `folder`. Pictures with more than `max_pixels` pixels are skipped.
    ///
    /// # Errors
    /// The folder can't be read, it contains no folders, or one of them holds no picture of at least a tile's size.
    pub fn list(folder: &Path, max_pixels: Option<u64>) -> Result<Self> {
        let doing = "looking for classes to train on";
        let entries = std::fs::read_dir(folder).map_err(|e| Error::from(e).about_file(doing, folder))?;
        let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let mut folders: Vec<_> = folders.filter(|path| !hidden(path)).collect();
        folders.sort();
        if folders.is_empty() {
            return Err(Error::new(format!(
                "{doing}: expected a folder of pictures for each class, got no folders. Put the pictures of each class into a folder of {}",
                folder.display()
            )));
        }
        let pictures = Pictures::list(folder, TILE as u32, max_pixels)?;
        let mut ranges = Vec::new();
        for folder in &folders {
            // Paths are sorted by their components, so the paths of a folder are adjacent.
            let start = pictures.paths().partition_point(|path| path < folder);
            let end = start + pictures.paths()[start..].iter().take_while(|path| path.starts_with(folder)).count();
            if start == end {
                return Err(Error::new(format!(
                    "{doing}: expected pictures in each folder, got a folder without any. Add pictures to it or remove it: {}",
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
