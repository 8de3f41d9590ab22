//! `std.Compare`

use crate::{
    extent::{Extent, resize_node},
    levels::{Rounding, level},
    memory::zeros,
    metrics::{WINDOW, at_centres, psnr, ssim, total, weighted_psnr},
    parallel::{PIECE, pieces},
};
use splatgraph_sdk::{prelude::*, serde_json::json};

/// The 8-bit range, for both measures.
const PEAK: f64 = 255.0;

/// Measures how alike two pictures are.
///
/// Both are rounded to 8 bits first, as they would be saved. PSNR: over all three channels, in dB, at most 100, which is
/// also what equal pictures get (really it is infinite). SSIM: Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01,
/// K2 = 0.03, only where the window lies inside, per channel, then the mean. Of a batch, the mean over the pictures. With a
/// mask both are weighted means: of pixels for PSNR, of windows by the pixel in their middle for SSIM.
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
    /// How much each pixel counts, of the pictures' size; one for all pictures, or one for each. Left out, all count the same.
    mask: Option<Mask>,
    ctx: &Ctx,
) -> Result<(f64, f64, Json, Image)> {
    let extent = Extent::of(&a, "a")?;
    check(extent, Extent::of(&b, "b")?)?;
    let weights = mask.map(|mask| Weights::new(mask, extent)).transpose()?;
    ctx.on_threads(|| compare_within(&a, &b, extent, error_gain, weights.as_ref(), ctx))
}

fn compare_within(
    a: &Image,
    b: &Image,
    extent: Extent,
    error_gain: f32,
    weights: Option<&Weights>,
    ctx: &Ctx,
) -> Result<(f64, f64, Json, Image)> {
    let (left, right) = (a.image.as_slice::<f32>()?, b.image.as_slice::<f32>()?);
    let size = extent.pixels() * 3;
    let mut measured = Vec::new();
    for (i, (left, right)) in left.chunks_exact(size).zip(right.chunks_exact(size)).enumerate() {
        ctx.step(i, extent.batch)?;
        let (left, right) = (levels(left), levels(right));
        let (of_pixels, of_windows) = weights.map(|weights| weights.of(i)).transpose()?.unzip();
        let psnr = match of_pixels {
            None => psnr(&left, &right, PEAK),
            Some(weights) => weighted_psnr(&left, &right, PEAK, weights),
        };
        measured.push((psnr, ssim(&left, &right, extent.width, 3, PEAK, of_windows.as_deref())));
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

/// How much each pixel counts.
struct Weights {
    mask: Mask,
    extent: Extent,
}

impl Weights {
    fn new(mask: Mask, extent: Extent) -> Result<Self> {
        let [masks, height, width] = mask.mask.dims()?;
        if [height, width] != [extent.height, extent.width] || (masks != 1 && masks != extent.batch) {
            return Err(Error::input(
                "mask",
                format!(
                    "a mask of {} x {} pixels was expected, as the pictures have, for all {} or for each; {masks} of {width} x {height} came",
                    extent.width, extent.height, extent.batch
                ),
            ));
        }
        if let Some(value) = mask.mask.as_slice::<f32>()?.iter().find(|v| **v < 0.0 || v.is_infinite()) {
            return Err(Error::input("mask", format!("finite values of 0 and more were expected, {value} came")));
        }
        Ok(Self { mask, extent })
    }

    /// Of the pixels of picture `b`, and of SSIM's windows.
    fn of(&self, b: usize) -> Result<(&[f32], Vec<f32>)> {
        let all = self.mask.mask.as_slice::<f32>()?;
        let pixels = self.extent.pixels();
        let of_pixels = &all[if all.len() == pixels { 0 } else { b * pixels }..][..pixels];
        let of_windows = at_centres(of_pixels, self.extent.width);
        if total(&of_windows) <= 0.0 {
            return Err(Error::input(
                "mask",
                format!(
                    "a mask that is above 0 somewhere was expected, farther than {} pixels from the border for SSIM's window; that of picture {b} (from 0) is not",
                    WINDOW / 2
                ),
            ));
        }
        Ok((of_pixels, of_windows))
    }
}

fn levels(values: &[f32]) -> Vec<f32> {
    let mut levels = values.to_vec();
    pieces(&mut levels, PIECE, &|_, piece| {
        piece.iter_mut().for_each(|v| *v = f32::from(level(*v, Rounding::Round)));
    });
    levels
}

/// a, b and gain * |a - b|, `[B, H, 3 W, 3]`.
fn side_by_side(a: &[f32], b: &[f32], extent: Extent, gain: f32) -> Result<Image> {
    let row = extent.width * 3;
    let mut out = zeros::<f32>(a.len() * 3)?;
    pieces(&mut out, row * 3, &|y, out| {
        let (a, b) = (&a[y * row..][..row], &b[y * row..][..row]);
        out[..row].copy_from_slice(a);
        out[row..2 * row].copy_from_slice(b);
        for (out, (a, b)) in out[2 * row..].iter_mut().zip(a.iter().zip(b)) {
            *out = ((a - b).abs() * gain).min(1.0);
        }
    });
    Image::new(Tensor::from_vec([extent.batch, extent.height, extent.width * 3, 3], out)?)
}
