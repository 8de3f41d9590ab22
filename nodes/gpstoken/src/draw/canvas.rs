//! The picture to draw on: places of coordinates, outlines of regions, lines and squares.

use crate::canvas::Corners;

/// A picture `[H, W, 3]` to draw on.
pub(super) struct Drawing<'a> {
    pub(super) pixels: &'a mut [f32],
    pub(super) width: usize,
    pub(super) height: usize,
    /// Width and height of the area that coordinates span; the drawing is the upper left part of it.
    pub(super) area: [f32; 2],
    /// Pixels of the drawing for one pixel of the picture, on each axis.
    pub(super) scale: usize,
    /// Width of lines in pixels.
    pub(super) line: f32,
}

impl Drawing<'_> {
    /// Draws a picture as the background, darkened a little.
    pub(super) fn enlarge(&mut self, picture: &[f32]) {
        let (width, scale) = (self.width, self.scale);
        let columns = width / scale;
        for (i, pixel) in self.pixels.chunks_exact_mut(3).enumerate() {
            let from = (i / width / scale * columns + i % width / scale) * 3;
            for (to, value) in pixel.iter_mut().zip(&picture[from..from + 3]) {
                *to = value * 0.8;
            }
        }
    }

    /// The place of a coordinate of -1..1 on axis 0 (x) or 1 (y), in pixels of the drawing; whole numbers are centres of
    /// pixels.
    pub(super) fn at(&self, axis: usize, v: f32) -> f32 {
        let scale = self.scale as f32;
        ((v + 1.0) / 2.0 * (self.area[axis] / scale - 1.0) + 0.5) * scale - 0.5
    }

    /// How many pixels of the drawing a coordinate of 1 spans on an axis.
    pub(super) fn unit(&self, axis: usize) -> f32 {
        (self.area[axis] - self.scale as f32) / 2.0
    }

    /// Draws outlines: a line along the first column and the first row of each region, so that neighbours share a line.
    pub(super) fn rectangles(&mut self, regions: &[Corners]) {
        let half = (self.scale as f32 - 1.0) / 2.0; // from a pixel's centre to the centres of its outer parts
        for [x0, y0, x1, y1] in regions.iter().filter(|region| region.iter().all(|v| v.is_finite())).copied() {
            let pixel = |side: usize, at: f32| at.round().clamp(0.0, side as f32 - 1.0) as usize;
            let (left, right) = (self.at(0, x0) - half, self.at(0, x1) + half);
            let (top, bottom) = (self.at(1, y0) - half, self.at(1, y1) + half);
            // The region lies in the part of the area beyond the drawing.
            if left > self.width as f32 - 0.5 || top > self.height as f32 - 0.5 {
                continue;
            }
            let (left, right) = (pixel(self.width, left), pixel(self.width, right));
            let (top, bottom) = (pixel(self.height, top), pixel(self.height, bottom));
            let across = (left..=right).map(|x| (x, top));
            let down = (top + 1..=bottom).map(|y| (left, y));
            for (x, y) in across.chain(down) {
                mix(&mut self.pixels[(y * self.width + x) * 3..][..3], [1.0; 3], 0.22);
            }
        }
    }

    /// Draws a line from one place to another, with a dot at its end.
    pub(super) fn arrow(&mut self, from: [f32; 2], to: [f32; 2], colour: [f32; 3]) {
        if from.iter().chain(&to).any(|v| !v.is_finite()) {
            return;
        }
        let half = self.line / 2.0;
        let dot = self.line * 1.5;
        let reach = dot + 1.0;
        let end = |low: f32, side: usize| low.clamp(0.0, side as f32) as usize;
        let rows = end((from[1].min(to[1]) - reach).floor(), self.height)
            ..end((from[1].max(to[1]) + reach).ceil(), self.height);
        let columns =
            end((from[0].min(to[0]) - reach).floor(), self.width)..end((from[0].max(to[0]) + reach).ceil(), self.width);
        let along = [to[0] - from[0], to[1] - from[1]];
        let length = along[0] * along[0] + along[1] * along[1];
        for y in rows {
            for x in columns.clone() {
                let (dx, dy) = (x as f32 - from[0], y as f32 - from[1]);
                let part = if length > 0.0 { ((dx * along[0] + dy * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
                let away = (dx - part * along[0]).hypot(dy - part * along[1]);
                let from_end = (x as f32 - to[0]).hypot(y as f32 - to[1]);
                let covered = (half + 0.5 - away).max(dot + 0.5 - from_end).clamp(0.0, 1.0);
                mix(&mut self.pixels[(y * self.width + x) * 3..][..3], colour, 0.9 * covered);
            }
        }
    }

    /// Draws a filled rectangle, clipped to the drawing.
    pub(super) fn square(&mut self, [left, top]: [i64; 2], [width, height]: [i64; 2], colour: [f32; 3], amount: f32) {
        let inside =
            |from: i64, length: i64, side: usize| from.clamp(0, side as i64)..(from + length).clamp(0, side as i64);
        for y in inside(top, height, self.height) {
            for x in inside(left, width, self.width) {
                let at = (y as usize * self.width + x as usize) * 3;
                mix(&mut self.pixels[at..at + 3], colour, amount);
            }
        }
    }
}

pub(super) fn mix(pixel: &mut [f32], colour: [f32; 3], amount: f32) {
    for (value, colour) in pixel.iter_mut().zip(colour) {
        *value += (colour - *value) * amount;
    }
}
