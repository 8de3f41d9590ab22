//! The node `gpstoken.TextureDiffusion`.

use crate::{
    device::Placed,
    generator::sampler::{Sampler, Settings, Step},
    names::counted,
    partition::{Coverage, coverage},
    splat::Tiles,
    stages::{
        decode::decode,
        generator::{Generator, Kind},
        sample::{Sampling, Stochastic, Subject, expect, tokens_of_rows},
        splat::splat,
        tokenizer::Tokenizer,
    },
    tokenizer::Together,
};
use splatgraph_sdk::prelude::*;
use std::ops::Range;

/// Samples tokens for a layout and a class from noise: moves the gaussians a little and gives each a texture (paper, section
/// 3.3).
///
/// A picture depends on its seed, layout and class, not on the rest of the batch. Picture i has the seed `seed + i`. The
/// README of the pack describes the noise.
#[node(category = "GPSToken", outputs(tokens: "gaussians with textures"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn texture_diffusion(
    /// A generator of textures, from LoadGenerator.
    generator: Local<Generator>,
    /// The gaussians to start from, for one tile of 256 x 256 pixels. The log warns if the layout has regions that leave holes or
    /// overlap: the generator was trained on partitions.
    layout: Layout,
    #[input(flatten)] subject: Subject,
    /// The number of points in time. A stochastic sampler evaluates the model at each point. The other samplers make a step
    /// between each two.
    #[input(default = 250, min = 2, max = 100000)]
    steps: u32,
    /// The method that follows the velocities from noise to data.
    #[input(default = Sampler::Sde)]
    sampler: Sampler,
    /// How strongly guidance pushes the picture towards its class; 1 is no guidance and takes half the time.
    #[input(default = 1.5)]
    guidance_scale: f32,
    /// The time at which guidance begins; the noise is at 0 and the picture at 1.
    #[input(default = 0.2)]
    guidance_low: f32,
    /// The time at which guidance ends.
    #[input(default = 1.0)]
    guidance_high: f32,
    #[input(flatten)] stochastic: Stochastic,
    /// Recorded noise instead of the seed: `start` f32 [B, C, N] and `steps` f32 [S, B, C, N].
    noise: Option<Record>,
    /// The number of steps between previews of the expected picture; 0 shows none. Needs `tokenizer`.
    #[input(default = 0, min = 0)]
    preview_every: u32,
    /// The tokenizer that decodes the previews.
    tokenizer: Option<Local<Tokenizer>>,
    ctx: &Ctx,
) -> Result<Tokens> {
    expect(&generator, Kind::Texture)?;
    let channels = generator.sizes.channels;
    let [pictures, count, _] = layout.gaussians.dims()?;
    if layout.header.grid != [1, 1] {
        let [columns, rows] = layout.header.grid;
        return Err(Error::input(
            "layout",
            format!(
                "expected a layout of one tile, as the generator makes pictures of 256 x 256 pixels, got {columns} x {rows} tiles"
            ),
        ));
    }
    if pictures == 0 || count == 0 {
        return Err(Error::input(
            "layout",
            format!("expected at least one gaussian, got {} of {count}", counted(pictures, "picture")),
        ));
    }
    if preview_every > 0 && tokenizer.is_none() {
        return Err(Error::input(
            "tokenizer",
            "expected a tokenizer, which decodes the previews, got none. Connect LoadTokenizer, or set preview_every to 0",
        ));
    }
    let gaussians = layout.gaussians.as_slice::<f32>()?;
    if let Some(index) = gaussians.iter().position(|v| !v.is_finite()) {
        return Err(Error::input(
            "layout",
            format!(
                "expected finite gaussians, got {2} in gaussian {0} of picture {1}",
                index / 5 % count,
                index / 5 / count,
                gaussians[index]
            ),
        ));
    }
    if let Some(regions) = &layout.regions {
        warn_of_no_partition(regions.as_slice::<f32>()?.as_chunks::<4>().0, count, ctx);
    }
    let facts = &generator.tokenizer;
    let header = Canvas {
        map: facts.map.or(layout.header.map),
        support: facts.support.or(layout.header.support),
        model: facts.model.clone().or_else(|| Some(generator.name.clone())),
        ..layout.header.clone()
    };
    let tokens_of = |samples: &[f32], first: usize| {
        let size = channels * count;
        let pictures = samples.chunks_exact(size).zip(gaussians[first * count * 5..].chunks_exact(count * 5));
        let rows = pictures.flat_map(|(sample, layout)| generator.normalisation.tokens(sample, Some(layout)));
        tokens_of_rows(rows.collect(), samples.len() / size, channels, header.clone())
    };
    let settings =
        Settings { sampler, points: steps as usize, diffusion: stochastic.diffusion, last_step: stochastic.last_step };
    let mut preview = |range: Range<usize>, step: Step<'_>| {
        let Some(tokenizer) = &tokenizer else { return Ok(()) };
        if preview_every == 0 || !step.index.is_multiple_of(preview_every as usize) || !ctx.wants_previews() {
            return Ok(());
        }
        // The end of a straight line from here along the velocity.
        let rest = 1.0 - step.t;
        let expected: Vec<f32> = step.from.iter().zip(step.velocity).map(|(x, v)| x + rest * v).collect();
        let size = (range.len() * channels * count).min(expected.len());
        let tokens = tokens_of(&expected[..size], range.start)?;
        let map = splat(Placed::Host(tokens), Some(tokenizer), Tiles::Merged, 1.0, ctx)?;
        ctx.preview(&decode(tokenizer, map, Together::Merged, ctx)?.into_value()?);
        Ok(())
    };
    let sampling = Sampling { subject, settings, guidance_scale, guidance_low, guidance_high, noise, ctx };
    let samples = ctx.on_threads(|| sampling.run(&generator, [pictures, count], gaussians, &mut preview))?;
    tokens_of(&samples, 0)
}

/// Warns if the regions `[B * N]` of some picture leave holes or overlap. The generator knows partitions only.
fn warn_of_no_partition(regions: &[[f32; 4]], count: usize, ctx: &Ctx) {
    let pictures = regions.chunks_exact(count).map(coverage).enumerate();
    let wrong: Vec<_> = pictures.filter(|(_, coverage)| *coverage != Coverage::default()).collect();
    let Some((picture, Coverage { uncovered, repeated })) = wrong.first() else { return };
    let others = if wrong.len() > 1 { format!(" and {} more", wrong.len() - 1) } else { String::new() };
    ctx.warn(format!(
        "expected a layout whose regions cover the picture once, as in the generator's training, got one with {:.1} % of the area in no region and {:.1} % in several (picture {picture}{others}); put CalibrateLayout in front",
        uncovered * 100.0,
        repeated * 100.0
    ));
}
