//! The node `gpstoken.DrawTokens`.

use super::{
    TokensOrLayout,
    canvas::Drawing,
    colours::{Colour, Rgb, colours},
    ellipse::{Ellipse, Stroke},
    shown::Shown,
};
use crate::{partition::Gaussian, threads::within};
use splatgraph_sdk::prelude::*;

const BACKGROUND: f32 = 0.07;
/// What the tokens were before is drawn in this colour.
const BEFORE: Rgb = [0.8, 0.8, 0.85];
const OF_BEFORE: Stroke = Stroke { sigmas: 1.0, fill: 0.0, outline: 0.3 };
const MOVED: Rgb = [1.0, 0.35, 0.3];

/// Shows where the tokens are: an ellipse at one sigma for each, small ones warm and large ones cool, and the outlines of the
/// regions where there are any.
///
/// `before` shows what an edit did: its tokens are drawn faintly, and where there are equally many, red lines lead from where
/// each one was to where it is.
#[node(category = "GPSToken", outputs(image: "the drawing"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn draw_tokens(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// Drawn upon, darkened a little; a dark canvas of the tokens' size without it.
    image: Option<Image>,
    /// How many times larger than the picture the drawing is.
    #[input(default = 1, min = 1, max = 8)]
    scale: u32,
    /// Ellipses are drawn at one sigma, and with 2 or 3 at two and three sigmas, too; a token reaches as far as its `support`.
    #[input(default = 1, min = 1, max = 3)]
    sigmas: u32,
    /// Writes each token's index, from 0; best with a scale of 3 or more.
    #[input(default = false)]
    ids: bool,
    /// What the colours say.
    #[input(default = Colour::Size)]
    colour: Colour,
    /// For `colour` = selection.
    selection: Option<Selection>,
    /// TOKENS or a LAYOUT from before an edit; one for all pictures, or one for each.
    before: Option<TokensOrLayout>,
    ctx: &Ctx,
) -> Result<Image> {
    within(ctx, || {
        let shown = Shown::new(tokens)?;
        let before = before.map(Shown::new).transpose()?;
        let (batch, scale) = (shown.batch, scale as usize);
        if let Some(before) = before.as_ref().filter(|before| before.batch != batch && before.batch != 1) {
            return Err(Error::input(
                "before",
                format!("tokens of 1 or {batch} pictures were expected, those of {} came", before.batch),
            ));
        }
        let (pictures, [width, height]) = match &image {
            Some(image) => {
                let [pictures, height, width, _] = image.image.dims()?;
                if pictures != batch && pictures != 1 {
                    return Err(Error::input(
                        "image",
                        format!("1 or {batch} pictures were expected, as there are tokens for, {pictures} came"),
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
                for (index, [.., x, y]) in gaussians.iter().enumerate().filter(|(_, g)| g.iter().all(|v| v.is_finite()))
                {
                    let (x, y) = (drawing.at(0, *x), drawing.at(1, *y));
                    drawing.number(index, x, y);
                }
            }
        }
        ctx.step(batch, batch)?;
        Image::new(Tensor::from_vec([batch, height, width, 3], drawn)?)
    })
}

/// The first ellipse is filled and strong, those around it are lines.
fn stroke(sigmas: u32) -> Stroke {
    match sigmas {
        1 => Stroke { sigmas: 1.0, fill: 0.10, outline: 0.9 },
        _ => Stroke { sigmas: sigmas as f32, fill: 0.0, outline: 0.4 },
    }
}

impl Drawing<'_> {
    /// Lines from where tokens were to where they are, for those that moved by half a pixel or more.
    fn moves(&mut self, old: &[Gaussian], new: &[Gaussian]) {
        for ([.., x0, y0], [.., x1, y1]) in old.iter().zip(new) {
            let (from, to) = ([self.at(0, *x0), self.at(1, *y0)], [self.at(0, *x1), self.at(1, *y1)]);
            if (from[0] - to[0]).hypot(from[1] - to[1]) >= 0.5 {
                self.arrow(from, to, MOVED);
            }
        }
    }
}
