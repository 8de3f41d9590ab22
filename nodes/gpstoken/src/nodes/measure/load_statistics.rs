//! The node `gpstoken.LoadStatistics`.

use crate::measures::{Convention, Statistics};
use splatgraph_sdk::prelude::*;

/// Loads the statistics of another program (.npz): ADM's reference batches, and the files of pytorch-fid and clean-fid.
///
/// The node reads `mu` and `sigma`, and for sFID `mu_s` and `sigma_s`. Such a file does not say with which weights and in which way it was
/// made; name the program.
#[node(category = "GPSToken/Measure", outputs(statistics: "the statistics"))]
pub fn load_statistics(
    /// The file.
    #[input(path = read, extensions = ["npz"])]
    path: PathBuf,
    /// The program that made the file.
    #[input(default = Convention::Adm)]
    convention: Convention,
) -> Result<Statistics> {
    let doing = "reading statistics of features";
    Statistics::from_npz(&path, convention).map_err(|e| e.about_file(doing, &path).blame("path"))
}
