//! A sheet of samples and what a generator makes.

use super::samples::Rows;
use crate::{
    decode::{Together, decode},
    device::Placed,
    draw::{Colour, TokensOrLayout, node::draw_tokens},
    generator::sampler::{Diffusion, LastStep, Sampler},
    layout_diffusion::layout_diffusion,
    load_generator::Generator,
    load_tokenizer::Tokenizer,
    splat::{Tiles, node::splat},
    texture_diffusion::{texture_diffusion, tokens_value},
    tokenizer::TILE,
};
use image::{Rgb, RgbImage, imageops};
use splatgraph_sdk::{Canvas, Ctx, Image, Layout, Local, Result, Tensor, Tokens};

const COLUMNS: usize = 4;
/// Points in time of the ways to the examples.
const STEPS: u32 = 25;

/// Some samples, which are shown above what the generator makes for the same classes, and of the same layouts where it takes those.
pub struct Examples {
    classes: Vec<u32>,
    layouts: Layout,
    tokenizer: Option<Local<Tokenizer>>,
    above: Image,
}

impl Examples {
    /// The first samples.
    ///
    /// # Errors
    /// They can't be shown.
    pub fn new(
        rows: &Rows,
        tokens: usize,
        classes: usize,
        tokenizer: Option<Local<Tokenizer>>,
        ctx: &Ctx,
    ) -> Result<Self> {
        let pictures = COLUMNS.min(rows.layouts.len() / (tokens * 5));
        let layouts = Tensor::from_vec([pictures, tokens, 5], rows.layouts[..pictures * tokens * 5].to_vec())?;
        let layouts = Layout::new(layouts, None, Canvas::default())?;
        let above = match &tokenizer {
            None => draw(layouts.clone(), ctx)?,
            Some(tokenizer) => {
                let channels = 5 + tokenizer.network.textures;
                let rows = rows.tokens[..pictures * tokens * channels].to_vec();
                shown(tokens_value(rows, pictures, channels, Canvas::default())?, tokenizer, ctx)?
            }
        };
        let classes = (0..pictures).map(|number| (number % classes) as u32).collect();
        Ok(Self { classes, layouts, tokenizer, above })
    }

    /// The samples above, what the generator makes below.
    ///
    /// # Errors
    /// The device failed, or the run was cancelled.
    pub fn sheet(&self, generator: Local<Generator>, ctx: &Ctx) -> Result<RgbImage> {
        let classes = Some(self.classes.clone());
        let (sampler, diffusion, last) = (Sampler::Euler, Diffusion::Sbdm, LastStep::Mean);
        let below = match &self.tokenizer {
            None => {
                let count = self.classes.len() as u32;
                let layouts = layout_diffusion(
                    generator, 0, classes, 0, count, 0, STEPS, sampler, 1.5, 0.0, 1.0, diffusion, last, true, None, ctx,
                )?;
                draw(layouts, ctx)?
            }
            Some(tokenizer) => {
                let tokens = texture_diffusion(
                    generator,
                    self.layouts.clone(),
                    0,
                    classes,
                    0,
                    STEPS,
                    sampler,
                    1.5,
                    0.2,
                    1.0,
                    diffusion,
                    last,
                    None,
                    0,
                    None,
                    ctx,
                )?;
                shown(tokens, tokenizer, ctx)?
            }
        };
        let mut sheet = RgbImage::new((TILE * self.classes.len()) as u32, 2 * TILE as u32);
        for (row, pictures) in [&self.above, &below].into_iter().enumerate() {
            place(&mut sheet, pictures, row)?;
        }
        Ok(sheet)
    }
}

fn draw(layout: Layout, ctx: &Ctx) -> Result<Image> {
    draw_tokens(TokensOrLayout::Layout(layout), None, 1, 1, false, Colour::Size, None, None, ctx)
}

fn shown(tokens: Tokens, tokenizer: &Local<Tokenizer>, ctx: &Ctx) -> Result<Image> {
    let map = splat(Placed::Host(tokens), Some(tokenizer.clone()), Tiles::Merged, 1.0, ctx)?;
    decode(tokenizer.clone(), map, Together::Merged, ctx)?.into_host()
}

/// Puts pictures `[B, H, W, 3]` side by side.
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
