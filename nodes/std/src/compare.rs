//! `std.Compare`

use crate::{
    extent::{Extent, pictures, resize_node},
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
/// The node first rounds both pictures to 8 bits, as saving does. PSNR is over all three channels, in dB. It is at most 100, also for
/// equal pictures, whose PSNR is infinite. SSIM has a Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01 and K2 = 0.03. It is the
/// mean over the channels and over all windows inside the picture. For a batch, both are means over the pictures. With a mask, both
/// are weighted means: PSNR over pixels, SSIM over windows, with the weight of the pixel in the middle of the window.
#[node(category = "Image/Compare", outputs(
    psnr: "The mean over the batch, in dB.",
    ssim: "The mean over the batch, at most 1.",
    each: "For each picture: [{\"psnr\": .., \"ssim\": ..}, ..].",
    picture: "a, b and their difference side by side, [B, H, 3 W, 3].",
))]
pub fn compare(
    /// The first picture, usually the original.
    a: Image,
    /// The second picture, of the same size.
    b: Image,
    /// The factor by which the picture shows the difference |a - b|; the product is cut off at 1.
    #[input(default = 4.0, min = 0, max = 255)]
    error_gain: f32,
    /// The weight of each pixel: one mask of the pictures' size, or one for each picture. Without a mask, all pixels have the same weight.
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
        let size = |e: Extent| format!("{} of {} x {}", pictures(e.batch), e.width, e.height);
        let next = if a.batch == b.batch {
            format!("put a Resize in front: {}", resize_node(a.width, a.height))
        } else {
            "give both inputs the same number of pictures".to_owned()
        };
        return Err(Error::input("b", format!("expected {} as in a, got {}; {next}", size(a), size(b))));
    }
    if a.width < WINDOW || a.height < WINDOW {
        return Err(Error::input(
            "a",
            format!(
                "expected sides of at least {WINDOW} pixels, the size of SSIM's window, got {} x {}",
                a.width, a.height
            ),
        ));
    }
    Ok(())
}

/// The weights of the pixels.
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
                    "expected masks of {} x {} pixels, one or as many as pictures ({}), got {masks} of {width} x {height}",
                    extent.width, extent.height, extent.batch
                ),
            ));
        }
        if let Some(value) = mask.mask.as_slice::<f32>()?.iter().find(|v| **v < 0.0 || v.is_infinite()) {
            return Err(Error::input("mask", format!("expected finite values of at least 0, got {value}")));
        }
        Ok(Self { mask, extent })
    }

    /// The weights of the pixels of picture `b`, and of SSIM's windows.
    fn of(&self, b: usize) -> Result<(&[f32], Vec<f32>)> {
        let all = self.mask.mask.as_slice::<f32>()?;
        let pixels = self.extent.pixels();
        let of_pixels = &all[if all.len() == pixels { 0 } else { b * pixels }..][..pixels];
        let of_windows = at_centres(of_pixels, self.extent.width);
        if total(&of_windows) <= 0.0 {
            return Err(Error::input(
                "mask",
                format!(
                    "expected a mask above 0 somewhere more than {} pixels from the border, for SSIM's window, got one that is not, for picture {b} (from 0)",
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
