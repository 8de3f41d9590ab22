//! The records of a folder, one after the other.

use splatgraph_sdk::{Ctx, Error, Record, Result};
use std::{
    fs::read_dir,
    path::{Path, PathBuf},
};

/// Calls `each` for every record (.safetensors) of a folder and the folders in it, in the order of their paths.
///
/// # Errors
/// The folder or a record cannot be read, there is no record, `each` fails, or the run was cancelled. The error names the file.
pub fn records_of(folder: &Path, ctx: &Ctx, mut each: impl FnMut(Record) -> Result<()>) -> Result<()> {
    let doing = "reading features";
    if !folder.is_dir() {
        return Err(Error::missing(format!("{doing}: expected a folder, got none at {}", folder.display())));
    }
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        let about = |e: std::io::Error| Error::from(e).about_file(doing, &folder);
        for entry in read_dir(&folder).map_err(about)? {
            let entry = entry.map_err(about)?;
            let path = entry.path();
            if entry.file_type().map_err(about)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "safetensors") {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        return Err(Error::new(format!(
            "{doing}: expected a folder with records (.safetensors) of features, got none in {}. Write them with ImageFeatures and std.SaveRecord",
            folder.display()
        )));
    }
    files.sort();
    let total = files.len();
    for (index, file) in files.into_iter().enumerate() {
        ctx.step(index, total)?;
        Record::load(&file).and_then(&mut each).map_err(|e| e.about_file(doing, &file))?;
    }
    Ok(())
}
