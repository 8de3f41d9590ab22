//! The node `gpstoken.BoxLayout`.

use crate::{
    canvas::{TILE, grid::Grid},
    partition::{Region, calibration::STEP},
    stages::layout::layout_of,
};
use splatgraph_sdk::{Json, prelude::*};

/// The unit of the numbers of a box.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pixels of a canvas of 256 x 256.
    Pixels,
    /// Fractions of the canvas, 0 to 1.
    Fractions,
}

/// Places tokens in boxes that you draw.
///
/// A box is [x0, y0, x1, y1]: its left, upper, right and lower border, x to the right and y downwards. The node rounds it to
/// whole pixels. Boxes may overlap.
///
/// Without `tokens` each box is one token. With more tokens than boxes, all boxes get equally many, as far as their sizes
/// allow. The node halves the parts of a box again and again, the longer side first, down to 4 pixels. So a small box gets
/// small tokens and a large box gets large tokens. To give a box twice as many tokens, list it twice.
///
/// The boxes need not cover the canvas. CalibrateLayout turns the result into a layout that a generator expects: a partition
/// of the whole canvas, fine where tokens are dense.
#[node(category = "GPSToken", outputs(layout: "a gaussian and a region for each box or part of one"))]
pub fn box_layout(
    /// The boxes, such as [[0, 0, 256, 128], [96, 64, 160, 224]].
    boxes: Json<Vec<Vec<f64>>>,
    /// The number of tokens of all boxes together; 0 gives each box one token.
    #[input(default = 0, min = 0, max = 4096)]
    tokens: u32,
    /// The unit of the boxes' numbers.
    #[input(default = Unit::Pixels)]
    unit: Unit,
) -> Result<Layout> {
    let boxes =
        boxes.0.iter().enumerate().map(|(index, drawn)| region_of(index, drawn, unit)).collect::<Result<Vec<_>>>()?;
    if boxes.is_empty() {
        return Err(Error::input("boxes", "expected at least one box [x0, y0, x1, y1], got none"));
    }
    let tokens = if tokens == 0 { boxes.len() } else { tokens as usize };
    if tokens < boxes.len() {
        return Err(Error::input(
            "tokens",
            format!(
                "expected at least {} tokens, one for each box, got {tokens}. Draw fewer boxes, or set tokens to 0",
                boxes.len()
            ),
        ));
    }
    let grid = Grid { columns: 1, rows: 1 };
    layout_of(1, grid, grid.area(), &[(0, [0, 0])], &[divided(&boxes, tokens)?])
}

fn region_of(index: usize, drawn: &[f64], unit: Unit) -> Result<Region> {
    let error = |what: String| Err(Error::input("boxes", format!("box {index}: expected {what}, got {drawn:?}")));
    let Ok([x0, y0, x1, y1]) = <[f64; 4]>::try_from(drawn) else {
        return error("[x0, y0, x1, y1]".to_owned());
    };
    let (side, scale) = match unit {
        Unit::Pixels => (TILE, 1.0),
        Unit::Fractions => (1, TILE as f64),
    };
    if [x0, y0, x1, y1].iter().any(|place| !(0.0..=side as f64).contains(place)) {
        return error(format!("numbers from 0 to {side}"));
    }
    let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(|place| (place * scale).round() as usize);
    if x1 < x0 + 2 || y1 < y0 + 2 {
        return error("x1 and y1 at least 2 pixels beyond x0 and y0".to_owned());
    }
    Ok(Region { x0, y0, x1: x1 - 1, y1: y1 - 1 })
}

/// The boxes in `tokens` parts; the parts of a box follow one another.
fn divided(boxes: &[Region], tokens: usize) -> Result<Vec<Region>> {
    let mut parts: Vec<Vec<Region>> = boxes.iter().map(|drawn| vec![*drawn]).collect();
    let long = |region: &Region| region.width().max(region.height());
    // The largest part of a box that can be halved; the first of equal ones.
    let largest = |parts: &[Region]| {
        let cuttable = parts.iter().enumerate().rev().filter(|(_, part)| long(part) >= 2 * STEP);
        cuttable.max_by_key(|(_, part)| part.width() * part.height()).map(|(index, _)| index)
    };
    for count in boxes.len()..tokens {
        // The box with the fewest parts; the first of equal ones.
        let next =
            parts.iter_mut().filter_map(|parts| Some((largest(parts)?, parts))).min_by_key(|(_, parts)| parts.len());
        let Some((index, parts)) = next else {
            return Err(Error::input(
                "tokens",
                format!(
                    "expected at most {count} tokens, as the boxes divide into {count} parts of at least {STEP} pixels, got {tokens}. Draw larger boxes, or ask for fewer tokens"
                ),
            ));
        };
        let part = parts[index];
        let halves = if part.width() >= part.height() { part.cut_across_x() } else { part.cut_across_y() };
        parts.splice(index..=index, halves);
    }
    Ok(parts.concat())
}
