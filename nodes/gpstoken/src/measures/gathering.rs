//! Statistics of many records, one after the other.

use super::{ImageFeatures, Statistics};
use splatgraph_sdk::{Error, Result};

/// The pictures whose features are summed up at a time. One at a time would spend most time on reading and writing the sums.
const PICTURES: usize = 256;

/// Statistics that grow.
#[derive(Default)]
pub struct Gathering {
    sums: Option<Statistics>,
    /// Features that are not in the sums yet.
    waiting: Vec<ImageFeatures>,
}

impl Gathering {
    /// Adds features.
    ///
    /// # Errors
    /// They do not fit those before. The error blames the input `input`.
    pub fn add_features(&mut self, features: ImageFeatures, input: &str) -> Result<()> {
        if let Some(first) = self.waiting.first() {
            first.check_fits(&features, input)?;
        } else if let Some(sums) = &self.sums {
            sums.source.check_same(&features.source, input)?;
        }
        self.waiting.push(features);
        if self.waiting.iter().map(ImageFeatures::count).sum::<usize>() >= PICTURES {
            self.sum_up(input)?;
        }
        Ok(())
    }

    /// Adds statistics.
    ///
    /// # Errors
    /// They do not fit those before, or have no sums. The error blames the input `input`.
    pub fn add_statistics(&mut self, statistics: Statistics, input: &str) -> Result<()> {
        self.sum_up(input)?;
        match &mut self.sums {
            Some(sums) => sums.merge(&statistics, input),
            None => {
                self.sums = Some(statistics);
                Ok(())
            }
        }
    }

    /// The statistics of all.
    ///
    /// # Errors
    /// There are none.
    pub fn finish(mut self, input: &str) -> Result<Statistics> {
        self.sum_up(input)?;
        self.sums.ok_or_else(|| Error::input(input, "expected a folder with features, or features; got neither"))
    }

    fn sum_up(&mut self, input: &str) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let features = ImageFeatures::together(&std::mem::take(&mut self.waiting), input)?;
        match &mut self.sums {
            Some(sums) => sums.add(&features, input),
            None => {
                self.sums = Some(Statistics::of(&features).map_err(|e| e.blame(input))?);
                Ok(())
            }
        }
    }
}
