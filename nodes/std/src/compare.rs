//! `std.Compare`

use crate::{
    extent::{Extent, pictures, resize_node},
    levels::{Rounding, level},
    memory::zeros,
    metrics::{at_centres, psnr, squared_error, ssim, total, weighted_squared_error},
    parallel::{PIECE, pieces},
    similarity::{Convention, PEAK},
};
use splatgraph_sdk::{prelude::*, serde_json::json};

/// Measures how alike two pictures are.
///
/// The node first rounds both pictures to 8 bits, as saving does. PSNR is over all three channels, in dB. It is at most 100, also for
/// equal pictures, whose PSNR is infinite. SSIM has a Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01 and K2 = 0.03. It is the
/// mean over the channels and over all windows inside the picture. For a batch, both are means over the pictures. With a mask, both
/// are weighted means: PSNR over pixels, SSIM over windows, with the weight of the pixel in the middle of the window. The convention
/// chooses another program's way.
#[node(category = "Image/Compare", outputs(
    psnr: "The mean over the batch, in dB.",
    ssim: "The mean over the batch, at most 1.",
    each: "For each picture: [{\"psnr\": .., \"ssim\": ..}, ..].",
    picture: "a, b and their difference side by side, [B, H, 3 W, 3].",
    squared_error: "The mean squared error over the batch, in levels of 8 bits.",
    psnr_of_mean_error: "The PSNR of this error, in dB: at most the mean of the pictures' PSNR.",
    about: "The convention: channels, window, covariance, range and border.",
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
    /// The program whose way the node follows. Programs differ by 0.1 in SSIM for the same pictures.
    #[input(default = Convention::Gaussian)]
    convention: Convention,
    /// The pixels at each side that do not count, as papers about super-resolution leave them out.
    #[input(default = 0, min = 0, max = 65536)]
    border: usize,
    ctx: &Ctx,
) -> Result<(f64, f64, Json, Image, f64, f64, Json)> {
    let extent = Extent::of(&a, "a")?;
    let way = Way { extent, convention, border };
    way.check(Extent::of(&b, "b")?)?;
    let weights = mask.map(|mask| Weights::new(mask, way)).transpose()?;
    ctx.on_threads(|| compare_within(&a, &b, way, error_gain, weights.as_ref(), ctx))
}

/// How pictures are compared.
#[derive(Clone, Copy)]
struct Way {
    extent: Extent,
    convention: Convention,
    border: usize,
}

fn compare_within(
    a: &Image,
    b: &Image,
    way: Way,
    error_gain: f32,
    weights: Option<&Weights>,
    ctx: &Ctx,
) -> Result<(f64, f64, Json, Image, f64, f64, Json)> {
    let Way { extent, convention, border } = way;
    let (left, right) = (a.image.as_slice::<f32>()?, b.image.as_slice::<f32>()?);
    let (size, channels, windows) = (extent.pixels() * 3, convention.channels(), convention.windows());
    let mut measured = Vec::new();
    for (i, (left, right)) in left.chunks_exact(size).zip(right.chunks_exact(size)).enumerate() {
        ctx.step(i, extent.batch)?;
        let [left, right] = [left, right].map(|picture| way.inside(convention.compared(levels(picture)), channels));
        let (of_pixels, of_windows) = weights.map(|weights| weights.of(i)).transpose()?.unzip();
        let error = match &of_pixels {
            None => squared_error(&left, &right),
            Some(weights) => weighted_squared_error(&left, &right, channels, weights),
        };
        let ssim = ssim(&left, &right, extent.width - 2 * border, channels, &windows, of_windows.as_deref());
        measured.push((psnr(error, PEAK), ssim, error));
    }
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / extent.batch as f64;
    let mean_psnr = mean(&mut measured.iter().map(|m| m.0));
    let mean_ssim = mean(&mut measured.iter().map(|m| m.1));
    let mean_error = mean(&mut measured.iter().map(|m| m.2));
    let each = measured.iter().map(|(psnr, ssim, _)| json!({"psnr": psnr, "ssim": ssim})).collect();
    let picture = side_by_side(left, right, extent, error_gain)?;
    let of_mean_error = psnr(mean_error, PEAK);
    Ok((mean_psnr, mean_ssim, Json(each), picture, mean_error, of_mean_error, convention.facts(border)))
}

impl Way {
    /// Compares the sizes of the pictures with each other and with the window.
    fn check(self, b: Extent) -> Result<()> {
        let Self { extent: a, border, .. } = self;
        if a != b {
            let size = |e: Extent| format!("{} of {} x {}", pictures(e.batch), e.width, e.height);
            let next = if a.batch == b.batch {
                format!("put a Resize in front: {}", resize_node(a.width, a.height))
            } else {
                "give both inputs the same number of pictures".to_owned()
            };
            return Err(Error::input("b", format!("expected {} as in a, got {}; {next}", size(a), size(b))));
        }
        let (window, least) = (self.convention.windows().side(), self.convention.windows().side() + 2 * border);
        if a.width >= least && a.height >= least {
            return Ok(());
        }
        let (input, why) = match border {
            0 => ("a", format!("at least {window} pixels, the size of SSIM's window")),
            _ => ("border", format!("at least {least} pixels, the size of SSIM's window and the border at both sides")),
        };
        Err(Error::input(input, format!("expected sides of {why}, got {} x {}", a.width, a.height)))
    }

    /// The values `[H, W, channels]` without the border.
    fn inside(self, values: Vec<f32>, channels: usize) -> Vec<f32> {
        if self.border == 0 {
            return values;
        }
        let Extent { width, height, .. } = self.extent;
        let rows = values.chunks_exact(width * channels).take(height - self.border).skip(self.border);
        rows.flat_map(|row| &row[self.border * channels..(width - self.border) * channels]).copied().collect()
    }
}

/// The weights of the pixels.
struct Weights {
    mask: Mask,
    way: Way,
}

impl Weights {
    fn new(mask: Mask, way: Way) -> Result<Self> {
        let extent = way.extent;
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
        Ok(Self { mask, way })
    }

    /// The weights of the pixels of picture `b` inside the border, and of SSIM's windows.
    fn of(&self, b: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let all = self.mask.mask.as_slice::<f32>()?;
        let Way { extent, convention, border } = self.way;
        let pixels = extent.pixels();
        let of_pixels = &all[if all.len() == pixels { 0 } else { b * pixels }..][..pixels];
        let of_pixels = self.way.inside(of_pixels.to_vec(), 1);
        let side = convention.windows().side();
        let of_windows = at_centres(&of_pixels, extent.width - 2 * border, side);
        if total(&of_windows) <= 0.0 {
            return Err(Error::input(
                "mask",
                format!(
                    "expected a mask above 0 somewhere more than {} pixels from the border, for SSIM's window, got one that is not, for picture {b} (from 0)",
                    border + side / 2
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
