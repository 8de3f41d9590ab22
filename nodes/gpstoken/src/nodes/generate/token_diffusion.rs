//! The node `gpstoken.TokenDiffusion`.

use crate::stages::{
    generator::{Generator, Kind},
    sample::{Subject, expect},
    tokens::TokenCourse,
};
use splatgraph_sdk::prelude::*;

/// Samples tokens for a class from noise in one stage, without a layout: gaussians and textures come from the same generator
/// (paper, table 2). LayoutDiffusion and TextureDiffusion are the two stages instead.
///
/// A picture depends on its seed and class, not on the rest of the batch. Picture i has the seed `seed + i`. The README of the
/// pack describes the noise.
#[node(category = "GPSToken", outputs(tokens: "gaussians with textures, as many as the generator has places"))]
pub fn token_diffusion(
    /// A generator of tokens, from LoadGenerator.
    generator: Local<Generator>,
    #[input(flatten)] subject: Subject,
    /// The number of pictures.
    #[input(default = 1, min = 1, max = 65536, counts_from = "seed")]
    count: u32,
    #[input(flatten)] course: TokenCourse,
    ctx: &Ctx,
) -> Result<Tokens> {
    expect(&generator, Kind::Token)?;
    let shape = [count as usize, generator.sizes.fixed_tokens.unwrap_or_default()];
    course.sample(&generator, subject, shape, &[], &Canvas::default(), ctx)
}
