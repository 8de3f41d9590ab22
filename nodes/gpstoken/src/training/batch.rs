//! What a step trains on, made in the background.

use super::{
    crop::random_tile,
    pictures::Pictures,
    random::{Purpose, Random},
};
use crate::{
    canvas::{TILE, picture::grey},
    partition::{Rules, corners, gaussian, partition},
    tokenizer::region_pixel,
};
use rayon::prelude::*;
use splatgraph_sdk::{Error, Result};
use std::{
    sync::{Arc, mpsc},
    thread,
};

/// How samples are drawn.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// Of all choices.
    pub seed: u64,
    /// Pictures in a step.
    pub pictures: usize,
    /// One of these is the number of tokens of a step.
    pub token_counts: Vec<usize>,
    /// Of the partition.
    pub exponent: f64,
}

/// The samples of a step: `B` tiles, cut into `N` regions each.
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
    /// The regions of each tile, in pixels of it.
    pub boxes: Vec<Vec<[f32; 4]>>,
}

impl Sampling {
    /// The samples of a step: a function of the seed, the step and the pictures.
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

    /// The batches from a step on, made in a thread of their own, a few ahead. It ends when the receiver is dropped.
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

/// Gaussians `[N, 5]` and regions in pixels of a tile `[3, TILE, TILE]`.
pub fn layout(tile: &[f32], tokens: usize, exponent: f64) -> Result<(Vec<f32>, Vec<[f32; 4]>)> {
    let rules = Rules { tokens, exponent, min_region: 8 };
    let regions = partition(&grey(tile), [TILE, TILE], None, &rules).map_err(|e| {
        Error::new(format!(
            "expected at most {} tokens, as many as a tile can be cut into regions, got {tokens}",
            e.capacity
        ))
    })?;
    let gaussians = regions.iter().flat_map(|region| gaussian(*region, TILE, TILE)).collect();
    Ok((gaussians, regions.iter().map(|region| corners(*region, TILE, TILE).map(region_pixel)).collect()))
}
