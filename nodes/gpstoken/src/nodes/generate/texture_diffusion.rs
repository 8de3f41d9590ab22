//! The node `gpstoken.TextureDiffusion`.

use crate::{
    names::counted,
    partition::{Coverage, coverage},
    stages::{
        generator::{Generator, Kind},
        sample::{Subject, expect},
        tokens::TokenCourse,
    },
};
use splatgraph_sdk::prelude::*;

/// Samples tokens for a layout and a class from noise: moves the gaussians a little and gives each a texture (paper, section
/// 3.3).
///
/// A picture depends on its seed, layout and class, not on the rest of the batch. Picture i has the seed `seed + i`. The
/// README of the pack describes the noise.
#[node(category = "GPSToken", outputs(tokens: "gaussians with textures"))]
pub fn texture_diffusion(
    /// A generator of textures, from LoadGenerator.
    generator: Local<Generator>,
    /// The gaussians to start from, for one tile of 256 x 256 pixels. The log warns if the layout has regions that leave holes or
    /// overlap: the generator was trained on partitions.
    layout: Layout,
    #[input(flatten)] subject: Subject,
    #[input(flatten)] course: TokenCourse,
    ctx: &Ctx,
) -> Result<Tokens> {
    expect(&generator, Kind::Texture)?;
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
    course.sample(&generator, subject, [pictures, count], gaussians, &layout.header, ctx)
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
