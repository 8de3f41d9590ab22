//! The node `gpstoken.FeatureStatistics`.

use crate::measures::{Gathering, ImageFeatures, Statistics, records_of};
use splatgraph_sdk::prelude::*;

/// Sums up features for FrechetDistance: the mean and the covariance over all pictures.
///
/// The sums are exact, so any order of pictures, any number of files and any split into parts give the same bits. The node reads one file at
/// a time. To join the statistics of several machines, save them with std.SaveRecord into one folder, and give that folder.
#[node(category = "GPSToken/Measure", outputs(statistics: "the statistics", count: "the number of pictures"))]
pub fn feature_statistics(
    /// A folder with records (.safetensors) of features or of statistics. The node passes over files that are not records.
    #[input(path = read_dir)]
    path: Option<PathBuf>,
    /// Features, instead of the folder or beside it.
    features: Option<ImageFeatures>,
    ctx: &Ctx,
) -> Result<(Statistics, usize)> {
    let mut gathering = Gathering::default();
    if let Some(features) = features {
        gathering.add_features(features, "features")?;
    }
    if let Some(path) = &path {
        records_of(path, ctx, |record| {
            if record.type_name == Statistics::TYPE {
                gathering.add_statistics(Statistics::from_record(record)?, "path")
            } else {
                gathering.add_features(ImageFeatures::from_record(record)?, "path")
            }
        })
        .map_err(|e| e.blame("path"))?;
    }
    let statistics = gathering.finish("path")?;
    let count = statistics.count.unwrap_or_default() as usize;
    Ok((statistics, count))
}
