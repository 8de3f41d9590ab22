//! Encoding on the host: turns a picture into features, tile by tile.

use super::{Network, STEM_STAGES};
use crate::{
    canvas::{TILE, grid::Grid, picture::tile_input},
    kernels::{cpu::Level, memory::zeroed, workspace::Workspace},
    layers::Host,
};
use rayon::prelude::*;
use splatgraph_sdk::{Ctx, Features, Image, Result, Tensor};

/// Encodes pictures with the tiles of `grid` to features.
///
/// # Errors
/// The run was cancelled.
pub fn encode(network: &Network, workspace: &Workspace, image: &Image, grid: Grid, ctx: &Ctx) -> Result<Features> {
    let [batch, height, width, _] = image.image.dims()?;
    let channels = network.sizes.stem_channels;
    let host = Host { level: Level::best(), workspace };
    let pictures = image.image.as_slice::<f32>()?;
    let [full_width, full_height] = grid.area();
    let mut features = zeroed(batch * channels * full_height * full_width); // [B, C, H, W]
    let (mut done, total) = (0, batch * grid.count() * STEM_STAGES);
    for b in 0..batch {
        let picture = &pictures[b * height * width * 3..][..height * width * 3];
        let features = &mut features[b * channels * full_height * full_width..][..channels * full_height * full_width];
        for [column, row] in grid.tiles() {
            let planes = tile_input(picture, [width, height], [column, row]);
            let input = host.interleave(&planes, [TILE, TILE]);
            let encoded = network.stem.forward(&input, host, &mut |_, _| {
                done += 1;
                ctx.step(done, total)
            })?;
            features.par_chunks_mut(full_height * full_width).enumerate().for_each(|(channel, plane)| {
                for (y, line) in encoded.values().chunks_exact(TILE * channels).enumerate() {
                    let plane = &mut plane[(row * TILE + y) * full_width + column * TILE..][..TILE];
                    for (to, pixel) in plane.iter_mut().zip(line.chunks_exact(channels)) {
                        *to = pixel[channel];
                    }
                }
            });
            host.put(input);
            host.put(encoded);
        }
    }
    workspace.trim();
    Features::new(Tensor::from_vec([batch, channels, full_height, full_width], features)?)
}
