//! Decoding on a device: turns a map into a picture, window by window.

use super::{
    Device, OnDevice, Parameter,
    arrange_shader::{Place, add_window},
    tiles,
};
use crate::tokenizer::{Network, Pieces};
use burn::{
    prelude::s,
    tensor::{Tensor, TensorData},
};
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
    let batch = map.dims()[0];
    let scale = network.sizes.enlargement();
    let (mut done, total) = (0, batch * pieces.windows.count() * decoder.stages());
    let mut decode = |piece: Tensor<4>| {
        decoder.forward(piece, pieces.together(), &mut |_, _| {
            done += 1;
            ctx.step(done, total)
        })
    };
    let [width, height] = pieces.size;
    let canvas = [batch, height, width, 3];
    let mut pictures = if pieces.windows.count() == 1 {
        Tensor::empty(canvas, device.burn()) // the only window covers it
    } else {
        device.upload(vec![0.0; canvas.iter().product()], canvas)?
    };
    for b in 0..batch {
        for [column, row] in pieces.windows.iter() {
            let decoded =
                decode(tiles::window(&map, b..b + 1, [column.start, row.start], [column.length, row.length]))?;
            let place = Place {
                picture: b,
                corner: [column.start * scale, row.start * scale],
                weights: [&column.weights, &row.weights],
                replaces: pieces.windows.count() == 1,
            };
            pictures = add(pictures, decoded, &place);
        }
    }
    Ok(OnDevice::new(device, None).with("image", pictures))
}

/// Adds a decoded window `[1, 3, h, w]` to the pictures `[B, H, W, 3]`.
fn add(pictures: Tensor<4>, decoded: Tensor<4>, place: &Place<'_>) -> Tensor<4> {
    let pictures = match add_window(pictures, &decoded, place) {
        Ok(sum) => return sum,
        Err(pictures) => pictures,
    };
    let ([_, height, width, _], [_, _, h, w]) = (pictures.dims(), decoded.dims());
    let ([left, top], [across, down]) = (place.corner, place.weights);
    let weights = |values: &[f32], shape: [usize; 4]| {
        Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &pictures.device())
    };
    let weighted = (decoded + 1.0) / 2.0 * weights(across, [1, 1, 1, w]) * weights(down, [1, 1, h, 1]);
    let (right, bottom) = ((left + w).min(width), (top + h).min(height));
    if left >= right || top >= bottom {
        return pictures;
    }
    let inside = weighted.permute([0, 2, 3, 1]).slice(s![.., 0..bottom - top, 0..right - left, ..]);
    let there = s![place.picture..place.picture + 1, top..bottom, left..right, ..];
    let sum = if place.replaces { inside } else { pictures.clone().slice(there) + inside };
    pictures.slice_assign(there, sum)
}
