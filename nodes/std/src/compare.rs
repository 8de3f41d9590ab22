//! `std.Compare`

use crate::{
    extent::{Extent, resize_node},
    levels::{Rounding, level},
    memory::zeros,
    metrics::{WINDOW, psnr, ssim},
    threads::within,
};
use rayon::prelude::*;
use splatgraph_sdk::{prelude::*, serde_json::json};

/// The 8-bit range, for both measures.
const PEAK: f64 = 255.0;

/// Measures how alike two pictures are.
///
/// Both are rounded to 8 bits first, as they would be saved. PSNR: over all three channels, in dB, at most 100, which is
/// also what equal pictures get (really it is infinite). SSIM: Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01,
/// K2 = 0.03, only where the window lies inside, per channel, then the mean. Of a batch, the mean over the pictures.
#[node(category = "Image/Compare", outputs(
    psnr: "The mean over the batch, in dB.",
    ssim: "The mean over the batch, at most 1.",
    each: "Per picture: [{\"psnr\": .., \"ssim\": ..}, ..].",
    picture: "a, b and their difference side by side, [B, H, 3 W, 3].",
))]
pub fn compare(
    /// The first picture, usually the original.
    a: Image,
    /// The second, of the same size.
    b: Image,
    /// The difference |a - b| is shown this many times stronger, cut off at 1.
    #[input(default = 4.0, min = 0, max = 255)]
    error_gain: f32,
    ctx: &Ctx,
) -> Result<(f64, f64, Json, Image)> {
    let extent = Extent::of(&a, "a")?;
    check(extent, Extent::of(&b, "b")?)?;
    within(ctx, || compare_within(&a, &b, extent, error_gain, ctx))
}

fn compare_within(a: &Image, b: &Image, extent: Extent, error_gain: f32, ctx: &Ctx) -> Result<(f64, f64, Json, Image)> {
    let (left, right) = (a.image.as_slice::<f32>()?, b.image.as_slice::<f32>()?);
    let size = extent.pixels() * 3;
    let mut measured = Vec::new();
    for (i, (left, right)) in left.chunks_exact(size).zip(right.chunks_exact(size)).enumerate() {
        ctx.step(i, extent.batch)?;
        let (left, right) = (levels(left), levels(right));
        measured.push((psnr(&left, &right, PEAK), ssim(&left, &right, extent.width, 3, PEAK)));
    }
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / extent.batch as f64;
    let mean_psnr = mean(&mut measured.iter().map(|m| m.0));
    let mean_ssim = mean(&mut measured.iter().map(|m| m.1));
    let each = measured.iter().map(|(psnr, ssim)| json!({"psnr": psnr, "ssim": ssim})).collect();
    let picture = side_by_side(left, right, extent, error_gain)?;
    Ok((mean_psnr, mean_ssim, Json(each), picture))
}

fn check(a: Extent, b: Extent) -> Result<()> {
    if a != b {
        let size = |e: Extent| format!("{} of {} x {}", e.batch, e.width, e.height);
        let next = if a.batch == b.batch {
            format!("put a Resize in front: {}", resize_node(a.width, a.height))
        } else {
            "give both inputs as many pictures".to_owned()
        };
        return Err(Error::input(
            "b",
            format!(
                "pictures of the same number and size were expected, a has {} and b has {}; {next}",
                size(a),
                size(b)
            ),
        ));
    }
    if a.width < WINDOW || a.height < WINDOW {
        return Err(Error::input(
            "a",
            format!(
                "sides of at least {WINDOW} pixels were expected, the size of SSIM's window; {} x {} came",
                a.width, a.height
            ),
        ));
    }
    Ok(())
}

fn levels(values: &[f32]) -> Vec<f32> {
    values.par_iter().map(|v| f32::from(level(*v, Rounding::Round))).collect()
}

/// a, b and gain * |a - b|, `[B, H, 3 W, 3]`.
fn side_by_side(a: &[f32], b: &[f32], extent: Extent, gain: f32) -> Result<Image> {
    let row = extent.width * 3;
    let mut out = zeros::<f32>(a.len() * 3)?;
    out.par_chunks_exact_mut(row * 3).zip(a.par_chunks_exact(row).zip(b.par_chunks_exact(row))).for_each(
        |(out, (a, b))| {
            out[..row].copy_from_slice(a);
            out[row..2 * row].copy_from_slice(b);
            for (out, (a, b)) in out[2 * row..].iter_mut().zip(a.iter().zip(b)) {
                *out = ((a - b).abs() * gain).min(1.0);
            }
        },
    );
    Image::new(Tensor::from_vec([extent.batch, extent.height, extent.width * 3, 3], out)?)
}
