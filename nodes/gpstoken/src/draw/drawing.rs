//! Draws tokens on a canvas.

use super::{
    TokensOrLayout,
    canvas::Drawing,
    colours::{Colour, Rgb, colours},
    ellipse::{Ellipse, Stroke},
    shown::Shown,
};
use crate::{canvas::Gaussian, names::one_or};
use splatgraph_sdk::{Ctx, Error, Image, Result, Selection, Tensor};

const BACKGROUND: f32 = 0.07;
/// The colour of tokens before an edit.
const BEFORE: Rgb = [0.8, 0.8, 0.85];
const OF_BEFORE: Stroke = Stroke { sigmas: 1.0, fill: 0.0, outline: 0.3 };
const MOVED: Rgb = [1.0, 0.35, 0.3];

/// How tokens are drawn; see the inputs of DrawTokens.
pub struct Style {
    /// The background.
    pub image: Option<Image>,
    /// The size of the drawing as a multiple of the size of the picture.
    pub scale: u32,
    /// Ellipses are drawn at 1 to this many sigmas.
    pub sigmas: u32,
    /// Writes the index of each token.
    pub ids: bool,
    /// What the colours show.
    pub colour: Colour,
    /// The selection for [`Colour::Selection`].
    pub selection: Option<Selection>,
    /// The tokens before an edit.
    pub before: Option<TokensOrLayout>,
}

impl Default for Style {
    fn default() -> Self {
        Self { image: None, scale: 1, sigmas: 1, ids: false, colour: Colour::Size, selection: None, before: None }
    }
}

/// Draws tokens or a layout.
///
/// # Errors
/// Tokens, picture and selection do not fit together, or the run was cancelled.
pub fn draw(tokens: TokensOrLayout, style: Style, ctx: &Ctx) -> Result<Image> {
    let Style { image, scale, sigmas, ids, colour, selection, before } = style;
    let shown = Shown::new(tokens)?;
    let before = before.map(Shown::new).transpose()?;
    let (batch, scale) = (shown.batch, scale as usize);
    if let Some(before) = before.as_ref().filter(|before| before.batch != batch && before.batch != 1) {
        return Err(Error::input(
            "before",
            format!("expected tokens of {}, as in `tokens`, got {}", one_or(batch), before.batch),
        ));
    }
    let (pictures, [width, height]) = match &image {
        Some(image) => {
            let [pictures, height, width, _] = image.image.dims()?;
            if pictures != batch && pictures != 1 {
                return Err(Error::input(
                    "image",
                    format!("expected {}, as the tokens have, got {pictures}", one_or(batch)),
                ));
            }
            (Some((image.image.as_slice::<f32>()?, pictures)), [width * scale, height * scale])
        }
        None => (None, shown.header.canvas.map(|side| side as usize * scale)),
    };
    let mut drawn = vec![BACKGROUND; batch * height * width * 3];
    for (b, pixels) in drawn.chunks_exact_mut((height * width * 3).max(1)).enumerate() {
        ctx.step(b, batch)?;
        let line = (width.min(height) as f32 / 512.0).max(1.0);
        let area = shown.area([width, height]);
        let mut drawing = Drawing { pixels, width, height, area, scale, line };
        if let Some((values, pictures)) = pictures {
            let size = height * width * 3 / (scale * scale);
            drawing.enlarge(&values[if pictures == 1 { 0 } else { b * size }..][..size]);
        }
        drawing.rectangles(shown.regions(b)?);
        let gaussians = shown.gaussians(b)?;
        let old = match &before {
            Some(before) => before.gaussians(if before.batch == 1 { 0 } else { b })?,
            None => &[],
        };
        let ellipse = |g, colour, stroke| Ellipse::new(g, colour, stroke, &drawing);
        let mut ellipses: Vec<Ellipse> = old.iter().filter_map(|g| ellipse(g, BEFORE, OF_BEFORE)).collect();
        for (gaussian, colour) in gaussians.iter().zip(colours(&shown, b, colour, selection.as_ref())?) {
            ellipses.extend((1..=sigmas).rev().filter_map(|at| ellipse(gaussian, colour, stroke(at))));
        }
        drawing.ellipses(&ellipses);
        if old.len() == gaussians.len() {
            drawing.moves(old, gaussians);
        }
        if ids {
            for (index, [.., x, y]) in gaussians.iter().enumerate().filter(|(_, g)| g.iter().all(|v| v.is_finite())) {
                let (x, y) = (drawing.at(0, *x), drawing.at(1, *y));
                drawing.number(index, x, y);
            }
        }
    }
    ctx.step(batch, batch)?;
    Image::new(Tensor::from_vec([batch, height, width, 3], drawn)?)
}

/// The stroke of the ellipse at this many sigmas: the first ellipse is filled and strong, the others are lines.
fn stroke(sigmas: u32) -> Stroke {
    match sigmas {
        1 => Stroke { sigmas: 1.0, fill: 0.10, outline: 0.9 },
        _ => Stroke { sigmas: sigmas as f32, fill: 0.0, outline: 0.4 },
    }
}

impl Drawing<'_> {
    /// Draws a line from the old to the new place of each token that moved by half a pixel or more.
    fn moves(&mut self, old: &[Gaussian], new: &[Gaussian]) {
        for ([.., x0, y0], [.., x1, y1]) in old.iter().zip(new) {
            let (from, to) = ([self.at(0, *x0), self.at(1, *y0)], [self.at(0, *x1), self.at(1, *y1)]);
            if (from[0] - to[0]).hypot(from[1] - to[1]) >= 0.5 {
                self.arrow(from, to, MOVED);
            }
        }
    }
}
