//! The node `gpstoken.FindTokenCount`.

use crate::{
    canvas::psnr::psnr,
    names::counted,
    partition::WeightMode,
    splat::Tiles,
    stages::{
        decode::decode,
        encode::encode,
        layout::{Cut, layout},
        refine::refine,
        splat::splat,
        tokenizer::Tokenizer,
    },
    tokenizer::{Geometry, Together},
};
use splatgraph_sdk::prelude::*;

/// Finds the smallest number of tokens that reconstructs a picture well enough. Link the result to the `tokens` of InitTokens.
///
/// The node encodes the picture once and searches between `low` and `high` by halving the range. Each number takes a whole
/// reconstruction: at most ten for 16 to 256. More tokens nearly always give a higher PSNR, but not always, so a number
/// smaller than the result may also reach it. The node computes PSNR as std.Compare does: on pictures rounded to 8 bits, as
/// the mean over the batch.
#[node(category = "GPSToken", outputs(
    tokens: "tokens for each 256-pixel tile; `high` if even that many do not reach the PSNR",
    psnr: "the PSNR of these tokens, in dB",
    reached: "whether the tokens reach the wanted PSNR",
))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn find_token_count(
    /// The tokenizer, from LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The picture.
    image: Image,
    /// The wanted PSNR, in dB.
    #[input(min = 0, max = 100)]
    psnr: f64,
    /// The smallest number of tokens for each tile to try.
    #[input(default = 16, min = 1, max = 65536)]
    low: u32,
    /// The largest number of tokens for each tile to try.
    #[input(default = 256, min = 1, max = 65536)]
    high: u32,
    /// The exponent of the entropy, as in InitTokens.
    #[input(default = Cut::EXPONENT, min = 0, max = 100)]
    exponent: f64,
    /// The smallest region that is cut, as in InitTokens.
    #[input(default = Cut::MIN_REGION, min = 1, max = 256)]
    min_region: u32,
    /// Where more tokens are wanted, as in InitTokens.
    weight_map: Option<Mask>,
    /// The strength of the weight map, as in InitTokens.
    #[input(default = Cut::WEIGHT)]
    weight: f32,
    /// How to decode a picture of several tiles, as in Decode.
    #[input(default = Together::Merged)]
    tiles: Together,
    /// How to splat a picture of several tiles, as `tiles` in Splat.
    #[input(default = Tiles::Merged)]
    splat_tiles: Tiles,
    /// How the weight map acts, as in InitTokens.
    #[input(default = WeightMode::Add)]
    weight_mode: WeightMode,
    ctx: &Ctx,
) -> Result<(u32, f64, bool)> {
    if low > high {
        return Err(Error::input("low", format!("expected at most `high`, which is {high}, got {low}")));
    }
    if psnr.is_nan() {
        return Err(Error::input("psnr", "expected a number, got NaN"));
    }
    let features = encode(&tokenizer, &image, ctx)?;
    let min_region = min_region as usize;
    let cut = Cut { exponent, min_region, weight_map, weight, weight_mode, ..Cut::default() };
    let most = (high - low).checked_ilog2().map_or(1, |halvings| halvings as usize + 3); // reconstructions, at most
    let mut tried = 0;
    let mut reconstruct = |tokens: u32| -> Result<f64> {
        ctx.progress(tried, most, &counted(tokens as usize, "token"));
        tried += 1;
        let (layout, _) = layout(&image, &Cut { tokens: tokens as usize, ..cut.clone() }, ctx).map_err(too_many)?;
        let refined = refine(&tokenizer, features.clone(), &layout, Geometry::Refined, ctx)?;
        let map = splat(refined, Some(&tokenizer), splat_tiles, 1.0, ctx)?;
        let decoded = decode(&tokenizer, map, tiles, ctx)?.into_host()?;
        let reached = mean_psnr(&image, &decoded)?;
        ctx.info(format!("{}: {reached:.2} dB", counted(tokens as usize, "token")));
        Ok(reached)
    };
    let (mut enough, mut best) = (high, reconstruct(high)?);
    if best < psnr {
        ctx.warn(format!(
            "expected {psnr} dB, got {best:.2} dB with {} for each tile; raise `high`, or use another tokenizer",
            counted(high as usize, "token")
        ));
        return Ok((high, best, false));
    }
    let mut try_fewer = |tokens: u32| -> Result<bool> {
        let reached = reconstruct(tokens)?;
        if reached >= psnr {
            (enough, best) = (tokens, reached);
        }
        Ok(reached >= psnr)
    };
    if low < high && !try_fewer(low)? {
        let (mut few, mut many) = (low, high);
        while many - few > 1 {
            let middle = few.midpoint(many);
            *(if try_fewer(middle)? { &mut many } else { &mut few }) = middle;
        }
    }
    ctx.step(most, most)?;
    Ok((enough, best, true))
}

/// An error about the `tokens` of InitTokens becomes an error about `high`.
fn too_many(error: Error) -> Error {
    match error.input.as_deref() {
        Some("tokens") => Error { input: Some("high".to_owned()), ..error },
        _ => error,
    }
}

/// The mean PSNR over the batch.
fn mean_psnr(original: &Image, decoded: &Image) -> Result<f64> {
    let [batch, height, width, _] = original.image.dims()?;
    if original.image.shape() != decoded.image.shape() {
        return Err(Error::input(
            "tokenizer",
            format!(
                "expected a tokenizer that decodes pictures of {width} x {height} pixels, got one that decodes {} x {}. Leave its map_width and map_height at 0",
                decoded.image.shape()[2],
                decoded.image.shape()[1]
            ),
        ));
    }
    let (a, b) = (original.image.as_slice::<f32>()?, decoded.image.as_slice::<f32>()?);
    let size = height * width * 3;
    Ok(a.chunks_exact(size).zip(b.chunks_exact(size)).map(|(a, b)| psnr(a, b)).sum::<f64>() / batch as f64)
}
