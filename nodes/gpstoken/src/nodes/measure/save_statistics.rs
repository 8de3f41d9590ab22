//! The node `gpstoken.SaveStatistics`.

use crate::measures::Statistics;
use splatgraph_sdk::{prelude::*, write_output};

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
    write_output(&path, &statistics.to_npz()?)?;
    Ok(path)
}
