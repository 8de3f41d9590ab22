//! The sheet of examples of a generator's training: samples above, the generator's pictures below.

use super::samples::Rows;
use crate::{
    canvas::TILE,
    device::{Loaded, Placed},
    draw::{Style, TokensOrLayout, draw},
    generator::{
        Network, Sizes, Velocities,
        guidance::Guidance,
        noise::Noise,
        normalisation::Normalisation,
        run::Request,
        sampler::{Diffusion, LastStep, Sampler, Settings},
    },
    on_device,
    splat::Tiles,
    stages::{
        decode::decode,
        generator::Kind,
        layout::calibrated,
        sample::{tokens_of_rows, with_velocities},
        splat::splat,
        tokenizer::Tokenizer,
    },
    tokenizer::Together,
};
use image::{Rgb, RgbImage, imageops};
use splatgraph_sdk::{Canvas, Ctx, Image, Layout, Local, Result, Tensor, Tokens};

const COLUMNS: usize = 4;
/// Points in time for sampling an example.
const POINTS: usize = 16;

/// The samples in the upper row of the sheet. The generator's pictures below them have the same classes and, for a generator of textures,
/// the same layouts.
pub struct Examples {
    classes: Vec<usize>,
    layouts: Layout,
    kind: Kind,
    tokenizer: Option<Local<Tokenizer>>,
    above: Image,
}

impl Examples {
    /// Takes the first samples.
    ///
    /// # Errors
    /// The samples can't be drawn or decoded.
    pub fn new(
        rows: &Rows,
        tokens: usize,
        classes: usize,
        kind: Kind,
        tokenizer: Option<Local<Tokenizer>>,
        ctx: &Ctx,
    ) -> Result<Self> {
        let pictures = COLUMNS.min(rows.layouts.len() / (tokens * 5));
        let layouts = Tensor::from_vec([pictures, tokens, 5], rows.layouts[..pictures * tokens * 5].to_vec())?;
        let layouts = Layout::new(layouts, None, Canvas::default())?;
        let above = match &tokenizer {
            None => draw_layout(layouts.clone(), ctx)?,
            Some(tokenizer) => {
                let channels = 5 + tokenizer.sizes.textures;
                let rows = rows.tokens[..pictures * tokens * channels].to_vec();
                shown(tokens_of_rows(rows, pictures, channels, Canvas::default())?, tokenizer, ctx)?
            }
        };
        let classes = (0..pictures).map(|number| number % classes).collect();
        Ok(Self { classes, layouts, kind, tokenizer, above })
    }

    /// Draws the sheet: the samples above, the network's pictures below.
    ///
    /// # Errors
    /// The device failed, or the run was cancelled.
    pub fn sheet(
        &self,
        network: &Loaded<Network, Network<on_device::Parameter>>,
        sizes: Sizes,
        normalisation: &Normalisation,
        ctx: &Ctx,
    ) -> Result<RgbImage> {
        let pictures = self.classes.len();
        let [_, count, _] = self.layouts.gaussians.dims()?;
        let layouts = self.layouts.gaussians.as_slice::<f32>()?;
        let with_layouts = self.kind == Kind::Texture;
        let noise = match self.kind {
            Kind::Layout => Noise::layout_seeds(0, pictures),
            Kind::Texture | Kind::Token => Noise::seeds(0, pictures),
        };
        let condition = if with_layouts { layouts } else { &[] };
        let sample = |network: &dyn Velocities| {
            let request = Request {
                network,
                sizes,
                count,
                classes: &self.classes,
                guidance: Guidance { scale: 1.5, interval: [0.0, 1.0] },
                settings: Settings {
                    sampler: Sampler::Euler,
                    points: POINTS,
                    diffusion: Diffusion::Sbdm,
                    last_step: LastStep::Mean,
                },
                noise: &noise,
            };
            request.sample(&mut || ctx.check(), &mut |_, _| Ok(()))
        };
        let samples = with_velocities(network, count, condition, sample)?.values;
        let size = sizes.channels * count;
        let rows = samples.chunks_exact(size).zip(layouts.chunks_exact(5 * count)).flat_map(|(sample, layout)| {
            let layout = with_layouts.then_some(layout);
            normalisation.tokens(sample, layout)
        });
        let rows: Vec<f32> = rows.collect();
        let below = match &self.tokenizer {
            None => draw_layout(calibrated(&rows, pictures)?, ctx)?,
            Some(tokenizer) => {
                shown(tokens_of_rows(rows, pictures, sizes.channels, Canvas::default())?, tokenizer, ctx)?
            }
        };
        let mut sheet = RgbImage::new((TILE * self.classes.len()) as u32, 2 * TILE as u32);
        for (row, pictures) in [&self.above, &below].into_iter().enumerate() {
            place(&mut sheet, pictures, row)?;
        }
        Ok(sheet)
    }
}

fn draw_layout(layout: Layout, ctx: &Ctx) -> Result<Image> {
    draw(TokensOrLayout::Layout(layout), Style::default(), ctx)
}

fn shown(tokens: Tokens, tokenizer: &Tokenizer, ctx: &Ctx) -> Result<Image> {
    let map = splat(Placed::Host(tokens), Some(tokenizer), Tiles::Merged, 1.0, ctx)?;
    decode(tokenizer, map, Together::Merged, ctx)?.into_host()
}

/// Puts pictures `[B, H, W, 3]` side by side into a row of the sheet.
fn place(sheet: &mut RgbImage, pictures: &Image, row: usize) -> Result<()> {
    let [_, height, width, _] = pictures.image.dims()?;
    let values = pictures.image.as_slice::<f32>()?;
    for (column, picture) in values.chunks_exact(height * width * 3).enumerate() {
        let pixel = |x: u32, y: u32| {
            let value = |channel: usize| picture[(y as usize * width + x as usize) * 3 + channel];
            Rgb(std::array::from_fn(|channel| (value(channel) * 255.0).round().clamp(0.0, 255.0) as u8))
        };
        let picture = RgbImage::from_fn(width as u32, height as u32, pixel);
        let tile = TILE as u32;
        let picture = imageops::resize(&picture, tile, tile, imageops::FilterType::Nearest);
        imageops::replace(sheet, &picture, (column * TILE) as i64, (row * TILE) as i64);
    }
    Ok(())
}
