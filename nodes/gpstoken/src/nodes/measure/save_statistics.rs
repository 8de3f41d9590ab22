//! The node `gpstoken.SaveStatistics`.

use crate::measures::Statistics;
use splatgraph_sdk::{prelude::*, write_whole};

/// Writes statistics for other programs (.npz): `mu`, `sigma`, `mu_s` and `sigma_s`, as ADM's evaluator, pytorch-fid and clean-fid read them.
///
/// The file keeps no convention, no hash of the weights and no exact sums. To join statistics later, use std.SaveRecord.
#[node(category = "GPSToken/Measure", output, outputs(path: "the file"))]
pub fn save_statistics(
    /// The statistics.
    statistics: Statistics,
    /// The file.
    #[input(path = write, extensions = ["npz"])]
    path: PathBuf,
) -> Result<PathBuf> {
    let bytes = statistics.to_npz()?;
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.map_err(Error::from).and_then(|()| write_whole(&path, &bytes));
    let doing = "writing statistics; check that the folder exists, is writable and has space";
    written.map_err(|e| e.about_file(doing, &path).blame("path"))?;
    Ok(path)
}
