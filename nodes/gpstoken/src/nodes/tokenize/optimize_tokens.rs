//! The node `gpstoken.OptimizeTokens`.

use crate::{
    device::{Loaded, Placed},
    edit::token_set::{TokenSet, of_picture, put_together, take_apart, together},
    kernels::cpu::Level,
    layers::{Host, Map},
    lpips,
    names::counted,
    optimise::{Judge, Losses, Plan, View, optimise, steps_of},
    splat::{Target, Tiles},
    stages::tokenizer::Tokenizer,
    token_file::Bits,
    tokenizer::{Pieces, Together},
};
use splatgraph_sdk::{checkpoint, prelude::*, serde_json::json};
use std::path::Path;

/// Improves tokens for their picture: moves them step by step so that the decoded picture comes nearer to the picture.
///
/// Encode and RefineTokens make tokens in one pass. This node starts from them and follows the gradient of the loss back
/// through Decode and Splat (Adam). The tokenizer stays as it is. With the defaults, 60 steps take about 25 s for a picture of
/// 256 x 256 pixels on two cores. The node returns the tokens with the smallest loss that it saw.
///
/// To keep the gain in a file of SaveTokens, give both nodes the same bits. Each step then sees the rounded numbers, and the
/// result lies on the steps of the file. The smallest and largest number of each group stay, and with them the steps.
///
/// The node computes on the processor, and gives the same bits for any number of threads unless `seconds` stops it. It decodes
/// one window at a time; a large picture needs the least memory with `tiles` = overlapping or separate.
#[node(category = "GPSToken", outputs(
    tokens: "as many tokens as before, in the same order",
    psnr: "the PSNR of their picture in dB, as std.Compare computes it; the mean over the batch",
    each: "for each picture: [{\"psnr\": .., \"loss\": .., \"curve\": [..]}, ..]; the curve has the PSNR before the first step and after each step",
))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn optimize_tokens(
    /// The tokenizer that made the tokens, from LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The tokens to start from.
    tokens: Placed<Tokens>,
    /// The picture that the tokens should become: one for all pictures of the tokens, or one for each.
    image: Placed<Image>,
    /// The number of steps; 0 returns the tokens as they are.
    #[input(default = 60, min = 0, max = 100000)]
    steps: u64,
    /// The time for each picture in seconds; after it the node stops with what it has. 0 sets no limit.
    #[input(default = 0.0, min = 0, max = 1000000)]
    seconds: f64,
    /// The PSNR in dB at which a picture is good enough; 0 does all steps.
    #[input(default = 0.0, min = 0, max = 100)]
    psnr: f64,
    /// Whether the gaussians move too, and not only the textures.
    #[input(default = true)]
    geometry: bool,
    /// The highest learning rate, in units of the textures' root mean square. It rises at first, and falls to the end.
    #[input(default = 0.2, min = 0, max = 1)]
    learning_rate: f32,
    #[input(flatten)] losses: Losses,
    /// The weights of LPIPS, preferably for VGG16; see the node Lpips.
    #[input(path = model)]
    lpips: Option<PathBuf>,
    /// How much the difference of each pixel counts, 0..1: one mask of the picture's size, or one for each picture. The loss
    /// sees the picture's difference times this weight.
    weights: Option<Mask>,
    #[input(flatten)] rounding: Rounding,
    /// How to decode a picture of several tiles, as in Decode.
    #[input(default = Together::Merged)]
    tiles: Together,
    /// How to splat a picture of several tiles, as `tiles` in Splat.
    #[input(default = Tiles::Merged)]
    splat_tiles: Tiles,
    /// The number of steps between previews of the picture; 0 shows none.
    #[input(default = 0, min = 0)]
    preview_every: u64,
    ctx: &Ctx,
) -> Result<(Tokens, f64, Json)> {
    let Loaded::Host(network) = &tokenizer.network else { return Err(elsewhere(&tokenizer)) };
    let (tokens, image) = (tokens.into_host()?, image.into_host()?);
    losses.check()?;
    let lpips = match lpips.filter(|_| losses.perceptual > 0.0) {
        Some(path) => Some(lpips_network(&path)?),
        None if losses.perceptual > 0.0 => {
            return Err(Error::input("lpips", "expected the weights of LPIPS, as `perceptual` is above 0, got none"));
        }
        None => None,
    };
    let [pictures, rows, channels] = tokens.textures.dims()?;
    let batch = together(pictures, "image", image.image.shape()[0])?;
    if batch == 0 {
        return Err(Error::input("tokens", "expected the tokens of at least one picture, got none"));
    }
    let sets = take_apart(&tokens, batch)?;

    let own = Some((tokenizer.map, tokenizer.support));
    let target = Target::new(tokens.header.clone(), [1, rows, channels], own, splat_tiles, 1.0)?;
    let counts: Vec<usize> = sets.iter().map(TokenSet::len).collect();
    target.check_tiles(&counts).map_err(|e| Error { input: Some("splat_tiles".to_owned()), ..e })?;
    let [width, height] = target.whole();
    let pieces = Pieces::new(&tokenizer.sizes, tokenizer.map, [1, channels, height, width], &target.header, tiles)
        .map_err(|e| Error { input: Some("tokens".to_owned()), ..e })?;
    let [width, height] = pieces.size;
    check_picture(&image, pieces.size)?;
    let fits = lpips.as_ref().map_or(Ok(()), |network| network.backbone.check_size(pieces.size));
    fits.map_err(|e| Error { input: Some("image".to_owned()), ..e })?;
    check_weights(weights.as_ref(), pieces.size, batch)?;
    // Without a step the tokens stay as they are.
    let bits = if steps == 0 { Bits::EXACT } else { rounding.bits() };
    let steps_of_file = steps_of(&sets, bits).map_err(|e| Error::input("tokens", e))?;

    let plan = Plan { steps, seconds, psnr, learning_rate, geometry: geometry && steps > 0 };
    let host = Host { level: Level::best(), workspace: &tokenizer.workspace };
    let view = View::new(network, host, &target, pieces);
    let originals = image.image.as_slice::<f32>()?;
    let weights = weights.as_ref().map(|weights| weights.mask.as_slice::<f32>()).transpose()?;
    let optimise_picture = |b: usize| {
        let original = &originals[b * width * height * 3 % originals.len()..][..width * height * 3];
        let weights = weights.map(|weights| &weights[b * width * height % weights.len()..][..width * height]);
        let judge = Judge::new(original, [height, width], weights, losses, lpips.as_ref(), host);
        let mut watch = |step: u64, picture: &Map, note: &str| {
            ctx.progress(b * steps as usize + step as usize, batch * steps as usize, note);
            if preview_every > 0 && step.is_multiple_of(preview_every) && ctx.wants_previews() {
                let values = picture.values().iter().map(|v| (v + 1.0) / 2.0).collect();
                ctx.preview(&Image::new(Tensor::from_vec([1, height, width, 3], values)?)?.into_value()?);
            }
            Ok(())
        };
        let optimised = optimise(&view, &judge, (&sets[b], b * rows), &steps_of_file, &plan, ctx, &mut watch);
        optimised.map_err(|e| of_picture(e, b, batch))
    };
    let optimised = ctx.on_threads(|| (0..batch).map(optimise_picture).collect::<Result<Vec<_>>>());
    tokenizer.workspace.trim();
    let optimised = optimised?;
    let each = optimised.iter().map(|of| json!({"psnr": of.psnr, "loss": of.loss, "curve": of.curve})).collect();
    let psnr = optimised.iter().map(|of| of.psnr).sum::<f64>() / batch as f64;
    let sets: Vec<TokenSet> = optimised.into_iter().map(|of| of.tokens).collect();
    Ok((put_together(&sets, &tokens)?, psnr, Json(each)))
}

/// Bits of the numbers of a token file, as in SaveTokens.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Rounding {
    /// Bits of x and of y in the file, as in SaveTokens; 0 does not round them.
    #[input(default = 0, min = 0, max = 16)]
    pub position: u32,
    /// Bits of the logarithms of sigma_x and sigma_y, as in SaveTokens; 0 does not round them.
    #[input(default = 0, min = 0, max = 16)]
    pub size: u32,
    /// Bits of the correlation, as in SaveTokens; 0 does not round it.
    #[input(default = 0, min = 0, max = 16)]
    pub rho: u32,
    /// Bits of each number of a texture, as in SaveTokens; 0 does not round them.
    #[input(default = 0, min = 0, max = 16)]
    pub texture: u32,
}

impl Rounding {
    fn bits(self) -> Bits {
        // The ranges of the inputs allow at most 16.
        let [position, size, rho, texture] = [self.position, self.size, self.rho, self.texture].map(|bits| bits as u8);
        Bits { position, size, rho, texture }
    }
}

fn elsewhere(tokenizer: &Tokenizer) -> Error {
    let device = tokenizer.network.compute();
    Error::input(
        "tokenizer",
        format!(
            "expected a tokenizer on the processor, where tokens are optimised, got one on {}. Set `device` of its LoadTokenizer to \"cpu\"",
            device.id()
        ),
    )
}

fn lpips_network(path: &Path) -> Result<lpips::Network> {
    let load = || lpips::Network::load(checkpoint::open(path)?.tensors);
    load().map_err(|e: Error| e.about_file("loading an LPIPS network", path).blame("lpips"))
}

fn check_picture(image: &Image, [width, height]: [usize; 2]) -> Result<()> {
    let [_, rows, columns, _] = image.image.dims()?;
    if [columns, rows] == [width, height] {
        return Ok(());
    }
    Err(Error::input(
        "image",
        format!(
            "expected a picture of {width} x {height} pixels, into which the tokenizer decodes these tokens, got {columns} x {rows}. Connect the picture of which the tokens were made"
        ),
    ))
}

fn check_weights(weights: Option<&Mask>, [width, height]: [usize; 2], batch: usize) -> Result<()> {
    let Some(weights) = weights else { return Ok(()) };
    let [masks, rows, columns] = weights.mask.dims()?;
    if [columns, rows] != [width, height] || (masks != 1 && masks != batch) {
        let expected = if batch == 1 { "1 mask".to_owned() } else { format!("1 or {batch} masks") };
        return Err(Error::input(
            "weights",
            format!(
                "expected {expected} of {width} x {height} pixels, the picture's size, got {} of {columns} x {rows}. Put a ResizeMask in front",
                counted(masks, "mask")
            ),
        ));
    }
    let values = weights.mask.as_slice::<f32>()?;
    match values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        Some(value) => Err(Error::input("weights", format!("expected weights in 0..1, got {value}"))),
        None => Ok(()),
    }
}
