//! `std.ErrorMask`

use crate::{
    drawn_mask::check_finite,
    extent::{Extent, resize_node},
    memory::zeros,
    parallel::{PIECE, pieces},
};
use splatgraph_sdk::prelude::*;

/// Shows where two pictures differ, as a mask of their blurred squared error. Its largest value is 1.
///
/// The error of a first reconstruction shows where a second one should spend more tokens. Each picture has its own scale. Equal
/// pictures give zeros.
#[node(category = "Mask", outputs(
    mask: "0..1, [B, H, W].",
    error: "The largest blurred squared error of values 0..1, for which 1 stands; the mean over the batch.",
))]
pub fn error_mask(
    /// The first pictures, usually the originals: one for all pictures of `b`, or as many as in `b`.
    a: Image,
    /// The second pictures, of the same size.
    b: Image,
    /// The radius of the blur, in pixels: two standard deviations of a gaussian. 0 does not blur.
    #[input(default = 8.0, min = 0, max = 256)]
    radius: f32,
    ctx: &Ctx,
) -> Result<(Mask, f64)> {
    check_finite(&[("radius", radius)])?;
    let (left, right) = (Extent::of(&a, "a")?, Extent::of(&b, "b")?);
    if [left.width, left.height] != [right.width, right.height] {
        return Err(Error::input(
            "b",
            format!(
                "expected pictures of {} x {} as in a, got {} x {}; put a Resize in front: {}",
                left.width,
                left.height,
                right.width,
                right.height,
                resize_node(left.width, left.height)
            ),
        ));
    }
    if left.batch != right.batch && left.batch != 1 && right.batch != 1 {
        return Err(Error::input(
            "b",
            format!("expected 1 picture or as many as in a, {}, got {}", left.batch, right.batch),
        ));
    }
    let (batch, width, height) = (left.batch.max(right.batch), left.width, left.height);
    let window = window(radius);
    let (of_a, of_b) = (a.image.as_slice::<f32>()?, b.image.as_slice::<f32>()?);
    ctx.on_threads(|| {
        let mut mask = zeros::<f32>(batch * width * height)?;
        let mut scales = 0.0;
        for (i, mask) in mask.chunks_exact_mut(width * height).enumerate() {
            ctx.step(i, batch)?;
            let size = width * height * 3;
            let start = |pictures: usize| if pictures == 1 { 0 } else { i * size };
            let errors = squared_errors(&of_a[start(left.batch)..][..size], &of_b[start(right.batch)..][..size]);
            blur(&errors, width, &window, mask);
            let largest = mask.iter().fold(0.0f32, |largest, v| largest.max(*v));
            if largest.is_infinite() {
                return Err(Error::input(
                    "b",
                    format!("expected pictures with a finite squared difference, got an infinite one for picture {i} (from 0)"),
                ));
            }
            if largest > 0.0 {
                pieces(mask, PIECE, &|_, piece| piece.iter_mut().for_each(|v| *v /= largest));
            }
            scales += f64::from(largest);
        }
        Ok((Mask::new(Tensor::from_vec([batch, height, width], mask)?)?, scales / batch as f64))
    })
}

/// The mean of the three channels' squared differences at each pixel.
fn squared_errors(a: &[f32], b: &[f32]) -> Vec<f32> {
    let (a, b) = (a.as_chunks::<3>().0, b.as_chunks::<3>().0);
    let mut errors = vec![0.0; a.len()];
    pieces(&mut errors, PIECE, &|index, errors| {
        for (error, (a, b)) in errors.iter_mut().zip(a[index * PIECE..].iter().zip(&b[index * PIECE..])) {
            *error = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / 3.0;
        }
    });
    errors
}

/// Half a gaussian, from the centre to three standard deviations.
fn window(radius: f32) -> Vec<f32> {
    let sigma = f64::from(radius) / 2.0;
    let reach = (3.0 * sigma).ceil() as usize;
    (0..=reach).map(|i| if i == 0 { 1.0 } else { (-(i as f64 / sigma).powi(2) / 2.0).exp() as f32 }).collect()
}

/// Weighted means over the part of the window inside the picture.
fn blur(values: &[f32], width: usize, window: &[f32], out: &mut [f32]) {
    let height = values.len() / width;
    let mut rows = vec![0.0; values.len()];
    pieces(&mut rows, width, &|y, out| {
        let line = &values[y * width..][..width];
        for (x, to) in out.iter_mut().enumerate() {
            *to = mean(window, x, width, |i| line[i]);
        }
    });
    pieces(out, width, &|y, line| {
        for (x, to) in line.iter_mut().enumerate() {
            *to = mean(window, y, height, |i| rows[i * width + x]);
        }
    });
}

/// The weighted mean of the values around place `at` of `length`.
fn mean(window: &[f32], at: usize, length: usize, value: impl Fn(usize) -> f32) -> f32 {
    let reach = window.len() - 1;
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in at.saturating_sub(reach)..=(at + reach).min(length - 1) {
        let weight = window[i.abs_diff(at)];
        sum += weight * value(i);
        weights += weight;
    }
    sum / weights
}
