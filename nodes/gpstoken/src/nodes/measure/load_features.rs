//! The node `gpstoken.LoadFeatures`.

use crate::measures::{ImageFeatures, records_of};
use splatgraph_sdk::prelude::*;

/// Loads all features of a folder, for measures that compare all pictures: KID, inception score, precision and recall.
///
/// The files are records (.safetensors) of ImageFeatures, one for each picture or for many, in the order of their names. The features of
/// 50,000 pictures take 1 GB.
#[node(category = "GPSToken/Measure", outputs(features: "the features of all pictures", count: "the number of pictures"))]
pub fn load_features(
    /// The folder. The node passes over files that are not records.
    #[input(path = read_dir)]
    path: PathBuf,
    ctx: &Ctx,
) -> Result<(ImageFeatures, usize)> {
    let mut parts = Vec::new();
    records_of(&path, ctx, |record| {
        parts.push(ImageFeatures::from_record(record)?);
        Ok(())
    })
    .map_err(|e| e.blame("path"))?;
    let features = ImageFeatures::together(&parts, "path")?;
    let count = features.count();
    Ok((features, count))
}
