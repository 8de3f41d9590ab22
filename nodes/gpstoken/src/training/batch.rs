//! The samples of a tokenizer's training, made in the background.

use super::{
    crop::random_tile,
    pictures::Pictures,
    random::{Purpose, Random},
};
use crate::{
    canvas::{TILE, picture::grey},
    names::counted,
    partition::{Rules, corners, gaussian, partition},
    tokenizer::region_pixel,
};
use rayon::prelude::*;
use splatgraph_sdk::{Error, Result};
use std::{
    sync::{Arc, mpsc},
    thread,
};

/// The settings for drawing samples.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// The seed of all random choices.
    pub seed: u64,
    /// Pictures in a step.
    pub pictures: usize,
    /// The numbers of tokens. Each step uses one of them.
    pub token_counts: Vec<usize>,
    /// The partition's exponent.
    pub exponent: f64,
}

/// The samples of a step: `B` tiles, each cut into `N` regions.
#[derive(Debug)]
pub struct Batch {
    /// The step, counted from 0.
    pub step: u64,
    /// `N`
    pub tokens: usize,
    /// `[B, 3, TILE, TILE]`, -1..1
    pub tiles: Vec<f32>,
    /// `[B, N, 5]`
    pub gaussians: Vec<f32>,
    /// The regions of each tile, in pixels of the tile.
    pub boxes: Vec<Vec<[f32; 4]>>,
}

impl Sampling {
    /// Makes the samples of a step. They depend only on the seed, the step and the pictures.
    ///
    /// # Errors
    /// No picture can be read, or a tile can't be cut into so many regions.
    pub fn batch(&self, pictures: &Pictures, step: u64) -> Result<Batch> {
        let mut random = Random::new(self.seed, Purpose::Step, step, 0);
        let tokens = self.token_counts[random.below(self.token_counts.len())];
        let samples = (0..self.pictures).into_par_iter().map(|sample| {
            let mut random = Random::new(self.seed, Purpose::Sample, step, sample as u32);
            let picture = pictures.get(random.below(pictures.count()))?;
            let tile = random_tile(&picture, &mut random);
            let (gaussians, boxes) = layout(&tile, tokens, self.exponent)?;
            Ok((tile, gaussians, boxes))
        });
        let samples: Vec<_> = samples.collect::<Result<_>>()?;
        let mut batch = Batch { step, tokens, tiles: Vec::new(), gaussians: Vec::new(), boxes: Vec::new() };
        for (tile, gaussians, boxes) in samples {
            batch.tiles.extend(tile);
            batch.gaussians.extend(gaussians);
            batch.boxes.push(boxes);
        }
        Ok(batch)
    }

    /// Makes the batches from step `first` on in a separate thread, a few steps ahead. The thread ends when the receiver is dropped.
    pub fn in_background(&self, pictures: Arc<Pictures>, first: u64) -> mpsc::Receiver<Result<Batch>> {
        let (sender, receiver) = mpsc::sync_channel(4);
        let sampling = self.clone();
        thread::spawn(move || {
            for step in first.. {
                let batch = sampling.batch(&pictures, step);
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    break;
                }
            }
        });
        receiver
    }
}

/// The gaussians `[N, 5]` of a tile `[3, TILE, TILE]`, and its regions in pixels.
pub fn layout(tile: &[f32], tokens: usize, exponent: f64) -> Result<(Vec<f32>, Vec<[f32; 4]>)> {
    let rules = Rules { tokens, exponent, min_region: 8 };
    let regions = partition(&grey(tile), [TILE, TILE], None, &rules).map_err(|e| {
        Error::new(format!(
            "expected at most {}, the number of regions that fit into a tile, got {tokens}. Ask for fewer tokens",
            counted(e.capacity, "token")
        ))
    })?;
    let gaussians = regions.iter().flat_map(|region| gaussian(*region, TILE, TILE)).collect();
    Ok((gaussians, regions.iter().map(|region| corners(*region, TILE, TILE).map(region_pixel)).collect()))
}
