//! Decoding on a device: turns a map into a picture, window by window.

use super::{Device, OnDevice, Parameter};
use crate::tokenizer::{Network, Pieces};
use burn::{prelude::s, tensor::Tensor};
use splatgraph_sdk::{Ctx, FeatureMap, Image, Result};

/// Decodes a map `[B, C, h, w]` on a device to pictures.
///
/// # Errors
/// The run was cancelled, or the device failed.
pub fn decode(
    network: &Network<Parameter>,
    device: &Device,
    map: &OnDevice<FeatureMap>,
    pieces: &Pieces,
    ctx: &Ctx,
) -> Result<OnDevice<Image>> {
    let (decoder, map) = (&network.decoder, map.tensor::<4>("map"));
    let [batch, _, map_height, map_width] = map.dims();
    let scale = network.sizes.enlargement();
    let (mut done, total) = (0, batch * pieces.windows.count() * decoder.stages());
    let mut decode = |piece: Tensor<4>| {
        decoder.forward(piece, pieces.together(), &mut |_, _| {
            done += 1;
            ctx.step(done, total)
        })
    };
    let mut pictures = Vec::new();
    for b in 0..batch {
        let map = map.clone().slice(s![b..b + 1, .., .., ..]);
        if pieces.windows.count() == 1 {
            pictures.push(decode(map)?);
            continue;
        }
        let mut picture = Tensor::zeros([1, 3, map_height * scale, map_width * scale], device.burn());
        for [column, row] in pieces.windows.iter() {
            let [x, y] = [column, row].map(|span| span.start..span.start + span.length);
            let decoded = decode(map.clone().slice(s![.., .., y.clone(), x.clone()]))?
                * device.upload(column.weights.clone(), [1, 1, 1, column.weights.len()])?
                * device.upload(row.weights.clone(), [1, 1, row.weights.len(), 1])?;
            let place = s![.., .., y.start * scale..y.end * scale, x.start * scale..x.end * scale];
            let before = picture.clone().slice(place);
            picture = picture.slice_assign(place, before + decoded);
        }
        pictures.push(picture);
    }
    let [width, height] = pieces.size;
    let pictures = Tensor::cat(pictures, 0).slice(s![.., .., 0..height, 0..width]);
    let pictures = (pictures.permute([0, 2, 3, 1]) + 1.0) / 2.0; // [B, H, W, 3]
    Ok(OnDevice::new(device, None).with("image", pictures))
}
