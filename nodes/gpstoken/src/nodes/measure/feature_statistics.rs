//! The node `gpstoken.FeatureStatistics`.

use crate::measures::{ImageFeatures, Statistics, records_of};
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
    let mut all = features.map(|features| Statistics::of(&features)).transpose().map_err(|e| e.blame("features"))?;
    if let Some(path) = &path {
        records_of(path, ctx, |record| {
            let is_statistics = record.type_name == Statistics::TYPE;
            match &mut all {
                None if is_statistics => all = Some(Statistics::from_record(record)?),
                None => all = Some(Statistics::of(&ImageFeatures::from_record(record)?)?),
                Some(all) if is_statistics => all.merge(&Statistics::from_record(record)?, "path")?,
                Some(all) => all.add(&ImageFeatures::from_record(record)?, "path")?,
            }
            Ok(())
        })
        .map_err(|e| e.blame("path"))?;
    }
    let Some(statistics) = all else {
        return Err(Error::input("path", "expected a folder with features, or features; got neither"));
    };
    let count = statistics.count.unwrap_or_default() as usize;
    Ok((statistics, count))
}
