//! The node `gpstoken.LayoutDiffusion`.

use crate::{
    generator::sampler::{Sampler, Settings},
    stages::{
        generator::{Generator, Kind},
        layout::calibrated,
        sample::{Sampling, Stochastic, Subject, expect},
    },
};
use splatgraph_sdk::prelude::*;

/// Samples layouts for a class from noise: the gaussians that TextureDiffusion starts from (paper, section 3.3).
///
/// A layout depends on its seed and class, not on the rest of the batch. Picture i has the seed `seed + i`.
#[node(category = "GPSToken", outputs(layout: "a gaussian for each token, and a region for each if `calibrate` is on"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn layout_diffusion(
    /// A generator of layouts, from LoadGenerator.
    generator: Local<Generator>,
    #[input(flatten)] subject: Subject,
    /// The number of pictures.
    #[input(default = 1, min = 1, max = 65536, counts_from = "seed")]
    count: u32,
    /// Gaussians of a picture; 0 takes the number from the generator, which can make no other.
    #[input(default = 0, min = 0, max = 65536)]
    tokens: u32,
    /// The number of points in time; there is one step less.
    #[input(default = 6, min = 2, max = 100000)]
    steps: u32,
    /// The method that follows the velocities from noise to data.
    #[input(default = Sampler::Euler)]
    sampler: Sampler,
    /// How strongly guidance pushes the layout towards its class; 1 is no guidance and takes half the time.
    #[input(default = 1.5)]
    guidance_scale: f32,
    /// The time at which guidance begins; the noise is at 0 and the layout at 1.
    #[input(default = 0.0)]
    guidance_low: f32,
    /// The time at which guidance ends.
    #[input(default = 1.0)]
    guidance_high: f32,
    #[input(flatten)] stochastic: Stochastic,
    /// Turns each layout into a partition of the tile, as in the training of TextureDiffusion's generator (paper, algorithm
    /// 2). Otherwise the gaussians stay as sampled, and there are no regions.
    #[input(default = true)]
    calibrate: bool,
    /// Recorded noise instead of the seed: `start` f32 [B, 5, N] and `steps` f32 [S, B, 5, N].
    noise: Option<Record>,
    ctx: &Ctx,
) -> Result<Layout> {
    expect(&generator, Kind::Layout)?;
    let made = generator.sizes.fixed_tokens.unwrap_or_default();
    if tokens != 0 && tokens as usize != made {
        return Err(Error::input(
            "tokens",
            format!(
                "expected {made} gaussians, for which {} has places, got {tokens}. Set tokens to 0",
                generator.name
            ),
        ));
    }
    let pictures = count as usize;
    let settings =
        Settings { sampler, points: steps as usize, diffusion: stochastic.diffusion, last_step: stochastic.last_step };
    let sampling = Sampling { subject, settings, guidance_scale, guidance_low, guidance_high, noise, ctx };
    let samples = ctx.on_threads(|| sampling.run(&generator, [pictures, made], &[], &mut |_, _| Ok(())))?;
    let sampled: Vec<f32> =
        samples.chunks_exact(5 * made).flat_map(|sample| generator.normalisation.tokens(sample, None)).collect();
    if calibrate {
        return calibrated(&sampled, pictures);
    }
    Layout::new(Tensor::from_vec([pictures, made, 5], sampled)?, None, Canvas::default())
}
