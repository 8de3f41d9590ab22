//! `std.StrokesMask`

use crate::{
    drawn_mask::{CanvasSize, check_finite, covered},
    memory::zeros,
    parallel::pieces,
};
use serde::Deserialize;
use splatgraph_sdk::prelude::*;

/// A line of a round brush.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stroke {
    /// The points of the line, in pixels: [x, y]. A single point is a dot.
    pub points: Vec<[f32; 2]>,
    /// Half the width of the line, in pixels.
    pub radius: f32,
}

/// Draws brush strokes as a mask: 1 under the brush, 0 elsewhere.
///
/// Write strokes as `{"__value__": [{"points": [[40, 60], [90, 80]], "radius": 12}]}`, in pixels from the upper left corner. Strokes
/// have round ends and may leave the picture.
#[node(category = "Mask", outputs(mask: "One mask, [1, H, W]."))]
pub fn strokes_mask(
    /// The picture for which the mask is; only its size matters.
    image: Option<Image>,
    /// A list of strokes: {"points": [[x, y], ..], "radius": r}.
    strokes: Json<Vec<Stroke>>,
    /// The width of the transition from 1 to 0, in pixels; half of it lies on each side of the edge.
    #[input(default = 0.0, min = 0, max = 65536)]
    feather: f32,
    #[input(flatten)] canvas: CanvasSize,
    ctx: &Ctx,
) -> Result<Mask> {
    check_finite(&[("feather", feather)])?;
    let [width, height] = canvas.or_of(image.as_ref())?;
    for (i, stroke) in strokes.0.iter().enumerate() {
        check(stroke, i)?;
    }
    let segments: Vec<Segment> = strokes.0.iter().flat_map(Segment::of).collect();
    ctx.on_threads(|| {
        let mut mask = zeros::<f32>(width * height)?;
        pieces(&mut mask, width, &|y, line| {
            if !ctx.cancelled() {
                segments.iter().for_each(|segment| segment.draw(y, line, feather));
            }
        });
        ctx.check()?;
        Mask::new(Tensor::from_vec([1, height, width], mask)?)
    })
}

fn check(stroke: &Stroke, index: usize) -> Result<()> {
    let Stroke { points, radius } = stroke;
    if !radius.is_finite() || *radius <= 0.0 {
        return Err(Error::input(
            "strokes",
            format!("expected a radius above 0, got {radius} for stroke {index} (from 0)"),
        ));
    }
    if points.is_empty() || points.iter().flatten().any(|v| !v.is_finite()) {
        return Err(Error::input(
            "strokes",
            format!("expected at least one point of two finite numbers, got {points:?} for stroke {index} (from 0)"),
        ));
    }
    Ok(())
}

/// A straight piece of a stroke.
struct Segment {
    from: [f32; 2],
    to: [f32; 2],
    radius: f32,
}

impl Segment {
    fn of(stroke: &Stroke) -> Vec<Self> {
        let radius = stroke.radius;
        match stroke.points[..] {
            [dot] => vec![Self { from: dot, to: dot, radius }],
            _ => stroke.points.windows(2).map(|pair| Self { from: pair[0], to: pair[1], radius }).collect(),
        }
    }

    /// Draws the part of the segment in row `y`.
    fn draw(&self, y: usize, line: &mut [f32], feather: f32) {
        let Self { from, to, radius } = self;
        let reach = radius + feather / 2.0;
        let at_y = y as f32 + 0.5;
        if at_y < from[1].min(to[1]) - reach || at_y > from[1].max(to[1]) + reach {
            return;
        }
        let first = (from[0].min(to[0]) - reach).floor().max(0.0) as usize;
        let end = (from[0].max(to[0]) + reach).ceil().clamp(0.0, line.len() as f32) as usize;
        for (x, value) in line.iter_mut().enumerate().take(end).skip(first) {
            let distance = self.distance([x as f32 + 0.5, at_y]) - radius;
            *value = value.max(covered(distance, feather));
        }
    }

    /// The distance of a place from the segment.
    fn distance(&self, [x, y]: [f32; 2]) -> f32 {
        let Self { from, to, .. } = self;
        let along = [to[0] - from[0], to[1] - from[1]];
        let length = along[0] * along[0] + along[1] * along[1];
        let part = ((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length;
        let part = if length > 0.0 { part.clamp(0.0, 1.0) } else { 0.0 };
        (x - from[0] - part * along[0]).hypot(y - from[1] - part * along[1])
    }
}
