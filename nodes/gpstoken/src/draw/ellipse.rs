//! Draws gaussians as ellipses.

use super::canvas::{Drawing, mix};
use crate::canvas::Gaussian;
use rayon::prelude::*;

/// How an ellipse is drawn.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    /// The distance of the outline from the centre, in sigmas.
    pub(super) sigmas: f32,
    /// How strongly the inside is coloured.
    pub(super) fill: f32,
    /// How strongly the outline is drawn.
    pub(super) outline: f32,
}

/// The ellipse `X^2 - 2 rho X Y + Y^2 = 1 - rho^2`, with `X` and `Y` in sigmas.
pub(super) struct Ellipse {
    x: f32,
    y: f32,
    sigma_x: f32,
    sigma_y: f32,
    rho: f32,
    line: f32,
    reach_x: f32,
    reach_y: f32,
    colour: [f32; 3],
    stroke: Stroke,
}

impl Drawing<'_> {
    /// Draws ellipses in order, later ones on top.
    pub(super) fn ellipses(&mut self, ellipses: &[Ellipse]) {
        self.pixels.par_chunks_exact_mut(self.width * 3).enumerate().for_each(|(y, row)| {
            for ellipse in ellipses.iter().filter(|e| (y as f32 - e.y).abs() <= e.reach_y) {
                ellipse.draw(y as f32, row);
            }
        });
    }
}

impl Ellipse {
    /// The ellipse of a token; `None` for a token that contributes nothing to a splat or lies off the picture.
    pub(super) fn new(
        &[sigma_x, sigma_y, rho, x, y]: &Gaussian,
        colour: [f32; 3],
        stroke: Stroke,
        drawing: &Drawing<'_>,
    ) -> Option<Self> {
        let &Drawing { width, height, line, .. } = drawing;
        let usable = [sigma_x, sigma_y, rho, x, y].iter().all(|v| v.is_finite());
        if !usable || sigma_x <= 0.0 || sigma_y <= 0.0 || rho.abs() >= 1.0 {
            return None;
        }
        let Stroke { sigmas, .. } = stroke;
        let (sigma_x, sigma_y) = (sigma_x * sigmas * drawing.unit(0), sigma_y * sigmas * drawing.unit(1));
        let (x, y) = (drawing.at(0, x), drawing.at(1, y));
        // A line cannot show an ellipse that is thinner than itself.
        let (sigma_x, sigma_y) = (sigma_x.max(line / 2.0), sigma_y.max(line / 2.0));
        let (reach_x, reach_y) = (sigma_x + line + 1.0, sigma_y + line + 1.0);
        let off = |at: f32, reach: f32, side: usize| at + reach < 0.0 || at - reach > side as f32 - 1.0;
        if off(x, reach_x, width) || off(y, reach_y, height) {
            return None;
        }
        Some(Self { x, y, sigma_x, sigma_y, rho, line, reach_x, reach_y, colour, stroke })
    }

    fn draw(&self, y: f32, row: &mut [f32]) {
        let last = row.len() / 3 - 1;
        let first = (self.x - self.reach_x).ceil().max(0.0) as usize;
        let end = (self.x + self.reach_x).floor().clamp(0.0, last as f32) as usize;
        for x in first..=end.max(first).min(last) {
            let (dx, dy) = ((x as f32 - self.x) / self.sigma_x, (y - self.y) / self.sigma_y);
            let scale = 1.0 / (1.0 - self.rho * self.rho);
            let distance = ((dx * dx - 2.0 * self.rho * dx * dy + dy * dy) * scale).sqrt(); // 1 on the ellipse
            let slope_x = (dx - self.rho * dy) * scale / self.sigma_x;
            let slope_y = (dy - self.rho * dx) * scale / self.sigma_y;
            let slope = (slope_x * slope_x + slope_y * slope_y).sqrt() / distance.max(1e-6); // of the distance, in a pixel
            let pixels = (distance - 1.0) / slope.max(1e-6);
            let inside = (0.5 - pixels).clamp(0.0, 1.0);
            let outline = (self.line / 2.0 + 0.5 - pixels.abs()).clamp(0.0, 1.0);
            let amount = (self.stroke.fill * inside).max(self.stroke.outline * outline);
            mix(&mut row[x * 3..x * 3 + 3], self.colour, amount);
        }
    }
}
