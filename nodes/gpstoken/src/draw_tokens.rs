//! The node `gpstoken.DrawTokens`.

use crate::{
    grid::Grid,
    partition::{Corners, Gaussian},
    threads::within,
};
use rayon::prelude::*;
use splatgraph_sdk::prelude::*;

/// What can be drawn.
#[derive(Union)]
pub enum TokensOrLayout {
    /// Gaussians with textures.
    Tokens(Tokens),
    /// Gaussians, perhaps with regions.
    Layout(Layout),
}

/// Colours of the smallest and the largest gaussians.
const SMALL: [f32; 3] = [1.0, 0.78, 0.25];
const LARGE: [f32; 3] = [0.25, 0.85, 1.0];
const BACKGROUND: f32 = 0.07;
/// How strongly an ellipse colours what it covers.
const FILL: f32 = 0.10;

/// Shows where the tokens are: an ellipse at one sigma for each, small ones warm and large ones cool, and the outlines of the
/// regions where there are any.
#[node(category = "GPSToken", outputs(image: "the drawing"))]
pub fn draw_tokens(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// Drawn upon, darkened a little; a dark canvas of the tokens' size without it.
    image: Option<Image>,
    /// How many times larger than the picture the drawing is.
    #[input(default = 1, min = 1, max = 8)]
    scale: u32,
    ctx: &Ctx,
) -> Result<Image> {
    within(ctx, || {
        let (gaussians, regions, counts, header) = match tokens {
            TokensOrLayout::Tokens(tokens) => (tokens.gaussians, None, tokens.counts, tokens.header),
            TokensOrLayout::Layout(layout) => (layout.gaussians, layout.regions, None, layout.header),
        };
        let [batch, count, _] = gaussians.dims()?;
        let grid = Grid::of_header(&header);
        let scale = scale as usize;
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
            None => (None, header.canvas.map(|side| side as usize * scale)),
        };
        let gaussians = gaussians.as_slice::<f32>()?.as_chunks::<5>().0;
        let regions =
            regions.as_ref().map(|regions| regions.as_slice::<f32>()).transpose()?.map(|r| r.as_chunks::<4>().0);
        let counts = counts.as_ref().map(|counts| counts.as_slice::<i64>()).transpose()?;
        let mut drawn = vec![BACKGROUND; batch * height * width * 3];
        for (b, drawing) in drawn.chunks_exact_mut((height * width * 3).max(1)).enumerate() {
            ctx.step(b, batch)?;
            let line = (width.min(height) as f32 / 512.0).max(1.0);
            let mut drawing = Drawing { pixels: drawing, width, height, scale, line };
            if let Some((values, pictures)) = pictures {
                let size = height * width * 3 / (scale * scale);
                drawing.enlarge(&values[if pictures == 1 { 0 } else { b * size }..][..size], scale);
            }
            let used = counts.map_or(count, |counts| counts[b] as usize);
            let boxes = regions.map_or(&[][..], |regions| &regions[b * count..][..used]);
            drawing.rectangles(boxes);
            drawing.ellipses(&gaussians[b * count..][..used], grid);
        }
        ctx.step(batch, batch)?;
        Image::new(Tensor::from_vec([batch, height, width, 3], drawn)?)
    })
}

/// A picture `[H, W, 3]` that is drawn upon.
struct Drawing<'a> {
    pixels: &'a mut [f32],
    width: usize,
    height: usize,
    /// Pixels of the drawing for one of the picture.
    scale: usize,
    /// Width of lines in pixels.
    line: f32,
}

impl Drawing<'_> {
    fn enlarge(&mut self, picture: &[f32], scale: usize) {
        let (width, columns) = (self.width, self.width / scale);
        for (i, pixel) in self.pixels.chunks_exact_mut(3).enumerate() {
            let from = (i / width / scale * columns + i % width / scale) * 3;
            for (to, value) in pixel.iter_mut().zip(&picture[from..from + 3]) {
                *to = value * 0.8;
            }
        }
    }

    /// The place of a coordinate of -1..1 on an axis, in the drawing's pixels; whole numbers are their centres.
    fn at(&self, side: usize, v: f32) -> f32 {
        let scale = self.scale as f32;
        ((v + 1.0) / 2.0 * (side as f32 / scale - 1.0) + 0.5) * scale - 0.5
    }

    /// How many pixels of the drawing a coordinate of 1 spans on an axis.
    fn unit(&self, side: usize) -> f32 {
        (side as f32 - self.scale as f32) / 2.0
    }

    /// Outlines: a line along the first column and row of each region, so that neighbours share one.
    fn rectangles(&mut self, regions: &[Corners]) {
        let half = (self.scale as f32 - 1.0) / 2.0; // from a pixel's centre to the centres of its outer parts
        for [x0, y0, x1, y1] in regions.iter().filter(|region| region.iter().all(|v| v.is_finite())).copied() {
            let pixel = |side: usize, at: f32| at.round().clamp(0.0, side as f32 - 1.0) as usize;
            let (left, right) = (self.at(self.width, x0) - half, self.at(self.width, x1) + half);
            let (top, bottom) = (self.at(self.height, y0) - half, self.at(self.height, y1) + half);
            let (left, right) = (pixel(self.width, left), pixel(self.width, right));
            let (top, bottom) = (pixel(self.height, top), pixel(self.height, bottom));
            let across = (left..=right).map(|x| (x, top));
            let down = (top + 1..=bottom).map(|y| (left, y));
            for (x, y) in across.chain(down) {
                mix(&mut self.pixels[(y * self.width + x) * 3..][..3], [1.0; 3], 0.22);
            }
        }
    }

    fn ellipses(&mut self, gaussians: &[Gaussian], grid: Grid) {
        let ellipses: Vec<Ellipse> = gaussians.iter().filter_map(|g| Ellipse::new(g, self, grid)).collect();
        self.pixels.par_chunks_exact_mut(self.width * 3).enumerate().for_each(|(y, row)| {
            for ellipse in ellipses.iter().filter(|e| (y as f32 - e.y).abs() <= e.reach_y) {
                ellipse.draw(y as f32, row);
            }
        });
    }
}

/// Where `X^2 - 2 rho X Y + Y^2 = 1 - rho^2`, with `X` and `Y` in sigmas.
struct Ellipse {
    x: f32,
    y: f32,
    sigma_x: f32,
    sigma_y: f32,
    rho: f32,
    line: f32,
    reach_x: f32,
    reach_y: f32,
    colour: [f32; 3],
}

impl Ellipse {
    /// `None` for a token that contributes nothing to a splat, or is off the picture.
    fn new(&[sigma_x, sigma_y, rho, x, y]: &Gaussian, drawing: &Drawing<'_>, grid: Grid) -> Option<Self> {
        let &Drawing { width, height, line, .. } = drawing;
        let usable = [sigma_x, sigma_y, rho, x, y].iter().all(|v| v.is_finite());
        if !usable || sigma_x <= 0.0 || sigma_y <= 0.0 || rho.abs() >= 1.0 {
            return None;
        }
        // By the area, on a logarithmic scale between the sizes that many and few tokens have.
        let relative = (sigma_x * sigma_y).sqrt() * grid.columns.max(grid.rows) as f32;
        let large = ((relative / 0.02).ln() / (0.15f32 / 0.02).ln()).clamp(0.0, 1.0);
        let (sigma_x, sigma_y) = (sigma_x * drawing.unit(width), sigma_y * drawing.unit(height));
        let (x, y) = (drawing.at(width, x), drawing.at(height, y));
        // A line cannot show what is thinner than itself.
        let (sigma_x, sigma_y) = (sigma_x.max(line / 2.0), sigma_y.max(line / 2.0));
        let (reach_x, reach_y) = (sigma_x + line + 1.0, sigma_y + line + 1.0);
        let off = |at: f32, reach: f32, side: usize| at + reach < 0.0 || at - reach > side as f32 - 1.0;
        if off(x, reach_x, width) || off(y, reach_y, height) {
            return None;
        }
        let colour = std::array::from_fn(|i| SMALL[i] + (LARGE[i] - SMALL[i]) * large);
        Some(Self { x, y, sigma_x, sigma_y, rho, line, reach_x, reach_y, colour })
    }

    fn draw(&self, y: f32, row: &mut [f32]) {
        let last = row.len() / 3 - 1;
        let first = (self.x - self.reach_x).ceil().max(0.0) as usize;
        let end = (self.x + self.reach_x).floor().clamp(0.0, last as f32) as usize;
        for x in first..=end.max(first).min(last) {
            let (dx, dy) = ((x as f32 - self.x) / self.sigma_x, (y - self.y) / self.sigma_y);
            let scale = 1.0 / (1.0 - self.rho * self.rho);
            let distance = ((dx * dx - 2.0 * self.rho * dx * dy + dy * dy) * scale).sqrt(); // in sigmas, 1 on the ellipse
            let slope_x = (dx - self.rho * dy) * scale / self.sigma_x;
            let slope_y = (dy - self.rho * dx) * scale / self.sigma_y;
            let slope = (slope_x * slope_x + slope_y * slope_y).sqrt() / distance.max(1e-6); // sigmas in a pixel
            let pixels = (distance - 1.0) / slope.max(1e-6);
            let inside = (0.5 - pixels).clamp(0.0, 1.0);
            let outline = (self.line / 2.0 + 0.5 - pixels.abs()).clamp(0.0, 1.0);
            mix(&mut row[x * 3..x * 3 + 3], self.colour, (FILL * inside).max(0.9 * outline));
        }
    }
}

fn mix(pixel: &mut [f32], colour: [f32; 3], amount: f32) {
    for (value, colour) in pixel.iter_mut().zip(colour) {
        *value += (colour - *value) * amount;
    }
}
