//! Sampling of tokens for TextureDiffusion and TokenDiffusion: previews, and samples as tokens.

use super::{
    decode::decode,
    generator::Generator,
    sample::{Sampling, Stochastic, Subject, tokens_of_rows},
    splat::splat,
    tokenizer::Tokenizer,
};
use crate::{
    device::Placed,
    generator::sampler::{Sampler, Settings, Step},
    splat::Tiles,
    tokenizer::Together,
};
use splatgraph_sdk::prelude::*;
use std::ops::Range;

/// How to sample tokens: inputs of TextureDiffusion and TokenDiffusion.
#[derive(InputGroup)]
pub struct TokenCourse {
    /// The number of points in time. A stochastic sampler evaluates the model at each point. The other samplers make a step
    /// between each two.
    #[input(default = 250, min = 2, max = 100000)]
    pub steps: u32,
    /// The method that follows the velocities from noise to data.
    #[input(default = Sampler::Sde)]
    pub sampler: Sampler,
    /// How strongly guidance pushes the picture towards its class; 1 is no guidance and takes half the time.
    #[input(default = 1.5)]
    pub guidance_scale: f32,
    /// The time at which guidance begins; the noise is at 0 and the picture at 1.
    #[input(default = 0.2)]
    pub guidance_low: f32,
    /// The time at which guidance ends.
    #[input(default = 1.0)]
    pub guidance_high: f32,
    #[input(flatten)]
    #[expect(missing_docs, reason = "a group has no help of its own")]
    pub stochastic: Stochastic,
    /// Recorded noise instead of the seed: `start` f32 [B, C, N] and `steps` f32 [S, B, C, N].
    pub noise: Option<Record>,
    /// The number of steps between previews of the expected picture; 0 shows none. Needs `tokenizer`.
    #[input(default = 0, min = 0)]
    pub preview_every: u32,
    /// The tokenizer that decodes the previews.
    pub tokenizer: Option<Local<Tokenizer>>,
}

impl TokenCourse {
    /// Samples `pictures` pictures of `count` tokens. `layout` is `[B, N, 5]`, or empty for a generator that makes the gaussians
    /// too. `header` is the layout's; the generator adds what it knows of its tokenizer.
    ///
    /// # Errors
    /// An input is unusable, the run was cancelled, or the device failed.
    pub(crate) fn sample(
        self,
        generator: &Generator,
        subject: Subject,
        [pictures, count]: [usize; 2],
        layout: &[f32],
        header: &Canvas,
        ctx: &Ctx,
    ) -> Result<Tokens> {
        let Self { steps, sampler, guidance_scale, guidance_low, guidance_high, stochastic, noise, .. } = self;
        let (preview_every, tokenizer) = (self.preview_every as usize, self.tokenizer);
        if preview_every > 0 && tokenizer.is_none() {
            return Err(Error::input(
                "tokenizer",
                "expected a tokenizer, which decodes the previews, got none. Connect LoadTokenizer, or set preview_every to 0",
            ));
        }
        let (channels, facts) = (generator.sizes.channels, &generator.tokenizer);
        let header = Canvas {
            map: facts.map.or(header.map),
            support: facts.support.or(header.support),
            model: facts.model.clone().or_else(|| Some(generator.name.clone())),
            ..header.clone()
        };
        let tokens_of = |samples: &[f32], first: usize| {
            let of_picture = |(index, sample): (usize, &[f32])| {
                let own = layout.chunks_exact(count * 5).nth(first + index);
                generator.normalisation.tokens(sample, own)
            };
            let size = channels * count;
            let rows = samples.chunks_exact(size).enumerate().flat_map(of_picture).collect();
            tokens_of_rows(rows, samples.len() / size, channels, header.clone())
        };
        let mut preview = |range: Range<usize>, step: Step<'_>| {
            let Some(tokenizer) = &tokenizer else { return Ok(()) };
            if preview_every == 0 || !step.index.is_multiple_of(preview_every) || !ctx.wants_previews() {
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
        let Stochastic { diffusion, last_step } = stochastic;
        let settings = Settings { sampler, points: steps as usize, diffusion, last_step };
        let sampling = Sampling { subject, settings, guidance_scale, guidance_low, guidance_high, noise, ctx };
        let samples = ctx.on_threads(|| sampling.run(generator, [pictures, count], layout, &mut preview))?;
        tokens_of(&samples, 0)
    }
}
