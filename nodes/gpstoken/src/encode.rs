//! The node `gpstoken.Encode`.

use crate::{
    device::{OnDevice, Placed},
    grid::Grid,
    kernels::{cpu::Level, memory::zeroed},
    load_tokenizer::Tokenizer,
    picture::tile_input,
    threads::within,
    tokenizer::{Direct, ImageStem, TILE},
};
use burn::tensor::Tensor;
use rayon::prelude::*;
use splatgraph_sdk::prelude::{Tensor as HostTensor, *};

/// Looks at a picture: gives the feature map that RefineTokens samples (paper, section 3.3).
///
/// A picture of any size is encoded tile by tile, each of 256 pixels and by itself; tiles at the right and lower border that reach
/// beyond the picture repeat its last pixels.
#[node(category = "GPSToken", outputs(features: "as many pixels as the tiles have"))]
pub fn encode(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The picture.
    image: Image,
    ctx: &Ctx,
) -> Result<Placed<Features>> {
    let [_, height, width, _] = image.image.dims()?;
    let grid = Grid::of_picture(width, height)?;
    match tokenizer.compute.is_host() {
        true => on_host(&tokenizer, &image, grid, ctx).map(Placed::Host),
        false => tokenizer.compute.run(|| on_device(&tokenizer, &image, grid, ctx).map(Placed::device)),
    }
}

fn on_host(tokenizer: &Tokenizer, image: &Image, grid: Grid, ctx: &Ctx) -> Result<Features> {
    within(ctx, || {
        let [batch, height, width, _] = image.image.dims()?;
        let stem = &tokenizer.network.stem;
        let channels = tokenizer.network.stem_channels;
        let direct = Direct { level: Level::best(), workspace: &tokenizer.workspace };
        let pictures = image.image.as_slice::<f32>()?;
        let [full_width, full_height] = grid.area();
        let mut features = zeroed(batch * channels * full_height * full_width); // [B, C, H, W]
        let (mut done, total) = (0, batch * grid.count() * ImageStem::STAGES);
        for b in 0..batch {
            let picture = &pictures[b * height * width * 3..][..height * width * 3];
            let features =
                &mut features[b * channels * full_height * full_width..][..channels * full_height * full_width];
            for [column, row] in grid.tiles() {
                let planes = tile_input(picture, [width, height], [column, row]);
                let mut input = direct.map([TILE, TILE], 3);
                for (i, pixel) in input.values_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    *pixel = std::array::from_fn(|channel| planes[channel * TILE * TILE + i]);
                }
                let encoded = stem.direct(&input, direct, &mut |_, _| {
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
                direct.put(input);
                direct.put(encoded);
            }
        }
        tokenizer.workspace.trim();
        Features::new(HostTensor::from_vec([batch, channels, full_height, full_width], features)?)
    })
}

fn on_device(tokenizer: &Tokenizer, image: &Image, grid: Grid, ctx: &Ctx) -> Result<OnDevice<Features>> {
    let compute = &tokenizer.compute;
    let [batch, height, width, _] = image.image.dims()?;
    let pictures = image.image.as_slice::<f32>()?;
    let (mut done, total) = (0, batch * grid.count() * ImageStem::STAGES);
    let mut encode = |picture: &[f32], tile: [usize; 2]| -> Result<Tensor<4>> {
        let input = compute.upload(tile_input(picture, [width, height], tile), [1, 3, TILE, TILE])?;
        tokenizer.network.stem.forward(input, &mut |_, _| {
            done += 1;
            ctx.step(done, total)
        })
    };
    let picture = |b: usize| -> Result<Tensor<4>> {
        let picture = &pictures[b * height * width * 3..][..height * width * 3];
        let tiles = grid.tiles().map(|tile| encode(picture, tile)).collect::<Result<Vec<_>>>()?;
        Ok(grid.join(tiles))
    };
    let features = Tensor::cat((0..batch).map(picture).collect::<Result<Vec<_>>>()?, 0); // [B, C, H, W]
    Ok(OnDevice::new(compute, None).with("features", features))
}
